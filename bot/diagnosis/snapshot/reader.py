"""Reads what was captured of a cluster: a directory or tar of objects and logs.

What it understands, at any depth:

* ``*.json``, ``*.yaml``, ``*.yml``: objects, Lists of any kind and arrays of them, also several documents in a file,
  as ``kubectl get -o json|yaml`` and ``kubectl cluster-info dump --output-directory`` write them.
* ``<namespace>/<pod>/logs.txt`` and ``<namespace>/<pod>/<container>/logs.txt``, also with the markers between
  containers that ``cluster-info dump`` puts in; ``logs/<namespace>/<pod>/<container>.log`` and
  ``<container>.previous.log``.
* ``version.json``: the answer of ``/version`` or of ``kubectl version -o json``.
* ``acknet-snapshot.json``: what SnapshotMeta says.

A kind of which there is an object or a List, even an empty one, counts as captured whole; any other kind is unreadable,
CRDs like all others: that other kinds were captured does not say that this one is not served. Where a kind comes only
in Lists below directories named for their namespaces (as ``cluster-info dump`` writes them, by default for two
namespaces) it counts as captured in these namespaces. Once a file could not be read, nothing counts as whole any more.
"""

from __future__ import annotations

import codecs
import datetime as dt
import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from bot.diagnosis.documents import (
    DocumentError,
    json_documents,
    parts,
    typed_as_core_event,
    yaml_document,
    yaml_texts,
)
from bot.diagnosis.log_window import log_end
from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.reader import Listing, LogWindow, Object, Unreadable
from bot.diagnosis.resources import ALLOWED, Resource, of_object, resource
from bot.diagnosis.snapshot.files import DEFAULT_LIMITS, File, Limits, SnapshotError, read_files, shown
from bot.diagnosis.timestamps import newest_time

__all__ = ["META_NAME", "SnapshotError", "SnapshotMeta", "SnapshotReader"]

META_NAME = "acknet-snapshot.json"
_VERSION_NAME = "version.json"
_MAX_WARNINGS = 100
_PODS = resource("pods")

_MARKER = re.compile(r"^==== (START|END) logs for container (\S+) of pod ([^\s/]+)/(\S+) ====\r?\n?", re.MULTILINE)
_NO_LOG = re.compile(r"\s*(?:Request log error|Create log request error): ")


