"""Routes that take a JSON body and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from email.message import Message
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from bot.web.problems import ProblemError

__all__ = ["JsonRoute"]


class _StrictRequest(Request):
    async def json(self) -> Any:
        """Return the body's value.

        Stricter than the standard library: UTF-8 only, no lone surrogates, no NaN, bounded nesting.
        """
        try:
            return from_json(await self.body(), allow_inf_nan=False)
        except ValueError as error:
            # The parser's message tells the place and what is wrong there, never the text.
            raise ProblemError(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}.", kind="not-json") from error


class JsonRoute(APIRoute):
    """A route whose requests hold UTF-8 JSON: another content type is a 415, bad JSON a 400."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what serves a request."""
        serve = super().get_route_handler()

        async def handler(request: Request) -> Response:
            _require_json(request)
            strict = _StrictRequest(request.scope, request.receive)
            if not await strict.body():
                raise ProblemError(HTTPStatus.BAD_REQUEST, "The body is empty; send a JSON object.", kind="not-json")
            return await serve(strict)

        return handler if self.body_field else serve


def _require_json(request: Request) -> None:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, without a Content-Encoding.")
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    charset = str(message.get_param("charset", "utf-8")).lower()
    if message.get_content_type() != "application/json" or charset not in {"utf-8", "utf8"}:
        raise ProblemError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send JSON in UTF-8, with Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
