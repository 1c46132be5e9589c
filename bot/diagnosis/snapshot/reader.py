"""Reads what was captured of a cluster: a directory or tar of objects and logs (``loading.py`` says which)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from bot.diagnosis.log_window import log_end
from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.reader import Listing, LogWindow, Object, Unreadable
from bot.diagnosis.resources import ALLOWED, Resource, resource
from bot.diagnosis.snapshot.files import DEFAULT_LIMITS, Limits, SnapshotError, read_files, shown
from bot.diagnosis.snapshot.loading import Loading, LogKey
from bot.diagnosis.snapshot.meta import META_NAME, Query, SnapshotMeta
from bot.diagnosis.timestamps import newest_time

__all__ = ["SnapshotError", "SnapshotReader"]

_PODS = resource("pods")


class SnapshotReader:
    """A Reader over a snapshot that is held in memory."""

    def __init__(self, source: str, now: dt.datetime | None) -> None:
        self.source = source
        self.warnings: list[str] = []
        """What was left out when the snapshot was read, a line each."""
        self._given_now = now
        self._store = ObjectStore("the snapshot")
        self._meta = SnapshotMeta()
        self._version: str | None = None
        self._logs: dict[LogKey, str] = {}
        self._bytes = 0

    @classmethod
    def open(cls, path: Path, now: dt.datetime | None = None, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read the snapshot at ``path``: a directory, a tar (plain, gzip, bzip2, xz) or a file of objects.

        ``now`` (with its zone) is what the reader takes for the present. Raises SnapshotError where nothing is usable.
        """
        reader = cls(f"snapshot {path}", now)
        loading = Loading(reader._store)
        for file in read_files(path, limits, loading.skip):
            reader._bytes += len(file.data)
            loading.take(file)
        reader._logs = loading.finish()
        reader._settle_custom_kinds()
        reader._meta, reader._version = loading.meta, loading.version
        reader.warnings = loading.warnings
        if not loading.found:
            why = f": {reader.warnings[0]}" if reader.warnings else ""
            raise SnapshotError(f"the snapshot {shown(path)} holds no Kubernetes objects{why}")
        return reader

    def _settle_custom_kinds(self) -> None:
        """Take a custom kind of which nothing was captured for one that the cluster does not have.

        Unlike with Kubernetes' own kinds nothing follows from that: facts know that custom ones may be missing.
        """
        for kind in ALLOWED:
            if kind.qualified != kind.plural and not self._store.knows(kind):
                self._store.refuse(kind.qualified, "not_served", "the snapshot holds nothing of this kind")

    @property
    def requests(self) -> int:
        """None were needed."""
        return 0

    @property
    def bytes(self) -> int:
        """How much of the snapshot was read."""
        return self._bytes

    async def now(self) -> dt.datetime:
        """Return the given time, else when the snapshot was taken, else the newest time in it."""
        time = self._given_now or self._meta.captured_at
        if time is None:
            time = newest_time(self._store.objects())
        if time is None:
            raise Unreadable("the time of the snapshot", "not_captured", "give it with --now")
        return time

    async def version(self) -> str:
        """Return the gitVersion that the snapshot states."""
        version = self._meta.version or self._version
        if not version:
            raise Unreadable("the server's version", "not_captured", f"the snapshot has no version in {META_NAME}")
        return version

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """As Reader.get."""
        try:
            return self._store.get(resource, name, namespace)
        except Unreadable as error:
            if error.reason == "not_captured" and self._was_answered(resource, namespace, {}, {"metadata.name": name}):
                return None
            raise

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
        found = self._store.list(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)
        if self._was_answered(resource, namespace, labels or {}, fields or {}) and len(found.items) < limit:
            return Listing(found.items, complete=True)
        return found

    def _was_answered(
        self, resource: Resource, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]
    ) -> bool:
        asked = Query(resource=resource.qualified, namespace=namespace, labels=dict(labels), fields=dict(fields))
        return asked.key in self._meta.answered_keys

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        """As Reader.log; a file that does not say of which container it is counts for each of the pod."""
        what = f"log of {namespace}/{pod} container {container}" + (" (previous)" if window.previous else "")
        self._store.check_logs(what)
        text = self._logs.get((namespace, pod, container, window.previous))
        if text is None and not window.previous:
            text = self._logs.get((namespace, pod, None, False))
        if text is not None:
            return log_end(text, window, self._given_now or self._meta.captured_at)
        # Lines of a log only ever add evidence, so that a log which nobody captured is as good as one that was rotated.
        if self._store.holds(_PODS):
            return None
        raise Unreadable(what, "not_captured", "the snapshot holds no such log")
