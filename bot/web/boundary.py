"""The outermost layer: gives a request its id, writes its line in the log, and lets no crash out."""

from __future__ import annotations

import logging
import re
import secrets
import time
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from structlog.contextvars import bound_contextvars

from bot.observe.tracing import Span, span
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

        inner = {**scope, "method": "GET" if scope["method"] == "HEAD" else scope["method"]}
        with bound_contextvars(request_id=identifier), _span(scope) as note:
            try:
                await self._app(inner, receive, send_marked)
            except Exception as error:  # noqa: BLE001 (logged; whoever asks gets a problem and an id to quote)
                problem = crash(identifier, error)
                if not status:
                    await problem_response(problem, scope)(scope, receive, send_marked)
            finally:
                note("http.response.status_code", status)
                _log(scope, status, (time.perf_counter() - started) * 1000, identifier)


def _given_id(scope: Scope) -> str | None:
    given = [value for name, value in scope["headers"] if name == _ID_HEADER]
    return given[0].decode() if len(given) == 1 and _SAFE_ID.fullmatch(given[0]) else None


def _span(scope: Scope) -> AbstractContextManager[Span]:
    parents = [value for name, value in scope["headers"] if name == b"traceparent"]
    known = {"http.request.method": scope["method"], "url.path": _path(scope)}
    return span(f"HTTP {scope['method']}", known, parent=parents[0].decode("latin-1") if len(parents) == 1 else "")


def _log(scope: Scope, status: int, elapsed: float, identifier: str) -> None:
    path, outcome = _path(scope), str(status) if status else "client left"
    known = {"method": scope["method"], "path": path, "status": status, "elapsed_ms": round(elapsed, 1)}
    _logger.info(
        "%s %s: %s, %.1f ms, request %s", scope["method"], path, outcome, elapsed, identifier, extra={"http": known}
    )


def _path(scope: Scope) -> str:
    path: bytes = scope.get("raw_path", b"")
    return path.decode("ascii", "replace")[:_LONGEST_PATH]
