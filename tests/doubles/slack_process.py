"""acknet's Slack bot in a process of its own, which can be killed at any step of its event loop."""

from __future__ import annotations

import asyncio
import datetime as dt
import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from multiprocessing.sharedctypes import Synchronized
from typing import Any

from bot.opening import EngineOpening
from bot.service import Service
from bot.settings import Settings
from bot.slack.bot import SlackBot
from bot.store import RetryPolicy, Store, utc_now
from tests.doubles.engine import StandInEngine, shipped_corpus
from tests.doubles.slack_bot import QUICK, http_server

__all__ = ["BotProcess", "Clock"]

shipped_corpus()  # read once, before processes are forked

# Processes are forked from one that has all this loaded and no thread.
_fork = multiprocessing.get_context("forkserver")
_fork.set_forkserver_preload([__name__])

Clock = Synchronized
"""Seconds that the clocks of all bots are ahead by: what lets the leases of the dead end."""


class _MortalLoop(asyncio.SelectorEventLoop):
    """Ends the process, as kill -9 does, at its ``last`` step after the first event has come (0: never)."""

    def __init__(self, last: int) -> None:
        super().__init__()
        self.is_armed = False
        self._last = last
        self._steps = 0

    def _run_once(self) -> None:
        if self.is_armed:
            self._steps += 1
            if self._steps == self._last:
                os.kill(os.getpid(), signal.SIGKILL)
        super()._run_once()  # type: ignore[misc]


def _run(settings: dict[str, Any], clock: Clock[float], last: int, ready: Connection) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    loop = _MortalLoop(last)
    asyncio.set_event_loop(loop)
    loop.run_until_complete(_serve(Settings(**settings), clock, loop, ready))


@dataclass
class BotProcess:
    """A bot that runs in a process from ``start`` on; with ``last`` it is killed at that step.

    ``run`` is what the process does: it sends where it takes events over HTTP ("": it does not) once it does.
    """

    settings: dict[str, Any]
    clock: Clock[float]
    last: int = 0
    run: Callable[[dict[str, Any], Clock[float], int, Connection], None] = _run
    url: str = ""
    _process: BaseProcess | None = field(default=None, repr=False)

    @staticmethod
    def new_clock() -> Clock[float]:
        return _fork.Value("d", 0.0)

    def start(self) -> BotProcess:
        """Start it; when this returns it listens, or is being connected."""
        ours, theirs = _fork.Pipe()
        self._process = _fork.Process(target=self.run, args=(self.settings, self.clock, self.last, theirs), daemon=True)
        self._process.start()
        theirs.close()
        assert ours.poll(60), "the bot did not start"
        self.url = ours.recv()
        ours.close()
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def stop(self) -> None:
        """Let it drain and end."""
        if self._process is not None and self._process.is_alive():
            self._process.terminate()
        self.join()

    def kill(self) -> None:
        if self._process is not None and self._process.is_alive():
            self._process.kill()
        self.join()

    def join(self) -> None:
        if self._process is not None:
            self._process.join(60)
            assert not self._process.is_alive(), "the bot did not end"
            self._process.close()
            self._process = None


async def _serve(settings: Settings, clock: Clock[float], loop: _MortalLoop, ready: Connection) -> None:
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    opening = EngineOpening(StandInEngine)
    opening.start()
    await asyncio.to_thread(opening.wait)

    def now() -> dt.datetime:
        return utc_now() + dt.timedelta(seconds=clock.value)

    retries = RetryPolicy(first=dt.timedelta(milliseconds=20), longest=dt.timedelta(seconds=1))
    store = Store(settings.store_url, clock=now, retries=retries, seconds=20)
    service = Service(settings, opening, store=store)
    bot = SlackBot(service, tempo=QUICK)
    await bot.start()
    take_message = bot._listeners.take_message

    async def arm(body: Any) -> bool:
        loop.is_armed = True
        return await take_message(body)

    bot._listeners.take_message = arm  # type: ignore[method-assign]
    server = None
    if settings.slack_app_token is None:
        server, url = await http_server(bot)
        ready.send(url)
    else:
        ready.send("")
    await stopped.wait()
    if server is not None:
        await server.shutdown()
    await bot.stop()
    await service.close()
