"""The page's own style sheet, script and icon. Nothing comes from anywhere else."""

from __future__ import annotations

import hashlib
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import NamedTuple

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.web.problems import ProblemError

__all__ = ["add_static", "static_url"]

_TYPES = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_FOREVER = "public, max-age=31536000, immutable"


class _File(NamedTuple):
    body: bytes
    digest: str


def static_url(name: str) -> str:
    """Return where ``name`` is served; the address changes with what the file holds."""
    return f"/static/{name}?v={_file(name).digest}"


def add_static(router: APIRouter) -> None:
    """Serve the files."""

    @router.get("/static/{name}", include_in_schema=False)
    async def static(name: str, request: Request) -> Response:
        if name not in _TYPES:
            raise ProblemError(HTTPStatus.NOT_FOUND, "There is no such file.")
        body, digest = _file(name)
        fresh = request.query_params.get("v") == digest
        headers = {"Cache-Control": _FOREVER if fresh else "no-cache", "Cross-Origin-Resource-Policy": "same-origin"}
        return Response(body, media_type=_TYPES[name], headers=headers)


@cache
def _file(name: str) -> _File:
    body = files("bot.web.pages").joinpath("static", name).read_bytes()
    return _File(body, hashlib.sha256(body).hexdigest()[:12])
