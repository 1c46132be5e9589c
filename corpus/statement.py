"""Statements: what an entry says, each with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from corpus.versions import Gate

__all__ = ["SECTION_NAMES", "Code", "Form", "Marker", "Section", "SectionName", "Statement", "split_marker"]

Form = Literal["paragraph", "bullet", "step"]
SectionName = Literal["Summary", "Cause", "Steps", "Verify", "Risks"]
SECTION_NAMES: tuple[SectionName, ...] = ("Summary", "Cause", "Steps", "Verify", "Risks")

_MARKER = re.compile(r"(?<!\s)\s*\{(?P<inner>[^{}]*)\}\s*$")
_NOTE = "note:"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Marker(_Frozen):
    """What a statement rests on (``{intl, cn; when terway >= 1.8.0}``).

    ``cites`` are ids of the entry's citations, ``notes`` ids of public sources, ``when`` the gates that must hold.
    """

    cites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    when: tuple[Gate, ...] = ()


class Code(_Frozen):
    """A code block: its language (may be empty) and its text without the fence."""

    language: str
    text: str


class Statement(_Frozen):
    """One cited statement: inline Markdown, the code that belongs to it, what it risks and what hangs below it.

    ``line`` is where the entry's file says it (from 1; 0 when not known); it is left out of dumps.
    """

    text: str
    form: Form = "paragraph"
    marker: Marker = Marker()
    code: tuple[Code, ...] = ()
    risks: tuple[Statement, ...] = ()
    children: tuple[Statement, ...] = ()
    line: int = Field(default=0, exclude=True, repr=False)

    def walk(self) -> Iterator[Statement]:
        """Yield this statement, its risks and everything below it, in reading order."""
        yield self
        yield from self.risks
        for child in self.children:
            yield from child.walk()


class Section(_Frozen):
    """A named part of an entry."""

    name: SectionName
    statements: tuple[Statement, ...]

    def walk(self) -> Iterator[Statement]:
        """Yield every statement of the section, in reading order."""
        for statement in self.statements:
            yield from statement.walk()


def split_marker(text: str) -> tuple[str, Marker]:
    """Split ``text`` into the statement and the marker that closes it.

    Raises ValueError when there are no words, when no marker names a source, or when the marker cannot be read.
    """
    match = _MARKER.search(text)
    if not match:
        raise ValueError(_uncited(text))
    references, _, condition = match["inner"].partition(";")
    cites: list[str] = []
    notes: list[str] = []
    for reference in filter(None, (part.strip() for part in references.split(","))):
        if reference.startswith(_NOTE):
            notes.append(reference.removeprefix(_NOTE).strip())
        else:
            cites.append(reference)
    if not cites and not notes:
        raise ValueError(_uncited(text))
    words = text[: match.start()].strip()
    if not words:
        raise ValueError("a marker without a statement before it")
    return words, Marker(cites=tuple(cites), notes=tuple(notes), when=_gates(condition.strip()))


def _uncited(text: str) -> str:
    return f"uncited statement: {' '.join(text.split())[:60]!r}; end it with {{intl}}, {{cn}} or {{note:…}}"


def _gates(condition: str) -> tuple[Gate, ...]:
    if not condition:
        return ()
    keyword, _, expression = condition.partition(" ")
    if keyword != "when":
        raise ValueError(f"a marker's condition begins with 'when': {condition!r}")
    return tuple(Gate.parse(part) for part in re.split(r"\s+and\s+", expression.strip()))