class Query(BaseModel):
    """A read that was answered in full when a snapshot was taken: what it does not hold of this was not there."""

    model_config = ConfigDict(frozen=True)

    resource: str
    namespace: str | None = None
    labels: dict[str, str] = {}
    fields: dict[str, str] = {}

    @property
    def key(self) -> tuple[str, str | None, frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
        """What two equal reads have in common."""
        return self.resource, self.namespace, frozenset(self.labels.items()), frozenset(self.fields.items())


class SnapshotMeta(BaseModel):
    """What ``acknet-snapshot.json`` says of a snapshot; kinds by their qualified names (``nodes.network.…``)."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    captured_at: AwareDatetime | None = None
    """When it was taken, by the server's clock."""
    version: str | None = None
    """The API server's gitVersion."""
    served: tuple[str, ...] = ()
    """Kinds that were read to the end: where there are no objects, there were none."""
    incomplete: tuple[str, ...] = ()
    """Kinds of which only some objects were read, so that absence proves nothing."""
    not_served: tuple[str, ...] = ()
    """Kinds that the server does not have."""
    forbidden: tuple[str, ...] = ()
    """Kinds, or ``pods/log``, that whoever took it was not permitted to read."""
    answered: tuple[Query, ...] = ()
    """Reads that were answered in full, of kinds of which only some objects are here."""

    @cached_property
    def answered_keys(self) -> frozenset[object]:
        """The keys of ``answered``."""
        return frozenset(query.key for query in self.answered)


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
        self._logs: dict[tuple[str, str, str | None, bool], str] = {}
        self._bytes = 0

    @classmethod
    def open(cls, path: Path, now: dt.datetime | None = None, limits: Limits = DEFAULT_LIMITS) -> Self:
        """Read the snapshot at ``path``: a directory, a tar (plain, gzip, bzip2, xz) or a file of objects.

        ``now`` (with its zone) is what the reader takes for the present. Raises SnapshotError where nothing is usable.
        """
        reader = cls(f"snapshot {path}", now)
        loading = _Loading(reader._store)
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


class _Loading:
    """What is gathered while a snapshot's files are read."""

    def __init__(self, store: ObjectStore) -> None:
        self.warnings: list[str] = []
        self.meta = SnapshotMeta()
        self.version: str | None = None
        self.found = False
        self._store = store
        self._meta_depth: int | None = None
        self._marked_logs: dict[tuple[str, str, str | None, bool], str] = {}
        self._plain_logs: list[tuple[PurePosixPath, str]] = []
        self._paths: list[PurePosixPath] = []
        self._lists: list[tuple[PurePosixPath, Resource, set[str], bool]] = []

    def skip(self, warning: str) -> None:
        """Record that something was left out: what is absent now may have been there."""
        self._store.hold_in_part()
        if len(self.warnings) < _MAX_WARNINGS:
            self.warnings.append(warning)
        elif len(self.warnings) == _MAX_WARNINGS:
            self.warnings.append("and more")

    def take(self, file: File) -> None:
        """Take in a file by its name."""
        self._paths.append(file.path)
        name = file.path.name.lower()
        if name == "logs.txt" or (name.endswith(".log") and file.path.parts[-4:-3] == ("logs",)):
            self._take_log(file)
        elif name.endswith((".log", ".txt")):
            return
        elif name == META_NAME:
            self._take_meta(file)
        elif name == _VERSION_NAME:
            self._take_version(file)
        else:
            self._take_objects(file)

    def finish(self) -> dict[tuple[str, str, str | None, bool], str]:
        """Decide what needs all paths; return logs by namespace, pod, container (None: not stated) and previous run."""
        top = _depth_of_top(self._paths)
        for path, of_kind, namespaces, listed in self._lists:
            above = path.parts[-2] if len(path.parts) > (1 if namespaces else top + 1) else None
            of_namespace = above is not None and of_kind.namespaced and listed and namespaces <= {above}
            self._store.hold(of_kind, above if of_namespace else None)
        return {self._log_key(path, top): text for path, text in self._plain_logs} | self._marked_logs

    def _log_key(self, path: PurePosixPath, top: int) -> tuple[str, str, str | None, bool]:
        *above, namespace, pod, last = path.parts
        if last.lower().endswith(".log"):
            container = last[: -len(".log")]
            return namespace, pod, container.removesuffix(".previous"), container.endswith(".previous")
        # <namespace>/<pod>/logs.txt or <namespace>/<pod>/<container>/logs.txt, below directories that do not count.
        if above and not self._is_pod(namespace, pod) and (len(above) > top or self._is_pod(above[-1], namespace)):
            return above[-1], namespace, pod, False
        return namespace, pod, None, False

    def _is_pod(self, namespace: str, name: str) -> bool:
        try:
            return self._store.get(_PODS, name, namespace) is not None
        except Unreadable:
            return False

    def _take_log(self, file: File) -> None:
        text = file.data.decode(errors="replace")
        markers = list(_MARKER.finditer(text))
        if not markers:
            if len(file.path.parts) < 3:
                self.skip(f"{shown(file.path)}: its path does not say of which pod the log is")
                return
            self.found = True
            self._plain_logs.append((file.path, text))
            return
        for marker, following in itertools.zip_longest(markers, markers[1:]):
            if marker[1] == "END":
                continue
            body = text[marker.end() : following.start() if following else len(text)]
            if not _NO_LOG.match(body):
                self.found = True
                self._marked_logs[marker[3], marker[4], marker[2], False] = body

    def _take_meta(self, file: File) -> None:
        depth = len(file.path.parts)
        if self._meta_depth is not None and self._meta_depth <= depth:
            return
        try:
            meta = SnapshotMeta.model_validate_json(file.data)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False, include_context=False)[0]
            where = ".".join(map(str, first["loc"]))
            self.skip(f"{shown(file.path)}: {where + ': ' if where else ''}{shown(first['msg'])}")
            return
        self.meta, self._meta_depth, self.found = meta, depth, True
        for name in meta.served:
            for known in _known(name):
                self._store.hold(known)
        for name in meta.incomplete:
            for known in _known(name):
                self._store.hold_in_part(known)
        self._refuse(meta)

    def _refuse(self, meta: SnapshotMeta) -> None:
        then = "so when the snapshot was taken"
        for name in meta.not_served:
            self._store.refuse(_qualified(name), "not_served", then)
        for name in meta.forbidden:
            self._store.refuse(_qualified(name), "forbidden", then)

    def _take_version(self, file: File) -> None:
        try:
            value = json.loads(file.data)
        except (ValueError, RecursionError):
            self.skip(f"{shown(file.path)}: invalid JSON")
            return
        if isinstance(value, dict):
            server = value.get("serverVersion", value)
            version = server.get("gitVersion") if isinstance(server, dict) else None
            if isinstance(version, str) and "clientVersion" not in server:
                self.version = version

    def _take_objects(self, file: File) -> None:
        found = [part for value in self._values(file) for part in map(typed_as_core_event, parts(value))]
        namespaces: dict[Resource, set[str]] = {}
        for part in found:
            of_kind = of_object(part.api_version, part.kind)
            if of_kind is None:
                continue
            self.found = True
            within = namespaces.setdefault(of_kind, set())
            if part.obj is not None:
                within |= self._add(of_kind, part.obj, file)
            if not part.whole:
                self._store.hold_in_part(of_kind)
        listed = all(part.listed for part in found)
        self._lists += [(file.path, of_kind, within, listed) for of_kind, within in namespaces.items()]

    def _add(self, of_kind: Resource, obj: Object, file: File) -> set[str]:
        metadata = obj.get("metadata")
        if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
            self.skip(f"{shown(file.path)}: a {of_kind.kind} has no name")
            return set()
        if of_kind.namespaced and not isinstance(metadata.get("namespace"), str):
            # As kubectl would take it; an API server always says it.
            metadata = {**metadata, "namespace": "default"}
            obj = {**obj, "metadata": metadata}
        self._store.add(of_kind, obj)
        return {metadata["namespace"]} if of_kind.namespaced else set()

    def _values(self, file: File) -> Iterator[Any]:
        """Yield the values of the documents in a file, and record those that are none."""
        try:
            text = _decoded(file.data)
        except UnicodeDecodeError:
            self.skip(f"{shown(file.path)}: it is not UTF-8 text")
            return
        is_json = file.path.suffix.lower() == ".json"
        if is_json or text.lstrip()[:1] in ("{", "["):
            try:
                yield from json_documents(text)
            except DocumentError as error:
                if is_json:
                    self.skip(f"{shown(file.path)}: {error}")
                    return
            else:
                return
        for number, document in enumerate(yaml_texts(text), start=1):
            try:
                yield yaml_document(document)
            except DocumentError as error:
                self.skip(f"{shown(file.path)}: document {number}: {error}")


def _depth_of_top(paths: Sequence[PurePosixPath]) -> int:
    """Return how many directories lie around the whole snapshot, as in ``tar czf dump.tgz dump/``."""
    if all(path.suffix.lower() in (".log", ".txt") for path in paths):
        return 0
    level = zip(*(path.parent.parts for path in paths), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda names: len(set(names)) == 1, level))


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # what PowerShell's > writes
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _known(name: str) -> list[Resource]:
    """Return the kind of that qualified name, which may also be the one with its group: ``daemonsets.apps``."""
    return [
        allowed for allowed in ALLOWED if name in (allowed.qualified, f"{allowed.plural}.{allowed.group}".rstrip("."))
    ]


def _qualified(name: str) -> str:
    known = _known(name)
    return known[0].qualified if known else name


def _named(obj: Object, section: str, *fields: str) -> list[Mapping[str, Any]]:
    within = obj.get(section)
    if not isinstance(within, Mapping):
        return []
    items = [item for field in fields if isinstance(within.get(field), list) for item in within[field]]
    return [item for item in items if isinstance(item, Mapping) and isinstance(item.get("name"), str)]
