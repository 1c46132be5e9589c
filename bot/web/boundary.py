"""The outermost layer: gives a request its id, writes its line in the log, and lets no crash out."""

from __future__ import annotations

import logging
import re
import secrets
import time
from typing import TYPE_CHECKING

from bot.web.crash import crash
from bot.web.problems import problem_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Boundary"]

_logger = logging.getLogger("acknet.http")
_ID_HEADER = b"x-request-id"
_SAFE_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_LONGEST_PATH = 200


class Boundary:
    """ASGI middleware around everything else.

    A request's own ``X-Request-Id`` is taken over when it is harmless, else one is made; the reply bears it. HEAD is
    served as GET (the server leaves the body out). The log gets method, path without query, status and duration; of a
    crash also where it happened, but no message, which may quote the request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        identifier = _given_id(scope) or secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = identifier
        started = time.perf_counter()
        status = 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                marks = [(_ID_HEADER, identifier.encode()), (b"x-content-type-options", b"nosniff")]
                message = {**message, "headers": [*message.get("headers", ()), *marks]}
            await send(message)

        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        try:
            await self._app({**scope, "method": method}, receive, send_marked)
        except Exception as error:  # noqa: BLE001 (logged; whoever asks gets a problem and an id to quote)
            problem = crash(identifier, error)
            if not status:
                await problem_response(problem, scope)(scope, receive, send_marked)
        finally:
            path = scope.get("raw_path", b"").decode("ascii", "replace")[:_LONGEST_PATH]
            elapsed = (time.perf_counter() - started) * 1000
            outcome = str(status) if status else "client left"
            _logger.info("%s %s: %s, %.1f ms, request %s", scope["method"], path, outcome, elapsed, identifier)


def _given_id(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == _ID_HEADER]
    return given[0].decode() if len(given) == 1 and _SAFE_ID.fullmatch(given[0]) else None
