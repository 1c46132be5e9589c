"""Signed requests to an app's own address."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.delivery import Attempt, Delivery
from tests.doubles.slack.people import App
from tests.doubles.slack.signing import signed_headers

__all__ = ["HttpCourier"]

_REDIRECTS = 2


class HttpCourier:
    """Posts to the app's request URL; gives up waiting after the time to acknowledge, whatever comes later."""

    def __init__(self, app: App, clock: Clock, timings: Timings) -> None:
        self._app, self._clock, self._timings = app, clock, timings
        self._session: aiohttp.ClientSession | None = None

    async def attempt(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        body, content_type = _encoded(delivery)
        # Signed in the app's time: what the double's clock was advanced by would make it a replay.
        headers = signed_headers(body, self._app.signing_secret, self._clock.app_time(), content_type)
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        at, url = self._clock.now(), self._app.request_url or ""
        request = asyncio.create_task(self._post(url, body, headers))
        overdue = asyncio.create_task(self._clock.until(at + self._timings.ack))
        try:
            await asyncio.wait({request, overdue}, return_when=asyncio.FIRST_COMPLETED)
            took = self._clock.now() - at
            if not request.done():
                return Attempt(number, reason, at, url, took, "http_timeout")
            failure, status, answer, final = request.result()
            return Attempt(number, reason, at, url, took, failure, answer, status, final)
        finally:
            for task in (request, overdue):
                task.cancel()
            await asyncio.gather(request, overdue, return_exceptions=True)

    async def verify(self, url: str) -> bool:
        """Tell whether an address answers the challenge that it has to before it is used."""
        challenge = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
        token = self._app.verification_token
        body = json.dumps({"token": token, "challenge": challenge, "type": "url_verification"}).encode()
        headers = signed_headers(body, self._app.signing_secret, self._clock.app_time())
        failure, _, answer, _ = await self._post(url, body, headers)
        given = answer.get("challenge") if isinstance(answer, dict) else answer
        return not failure and given == challenge

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[str, int | None, Any, bool]:
        if self._session is None:
            self._session = aiohttp.ClientSession(trust_env=False)
        try:
            async with self._session.post(
                url, data=body, headers=headers, max_redirects=_REDIRECTS + 1, timeout=aiohttp.ClientTimeout(None)
            ) as response:
                answer = _decoded(await response.read(), response.content_type)
                if response.status // 100 == 2:
                    return "", response.status, answer, False
                return "http_error", response.status, answer, response.headers.get("X-Slack-No-Retry") == "1"
        except aiohttp.TooManyRedirects:
            return "too_many_redirects", None, None, False
        except aiohttp.ClientSSLError:
            return "ssl_error", None, None, False
        except aiohttp.ClientConnectionError:
            return "connection_failed", None, None, False
        except aiohttp.ClientError:
            return "unknown_error", None, None, False


def _encoded(delivery: Delivery) -> tuple[bytes, str]:
    form = "application/x-www-form-urlencoded"
    if delivery.kind == "events_api":
        return json.dumps(delivery.payload, ensure_ascii=False).encode(), "application/json"
    if delivery.kind == "slash_commands":
        return urlencode(delivery.payload).encode(), form
    return urlencode({"payload": json.dumps(delivery.payload, ensure_ascii=False)}).encode(), form


def _decoded(body: bytes, content_type: str) -> Any:
    if not body:
        return None
    text = body.decode(errors="replace")
    if content_type != "application/json":
        return text
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
