"""JSON and YAML objects out of pasted lines, also of documents whose end was cut off."""

from __future__ import annotations

import bisect
import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

from bot.diagnosis.documents import DocumentError, Part, json_documents, parts, yaml_document, yaml_texts

__all__ = ["Block", "Salvage", "Salvaged"]

_YAML_START = re.compile(r"(?P<indent> *)(?:- )?(?:apiVersion|kind|metadata|items|data|spec|status):(?:\s|\Z)")
_YAML_LINE = re.compile(r"(?:[a-z]\w{0,60}:(?:\s|\Z)|- |-\Z|---|#|\.\.\.|[}\]])")
_KIND = re.compile(r"\s*(?:- )?kind: *[\"']?[A-Z]\w{1,80}[\"']?\s*\Z")
_ELIDED = re.compile(r"(?:# ?)?(?:\.{3,}|…|\[(?:\.{3}|…)\]|<\.{3}>|<(?:snip|omitted|truncated)>)\Z", re.IGNORECASE)
_JSON_START = re.compile(r" *[\[{] *(?:\Z|[\"\[{])")
_JSON_TOKEN = re.compile(
    r'\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*+")|(?P<scalar>-?\d[\d.eE+-]*|true|false|null)|(?P<mark>[{}\[\],:]))'
)
_KUBERNETES = re.compile(r'"(?:apiVersion|kind|items)"\s*:')
_ATTEMPTS = 8
_MAX_DEPTH = 200
_STATUS_KINDS = frozenset({"Pod", "Node", "DaemonSet"})


@dataclass(frozen=True, slots=True)
class Salvaged:
    """An object of a document; ``cut`` where it may have had more fields than are left."""

    part: Part
    cut: bool

    @classmethod
    def of(cls, obj: dict[str, Any]) -> Self:
        """Return an object whose end, with its kind and name, was cut off and put together again."""
        return cls(Part(obj["apiVersion"], obj["kind"], obj, listed=False), cut=True)


@dataclass(frozen=True, slots=True)
class Block:
    """The objects of a document, and the line after it."""

    end: int
    objects: list[Salvaged]
    values: list[Any]


class Salvage:
    """Finds documents in lines. It gives up where a text makes it look at its megabytes again and again."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._text = "\n".join(lines)
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
        self._characters_left = 3 * 1024 * 1024

    def at(self, start: int, edges: Sequence[int]) -> Block | None:
        """Return the document that starts in line ``start`` and ends before the next of ``edges``; None for none."""
        line = self._lines[start]
        if _JSON_START.match(line[:200]):
            return self._json(start, edges)
        if match := _YAML_START.match(line[:200]):
            return self._yaml(start, edges, len(match["indent"]))
        return None

    def _next(self, start: int, edges: Sequence[int]) -> int:
        at = bisect.bisect_right(edges, start)
        return edges[at] if at < len(edges) else len(self._lines)

    def _spend(self, characters: int) -> bool:
        self._characters_left -= characters
        return self._characters_left >= 0

    def _json(self, start: int, edges: Sequence[int]) -> Block | None:
        at, end = self._starts[start], self._starts[self._next(start, edges)]
        if not _KUBERNETES.search(self._text, at, min(end, at + 4000)) or not self._spend(4000):
            return None
        stop, repaired = _json_end(self._text, at, end)
        self._spend(stop - at)
        value = _loaded(self._text[at:stop] if repaired is None else repaired)
        if value is None:
            return None
        last = bisect.bisect_left(self._starts, stop)
        return Block(last, [*_salvaged(value, cut=repaired is not None)], [value])

    def _yaml(self, start: int, edges: Sequence[int], indent: int) -> Block | None:
        end = self._yaml_end(start, self._next(start, edges), indent)
        lines = [line[indent:] for line in self._lines[start:end]]
        if not any(_KIND.match(line[:200]) for line in lines) and not lines[0].startswith("apiVersion:"):
            return None
        kept = [line for line in lines if not _ELIDED.match(line.strip())]
        text, elided = "\n".join(kept), len(kept) < len(lines)
        objects: list[Salvaged] = []
        values: list[Any] = []
        for document in yaml_texts(text):
            value, cut = self._yaml_value(document)
            if isinstance(value, dict | list):
                values.append(value)
                objects += _salvaged(value, cut=cut or elided)
        return Block(end, objects, values)

    def _yaml_end(self, start: int, end: int, indent: int) -> int:
        for number in range(start + 1, end):
            line = self._lines[number]
            content = line.lstrip(" ")
            if not content:
                continue
            depth = len(line) - len(content)
            if depth < indent or (depth == indent and not _YAML_LINE.match(content[:400])):
                return number
            if depth == indent and content.startswith("apiVersion:") and not self._lines[number - 1].startswith("---"):
                return number  # the next object, with nothing between
        return end

    def _yaml_value(self, text: str) -> tuple[Any, bool]:
        for attempt in range(_ATTEMPTS):
            if not self._spend(len(text)):
                break
            try:
                return yaml_document(text), attempt > 0
            except DocumentError as error:
                if error.line is None:
                    break
                lines = text.split("\n")
                text = "\n".join(lines[: min(error.line, len(lines) - 1)])
        return None, True


def _loaded(text: str) -> Any:
    try:
        return next(json_documents(text), None)
    except DocumentError:
        return None


def _json_end(text: str, start: int, end: int) -> tuple[int, str | None]:
    """Return where the JSON value that starts there ends and, where it is cut off, what is left of it, closed."""
    closers: list[str] = []
    at = whole_until = start
    whole_depth = 0
    is_value = False  # in an object: a colon came before
    while len(closers) < _MAX_DEPTH and (match := _JSON_TOKEN.match(text, at, end)):
        at, mark = match.end(), match["mark"]
        if mark in ("{", "["):
            closers.append("}" if mark == "{" else "]")
            is_value = False
        elif mark in (":", ","):
            is_value = mark == ":"
        elif mark is None and not is_value and closers[-1:] != ["]"]:
            continue  # a key
        elif mark is not None and (not closers or closers.pop() != mark):
            break
        elif not closers:
            return at, None
        else:
            whole_until, whole_depth, is_value = at, len(closers), False
    return at, text[start:whole_until] + "".join(reversed(closers[:whole_depth]))


def _salvaged(value: Any, *, cut: bool) -> Iterator[Salvaged]:
    """Yield a document's objects; the last one may be cut where the document is, or where a list has no end."""
    if isinstance(value, dict) and isinstance(value.get("items"), list):
        kind = value.get("kind")
        if not (isinstance(kind, str) and kind.endswith("List")):
            value, cut = {**value, "kind": "List"}, True  # its kind comes after its items
    found = [part for part in parts(value) if part.obj is not None]
    for part, following in itertools.zip_longest(found, found[1:]):
        assert part.obj is not None
        without_status = part.kind in _STATUS_KINDS and "status" not in part.obj
        yield Salvaged(part, cut=without_status or (cut and following is None))
