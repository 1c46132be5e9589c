"""Bounds how much a request's body may hold and how long it may take to come."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.web.problems import ProblemError, problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimits", "refuse"]

_LINGER_SECONDS = 1.0


class _TooLargeError(Exception):
    """The body holds more than it may."""


class BodyLimits:
    """ASGI middleware that reads the whole body before anything else sees the request.

    More than ``max_bytes`` is a 413, counted as it comes whatever its Content-Length says; a body that is not there
    after ``seconds`` is a 408. Both end the connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, seconds: float) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._seconds):
                body = await self._read(scope, receive)
        except _TooLargeError:
            await refuse(self._too_large(), scope, receive, send)
            return
        except TimeoutError:
            await problem_response(self._slow(), scope)(scope, receive, send)
            return
        if body is None:
            return
        delivered = False

        async def replay() -> Message:
            nonlocal delivered
            if delivered:
                return await receive()
            delivered = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self._app(scope, replay, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the body, or None when the client went away before its end."""
        # What is declared too large is not even asked for (a client that waits for 100 Continue sends nothing).
        if _declared_length(scope) > self._max_bytes:
            raise _TooLargeError
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            if len(body) > self._max_bytes:
                raise _TooLargeError
            if not message.get("more_body", False):
                return bytes(body)

    def _too_large(self) -> ProblemError:
        return ProblemError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"The body may hold {self._max_bytes} bytes; send the part that matters.",
            kind="body-too-large",
        )

    def _slow(self) -> ProblemError:
        return ProblemError(
            HTTPStatus.REQUEST_TIMEOUT,
            f"The body has to be there within {self._seconds:g} s.",
            kind="slow-body",
            headers={"Connection": "close"},
        )


async def refuse(error: ProblemError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with ``error`` a request whose body nobody has read, and end the connection if there is one."""
    if not _has_body(scope):
        await problem_response(error, scope)(scope, receive, send)
        return

    async def send_slowly(message: Message) -> None:
        if message["type"] == "http.response.body":
            # Closing with unread data resets the connection, and a client still sending would lose the reply:
            # the reply goes out whole, and then what comes is thrown away for a moment.
            await send({**message, "more_body": True})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER_SECONDS):
                    await _discard(receive)
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await send(message)

    response = problem_response(error, scope)
    response.headers["Connection"] = "close"
    await response(scope, receive, send_slowly)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0"))
        for name, value in scope["headers"]
    )


def _declared_length(scope: Scope) -> int:
    given: bytes = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    # A few digits are more than any limit; thousands of them are more than int() reads.
    return int(given[:20]) if given.isdigit() else 0


async def _discard(receive: Receive) -> None:
    while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
        pass
