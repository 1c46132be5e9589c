"""Apps built with Bolt that listen to the Slack double, over either transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from tests.doubles.slack import SlackPlatform

__all__ = ["bolt_app", "client_of", "listening_over_http", "listening_over_socket"]


def client_of(slack: SlackPlatform, **options: Any) -> AsyncWebClient:
    return AsyncWebClient(options.pop("token", slack.bot_token), base_url=slack.base_url, **options)


def bolt_app(slack: SlackPlatform, **options: Any) -> AsyncApp:
    return AsyncApp(client=client_of(slack), signing_secret=slack.signing_secret, **options)


@asynccontextmanager
async def listening_over_socket(slack: SlackPlatform, app: AsyncApp) -> AsyncIterator[AsyncSocketModeHandler]:
    """Let ``app`` listen through one Socket Mode connection."""
    handler = AsyncSocketModeHandler(app, slack.app_token, ping_interval=1)
    await handler.connect_async()
    try:
        yield handler
    finally:
        await handler.close_async()


@asynccontextmanager
async def listening_over_http(slack: SlackPlatform, app: AsyncApp) -> AsyncIterator[str]:
    """Let ``app`` listen at a loopback port, which becomes its request URL."""
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield slack.request_url
    finally:
        slack.request_url = None
        await runner.cleanup()
