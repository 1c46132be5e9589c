"""Makes objects and logs of the files of a snapshot.

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
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any

from pydantic import ValidationError

from bot.diagnosis.documents import (
    DocumentError,
    json_documents,
    parts,
    typed_as_core_event,
    yaml_document,
    yaml_texts,
)
from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.reader import Object, Unreadable
from bot.diagnosis.resources import ALLOWED, Resource, of_object, resource
from bot.diagnosis.snapshot.files import File, shown
from bot.diagnosis.snapshot.meta import META_NAME, SnapshotMeta

__all__ = ["Loading", "LogKey"]

LogKey = tuple[str, str, str | None, bool]
"""Namespace, pod, container (None: not stated), and whether it is the log of the run before."""

_VERSION_NAME = "version.json"
_MAX_WARNINGS = 100
_PODS = resource("pods")

_MARKER = re.compile(r"^==== (START|END) logs for container (\S+) of pod ([^\s/]+)/(\S+) ====\r?\n?", re.MULTILINE)
_NO_LOG = re.compile(r"\s*(?:Request log error|Create log request error): ")


class Loading:
    """What is gathered while a snapshot's files are read."""

    def __init__(self, store: ObjectStore) -> None:
        self.warnings: list[str] = []
        self.meta = SnapshotMeta()
        self.version: str | None = None
        self.found = False
        self._store = store
        self._meta_depth: int | None = None
        self._marked_logs: dict[LogKey, str] = {}
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

    def finish(self) -> dict[LogKey, str]:
        """Decide what needs all paths; return the logs."""
        top = _depth_of_top(self._paths)
        for path, of_kind, namespaces, listed in self._lists:
            above = path.parts[-2] if len(path.parts) > (1 if namespaces else top + 1) else None
            of_namespace = above is not None and of_kind.namespaced and listed and namespaces <= {above}
            self._store.hold(of_kind, above if of_namespace else None)
        return {self._log_key(path, top): text for path, text in self._plain_logs} | self._marked_logs

    def _log_key(self, path: PurePosixPath, top: int) -> LogKey:
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
