"""MCP over streamable HTTP, as a part of a running acknet: ``POST /mcp``."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from mcp.server import ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.routing import Route

from bot.mcp.server import mcp_server
from bot.part import Background, Part
from bot.service import Service
from bot.web.callers import Caller, caller_of
from bot.web.foundation import ClusterPart, IndexPart, StorePart
from bot.web.problems import ProblemError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["MCP_PATH", "McpPart", "mcp_parts"]

MCP_PATH = "/mcp"


class McpPart(Background):
    """The MCP server behind tokens, limits and the log of the rest. It keeps no sessions: any replica answers."""

    name = "mcp"

    def __init__(self, service: Service) -> None:
        self._sessions = StreamableHTTPSessionManager(
            mcp_server(service, _caller),
            json_response=True,
            stateless=True,
            max_request_body_size=service.settings.max_body_bytes,
        )
        self._running = asyncio.Event()

    def install(self, app: FastAPI) -> None:
        """Add the route. There is no stream to follow (GET) and no session to end (DELETE)."""
        app.router.routes.append(Route(MCP_PATH, _Endpoint(self._sessions), methods=["POST"]))

    async def start(self) -> None:
        """Begin, and be ready for requests."""
        await super().start()
        await self._running.wait()

    async def work(self) -> None:
        """Hold what requests are served in until it is stopped."""
        async with self._sessions.run():
            self._running.set()
            await asyncio.Event().wait()


class _Endpoint:
    """ASGI application that serves whoever may ask."""

    def __init__(self, sessions: StreamableHTTPSessionManager) -> None:
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; raises ProblemError."""
        caller = caller_of(Request(scope))
        if not caller.may("ask"):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                f"The token {caller.name!r} does not have the scope 'ask', which this takes.",
                kind="missing-scope",
            )
        await self._sessions.handle_request(scope, receive, send)


def _caller(context: ServerRequestContext[Any]) -> Caller:
    request: Request | None = context.request
    assert request is not None, "every request comes over HTTP"
    return caller_of(request)


def mcp_parts(service: Service) -> tuple[Part, ...]:
    """Return the parts of an acknet that speaks nothing but MCP."""
    return (IndexPart(service), StorePart(service), ClusterPart(service), McpPart(service))
