"""The short texts that an entry is indexed by, each embedded on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from corpus import Corpus

__all__ = ["TRAINING_FIELDS", "Record", "extra_questions", "join_turns", "last_turns", "records"]

Field = Literal["title", "asked_as", "thread", "tells_apart", "statement"]

TRAINING_FIELDS: frozenset[Field] = frozenset({"title", "asked_as", "thread"})
"""The fields that read like questions."""


_WHOLE_SECTIONS = frozenset({"Steps", "Verify", "Risks"})
"""Sections that are one text; of the others each statement is."""


@dataclass(frozen=True, slots=True)
class Record:
    """One text of the entry with number ``entry``."""

    entry: int
    field: Field
    text: str


def join_turns(turns: Sequence[str]) -> str:
    """Return a conversation as one text: a turn a line, the question last."""
    return "\n".join(turns)


def records(corpus: Corpus) -> Iterator[Record]:
    """Yield the texts of all entries, in a stable order."""
    for number, entry in enumerate(corpus.entries):
        yield Record(number, "title", entry.title)
        for question in entry.asked_as:
            yield Record(number, "asked_as", question)
        for turns in entry.threads:
            yield Record(number, "thread", join_turns(turns))
        yield Record(number, "tells_apart", entry.tells_apart.text)
        for section in entry.sections:
            texts = [statement.text for statement in section.walk()]
            if section.name in _WHOLE_SECTIONS:
                texts = [" ".join(texts)]
            for text in texts:
                yield Record(number, "statement", text)


def extra_questions(corpus: Corpus) -> list[str]:
    """Return the questions that belong to no entry, then those that belong to several."""
    return [*corpus.out_of_scope, *(ambiguous.question for ambiguous in corpus.ambiguous)]


def last_turns(corpus: Corpus) -> list[str]:
    """Return the last turn of every conversation, in the order of their records."""
    return [turns[-1] for entry in corpus.entries for turns in entry.threads]
