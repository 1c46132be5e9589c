"""What the API shows of the corpus' entries."""

from __future__ import annotations

from bot.web.models import Reply

__all__ = [
    "CaseView",
    "CodeView",
    "EntryCitation",
    "EntryDifference",
    "EntryList",
    "EntryNote",
    "EntrySummary",
    "EntryView",
    "SectionView",
    "StatementView",
]


class EntrySummary(Reply):
    """An entry in the list of all."""

    id: str
    title: str
    area: str
    kind: str


class EntryList(Reply):
    """Every entry acknet knows."""

    entries: tuple[EntrySummary, ...]


class EntryCitation(Reply):
    """A place in an edition; statements name it by ``id``. ``dated`` is None where the page states no date."""

    id: str
    edition: str
    document: str
    heading: str
    part: str | None
    url: str
    dated: str | None


class EntryNote(Reply):
    """A public source of acknet's own notes; statements name it by ``id``."""

    id: str
    title: str
    url: str


class CodeView(Reply):
    """A code block."""

    language: str
    text: str


class StatementView(Reply):
    """One statement (inline Markdown), what it rests on, and the versions for which it holds (empty: for all)."""

    text: str
    form: str
    citations: tuple[str, ...]
    notes: tuple[str, ...]
    when: tuple[str, ...]
    code: tuple[CodeView, ...]
    risks: tuple[StatementView, ...]
    children: tuple[StatementView, ...]


class SectionView(Reply):
    """A named part of an entry."""

    name: str
    statements: tuple[StatementView, ...]


class EntryDifference(Reply):
    """Where the editions differ, and what to do."""

    topic: str
    intl: str
    cn: str
    advice: StatementView


class CaseView(Reply):
    """One thing that can be the case in a cluster, and where a person sees whether it is."""

    id: str
    claim: str
    by_hand: str | None


class EntryView(EntrySummary):
    """Everything acknet knows about one question of the FAQ."""

    tells_apart: StatementView
    sections: tuple[SectionView, ...]
    differs: tuple[EntryDifference, ...]
    citations: tuple[EntryCitation, ...]
    notes: tuple[EntryNote, ...]
    cases: tuple[CaseView, ...]
    signatures: tuple[str, ...]
    asked_as: tuple[str, ...]
    threads: tuple[tuple[str, ...], ...]
    see_also: tuple[str, ...]
