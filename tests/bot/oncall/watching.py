"""The watcher and what works on its findings, in a thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bot.oncall.part import AlertsPart
from bot.oncall.watch.part import WatchPart
from bot.opening import EngineOpening
from bot.part import Assembly, Condition
from bot.service import Service
from bot.settings import Settings
from tests.doubles.engine import StandInEngine

__all__ = ["RunningWatch", "running_watch"]

TICK_SECONDS = 0.1


@dataclass
class RunningWatch:
    """A watcher that runs."""

    loop: asyncio.AbstractEventLoop
    part: WatchPart

    def condition(self) -> Condition:
        return asyncio.run_coroutine_threadsafe(self.part.condition(), self.loop).result(30)


@contextmanager
def running_watch(settings: Settings) -> Iterator[RunningWatch]:
    """Watch until the block is left."""
    loop, stop, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    parts: list[WatchPart] = []

    async def run() -> None:
        opening = EngineOpening(StandInEngine)
        opening.start()
        service = Service(settings, opening)
        alerts = AlertsPart(service)
        parts.append(WatchPart(service, alerts.wake, tick=TICK_SECONDS))
        async with Assembly([alerts, *parts]):
            ready.set()
            await stop.wait()
        await service.close()

    def work() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(run())

    thread = threading.Thread(target=work, name="watch")
    thread.start()
    try:
        assert ready.wait(30), "the watcher did not start"
        yield RunningWatch(loop, parts[0])
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(30)
    assert not thread.is_alive(), "the watcher did not stop"
