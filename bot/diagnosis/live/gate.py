"""Which requests may leave: GET of what is on the allow-list, watching where it was configured, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from yarl import URL

from bot.diagnosis.resources import ALLOWED, Resource

__all__ = ["LARGEST_PAGE", "LOG_NAMESPACE", "LONGEST_WATCH", "WATCHED", "Gate", "Refused"]

LARGEST_PAGE = 500
"""How many objects one request may ask for; a list without a limit does not pass."""

LOG_NAMESPACE = "kube-system"
"""The one namespace whose containers' logs are read."""

LONGEST_WATCH = 600
"""Seconds that one watch may last; one without an end does not pass."""

WATCHED = ("events", "pods")
"""What is watched, in the namespaces that the settings name."""

_LABEL = r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?"
_SUBDOMAIN = rf"(?=.{{1,253}}(?:/|$)){_LABEL}(?:\.{_LABEL})*"
_WORD = r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,251}[A-Za-z0-9])?"
_TERM = rf"(?:{_WORD}/)?{_WORD}=(?:(?:{_WORD}/)?{_WORD})?"
_SELECTOR = rf"{_TERM}(?:,{_TERM})*"
_NUMBER = r"0|[1-9][0-9]{0,8}"

_LIST = {
    "limit": _NUMBER,
    "continue": r"[A-Za-z0-9_=-]{1,4096}",
    "labelSelector": _SELECTOR,
    "fieldSelector": _SELECTOR,
}
_LOG = {
    "container": _LABEL,
    "tailLines": _NUMBER,
    "sinceSeconds": _NUMBER,
    "limitBytes": _NUMBER,
    "previous": "true|false",
}
_WATCH = {
    "watch": "1",
    "allowWatchBookmarks": "true",
    "resourceVersion": r"[A-Za-z0-9_-]{1,128}",
    "timeoutSeconds": _NUMBER,
    "fieldSelector": _SELECTOR,
}
# Nothing of a list or a log leaves without saying how much of it is wanted.
_BOUNDS = {"list": "limit", "log": "limitBytes", "watch": "timeoutSeconds"}

_HEADERS = frozenset({"accept", "accept-encoding", "authorization", "host", "user-agent"})
_ADDRESS = re.compile(r"https?://[^/?#@\\]+")
_URL = re.compile(rf"(?P<server>{_ADDRESS.pattern})(?P<path>/[^?#]*)(?:\?(?P<query>[^#]*))?")


class Refused(Exception):
    """A request was not sent because it is not one that acknet makes; the text says why and holds no secret."""


class Gate:
    """Lets requests to one API server pass that only read what ``allowed`` names.

    ``server`` is the address that was configured; a path in it (an API server behind a gateway) comes before every
    other. Events and pods may be watched in the namespaces ``watched``, by default in none. ValueError says that the
    server is no address, or a namespace no name.
    """

    def __init__(self, server: str, allowed: Iterable[Resource] = ALLOWED, watched: Iterable[str] = ()) -> None:
        match = _URL.fullmatch(f"{server.rstrip('/')}/")
        if match is None or match["query"] is not None or not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/", match["path"]):
            raise ValueError("not the address of a server (https://HOST:PORT)")
        self._server = _origin(match["server"])
        if not self._server.host:
            raise ValueError("not the address of a server (https://HOST:PORT)")
        self._base = match["path"].rstrip("/")
        self._endpoints = _endpoints(tuple(allowed))
        self._watched = _watched(tuple(allowed), tuple(watched))

    def check(self, method: str, url: str, headers: Mapping[str, str], *, body: bool = False) -> None:
        """Raise Refused unless this request may leave; ``url`` is the text that is requested, ``body`` if it has one.

        Names and values of headers are those that would be sent; what is in Authorization is not looked at.
        """
        if method != "GET":
            raise Refused(f"{_shown(method)} is not GET")
        if body:
            raise Refused("a request with a body")
        match = _URL.fullmatch(url) if re.fullmatch(r"[\x21-\x7e]{1,8192}", url) else None
        if match is None:
            raise Refused(f"{_shown(url)} is not a plain URL")
        if not self._is_server(match["server"]):
            raise Refused("a request to another server than the configured one")
        self._check_headers(headers)
        path = match["path"].removeprefix(f"{self._base}/")
        if path == match["path"]:
            raise Refused("a path outside of the configured one")
        endpoint = next((name for name, pattern in self._endpoints if pattern.fullmatch(f"/{path}")), None)
        if endpoint is None:
            raise Refused(f"{_shown(f'/{path}')} is not on the allow-list")
        if endpoint == "list" and f"/{path}" in self._watched and _asks_to_watch(match["query"]):
            endpoint = "watch"
        _check_query(endpoint, match["query"])

    def _is_server(self, address: str) -> bool:
        return bool(_ADDRESS.fullmatch(address)) and _origin(address) == self._server

    def _check_headers(self, headers: Mapping[str, str]) -> None:
        for name, value in headers.items():
            if name.lower() not in _HEADERS:
                raise Refused(f"the header {_shown(name)}")
            if not all(char.isprintable() for char in value):
                raise Refused(f"a control character in the header {_shown(name)}")
            if name.lower() == "host" and not self._is_server(f"{self._server.scheme}://{value}"):
                raise Refused("a Host header that is not the configured server")


