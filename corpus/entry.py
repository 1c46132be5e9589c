"""What acknet knows about one question of the FAQ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from corpus.by_hand import Read, filled
from corpus.errors import Lines, closest_line
from corpus.expression import CelExpression
from corpus.statement import Section, SectionName, Statement

__all__ = ["Area", "Case", "Cite", "Difference", "Entry"]

Area = Literal["terway", "flannel", "general", "kube-proxy", "ipv6"]
Identifier = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Cite(_Strict):
    """A place in an edition: the heading as it stands there and, in a long section, the part.

    ``id`` is what markers use; it is the edition's id unless an edition is cited twice.
    """

    id: Identifier
    edition: Identifier
    heading: Text
    part: Text | None = None


class Difference(_Strict):
    """Something the editions disagree on or one of them leaves out, and what to do about it."""

    topic: Text
    intl: Text
    cn: Text
    advice: Statement


class Case(_Strict):
    """One thing that can be the case in a cluster, how facts tell whether it is, and where a person sees it.

    The expressions are CEL over the facts of a diagnosis (docs/diagnosis.md). ``applies_if`` yields true or false;
    where it is false the case is ruled out. ``confirmed_by`` and ``ruled_out_by`` yield lists of observations, each
    expression for itself: what is in a list is the evidence, an empty one is none. ``by_hand`` says where to look when
    the facts do not decide; it has places for what was read (``corpus.by_hand``). ``state``: that it is so is no fault
    where nobody asked about it.
    """

    id: Identifier
    claim: Text
    applies_if: CelExpression | None = None
    confirmed_by: tuple[CelExpression, ...] = ()
    ruled_out_by: tuple[CelExpression, ...] = ()
    by_hand: Text | None = None
    state: bool = False

    def look(self, read: Read = lambda _fact, _field: ()) -> str | None:
        """Return where to look by hand, with what was ``read`` filled in, or with words in its place."""
        return None if self.by_hand is None else filled(self.by_hand, read)


class Entry(_Strict):
    """One question of the FAQ: what both editions say about it, how people ask it, and what can be the case.

    ``applies_if`` and ``ruled_out_by`` hold for all its cases, and before what those say themselves.
    ``lines`` tells where the entry's front matter says what, for messages; it is left out of dumps.
    """

    id: Identifier
    title: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    area: Area
    kind: Literal["symptom", "howto", "info"]
    cites: Annotated[tuple[Cite, ...], Field(min_length=1)]
    tells_apart: Statement
    differs: tuple[Difference, ...] = ()
    asked_as: Annotated[tuple[Text, ...], Field(min_length=12)]
    threads: tuple[Annotated[tuple[Text, ...], Field(min_length=2)], ...] = ()
    signatures: tuple[Text, ...] = ()
    applies_if: CelExpression | None = None
    ruled_out_by: tuple[CelExpression, ...] = ()
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    see_also: tuple[Identifier, ...] = ()
    sections: tuple[Section, ...]
    lines: Lines = Field(default={}, exclude=True, repr=False)

    def section(self, name: SectionName) -> tuple[Statement, ...]:
        """Return the statements of the section ``name``; empty when the entry has no such section."""
        return next((section.statements for section in self.sections if section.name == name), ())

    def line(self, *at: str | int) -> int:
        """Return the line of the value at key path ``at``, or of the closest one around it; 0 when not known."""
        return closest_line(self.lines, at)

    def statements(self) -> Iterator[Statement]:
        """Yield every cited statement of the entry: body, what tells it apart, advice on differences."""
        for section in self.sections:
            yield from section.walk()
        yield self.tells_apart
        for difference in self.differs:
            yield difference.advice
