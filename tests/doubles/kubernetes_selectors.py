"""Label and field selectors as the Kubernetes API server reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource

__all__ = ["InvalidSelector", "Selector", "field_selector", "label_selector"]

_KEY = r"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?"
_SET = re.compile(rf"\s*(?P<key>{_KEY})\s+(?P<operator>in|notin)\s+\((?P<values>[^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*(?P<key>{_KEY})\s*(?P<operator>==|=|!=)\s*(?P<value>{_VALUE})\s*")
_EXISTS = re.compile(rf"\s*(?P<absent>!?)\s*(?P<key>{_KEY})\s*")


class InvalidSelector(Exception):
    """What the server says about a selector that it cannot use."""


@dataclass(frozen=True)
class Selector:
    """Tells whether an object is selected; ``equal`` are the plain equalities in it, ``text`` is what was asked."""

    text: str
    equal: Mapping[str, str]
    tests: tuple[Callable[[Object], bool], ...]

    def __call__(self, candidate: Object) -> bool:
        return all(test(candidate) for test in self.tests)


def label_selector(text: str) -> Selector:
    """Read ``a=b,c!=d,e in (f, g),h notin (i),j,!k``."""
    equal: dict[str, str] = {}
    tests: list[Callable[[Object], bool]] = []
    for part in re.split(r",(?![^(]*\))", text) if text.strip() else ():
        if match := _SET.fullmatch(part):
            values = frozenset(value.strip() for value in match["values"].split(","))
            tests.append(_in(match["key"], values, match["operator"] == "in"))
        elif match := _EQUAL.fullmatch(part):
            wanted = match["operator"] != "!="
            tests.append(_in(match["key"], frozenset({match["value"]}), wanted))
            if wanted:
                equal[match["key"]] = match["value"]
        elif match := _EXISTS.fullmatch(part):
            tests.append(_exists(match["key"], not match["absent"]))
        else:
            raise InvalidSelector(f"unable to parse requirement: found {part.strip()!r}, expected: a selector")
    return Selector(text, equal, tuple(tests))


def field_selector(text: str, kind: Resource) -> Selector:
    """Read ``a=b,c!=d`` with the fields that ``kind`` can be selected by."""
    known = {} if kind.group else _FIELDS.get(kind.plural, {})
    equal: dict[str, str] = {}
    tests: list[Callable[[Object], bool]] = []
    for part in re.split(r"(?<!\\),", text) if text else ():
        match = re.fullmatch(r"(?P<field>[^=!]+)(?P<operator>==|=|!=)(?P<value>.*)", part)
        if not match:
            raise InvalidSelector(f"invalid selector: {text!r}; can't understand {part!r}")
        field, value = match["field"], re.sub(r"\\([\\,=])", r"\1", match["value"])
        read = _EVERYWHERE.get(field) or known.get(field)
        if read is None:
            raise InvalidSelector(
                f"field label not supported: {field}"
                if known
                else f'"{field}" is not a known field selector: only "metadata.name", "metadata.namespace"'
            )
        wanted = match["operator"] != "!="
        tests.append(_has(read, value, wanted))
        if wanted:
            equal[field] = value
    return Selector(text, equal, tuple(tests))


def _labels(candidate: Object) -> Mapping[str, str]:
    return candidate.get("metadata", {}).get("labels") or {}


def _in(key: str, values: frozenset[str], wanted: bool) -> Callable[[Object], bool]:
    # An object without the label is selected by != and notin.
    return lambda candidate: (_labels(candidate).get(key) in values) is wanted


def _exists(key: str, wanted: bool) -> Callable[[Object], bool]:
    return lambda candidate: (key in _labels(candidate)) is wanted


def _has(read: Callable[[Object], str], value: str, wanted: bool) -> Callable[[Object], bool]:
    return lambda candidate: (read(candidate) == value) is wanted


def _at(path: str) -> Callable[[Object], str]:
    def read(candidate: Object) -> str:
        value: Any = candidate
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return "" if value is None else str(value)

    return read


def _flag(path: str) -> Callable[[Object], str]:
    read = _at(path)
    return lambda candidate: read(candidate).lower() or "false"


def _event_source(event: Object) -> str:
    return (event.get("source") or {}).get("component") or event.get("reportingComponent") or ""


def _paths(*paths: str) -> dict[str, Callable[[Object], str]]:
    return {path: _at(path) for path in paths}


_EVERYWHERE = _paths("metadata.name", "metadata.namespace")
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_FIELDS: Mapping[str, Mapping[str, Callable[[Object], str]]] = {
    "pods": {
        **_paths("spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName"),
        **_paths("status.phase", "status.podIP", "status.nominatedNodeName"),
        "spec.hostNetwork": _flag("spec.hostNetwork"),
    },
    "events": {
        **_paths(*(f"involvedObject.{field}" for field in _INVOLVED)),
        **_paths("reason", "type", "reportingComponent"),
        "source": _event_source,
    },
    "nodes": {"spec.unschedulable": _flag("spec.unschedulable")},
    "namespaces": _paths("status.phase"),
    "secrets": _paths("type"),
    "services": _paths("spec.clusterIP", "spec.type"),
}