def _endpoints(allowed: tuple[Resource, ...]) -> tuple[tuple[str, re.Pattern[str]], ...]:
    groups = {each.group for each in allowed if each.group}
    paths: dict[str, list[str]] = {
        "": ["/version", "/apis", *(f"/apis/{re.escape(group)}" for group in groups)],
        "list": [],
        "get": [],
        "log": [],
    }
    for each in allowed:
        # The path is escaped first: what it is filled with are patterns.
        whole, scoped = (re.escape(each.path(namespace)) for namespace in (None, "NAMESPACE"))
        scoped = scoped.replace("NAMESPACE", _LABEL)
        paths["list"] += [whole, scoped] if each.namespaced else [whole]
        paths["get"] += [f"{scoped if each.namespaced else whole}/{_SUBDOMAIN}"]
        if each.qualified == "pods":
            paths["log"] += [f"{re.escape(each.path(LOG_NAMESPACE))}/{_SUBDOMAIN}/log"]
    return tuple((endpoint, re.compile("|".join(patterns))) for endpoint, patterns in paths.items() if patterns)


def _watched(allowed: tuple[Resource, ...], namespaces: tuple[str, ...]) -> frozenset[str]:
    """Return the paths of what may be watched."""
    for namespace in namespaces:
        if not re.fullmatch(_LABEL, namespace):
            raise ValueError(f"{_shown(namespace)} is no name of a namespace")
    kinds = [each for each in allowed if each.qualified in WATCHED]
    return frozenset(each.path(namespace) for each in kinds for namespace in namespaces)


def _asks_to_watch(query: str | None) -> bool:
    return any(part.partition("=")[0] == "watch" for part in (query or "").split("&"))


def _check_query(endpoint: str, query: str | None) -> None:
    allowed = {"list": _LIST, "log": _LOG, "watch": _WATCH}.get(endpoint, {})
    given: dict[str, str] = {}
    for part in query.split("&") if query is not None else ():
        name, equals, text = part.partition("=")
        if not equals or name not in allowed or name in given:
            raise Refused(f"the query parameter {_shown(name)}")
        given[name] = unquote(text)
        if not re.fullmatch(allowed[name], given[name]):
            raise Refused(f"the value of the query parameter {name}")
    bound = _BOUNDS.get(endpoint)
    if bound and not int(given.get(bound, 0)):
        raise Refused(f"a {endpoint} without {bound}")
    if endpoint == "list" and int(given["limit"]) > LARGEST_PAGE:
        raise Refused(f"a page of more than {LARGEST_PAGE} objects")
    if endpoint == "watch" and int(given["timeoutSeconds"]) > LONGEST_WATCH:
        raise Refused(f"a watch of more than {LONGEST_WATCH} s")


def _origin(address: str) -> URL:
    try:
        url = URL(address)
        # The two ways to write a default port are one server.
        return url.with_port(url.port).origin() if url.host else URL()
    except ValueError:
        return URL()


def _shown(text: str) -> str:
    printable = ascii(text)
    return printable if len(printable) <= 120 else f"{printable[:120]}…"
