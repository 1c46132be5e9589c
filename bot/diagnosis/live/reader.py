"""Reads a live cluster through the official client."""

from __future__ import annotations

import datetime as dt
import http
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from bot.diagnosis.live.exchange import Answer, Budget, Exchange
from bot.diagnosis.live.gate import LARGEST_PAGE
from bot.diagnosis.live.kubeconfig import NoCluster, find_access
from bot.diagnosis.object_store import check_fields
from bot.diagnosis.reader import Listing, LogWindow, Object, Unreadable
from bot.diagnosis.resources import LOGS, Resource, resource

__all__ = ["Budget", "LiveReader", "NoCluster", "failure"]

_PODS = resource("pods")
_LONGEST_ERROR = 64 * 1024
# Each has half as many lines as came before, which has to fit at some time.
_LOG_TRIES = 4
# What the API server and the kubelet say where there is no log: 400, the words are all that tells.
_NO_LOG = re.compile(
    r"previous terminated container .* not found|container .* is not valid for pod|is waiting to start|"
    r"container .* is (not available|terminated)"
)


class LiveReader:
    """A Reader over an API server; it lets nothing but reading leave (see ``bot.diagnosis.live.gate``)."""

    def __init__(self, source: str, exchange: Exchange) -> None:
        self.source = source
        self._exchange = exchange
        self._version: str | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        kubeconfig: Path | None = None,
        context: str | None = None,
        *,
        budget: Budget | None = None,
        login_timeout: float = 20.0,
    ) -> AsyncIterator[Self]:
        """Find the cluster as kubectl does, and read it within ``budget``; ``context`` stands in for the current one.

        A credential plugin may take ``login_timeout`` seconds. Raises NoCluster where none is configured or the login
        fails; that the cluster does not answer shows when it is read.
        """
        access = await find_access(kubeconfig, context, login_timeout=login_timeout)
        try:
            exchange = Exchange(access.configuration, budget or Budget())
        except ValueError as error:
            raise NoCluster(f"the kubeconfig's server is {error}; correct it there") from error
        except OSError as error:
            raise NoCluster(
                f"the kubeconfig's certificates cannot be read ({type(error).__name__}); does kubectl work with it?"
            ) from None
        try:
            yield cls(access.source, exchange)
        finally:
            await exchange.close()

    @property
    def requests(self) -> int:
        """How many requests left, further tries included."""
        return self._exchange.requests

    @property
    def bytes(self) -> int:
        """How many bytes of answers were read, those of failures included."""
        return self._exchange.bytes

    async def now(self) -> dt.datetime:
        """Return the time by the server's clock, or by this machine's where the server does not tell."""
        if self._exchange.clock is None:
            # Whatever the answer is, the time comes with it.
            with suppress(Unreadable):
                await self.version()
        return self._exchange.clock or dt.datetime.now(dt.UTC)

    async def version(self) -> str:
        """As Reader.version; it is asked for once."""
        if self._version is None:
            what = "the server's version"
            answer = await self._exchange.get(what, "/version", largest=_LONGEST_ERROR)
            if answer.status != http.HTTPStatus.OK:
                raise failure(what, answer, "get /version")
            version = _object(what, answer.body).get("gitVersion")
            if not isinstance(version, str) or not version:
                raise _nonsense(what)
            self._version = version
        return self._version

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """As Reader.get."""
        _check_scope(resource, namespace, required=True)
        what = f"get {resource.qualified} {f'{namespace}/' if namespace else ''}{name}"
        answer = await self._exchange.get(what, resource.path(namespace, name))
        if answer.status == http.HTTPStatus.NOT_FOUND and _details(answer).get("name") == name:
            return None
        if answer.status != http.HTTPStatus.OK:
            raise failure(what, answer, f"get {resource.qualified}", resource)
        found = _object(what, answer.body)
        if not _is_object(found, namespace, name):
            raise _nonsense(what)
        return _typed(found, resource)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """As Reader.list; raises ValueError for a field that the API server cannot select by."""
        _check_scope(resource, namespace, required=False)
        check_fields(resource, fields or {})
        if limit < 1:
            raise ValueError("a list is limited to at least one object")
        what = f"list {resource.qualified}" + (f" in namespace {namespace}" if namespace else "")
        selectors = {"labelSelector": labels, "fieldSelector": fields}
        query = [
            (name, ",".join(f"{key}={value}" for key, value in wanted.items()))
            for name, wanted in selectors.items()
            if wanted
        ]
        for _ in range(2):
            try:
                return await self._pages(what, resource, namespace, query, limit)
            except _ListExpired:
                continue
        raise Unreadable(what, "failed", "the list changed faster than it could be read")

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        """As Reader.log; where the lines do not fit into ``window.limit_bytes``, fewer are read."""
        what = f"log of {namespace}/{pod} container {container}" + (" (previous)" if window.previous else "")
        # The API server cuts at the end, where the newest lines are: what it has cut is read again with fewer lines.
        tail = window.tail_lines
        for _ in range(_LOG_TRIES):
            answer = await self._log_part(what, namespace, pod, container, replace(window, tail_lines=tail))
            if answer is None:
                return None
            part = answer.body
            if len(part) <= window.limit_bytes:
                return part.decode(errors="replace")
            if tail == 1:
                break
            tail = max(part.count(b"\n") // 2, 1)
        raise Unreadable(what, "failed", f"its newest lines are longer than {window.limit_bytes} bytes")

    async def _log_part(self, what: str, namespace: str, pod: str, container: str, window: LogWindow) -> Answer | None:
        # One byte more than is wanted shows whether something was cut.
        query = [("container", container), ("tailLines", str(window.tail_lines))]
        query += [("limitBytes", str(window.limit_bytes + 1))]
        query += [("sinceSeconds", str(window.since_seconds))] if window.since_seconds is not None else []
        query += [("previous", "true")] if window.previous else []
        path = f"{_PODS.path(namespace, pod)}/log"
        largest = max(window.limit_bytes + 1, _LONGEST_ERROR)
        answer = await self._exchange.get(what, path, query, accept="application/json, */*", largest=largest)
        if answer.status == http.HTTPStatus.OK:
            return answer
        if answer.status == http.HTTPStatus.NOT_FOUND and _details(answer).get("name") == pod:
            return None
        if answer.status == http.HTTPStatus.BAD_REQUEST and _NO_LOG.search(str(_status(answer).get("message"))):
            return None
        raise failure(what, answer, f"get {LOGS}", _PODS)

    async def _pages(
        self, what: str, resource: Resource, namespace: str | None, query: Sequence[tuple[str, str]], limit: int
    ) -> Listing:
        items: list[Object] = []
        token = ""
        while True:
            page = [("limit", str(min(limit - len(items), LARGEST_PAGE)))] + ([("continue", token)] if token else [])
            answer = await self._exchange.get(what, resource.path(namespace), [*query, *page])
            if answer.status == http.HTTPStatus.GONE and token:
                raise _ListExpired
            if answer.status == http.HTTPStatus.NOT_FOUND and _details(answer).get("kind") == "namespaces":
                return Listing([], complete=True)
            if answer.status != http.HTTPStatus.OK:
                raise failure(what, answer, f"list {resource.qualified}", resource)
            found, token = _page(what, answer.body, resource, namespace)
            if token and not found:
                raise _nonsense(what)  # it would go on for ever
            items += found
            if not token or len(items) >= limit:
                return Listing(items[:limit], complete=not token and len(items) <= limit)


class _ListExpired(Exception):
    """The rest of a list is not to be had any more."""


def _check_scope(resource: Resource, namespace: str | None, *, required: bool) -> None:
    if namespace is not None and not resource.namespaced:
        raise ValueError(f"{resource.qualified} have no namespace")
    if namespace is None and resource.namespaced and required:
        raise ValueError(f"{resource.qualified} are in a namespace")


# Answers


def failure(what: str, answer: Answer, permission: str, resource: Resource | None = None) -> Unreadable:
    """Return what an answer that is none means: that ``what`` cannot be read, for want of ``permission`` perhaps."""
    status = _status(answer)
    if answer.status == http.HTTPStatus.FORBIDDEN and status:
        return Unreadable(what, "forbidden", permission)
    if answer.status == http.HTTPStatus.UNAUTHORIZED:
        return Unreadable(what, "failed", "the server does not accept the credentials; log in again")
    if answer.status == http.HTTPStatus.NOT_FOUND and resource and _is_no_route(answer, status):
        return Unreadable(what, "not_served", f"the server has no {resource.qualified}")
    if 300 <= answer.status < 400:
        return Unreadable(what, "failed", "the server sends elsewhere, where acknet does not follow")
    return Unreadable(what, "failed", f"the server answers {_named(answer.status)}")


def _is_no_route(answer: Answer, status: Mapping[str, Any]) -> bool:
    return answer.body.strip() == b"404 page not found" or (bool(status) and not _details(answer).get("name"))


def _nonsense(what: str) -> Unreadable:
    return Unreadable(what, "failed", "the server's answer makes no sense")


def _named(status: int) -> str:
    try:
        return f"{status} {http.HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _status(answer: Answer) -> Mapping[str, Any]:
    """Return the Status in a failure, empty where it is none: something else on the way may have answered."""
    value = _json(answer.body)
    return value if isinstance(value, dict) and value.get("kind") == "Status" else {}


def _details(answer: Answer) -> Mapping[str, Any]:
    details = _status(answer).get("details")
    return details if isinstance(details, dict) else {}


def _object(what: str, body: bytes) -> dict[str, Any]:
    value = _json(body)
    if not isinstance(value, dict):
        raise _nonsense(what)
    return value


def _page(what: str, body: bytes, resource: Resource, namespace: str | None) -> tuple[list[Object], str]:
    """Return the objects in a page of a list, and what to ask for the next one with."""
    page = _object(what, body)
    # Go writes a list that holds nothing as null, too.
    items = page.get("items", ()) or []
    metadata = page.get("metadata")
    token = (metadata.get("continue") if isinstance(metadata, dict) else None) or ""
    usable = "items" in page and isinstance(items, list) and isinstance(token, str)
    if not usable or not all(_is_object(item, namespace) for item in items):
        raise _nonsense(what)
    return [_typed(item, resource) for item in items], token


def _is_object(value: Any, namespace: str | None, name: str | None = None) -> bool:
    metadata = value.get("metadata") if isinstance(value, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        return False
    return (name is None or metadata["name"] == name) and (
        namespace is None or metadata.get("namespace", namespace) == namespace
    )


def _typed(item: dict[str, Any], resource: Resource) -> Object:
    """Return an object that says what it is, which those of a list may not."""
    return {"apiVersion": resource.api_version, "kind": resource.kind, **item}


def _json(body: bytes) -> Any:
    """Return what a body holds; None where it is no JSON, or JSON that could not be written again."""
    try:
        value = json.loads(body, parse_constant=_no_number)
        if re.search(rb"\\u[dD][89a-fA-F]", body):
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return value


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no JSON")
