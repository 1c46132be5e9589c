"""Following events and pods of a namespace as they change: a list, then a watch that goes on from there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal, Self

from bot.diagnosis.live.exchange import Answer, Budget, Exchange, Rejected
from bot.diagnosis.live.gate import LARGEST_PAGE
from bot.diagnosis.live.kubeconfig import NoCluster, find_access
from bot.diagnosis.live.reader import failure
from bot.diagnosis.reader import Object, Unreadable
from bot.diagnosis.resources import Resource

__all__ = ["Change", "ClusterWatch", "Expired", "Listed"]

_MOST_PAGES = 8
_LARGEST_OBJECT = 2 * 1024 * 1024
_WATCH_SECONDS = 300
"""How long a watch is asked for; it goes on with the next one where it ended."""
_MARGIN_SECONDS = 30
# A watch has no end; each request has.
_UNBOUNDED = Budget(requests=10**15, bytes=10**18, seconds=30.0)

_TYPES = {"ADDED", "MODIFIED", "DELETED", "BOOKMARK"}


class Expired(Exception):
    """The server no longer knows what was before; the list has to be read anew."""


@dataclass(frozen=True, slots=True)
class Listed:
    """What is there; ``version`` is where a watch goes on. ``complete``: False where there is more than is read."""

    items: Sequence[Object]
    version: str
    complete: bool


@dataclass(frozen=True, slots=True)
class Change:
    """A change and the ``version`` after it; a BOOKMARK tells that and nothing else."""

    kind: Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]
    item: Object
    version: str


class ClusterWatch:
    """Lists and watches events and pods in the namespaces it was opened for; nothing else leaves (see ``gate``)."""

    def __init__(self, source: str, exchange: Exchange) -> None:
        self.source = source
        self._exchange = exchange

    @classmethod
    @asynccontextmanager
    async def open(
        cls, kubeconfig: Path | None, context: str | None, namespaces: Collection[str]
    ) -> AsyncIterator[Self]:
        """Find the cluster as kubectl does; raises NoCluster where none is configured, or the login fails."""
        access = await find_access(kubeconfig, context, login_timeout=20.0)
        try:
            exchange = Exchange(access.configuration, _UNBOUNDED, watched=namespaces)
        except ValueError as error:
            raise NoCluster(f"it cannot be watched: {error}") from error
        except OSError as error:
            raise NoCluster(f"the kubeconfig's certificates cannot be read ({type(error).__name__})") from None
        try:
            yield cls(access.source, exchange)
        finally:
            await exchange.close()

    async def list(self, resource: Resource, namespace: str, fields: Mapping[str, str]) -> Listed:
        """Return what is there now. Raises Unreadable."""
        what = f"list {resource.qualified} in namespace {namespace}"
        items: list[Object] = []
        token, version = "", ""
        for _ in range(_MOST_PAGES):
            query = [("fieldSelector", _selector(fields)), ("limit", str(LARGEST_PAGE))]
            query += [("continue", token)] if token else []
            answer = await self._exchange.get(what, resource.path(namespace), query)
            if answer.status == HTTPStatus.GONE and token:
                items, token = [], ""
                continue
            if answer.status != HTTPStatus.OK:
                raise failure(what, answer, f"list {resource.qualified}", resource)
            page = _parsed(what, answer.body)
            metadata = page.get("metadata") or {}
            items += [item for item in page.get("items") or [] if isinstance(item, dict)]
            token, version = str(metadata.get("continue") or ""), str(metadata.get("resourceVersion") or "")
            if not token:
                break
        return Listed(items, version, complete=not token)

    async def changes(
        self, resource: Resource, namespace: str, fields: Mapping[str, str], version: str
    ) -> AsyncIterator[Change]:
        """Yield what changes after ``version`` until the server ends the watch, which is asked to last five minutes.

        Raises Expired, and Unreadable where the connection breaks or watching is not permitted.
        """
        what = f"watch {resource.qualified} in namespace {namespace}"
        query = [
            ("watch", "1"),
            ("allowWatchBookmarks", "true"),
            ("fieldSelector", _selector(fields)),
            ("resourceVersion", version),
            ("timeoutSeconds", str(_WATCH_SECONDS)),
        ]
        lines = self._exchange.lines(
            what, resource.path(namespace), query, seconds=_WATCH_SECONDS + _MARGIN_SECONDS, longest=_LARGEST_OBJECT
        )
        try:
            async for line in lines:
                if line.strip():
                    yield _change(what, _parsed(what, line))
        except Rejected as rejected:
            raise _refusal(what, rejected.answer, resource) from None


def _change(what: str, said: Mapping[str, Any]) -> Change:
    kind, item = said.get("type"), said.get("object")
    if kind == "ERROR" and isinstance(item, dict):
        if item.get("code") == HTTPStatus.GONE:
            raise Expired
        raise Unreadable(what, "failed", f"the server ends the watch with {item.get('code')}")
    metadata = item.get("metadata") if isinstance(item, dict) else None
    version = metadata.get("resourceVersion") if isinstance(metadata, dict) else None
    if kind not in _TYPES or not isinstance(version, str):
        raise Unreadable(what, "failed", "the server's answer makes no sense")
    return Change(kind, item, version)  # type: ignore[arg-type]  # both were looked at


def _refusal(what: str, answer: Answer, resource: Resource) -> Exception:
    if answer.status == HTTPStatus.GONE:
        return Expired()
    return failure(what, answer, f"watch {resource.qualified}", resource)


def _selector(fields: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in fields.items())


def _parsed(what: str, body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Unreadable(what, "failed", "the server's answer makes no sense")
    return value
