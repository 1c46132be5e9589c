"""Socket Mode, watched: a connection that does not come back by itself is replaced."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import aiohttp
from slack_bolt import BoltResponse
from slack_bolt.adapter.socket_mode.async_internals import send_async_response
from slack_bolt.async_app import AsyncBoltRequest
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

__all__ = ["SocketMode"]

_logger = logging.getLogger("acknet.slack")

_PING_SECONDS = 10.0
_PATIENCE_SECONDS = 20.0
_PAUSES = (1.0, 2.0, 5.0, 15.0, 60.0)


class SocketMode:
    """Keeps one connection open through which ``dispatch`` gets what happens, and how to make a request of Bolt of it.

    The SDK reconnects by itself, but not out of every trouble: it goes on to dial an address that can be used only
    once. What is not connected for ``patience`` seconds is thrown away and begun anew.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        app_token: str,
        dispatch: Callable[[Mapping[str, Any], Callable[[], AsyncBoltRequest]], Awaitable[BoltResponse]],
        *,
        ping_seconds: float = _PING_SECONDS,
        patience: float = _PATIENCE_SECONDS,
        connected: Callable[[bool], None] = lambda _is: None,
    ) -> None:
        self._web_client, self._token, self._dispatch = client, app_token, dispatch
        self._ping_seconds, self._patience = ping_seconds, patience
        self._connected = connected
        self._client: SocketModeClient | None = None
        self._handling: set[asyncio.Task[None]] = set()
        self.trouble = ""
        """Why there is no connection, in a word of Slack's; empty while there is one."""

    async def is_connected(self) -> bool:
        """Tell whether there is a connection that answers."""
        return self._client is not None and await self._client.is_connected()

    async def work(self) -> None:
        """Connect and stay connected until cancelled."""
        failures = 0
        while True:
            begun = time.monotonic()
            try:
                await self._connect_and_watch()
            except SlackApiError as error:
                self.trouble = str(error.response.get("error") or "refused")
                _logger.error("slack: no connection: %s", self.trouble)  # noqa: TRY400
            except Exception as error:  # noqa: BLE001 (a network fails in many ways, and each is tried again)
                self.trouble = type(error).__name__
                _logger.warning("slack: no connection: %s", self.trouble)
            finally:
                self._connected(False)
                await self._close()
            failures = 0 if time.monotonic() - begun > 2 * self._patience else failures
            await asyncio.sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
            failures += 1

    async def stop(self) -> None:
        """Take nothing more; what came is acknowledged first."""
        if self._client is not None:
            self._client.auto_reconnect_enabled = False
        if self._handling:
            await asyncio.wait(self._handling, timeout=3)
        await self._close()

    async def _connect_and_watch(self) -> None:
        self._client = client = SocketModeClient(
            app_token=self._token,
            logger=logging.getLogger("acknet.slack.socket"),
            web_client=self._web_client,
            ping_interval=self._ping_seconds,
        )
        client.socket_mode_request_listeners.append(self._take)
        # Not within connect(): there an error of the token would be tried again for ever.
        client.wss_uri = await client.issue_new_wss_url()
        async with asyncio.timeout(self._patience):
            await client.connect()  # type: ignore[no-untyped-call]
        last = time.monotonic()
        while time.monotonic() - last < self._patience:
            if await client.is_connected():
                last, self.trouble = time.monotonic(), ""
                self._connected(True)
            else:
                self._connected(False)
            await asyncio.sleep(min(1.0, self._ping_seconds))
        self.trouble = "the connection was lost and did not come back"
        _logger.warning("slack: %s; it is begun anew", self.trouble)

    async def _take(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Handle one envelope and acknowledge it; one that is not, Slack sends again."""
        task = asyncio.current_task()
        if task is not None:
            self._handling.add(task)
            task.add_done_callback(self._handling.discard)
        begun = time.time()
        headers: dict[str, str | Sequence[str]] = {"x-slack-retry-num": str(request.retry_attempt or 0)}
        response = await self._dispatch(
            request.payload, lambda: AsyncBoltRequest(mode="socket_mode", body=request.payload, headers=headers)
        )
        try:
            await send_async_response(client, request, response, begun)
        except (OSError, aiohttp.ClientError) as error:
            _logger.info("slack: an acknowledgement got lost with its connection: %s", error)

    async def _close(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        tasks = [client.message_processor, client.current_session_monitor, client.message_receiver]
        try:
            await client.close()  # type: ignore[no-untyped-call]
        finally:
            await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
