"""JSON and YAML text into Kubernetes objects, as the API server's JSON would give them; made for hostile text."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["DocumentError", "Part", "json_documents", "parts", "typed_as_core_event", "yaml_document", "yaml_texts"]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_MAX_DEPTH = 200
_MAX_GROWTH = 20
"""How many times its own length the aliases of a document may stand for: a billion laughs end here."""

_DOCUMENT_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_INTEGER = re.compile(r"[-+]?(?:0|[1-9]\d{0,30})\Z", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d{1,300}\.\d{0,300}|\.\d{1,300}|\d{1,300}(?=[eE]))(?:[eE][-+]?\d{1,4})?\Z", re.ASCII)
_WORDS: dict[str, bool | None] = {
    spelled: value
    for word, value in (
        ("null", None),
        ("true", True),
        ("yes", True),
        ("on", True),
        ("false", False),
        ("no", False),
        ("off", False),
    )
    for spelled in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}
_TAG = "tag:yaml.org,2002:"


class DocumentError(ValueError):
    """Text is no JSON or YAML, or not of the plain kind that Kubernetes writes; one line without the text's words.

    ``line`` counts from 0 where it is known which one cannot be understood.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message if line is None else f"{message} in line {line + 1}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a document, or (``obj`` None) a list of its kind without items.

    ``listed`` tells a list's item from an object of its own, ``whole`` whether the server gave the list to its end.
    """

    api_version: str
    kind: str
    obj: Mapping[str, Any] | None
    listed: bool
    whole: bool = True


def json_documents(text: str) -> Iterator[Any]:
    """Yield the JSON values that stand one after the other in ``text``; raises DocumentError."""
    decoder = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
    at = 0
    while (at := _skip_space(text, at)) < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            raise DocumentError("invalid JSON", error.lineno - 1) from None
        except RecursionError:
            raise DocumentError("JSON is nested too deeply") from None
        except ValueError as error:
            raise DocumentError(f"invalid JSON: {error}") from None
        yield value


def yaml_texts(text: str) -> Iterator[str]:
    """Yield the text of each YAML document, so that a broken one does not take those after it along."""
    starts = [0, *(match.start() for match in _DOCUMENT_START.finditer(text)), len(text)]
    for start, end in itertools.pairwise(starts):
        document = text[start:end]
        if any(line.strip() and line.lstrip()[0] not in "#%" for line in document.removeprefix("---").split("\n")):
            yield document


def yaml_document(text: str) -> Any:
    """Return the value of a YAML document with Kubernetes' types: no dates, no sexagesimal numbers, keys are text.

    Raises DocumentError, also for merge keys and tags of other types, which Kubernetes never writes.
    """
    builder = _Builder(_MAX_GROWTH * len(text))
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except DocumentError as error:
        raise DocumentError(str(error), event.start_mark.line if event.start_mark else None) from None
    except yaml.MarkedYAMLError as error:
        raise DocumentError("invalid YAML", error.problem_mark.line if error.problem_mark else None) from None
    except yaml.YAMLError:
        raise DocumentError("invalid YAML: characters that it does not allow") from None
    return builder.root


class _Builder:
    """Builds a value from YAML's events without recursion: libyaml's own composer overruns the stack when nested."""

    def __init__(self, most_aliased: int) -> None:
        self.root: Any = None
        self._open: list[tuple[Any, str | None, int]] = []  # container, its anchor, weight before it
        self._keys: list[str | None] = []  # per container, the key that waits for its value
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._weight = 0
        self._aliasable = most_aliased

    def take(self, event: Any) -> None:
        """Take in the next event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._start(event)
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._keys.pop()
                value, anchor, before = self._open.pop()
                if anchor is not None:
                    self._anchors[anchor] = (value, self._weight - before)
            case yaml.AliasEvent():
                self._alias(event.anchor)
            case _:
                pass

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        self._weight += len(text) + 8
        if self._is_key():
            if event.tag == f"{_TAG}merge" or (text == "<<" and event.implicit[0]):
                raise DocumentError("YAML merge keys are not supported")
            self._keys[-1] = text
            return
        value = _resolved(text, event)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, len(text) + 8)
        self._put(value)

    def _start(self, event: Any) -> None:
        if self._is_key():
            raise DocumentError("YAML has a key that is not text")
        if event.tag not in (None, "!", f"{_TAG}map", f"{_TAG}seq"):
            raise DocumentError("YAML has tags of types that Kubernetes does not know")
        if len(self._open) == _MAX_DEPTH:
            raise DocumentError("YAML is nested too deeply")
        value: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._put(value)
        self._open.append((value, event.anchor, self._weight))
        self._weight += 8
        self._keys.append(None)

    def _alias(self, name: str | None) -> None:
        if self._is_key() or name is None or name not in self._anchors:
            raise DocumentError("YAML has an alias that is not known where it stands")
        value, weight = self._anchors[name]
        self._weight += weight
        self._aliasable -= weight
        if self._aliasable < 0:
            raise DocumentError("YAML has aliases that stand for too much text")
        self._put(value)

    def _is_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1][0], dict) and self._keys[-1] is None

    def _put(self, value: Any) -> None:
        if not self._open:
            self.root = value
            return
        container = self._open[-1][0]
        key = self._keys[-1]
        if key is None:
            container.append(value)
        else:
            container[key] = value
            self._keys[-1] = None


