"""Takes a snapshot: runs the collectors and keeps what they read."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

from bot.diagnosis.facts.registry import Facts, Progress, Scope, collectors
from bot.diagnosis.reader import Listing, LogWindow, Object, Reader, Unreadable
from bot.diagnosis.reads import Reads
from bot.diagnosis.resources import LOGS, Resource
from bot.diagnosis.snapshot.meta import Query, SnapshotMeta

__all__ = ["Capture", "capture"]


class Capture:
    """A Reader that passes reads on to another and keeps what came back.

    ``objects``: qualified kind → objects; ``logs``: (namespace, pod, container, previous) → text; ``queries``: what was
    asked and answered in full, so that absence within it is known; ``refused``: (kind, reason) of what was not.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.source = reader.source
        self.objects: dict[str, dict[tuple[str, str], Object]] = {}
        self.logs: dict[tuple[str, str, str, bool], str] = {}
        self.queries: list[Query] = []
        self.refused: set[tuple[str, str]] = set()

    @property
    def requests(self) -> int:
        """As the reader's."""
        return self._reader.requests

    @property
    def bytes(self) -> int:
        """As the reader's."""
        return self._reader.bytes

    async def now(self) -> dt.datetime:
        """As Reader.now."""
        return await self._reader.now()

    async def version(self) -> str:
        """As Reader.version."""
        return await self._reader.version()

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """As Reader.get."""
        try:
            found = await self._reader.get(resource, name, namespace)
        except Unreadable as error:
            self.refused.add((resource.qualified, error.reason))
            raise
        self._keep(resource, [found] if found else [])
        self.queries.append(Query(resource=resource.qualified, namespace=namespace, fields={"metadata.name": name}))
        return found

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """As Reader.list."""
        try:
            found = await self._reader.list(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)
        except Unreadable as error:
            self.refused.add((resource.qualified, error.reason))
            raise
        self._keep(resource, found.items)
        if found.complete:
            self.queries.append(
                Query(
                    resource=resource.qualified,
                    namespace=namespace,
                    labels=dict(labels or {}),
                    fields=dict(fields or {}),
                )
            )
        return found

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        """As Reader.log."""
        try:
            found = await self._reader.log(namespace, pod, container, window)
        except Unreadable as error:
            self.refused.add((LOGS, error.reason))
            raise
        if found is not None:
            self.logs[namespace, pod, container, window.previous] = found
        return found

    async def meta(self) -> SnapshotMeta:
        """Return what a snapshot of what was kept says of itself."""
        try:
            version: str | None = await self.version()
        except Unreadable:
            version = None
        return SnapshotMeta(
            captured_at=await self.now(),
            version=version,
            incomplete=tuple(sorted({query.resource for query in self.queries} | self.objects.keys())),
            not_served=self._refused("not_served"),
            forbidden=self._refused("forbidden"),
            answered=tuple(self.queries),
        )

    def _refused(self, reason: str) -> tuple[str, ...]:
        # What can be read in one place and not in another counts as read.
        return tuple(sorted({kind for kind, why in self.refused if why == reason} - self.objects.keys()))

    def _keep(self, resource: Resource, found: Any) -> None:
        kept = self.objects.setdefault(resource.qualified, {})
        for one in found:
            metadata = one.get("metadata", {})
            kept[str(metadata.get("namespace", "")), str(metadata.get("name", ""))] = one


async def capture(
    reader: Reader, *, scope: Scope | None = None, seconds: float = 60.0, progress: Progress | None = None
) -> Capture:
    """Collect every fact there is through ``reader`` and return what was read; what cannot be read is left out."""
    kept = Capture(reader)
    facts = Facts(Reads(kept), scope or Scope(), seconds=seconds, progress=progress)
    results = await asyncio.gather(*(facts(one) for one in collectors().values()), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, Unreadable):
            raise result
    return kept
