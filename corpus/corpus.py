"""All entries together, with the sources they cite and the questions that calibrate retrieval."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from corpus.entry import Area, Cite, Entry
from corpus.errors import Lines, closest_line
from corpus.expression import CelExpression

__all__ = ["Ambiguous", "Check", "Corpus", "Edition", "Source"]

_LONGEST_ID = 100


class Edition(BaseModel):
    """A published edition of the FAQ; ``dated`` is None where the page states no date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    document: str
    url: str
    dated: str | None


class Source(BaseModel):
    """A public source of acknet's own corrections."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    url: str


class Ambiguous(BaseModel):
    """A question that several entries explain alike, the most plausible first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: str
    entries: Annotated[tuple[str, ...], Field(min_length=2, max_length=5)]


class Check(BaseModel):
    """Something that is looked at before any entry's cases; ``failed_by`` yields observations of what is wrong.

    ``areas``: it matters for entries of these; empty: of all.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    says: str
    failed_by: CelExpression
    areas: tuple[Area, ...] = ()


class Corpus(BaseModel):
    """Everything acknet may say and where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    editions: dict[str, Edition]
    notes: dict[str, Source]
    entries: tuple[Entry, ...]
    out_of_scope: tuple[str, ...] = ()
    ambiguous: tuple[Ambiguous, ...] = ()
    checks: tuple[Check, ...] = ()
    glossary: dict[str, str] = {}
    """Chinese term → English words, for an encoder that reads English only."""
    lines: dict[str, Lines] = Field(default={}, exclude=True, repr=False)
    """Where the lists beside the entries say what (file name → lines), for messages; left out of dumps."""

    @cached_property
    def _by_id(self) -> dict[str, Entry]:
        return {entry.id: entry for entry in self.entries}

    def __getitem__(self, entry_id: str) -> Entry:
        """Return the entry with this id; raise KeyError when there is none."""
        return self._by_id[entry_id]

    def __contains__(self, entry_id: object) -> bool:
        return entry_id in self._by_id

    def closest(self, entry_id: str) -> list[str]:
        """Return the ids, at most three, that come closest to one that there is not."""
        return difflib.get_close_matches(entry_id[:_LONGEST_ID].lower(), list(self._by_id), n=3, cutoff=0.4)

    def line(self, file: str, *at: str | int) -> int:
        """Return the line of ``file`` that holds the value at key path ``at``; 0 when not known."""
        return closest_line(self.lines.get(file, {}), at)

    def cites(self) -> Iterator[tuple[Entry, Cite]]:
        """Yield every citation with the entry that makes it."""
        for entry in self.entries:
            for cite in entry.cites:
                yield entry, cite

    @cached_property
    def digest(self) -> str:
        """A hex sha256 over everything in the corpus; two corpora are the same when it is equal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
