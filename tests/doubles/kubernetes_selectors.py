"""Label and field selectors as the Kubernetes API server reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource
from tests.doubles.kubernetes_objects import BUILT_IN

__all__ = ["InvalidSelector", "Selector", "field_selector", "label_selector"]

_TOKEN = re.compile(r"\s*(?P<token>==|!=|[=!<>(),]|[^\s=!<>(),]+)")
_OPERATORS = ("=", "==", "!=", "in", "notin", "<", ">")
_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_KEY = re.compile(rf"(?:[a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?(?P<name>{_NAME.pattern})")
_LONGEST_NAME = 63
_LENGTH_RULE = f"must be no more than {_LONGEST_NAME} characters"
_KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)


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
    """Read ``a=b,c!=d,e in (f, g),h notin (i),j,!k,l>5`` as the server does, word by word."""
    words = _Words(text)
    equal: dict[str, str] = {}
    tests: list[Callable[[Object], bool]] = []
    while words.next:
        if words.next == "!" or words.is_name():
            tests.append(_requirement(words, equal))
        else:
            raise InvalidSelector(f"found '{words.next}', expected: !, identifier, or 'end of string'")
        if not words.next:
            break
        if words.take() != ",":
            raise InvalidSelector(f"found '{words.taken}', expected: ',' or 'end of string'")
        if words.next != "!" and not words.is_name():
            raise InvalidSelector(f"found '{words.next}', expected: identifier after ','")
    return Selector(text, equal, tuple(tests))


class _Words:
    """The words and signs of a selector; ``next`` is empty at its end."""

    def __init__(self, text: str) -> None:
        self._left = [match["token"] for match in _TOKEN.finditer(text)]
        self.taken = ""

    @property
    def next(self) -> str:
        return self._left[0] if self._left else ""

    def is_name(self) -> bool:
        return bool(self.next) and self.next not in "==!=<>(),"

    def take(self) -> str:
        self.taken = self.next
        del self._left[:1]
        return self.taken


def _requirement(words: _Words, equal: dict[str, str]) -> Callable[[Object], bool]:
    absent = words.next == "!" and bool(words.take())
    key = words.take() if words.is_name() else ""
    if not key:
        raise _unparsed(f"found '{words.next}', expected: identifier")
    match = _KEY.fullmatch(key)
    if match is None or len(match["name"]) > _LONGEST_NAME:
        rule = _KEY_RULE if match is None else f"name part {_LENGTH_RULE}"
        raise _unparsed(f"invalid label key {json.dumps(key)}: {rule}")
    if absent or words.next in ("", ","):
        return _exists(key, not absent)
    operator = words.take()
    if operator not in _OPERATORS:
        raise _unparsed(f"found '{operator}', expected: '=', '!=', '==', 'in', notin'")
    values = _set(words) if operator in ("in", "notin") else frozenset({_value(words)})
    for value in values:
        if value and (not _NAME.fullmatch(value) or len(value) > _LONGEST_NAME):
            rule = _LENGTH_RULE if _NAME.fullmatch(value) else _VALUE_RULE
            raise _unparsed(f"invalid label value: {json.dumps(value)}: at key: {json.dumps(key)}: {rule}")
    if operator in ("<", ">"):
        return _compared(key, operator, next(iter(values)))
    if operator in ("=", "=="):
        equal[key] = next(iter(values))
    return _in(key, values, operator not in ("!=", "notin"))


def _value(words: _Words) -> str:
    if words.next in ("", ","):
        return ""
    if not words.is_name():
        raise _unparsed(f"found '{words.next}', expected: identifier")
    return words.take()


def _set(words: _Words) -> frozenset[str]:
    if words.take() != "(":
        raise _unparsed(f"found '{words.taken}' expected: '('")
    values = [""]
    while (word := words.take()) != ")":
        if word == ",":
            values.append("")
        elif word and values[-1] == "" and word not in _OPERATORS[:3]:
            values[-1] = word
        else:
            raise _unparsed(f"found '{word}', expected: ',' or ')'")
    return frozenset(values)


def _compared(key: str, operator: str, value: str) -> Callable[[Object], bool]:
    if not re.fullmatch(r"[-+]?\d+", value):
        raise _unparsed("for 'Gt', 'Lt' operators, the value must be an integer")

    def test(candidate: Object) -> bool:
        label = _labels(candidate).get(key, "")
        if not re.fullmatch(r"[-+]?\d+", label):
            return False
        return int(label) > int(value) if operator == ">" else int(label) < int(value)

    return test


def _unparsed(why: str) -> InvalidSelector:
    return InvalidSelector(f"unable to parse requirement: {why}")


def field_selector(text: str, kind: Resource, version: tuple[int, int] = (1, 32)) -> Selector:
    """Read ``a=b,c!=d`` with the fields that a server of ``version`` selects objects of ``kind`` by."""
    known = {
        field: read
        for field, read in (_FIELDS.get(kind.plural, {}) if not kind.group else {}).items()
        if version >= _SINCE.get((kind.plural, field), (0, 0))
    }
    equal: dict[str, str] = {}
    tests: list[Callable[[Object], bool]] = []
    for part in filter(None, re.split(r"(?<!\\),", text)):
        match = re.fullmatch(r"(?P<field>[^=!]*)(?P<operator>==|=|!=)(?P<value>.*)", part)
        if not match:
            raise InvalidSelector(f"invalid selector: {text!r}; can't understand {part!r}")
        field, value = match["field"], re.sub(r"\\([\\,=])", r"\1", match["value"])
        read = _EVERYWHERE.get(field) or known.get(field)
        if read is None:
            raise InvalidSelector(
                f"field label not supported: {field}"
                if known or kind not in BUILT_IN
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


def _at(path: str, default: str = "") -> Callable[[Object], str]:
    def read(candidate: Object) -> str:
        value: Any = candidate
        for step in path.split("."):
            value = value.get(step) if isinstance(value, Mapping) else None
        return default if value is None else str(value)

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
# Objects of tests may lack what the server fills in: it selects by that, too.
_FIELDS: Mapping[str, Mapping[str, Callable[[Object], str]]] = {
    "pods": {
        **_paths("spec.nodeName", "spec.serviceAccountName"),
        **_paths("status.phase", "status.podIP", "status.nominatedNodeName"),
        "spec.restartPolicy": _at("spec.restartPolicy", "Always"),
        "spec.schedulerName": _at("spec.schedulerName", "default-scheduler"),
        "spec.hostNetwork": _flag("spec.hostNetwork"),
        "status.podIPs": lambda pod: "",  # it may be asked for, and no pod has one
    },
    "events": {
        **_paths(*(f"involvedObject.{field}" for field in _INVOLVED)),
        **_paths("reason", "type", "reportingComponent"),
        "source": _event_source,
    },
    "nodes": {"spec.unschedulable": _flag("spec.unschedulable")},
    "namespaces": {"status.phase": _at("status.phase", "Active")},
    "secrets": _paths("type"),
    "services": _paths("spec.clusterIP", "spec.type"),
}
# kubernetes/kubernetes#110477, and Kubernetes' documentation of field selectors.
_SINCE = {
    ("pods", "spec.hostNetwork"): (1, 28),
    ("services", "spec.clusterIP"): (1, 31),
    ("services", "spec.type"): (1, 31),
}
