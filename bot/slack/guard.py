"""Stands before all that comes from Slack over HTTP: what is too large, old or unsigned is not even parsed."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

__all__ = ["SlackGuard", "signature_of"]

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_MOST_BYTES = 1024 * 1024
_SECONDS = 10.0
_WINDOW_SECONDS = 300
_TIMESTAMP = re.compile(rb"[0-9]{1,12}")
_TIMESTAMP_HEADER, _SIGNATURE_HEADER = b"x-slack-request-timestamp", b"x-slack-signature"


class _Turned(Exception):
    """A request that is turned away."""

    def __init__(self, status: int, says: str) -> None:
        super().__init__(says)
        self.status = status


def signature_of(secret: str, timestamp: bytes, body: bytes) -> bytes:
    """Return how Slack signs ``body`` at ``timestamp``."""
    signed = hmac.new(secret.encode(), b"v0:" + timestamp + b":" + body, hashlib.sha256)
    return b"v0=" + signed.hexdigest().encode()


class SlackGuard:
    """An ASGI application that lets POSTs signed with ``secret`` pass to ``handle``, and nothing else.

    ``handle`` takes the headers and the body, which is text, and returns status, headers and body. ``clock`` tells
    seconds since 1970.
    """

    def __init__(
        self,
        secret: str,
        handle: Callable[[Mapping[str, list[str]], str], Awaitable[tuple[int, Mapping[str, str], str]]],
        *,
        clock: Callable[[], float] = time.time,
        turned_away: Callable[[int], None] = lambda _status: None,
    ) -> None:
        self._secret, self._handle, self._clock, self._turned_away = secret, handle, clock, turned_away

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            return
        try:
            headers = _headers(scope["headers"])
            body = await self._body(scope, headers, receive)
            text = self._checked(headers, body)
        except _Turned as turned:
            self._turned_away(turned.status)
            await _answer(send, turned.status, {"content-type": "text/plain; charset=utf-8"}, f"{turned}\n")
            return
        passed = {
            name.decode("latin-1"): [value.decode("latin-1") for value in values] for name, values in headers.items()
        }
        status, answered, said = await self._handle(passed, text)
        await _answer(send, status, answered, said)

    async def _body(self, scope: Scope, headers: Mapping[bytes, list[bytes]], receive: Receive) -> bytes:
        if scope["method"] != "POST":
            raise _Turned(405, "Slack posts.")
        declared = headers.get(b"content-length", [b"0"])
        if len(declared) != 1 or not declared[0].isdigit():
            raise _Turned(400, "The length is no number.")
        if int(declared[0][:20]) > _MOST_BYTES:
            raise _Turned(413, "The body is too large.")
        if not headers.get(_SIGNATURE_HEADER) or not headers.get(_TIMESTAMP_HEADER):
            raise _Turned(401, "The request is not signed.")
        parts, size = [], 0
        try:
            async with asyncio.timeout(_SECONDS):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise _Turned(400, "The request was cut off.")
                    part = message.get("body", b"")
                    size += len(part)
                    if size > _MOST_BYTES:
                        raise _Turned(413, "The body is too large.")
                    parts.append(part)
                    if not message.get("more_body"):
                        return b"".join(parts)
        except TimeoutError as error:
            raise _Turned(408, "The body took too long.") from error

    def _checked(self, headers: Mapping[bytes, list[bytes]], body: bytes) -> str:
        """Return the body as text once it is known to be Slack's."""
        timestamps, signatures = headers[_TIMESTAMP_HEADER], headers[_SIGNATURE_HEADER]
        if len(timestamps) != 1 or len(signatures) != 1 or not _TIMESTAMP.fullmatch(timestamps[0]):
            raise _Turned(401, "The signature cannot be read.")
        if abs(self._clock() - int(timestamps[0])) > _WINDOW_SECONDS:
            raise _Turned(401, "The request is too old.")
        if not hmac.compare_digest(signature_of(self._secret, timestamps[0], body), signatures[0]):
            raise _Turned(401, "The signature is not Slack's.")
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _Turned(400, "The body is not UTF-8.") from error


def _headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        found.setdefault(name.lower(), []).append(value)
    return found


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: str) -> None:
    content = body.encode("utf-8", "replace")
    sent = {**headers, "content-length": str(len(content))}
    if status >= 400 and status not in (408, 429) and status < 500:
        sent["x-slack-no-retry"] = "1"
    pairs = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})