def _resolved(text: str, event: Any) -> Any:
    if event.tag is not None and event.tag not in ("!", f"{_TAG}str"):
        raise DocumentError("YAML has tags of types that Kubernetes does not know")
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789":
        if _INTEGER.match(text):
            return int(text)
        if _FLOAT.match(text) and math.isfinite(number := float(text)):
            return number
    return text


def parts(value: Any) -> Iterator[Part]:
    """Yield the objects of a document: itself, or the items of a List of any kind, of an array, of Lists of Lists."""
    pending = [(value, "", "", False, True)]
    while pending:
        current, api_version, kind, listed, whole = pending.pop()
        if isinstance(current, list):
            pending.extend((item, api_version, kind, listed, whole) for item in reversed(current))
            continue
        if not isinstance(current, dict):
            continue
        api_version = _text(current.get("apiVersion")) or api_version
        kind = _text(current.get("kind")) or kind
        if not kind.endswith("List"):
            if kind and api_version:
                yield Part(api_version, kind, {"apiVersion": api_version, "kind": kind, **current}, listed, whole)
            continue
        items = current.get("items")
        metadata = current.get("metadata")
        more = isinstance(metadata, dict) and bool(metadata.get("continue") or metadata.get("remainingItemCount"))
        if isinstance(items, list) and items:
            # The items of a typed list bear no kind of their own, those of a plain List do.
            item_kind = kind.removesuffix("List")
            pending.extend((item, api_version if item_kind else "", item_kind, True, not more) for item in items[::-1])
        elif kind != "List" and ("items" in current or "metadata" in current):
            yield Part(api_version, kind.removesuffix("List"), None, listed=True, whole=not more)


def typed_as_core_event(part: Part) -> Part:
    """Return an event of events.k8s.io as core/v1 serves the same event; any other part as it is."""
    if part.kind != "Event" or not part.api_version.startswith("events.k8s.io/"):
        return part
    if part.obj is None:
        return Part("v1", "Event", None, part.listed, part.whole)
    renamed = {
        "regarding": "involvedObject",
        "note": "message",
        "reportingController": "reportingComponent",
        "deprecatedCount": "count",
        "deprecatedFirstTimestamp": "firstTimestamp",
        "deprecatedLastTimestamp": "lastTimestamp",
        "deprecatedSource": "source",
    }
    event = {renamed.get(key, key): value for key, value in part.obj.items()} | {"apiVersion": "v1"}
    return Part("v1", "Event", event, part.listed, part.whole)


def _skip_space(text: str, at: int) -> int:
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def _finite(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError("a number is too large")
    return number


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
