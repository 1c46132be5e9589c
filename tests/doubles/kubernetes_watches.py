"""Watches at the Kubernetes API double: what changes, in order, to whoever watches it; bookmarks, ends and 410."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource
from tests.doubles.kubernetes_objects import ObjectSource, kind_of

__all__ = ["FIRST_REVISION", "Watch", "Watches"]

FIRST_REVISION = 4711
_EXPIRED = {
    "kind": "Status",
    "apiVersion": "v1",
    "metadata": {},
    "status": "Failure",
    "reason": "Expired",
    "code": 410,
    "message": "The resourceVersion for the provided watch is too old.",
}

_Kind = Literal["ADDED", "MODIFIED", "DELETED"]


@dataclass(eq=False)
class Watch:
    """One watch: of a kind, in a namespace, of what ``selects``, since a revision; None in ``lines`` ends it.

    It begins with the ``whole`` of what is there where it is to.
    """

    kind: Resource
    namespace: str | None
    selects: Callable[[Object], bool]
    since: int
    seconds: float
    whole: bool = False
    lines: asyncio.Queue[bytes | None] = field(default_factory=asyncio.Queue)
    request: web.BaseRequest | None = None


@dataclass(frozen=True)
class _Past:
    revision: int
    kind: _Kind
    resource: Resource
    item: Object
    before: Object | None


class Watches:
    """What is being watched. Tests change objects through it, from any thread."""

    def __init__(self, source: ObjectSource) -> None:
        self.source = source
        self.revision = FIRST_REVISION
        self.loop: asyncio.AbstractEventLoop | None = None
        self.open: set[Watch] = set()
        self._oldest = 0
        self._past: list[_Past] = []

    def change(self, kind: _Kind, item: Object) -> None:
        """Put ``item`` where it is served from (or take it away), and tell those who watch."""
        self._in_loop(lambda: self._change(kind, item))

    def bookmark(self) -> None:
        """Tell everybody how far they are."""
        self._in_loop(self._bookmark)

    def forget(self) -> None:
        """Forget what was: whoever goes on from a revision before now has to list anew."""
        self._in_loop(self._forget)

    def end(self) -> None:
        """End all watches as the server does after their time."""
        self._in_loop(lambda: [watch.lines.put_nowait(None) for watch in self.open])

    def drop(self) -> None:
        """Break the connections of all watches."""
        self._in_loop(lambda: [_abort(watch) for watch in list(self.open)])

    async def stream(self, watch: Watch, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """Tell ``watch`` what changes until it ends."""
        await response.prepare(request)
        watch.request = request
        if watch.since < self._oldest:
            watch.lines.put_nowait(_line("ERROR", _EXPIRED))
            watch.lines.put_nowait(None)
        if watch.whole:
            for item in self.source.list(watch.kind, watch.namespace, {}, {}):
                if watch.selects(item):
                    watch.lines.put_nowait(_line("ADDED", item))
        for past in self._past:
            if past.revision > watch.since:
                _tell(watch, past)
        self.open.add(watch)
        try:
            with suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(watch.seconds):
                    while (line := await watch.lines.get()) is not None:
                        await response.write(line)
                await response.write_eof()
        finally:
            self.open.discard(watch)

    def _change(self, kind: _Kind, item: Object) -> None:
        self.revision += 1
        resource = kind_of(item)
        changed = copy.deepcopy(dict(item))
        changed["metadata"] = {**changed["metadata"], "resourceVersion": str(self.revision)}
        before = self.source.get(resource, changed["metadata"].get("namespace"), changed["metadata"]["name"])
        store: Any = self.source
        if kind == "DELETED":
            store.remove(changed)
        else:
            store.put(changed)
        past = _Past(self.revision, kind, resource, changed, before)
        self._past.append(past)
        for watch in self.open:
            _tell(watch, past)

    def _bookmark(self) -> None:
        for watch in self.open:
            item = {"kind": watch.kind.kind, "apiVersion": watch.kind.api_version}
            watch.lines.put_nowait(_line("BOOKMARK", {**item, "metadata": {"resourceVersion": str(self.revision)}}))

    def _forget(self) -> None:
        self.revision += 1
        self._oldest = self.revision
        self._past.clear()

    def _in_loop(self, work: Callable[[], object]) -> None:
        async def run() -> None:
            work()

        assert self.loop is not None
        asyncio.run_coroutine_threadsafe(run(), self.loop).result(20)


def _tell(watch: Watch, past: _Past) -> None:
    namespace = past.item["metadata"].get("namespace")
    if past.resource != watch.kind or (watch.namespace is not None and namespace != watch.namespace):
        return
    was = past.before is not None and watch.selects(past.before)
    now = past.kind != "DELETED" and watch.selects(past.item)
    # What no longer is as the selector says is gone for who watches with it.
    kind = "DELETED" if was and not now else "MODIFIED" if was and now else "ADDED" if now else None
    if kind is not None:
        watch.lines.put_nowait(_line(kind, past.item))


def _line(kind: str, item: Object) -> bytes:
    return json.dumps({"type": kind, "object": item}, separators=(",", ":")).encode() + b"\n"


def _abort(watch: Watch) -> None:
    if watch.request is not None and watch.request.transport is not None:
        watch.request.transport.abort()
