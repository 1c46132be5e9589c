"""Errors as pages, for whoever came with a browser."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from fastapi.responses import Response

from bot.web.models import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Scope

__all__ = ["error_page", "wants_page"]

_API = ("/v1/", "/healthz", "/readyz", "/metrics", "/openapi.json")


def wants_page(scope: Scope) -> bool:
    """Tell whether a request is a browser's that asks for something to show; the API answers in its own way."""
    accept = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    # Events bring their own problems along.
    shows = b"text/html" in accept and b"text/event-stream" not in accept
    return shows and not scope["path"].startswith(_API)


def error_page(problem: Problem, headers: Mapping[str, str], scope: Scope) -> Response:
    """Return the page that says what ``problem`` says; where waiting helps it asks again by itself."""
    from bot.web.pages.rendering import page

    waits = problem.status == HTTPStatus.SERVICE_UNAVAILABLE and scope["method"] in {"GET", "HEAD"}
    refresh = headers.get("Retry-After") if waits else None
    caller = scope.get("state", {}).get("caller")
    return page("error.html.j2", caller, status=problem.status, headers=headers, problem=problem, refresh=refresh)
