"""acknet's Slack bot in a thread, in front of the Slack double, over either transport."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from bot.opening import AskEngine, EngineOpening
from bot.service import Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.slack.bot import SlackBot, Tempo
from bot.store import RetryPolicy, Store, utc_now
from tests.doubles.engine import StandInEngine
from tests.doubles.slack import SlackPlatform

__all__ = ["QUICK", "RunningBot", "Transport", "http_server", "running_bot", "slack_settings"]

Transport = Literal["socket", "http"]
T = TypeVar("T")

QUICK = Tempo(lease=60, idle=0.05, ping=2, patience=5, drain=10)
"""So patient that a busy machine is not taken for a crash, and quick to look for what is left."""


def slack_settings(slack: SlackPlatform, directory: Path, transport: Transport = "socket", **more: Any) -> Settings:
    tokens: dict[str, Any] = {"slack_bot_token": slack.bot_token, "slack_base_url": slack.base_url.rstrip("/")}
    if transport == "socket":
        tokens["slack_app_token"] = slack.app_token
    else:
        tokens["slack_signing_secret"] = slack.signing_secret
    return Settings(**({"store_url": StoreUrl(f"sqlite:///{directory}/acknet.db")} | tokens | more))


@dataclass
class RunningBot:
    """A bot that runs; ``url`` is where it takes events over HTTP."""

    service: Service
    bot: SlackBot
    loop: asyncio.AbstractEventLoop
    url: str = ""

    def run(self, work: Callable[[], Awaitable[T]], seconds: float = 30) -> T:
        """Return what ``work`` returns, run in the bot's loop."""

        async def call() -> T:
            return await work()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(seconds)


@contextmanager
def running_bot(
    slack: SlackPlatform,
    settings: Settings,
    engine: Callable[[], AskEngine] = StandInEngine,
    *,
    tempo: Tempo = QUICK,
    opened: bool = True,
    connected: bool = True,
    ahead: float = 0.0,
) -> Iterator[RunningBot]:
    """Run a bot until the block is left; when it is entered, events come through, unless not ``connected`` yet.

    The clock of its store is ``ahead`` by so many seconds: leases of those before it have ended.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="slack-bot")
    thread.start()
    running: RunningBot | None = None
    server: uvicorn.Server | None = None

    def run(work: Awaitable[T]) -> T:
        async def call() -> T:
            return await work

        return asyncio.run_coroutine_threadsafe(call(), loop).result(60)

    async def start() -> RunningBot:
        opening = EngineOpening(engine)
        opening.start()
        if opened:
            await asyncio.to_thread(opening.wait)
        retries = RetryPolicy(first=dt.timedelta(milliseconds=50))
        store = Store(
            settings.store_url,
            retries=retries,
            seconds=20,
            clock=lambda: utc_now() + dt.timedelta(seconds=ahead),
        )
        service = Service(settings, opening, store=store)
        bot = SlackBot(service, tempo=tempo)
        await bot.start()
        return RunningBot(service, bot, loop)

    async def stop() -> None:
        if running is not None:
            if server is not None:
                await server.shutdown()
            await running.bot.stop()
            await running.service.close()

    try:
        running = run(start())
        if settings.slack_app_token is not None and not connected:
            yield running
            return
        if settings.slack_app_token is not None:
            slack.wait_until(lambda: slack.connections, timeout=90)
        else:
            server, running.url = run(http_server(running.bot))
            slack.request_url = running.url
        yield running
    finally:
        slack.request_url = None
        run(stop())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


async def http_server(bot: SlackBot) -> tuple[uvicorn.Server, str]:
    """Let ``bot`` listen at a free port; return the server, which has to be shut down, and where events go."""
    assert bot.endpoint is not None
    app = Starlette(routes=[Route("/slack/events", bot.endpoint)])
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False, ws="none", lifespan="off")
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}/slack/events"
