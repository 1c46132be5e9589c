"""Turns templates into replies with the headers that keep a page from doing anything it is not meant to."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.responses import HTMLResponse

from bot import __version__
from bot.render.html import html_environment
from bot.web.callers import Caller
from bot.web.pages.static import static_url

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["page", "render"]

_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not no-referrer: with it, browsers send the page's own forms with "Origin: null".
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}


def page(
    template: str,
    caller: Caller | None,
    *,
    status: int = HTTPStatus.OK,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """Return the page that ``template`` makes of ``context``, with links to what ``caller`` (None: nobody) may see."""
    text = render(template, **context, looks_after=caller is not None and caller.may("admin"))
    return HTMLResponse(text, status_code=status, headers={**_HEADERS, **(headers or {})})


def render(template: str, **context: Any) -> str:
    """Return what ``template`` makes of ``context``."""
    return _environment().get_template(template).render(**context)


@cache
def _environment() -> Environment:
    from jinja2 import PackageLoader

    environment = html_environment(PackageLoader("bot.web.pages"))
    environment.globals |= {"static_url": static_url, "version": __version__}
    return environment
