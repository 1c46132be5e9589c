"""Pasted text read as a small snapshot: what people copy out of a terminal into a question.

It recognises objects in YAML and JSON (also cut off), ``kubectl describe``, the tables of ``kubectl get`` and of
events, logs below the command that shows them, and single error lines of kubelet and CNI plugins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from bot.diagnosis.documents import typed_as_core_event
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.log_window import log_end
from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.objects import PARTIAL
from bot.diagnosis.paste.event_pods import name_pod_of, pods_without_sandbox
from bot.diagnosis.paste.findings import Findings, LogKey, find
from bot.diagnosis.paste.kubectl_describe import described
from bot.diagnosis.paste.kubectl_rows import Row, event, object_row
from bot.diagnosis.paste.text import plain_lines
from bot.diagnosis.reader import Listing, LogWindow, Object, Unreadable
from bot.diagnosis.resources import Resource, of_object, resource

__all__ = ["PasteReader"]

_Key = tuple[str, str | None, str]
"""Qualified name, namespace (None: not said) and name."""

# How much of an object a form shows; the annotation tells facts that a field that is missing may well be there.
_RANKS = {"": 4, "cut": 3, "describe": 2, "table": 1, "event": 0}


class PasteReader:
    """A Reader over text; text without anything of a cluster makes an empty one, in which all is unreadable.

    Lists are never complete, and what is not there is unreadable rather than absent: people paste parts.
    """

    source = "pasted text"

    def __init__(self, text: str, now: dt.datetime | None = None) -> None:
        """Read ``text``, whose ages count back from ``now`` (with its zone), by default from this moment."""
        self._now = now or dt.datetime.now(dt.UTC)
        self._bytes = len(text.encode(errors="replace"))
        findings = find(plain_lines(text))
        self._version = findings.version
        self._logs: dict[LogKey, str] = {
            key: "\n".join(lines).rstrip("\n") + "\n" for key, lines in findings.logs.items() if lines
        }
        self.loose_lines: tuple[str, ...] = tuple(findings.loose)
        """Lines of logs of which the text does not say whose they are."""
        objects = _Objects()
        objects.take(findings, self._now)
        self._store = ObjectStore("the pasted text")
        self._store.hold_in_part()
        for of_kind, obj in objects.merged():
            self._store.add(of_kind, obj)
        self.found = bool(len(self._store) or self._logs)
        """Whether the text holds objects, events or logs of a cluster; a lone error line does not count."""
        for number, row in enumerate(findings.error_lines):
            made = event(row, f"error-line-{number}", self._now)
            self._store.add(resource("events"), _marked(made, "line"))
        self.scope: Scope = objects.scope()
        """What the text is about, where that is a single pod, node or service."""

    @property
    def requests(self) -> int:
        """None were needed."""
        return 0

    @property
    def bytes(self) -> int:
        """The size of the text."""
        return self._bytes

    async def now(self) -> dt.datetime:
        """Return the given time, else when the text was read."""
        return self._now

    async def version(self) -> str:
        """Return the version that ``kubectl version`` printed."""
        if self._version is None:
            raise Unreadable("the server's version", "not_captured", "the pasted text has no output of kubectl version")
        return self._version

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """As Reader.get, but never None."""
        return self._store.get(resource, name, namespace)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """As Reader.list, but never complete."""
        return self._store.list(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        """As Reader.log, but never None; a log of which no container was said counts for each of the pod."""
        for of_namespace in (namespace, None):
            for of_container in (container, None):
                text = self._logs.get((of_namespace, pod, of_container, window.previous))
                if text is not None:
                    return log_end(text, window, self._now)
        what = f"log of {namespace}/{pod} container {container}" + (" (previous)" if window.previous else "")
        raise Unreadable(what, "not_captured", "the pasted text holds no such log")


class _Objects:
    """Gathers what the text says of each object, the fullest form over the others."""

    def __init__(self) -> None:
        self._found: dict[_Key, tuple[str, dict[str, Any]]] = {}

    def take(self, findings: Findings, now: dt.datetime) -> None:
        """Take in everything but error lines."""
        for salvaged in findings.documents:
            part = typed_as_core_event(salvaged.part)
            of_kind = of_object(part.api_version, part.kind)
            if of_kind is not None and part.obj is not None:
                self._put(of_kind, dict(part.obj), "cut" if salvaged.cut else "")
        for lines in findings.descriptions:
            self._put_row(described(lines, now), "describe")
        for line, namespace in findings.rows:
            self._put_row(object_row(line, namespace, now), "table")
        name_pod_of(findings.events)
        events = [event(row, f"pasted-{number}", now) for number, row in enumerate(findings.events)]
        for one in events:
            self._put(resource("events"), dict(one), "table")
        named = {(qualified, name) for qualified, _, name in self._found}
        for pod in pods_without_sandbox(events, now):
            if ("pods", pod["metadata"]["name"]) not in named:
                self._put(resource("pods"), dict(pod), "event")

    def merged(self) -> Iterator[tuple[Resource, Object]]:
        """Yield the objects; one whose namespace was not said counts as the only other one of its name."""
        known: dict[tuple[str, str], list[_Key]] = {}
        for qualified, namespace, name in self._found:
            if namespace is not None:
                known.setdefault((qualified, name), []).append((qualified, namespace, name))
        for (qualified, namespace, name), found in self._found.items():
            same = known.get((qualified, name), []) if namespace is None else []
            if len(same) == 1:
                self._found[same[0]] = _joined(self._found[same[0]], found)
        for (qualified, namespace, name), (form, obj) in self._found.items():
            if namespace is not None or len(known.get((qualified, name), [])) != 1:
                yield resource(qualified), _marked(obj, form)

    def scope(self) -> Scope:
        """Return what is described or written out, where it is one pod, node or service; else what events are about."""
        shown = [key for key, (form, _) in self._found.items() if _RANKS[form] > _RANKS["table"]]
        pod = _only(key for key in shown if key[0] == "pods" and key[1] != "kube-system")
        if pod is None and not any(key[0] in ("pods", "nodes") for key in shown):
            pod = _only(self._pods_of_warnings())
        node = _only(key for key in shown if key[0] == "nodes")
        service = _only(key for key in shown if key[0] == "services")
        first = pod or service
        return Scope(
            namespace=first[1] if first else None,
            pod=pod[2] if pod else None,
            node=node[2] if node else None,
            service=service[2] if service and (pod is None or pod[1] == service[1]) else None,
        )

    def _pods_of_warnings(self) -> Iterator[_Key]:
        for (qualified, namespace, _), (_, obj) in self._found.items():
            involved = obj.get("involvedObject")
            if qualified == "events" and isinstance(involved, dict) and obj.get("type") == "Warning":
                name = involved.get("name")
                if involved.get("kind") == "Pod" and isinstance(name, str) and name:
                    yield "pods", namespace, name

    def _put_row(self, row: Row | None, form: str) -> None:
        if row is not None:
            of_kind = resource(row.qualified)
            self._put(of_kind, {"apiVersion": of_kind.api_version, "kind": of_kind.kind, **row.obj}, form)

    def _put(self, of_kind: Resource, obj: dict[str, Any], form: str) -> None:
        metadata = obj.get("metadata")
        name = metadata.get("name") if isinstance(metadata, dict) else None
        if not isinstance(metadata, dict) or not isinstance(name, str) or not name:
            return
        namespace = metadata.get("namespace") if of_kind.namespaced else None
        key = (of_kind.qualified, namespace if isinstance(namespace, str) else None, name)
        known = self._found.get(key)
        self._found[key] = _joined((form, obj), known) if known else (form, obj)


def _only(keys: Iterator[_Key]) -> _Key | None:
    found = {*keys}
    return found.pop() if len(found) == 1 else None


def _joined(new: tuple[str, dict[str, Any]], old: tuple[str, dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """Return the fuller of two forms of an object with the fields that only the other has."""
    fuller, other = (new, old) if _RANKS[new[0]] >= _RANKS[old[0]] else (old, new)
    return fuller if fuller[0] == "" else (fuller[0], _filled(fuller[1], other[1], 0))


def _filled(fuller: dict[str, Any], other: Mapping[str, Any], depth: int) -> dict[str, Any]:
    filled = dict(fuller)
    for key, value in other.items():
        if key not in filled:
            filled[key] = value
        elif isinstance(filled[key], dict) and isinstance(value, dict) and depth < 4:
            filled[key] = _filled(filled[key], value, depth + 1)
    return filled


def _marked(obj: Object, form: str) -> Object:
    if not form:
        return obj
    metadata = obj["metadata"]
    annotations = metadata.get("annotations")
    annotations = {**(annotations if isinstance(annotations, dict) else {}), PARTIAL: form}
    return {**obj, "metadata": {**metadata, "annotations": annotations}}
