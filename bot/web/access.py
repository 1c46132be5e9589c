"""Lets a request in that comes with a token, or from this machine; everything else is refused before it is read."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.settings import Settings
from bot.settings.tokens import digest_of
from bot.web.callers import LOCAL_CALLER, Caller
from bot.web.limits import refuse
from bot.web.problems import ProblemError
from bot.web.rate import RateLimit

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["Access", "is_loopback"]


_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORWARDED = frozenset({b"forwarded", b"via", b"x-real-ip", b"true-client-ip", b"cf-connecting-ip"})
_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::\d{1,5})?")


def is_loopback(address: str) -> bool:
    """Tell whether only this machine reaches what listens on the IP ``address``."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


class Access:
    """ASGI middleware that finds out who asks (`caller_of`), and bounds how often a token is used.

    Without a token a request has to come straight from this machine: its peer and its Host header are loopback, and no
    proxy shows. The Host header tells a web page that had its name resolve to 127.0.0.1 (DNS rebinding) from a program
    here. What changes something must not come from another site's page, in whose requests a browser puts what it
    knows of this one. ``open_paths`` are let through: what is behind them checks who asks.
    """

    def __init__(self, app: ASGIApp, settings: Settings, open_paths: Sequence[str]) -> None:
        self._app = app
        self._callers = {token.digest: Caller(token.name, token.scopes) for token in settings.api_tokens}
        self._open_locally = settings.open_locally
        self._rate = RateLimit(settings.rate_limit)
        self._open = frozenset(open_paths)
        self._open_below = tuple(path for path in open_paths if path.endswith("/"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            try:
                scope.setdefault("state", {})["caller"] = self._admit(scope)
            except ProblemError as error:
                await refuse(error, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path in self._open or path.startswith(self._open_below)

    def _admit(self, scope: Scope) -> Caller:
        """Return who asks; raises ProblemError."""
        given = _values(scope, b"authorization")
        if given:
            caller = self._callers.get(digest_of(_token(given)))
            if caller is None:
                raise _unauthorized(scope, "The token is not known here; acknet token new makes one.", "invalid_token")
            if (wait := self._rate.take(caller.name)) > 0:
                raise ProblemError(
                    HTTPStatus.TOO_MANY_REQUESTS,
                    f"The token {caller.name!r} has been used {self._rate.a_minute} times within a minute.",
                    kind="rate-limited",
                    headers={"Retry-After": str(wait)},
                )
        elif self._open_locally and _comes_from_here(scope):
            caller = LOCAL_CALLER
        else:
            raise _unauthorized(scope, _how_to_get_in(scope, self._open_locally))
        if scope["method"] not in _SAFE_METHODS and _is_from_another_site(scope):
            raise ProblemError(
                HTTPStatus.FORBIDDEN, "A page of another site sent this, which is not taken.", kind="cross-site"
            )
        return caller


def _values(scope: Scope, name: bytes) -> list[bytes]:
    return [value for key, value in scope["headers"] if key == name]


def _token(given: list[bytes]) -> str:
    """Return the token of an Authorization header: a bearer's, or the password of a browser's dialogue."""
    scheme, _, value = given[0].decode("latin-1").partition(" ")
    value = value.strip()
    if len(given) > 1:
        return ""
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode("utf-8", "replace").partition(":")[2]
        except binascii.Error:
            return ""
    return ""


def _comes_from_here(scope: Scope) -> bool:
    client, hosts = scope.get("client"), _values(scope, b"host")
    if client is None or not is_loopback(client[0]) or len(hosts) != 1 or not _names_this_machine(hosts[0]):
        return False
    # Proxies speak HTTP/1.0 unless told otherwise, or leave one of these.
    names = {key for key, _ in scope["headers"]}
    by_proxy = names & _FORWARDED or any(name.startswith(b"x-forwarded-") for name in names)
    return scope["http_version"] != "1.0" and not by_proxy


def _names_this_machine(host: bytes) -> bool:
    written = _HOST.fullmatch(host.decode("latin-1"))
    if written is None:
        return False
    name = written["name"].strip("[]").lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return is_loopback(name)
    except ValueError:
        return False


def _is_from_another_site(scope: Scope) -> bool:
    if any(value not in {b"same-origin", b"none"} for value in _values(scope, b"sec-fetch-site")):
        return True
    hosts = _values(scope, b"host")
    return any(_netloc(origin) != hosts[0].lower() for origin in _values(scope, b"origin")) if hosts else False


def _netloc(origin: bytes) -> bytes:
    try:
        return urlsplit(origin.decode("latin-1")).netloc.lower().encode("latin-1")
    except ValueError:
        return b""


def _how_to_get_in(scope: Scope, open_locally: bool) -> str:
    way = "Send a token: Authorization: Bearer acknet_…; acknet token new makes one."
    if not open_locally or scope.get("client") is None or not is_loopback(scope["client"][0]):
        return way
    return (
        f"{way} Without one only this machine gets in, under the name localhost or 127.0.0.1, straight (HTTP/1.1, no "
        "proxy between)."
    )


def _unauthorized(scope: Scope, detail: str, error: str | None = None) -> ProblemError:
    # A browser asks its user only for Basic; the password is the token then.
    wants_page = any(b"text/html" in value for value in _values(scope, b"accept"))
    challenge = 'Basic realm="acknet: the password is your token", charset="UTF-8"' if wants_page else "Bearer"
    if error and not wants_page:
        challenge += f' error="{error}"'
    return ProblemError(HTTPStatus.UNAUTHORIZED, detail, kind="unauthorized", headers={"WWW-Authenticate": challenge})
