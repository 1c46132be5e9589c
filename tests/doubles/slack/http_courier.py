"""Signed requests to an app's own address."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import Any
from urllib.parse import urlencode

from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.delivery import Attempt, Delivery
from tests.doubles.slack.http_sender import HttpSender, MalformedAnswer, TooManyRedirects
from tests.doubles.slack.people import App
from tests.doubles.slack.signing import signed_headers

__all__ = ["HttpCourier"]


class HttpCourier:
    """Posts to the app's request URL; gives up waiting after the time to acknowledge, whatever comes later."""

    def __init__(self, app: App, clock: Clock, timings: Timings) -> None:
        self._app, self._clock, self._timings = app, clock, timings
        self._sender = HttpSender()

    async def attempt(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        body, content_type = _encoded(delivery)
        # Signed in the app's time: what the double's clock was advanced by would make it a replay.
        headers = signed_headers(body, self._app.signing_secret, self._clock.app_time(), content_type)
        if number:
            headers |= {"X-Slack-Retry-Num": str(number), "X-Slack-Retry-Reason": reason}
        at, url = self._clock.now(), self._app.request_url or ""
        request = asyncio.create_task(self._post(url, body, headers))
        overdue = self._clock.alarm(at + self._timings.ack)
        try:
            await asyncio.wait({request, overdue}, return_when=asyncio.FIRST_COMPLETED)
            took = self._clock.now() - at
            if not request.done():
                return Attempt(number, reason, at, url, took, "http_timeout")
            failure, status, answer, final = request.result()
            return Attempt(number, reason, at, url, took, failure, answer, status, final)
        finally:
            overdue.cancel()
            if not request.done():
                request.cancel()
                await asyncio.gather(request, return_exceptions=True)

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
        await self._sender.close()

    async def _post(self, url: str, body: bytes, headers: dict[str, str]) -> tuple[str, int | None, Any, bool]:
        try:
            response = await self._sender.post(url, body, headers)
        except TooManyRedirects:
            return "too_many_redirects", None, None, False
        except ssl.SSLError:
            return "ssl_error", None, None, False
        except OSError:
            return "connection_failed", None, None, False
        except MalformedAnswer:
            return "unknown_error", None, None, False
        answer = _decoded(response.body, response.content_type)
        if response.status // 100 == 2:
            return "", response.status, answer, False
        return "http_error", response.status, answer, response.headers.get("x-slack-no-retry") == "1"


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
