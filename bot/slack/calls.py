"""Calls of Slack's Web API, and what a failed one means for whoever has something to send."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

__all__ = ["Limited", "Refused", "SlackCalls", "Trouble"]

_logger = logging.getLogger("acknet.slack")

T = TypeVar("T")

_SECONDS = 10
_MOST_WAIT = 3600
# Not the message, but the app's configuration is wrong: somebody may mend it.
_MENDABLE = {
    "invalid_auth",
    "not_authed",
    "account_inactive",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "access_denied",
}
_SERVER = {"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"}


class Trouble(Exception):
    """A call failed in a way that passes; it is not known whether it took effect."""


class Limited(Exception):
    """A call came too early and took no effect; it may be made again ``after`` seconds."""

    def __init__(self, after: float) -> None:
        super().__init__(f"too early by {after:g} s")
        self.after = after


class Refused(Exception):
    """Slack does not do what was asked, and would not the next time; ``error`` is its word for why.

    ``mendable``: because of tokens or scopes, which somebody can set right.
    """

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error
        self.mendable = error in _MENDABLE


class SlackCalls:
    """Calls methods through ``client``, which does not try again by itself."""

    def __init__(self, client: AsyncWebClient) -> None:
        self.client = client

    async def call(self, method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> Mapping[str, Any]:
        """Return what a method of the client answers; raises Trouble, Limited, Refused."""

        async def run() -> Mapping[str, Any]:
            answer = await method(**arguments)
            return answer.data if isinstance(answer.data, dict) else {}

        return await _explained(run)

    async def attempt(self, method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any) -> bool:
        """Call for something that answers do not depend on; False: it did not work, as the log says."""
        try:
            await self.call(method, **arguments)
        except (Trouble, Limited, Refused) as error:
            _logger.info("%s did not work: %s", getattr(method, "__name__", "a call"), error)
            return False
        return True

    async def respond(self, url: str, payload: Mapping[str, Any]) -> None:
        """Post to a response URL; raises Trouble, Limited, Refused."""

        async def run() -> None:
            timeout = aiohttp.ClientTimeout(_SECONDS)
            async with (
                aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
                session.post(url, json=dict(payload), allow_redirects=False) as response,
            ):
                if response.status == 429:
                    raise Limited(_wait(response.headers.get("Retry-After")))
                if response.status >= 500 or response.content_type == "text/html":  # a proxy's page
                    raise Trouble(f"HTTP {response.status}")
                if response.status != 200:
                    raise Refused(_word(await response.text()))

        await _explained(run)


async def _explained(run: Callable[[], Awaitable[T]]) -> T:
    try:
        async with asyncio.timeout(2 * _SECONDS):
            return await run()
    except SlackApiError as error:
        response = error.response
        status = getattr(response, "status_code", 200)
        if status == 429:
            raise Limited(_wait(response.headers.get("Retry-After"))) from error
        word = _error(response)
        if status >= 500 or word in _SERVER or not word:
            raise Trouble(f"HTTP {status}{word and ': '}{word}") from error
        raise Refused(word) from error
    except (TimeoutError, OSError, aiohttp.ClientError, SlackClientError, json.JSONDecodeError) as error:
        raise Trouble(type(error).__name__) from error


def _error(response: Any) -> str:
    """Return Slack's word for what is wrong; empty where it is not Slack that answers, but say a proxy's page."""
    said = getattr(response, "data", response)
    return str(said.get("error") or "") if isinstance(said, Mapping) else ""


def _wait(header: Any) -> float:
    value = header[0] if isinstance(header, list) and header else header
    try:
        return min(max(float(value), 0.0), _MOST_WAIT)
    except (TypeError, ValueError):
        return 1.0


def _word(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text[:80] or "refused"
