"""HTTP/1.1 on the socket: what goes wrong before there is a request."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from bot.web.problems import ProblemError, problem_response

__all__ = ["HttpProtocol"]


class HttpProtocol(H11Protocol):
    """uvicorn's protocol with a time limit for a request's head, and problem details where the head cannot be read.

    The server as it comes waits for ever for a head that never ends, so that a few idle clients can take all its
    connections.
    """

    head_seconds: ClassVar[float] = 30.0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in the base class
        """Begin to wait for a head."""
        super().connection_made(transport)
        # Its lines hold the query; switched off in the configuration, they still reach handlers added afterwards.
        self.access_log = False
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._forget_deadline()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Act on what has come; the clock stands still while a request is under way."""
        super().handle_events()
        self._watch_head()

    def send_400_response(self, msg: str) -> None:
        """Answer something that is not HTTP, where the connection can still take an answer."""
        if self.conn.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            detail = f"{msg.rstrip('.')}: not HTTP/1.1, or its head is too large."
            response = problem_response(ProblemError(HTTPStatus.BAD_REQUEST, detail))
            headers = [*response.raw_headers, (b"connection", b"close")]
            reason = HTTPStatus.BAD_REQUEST.phrase.encode()
            for event in (
                h11.Response(status_code=response.status_code, headers=headers, reason=reason),
                h11.Data(data=bytes(response.body)),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch_head(self) -> None:
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._forget_deadline()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.head_seconds, self.timeout_keep_alive_handler)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
