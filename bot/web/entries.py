"""Entries of the corpus as the API shows them."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.web.entry_models import (
    CaseView,
    CodeView,
    EntryCitation,
    EntryDifference,
    EntryNote,
    EntrySummary,
    EntryView,
    SectionView,
    StatementView,
)
from bot.web.problems import ProblemError

if TYPE_CHECKING:
    from corpus import Corpus, Entry, Statement

__all__ = ["entry_summary", "entry_view", "known_entry"]


def entry_summary(entry: Entry) -> EntrySummary:
    """Return what the list of entries shows of ``entry``."""
    return EntrySummary(id=entry.id, title=entry.title, area=entry.area, kind=entry.kind)


def entry_view(corpus: Corpus, entry: Entry) -> EntryView:
    """Return everything the corpus holds about ``entry``, with its citations and notes resolved."""
    editions = corpus.editions
    notes = dict.fromkeys(note for statement in entry.statements() for note in statement.marker.notes)
    return EntryView(
        id=entry.id,
        title=entry.title,
        area=entry.area,
        kind=entry.kind,
        tells_apart=_statement(entry.tells_apart),
        sections=tuple(
            SectionView(name=section.name, statements=_statements(section.statements)) for section in entry.sections
        ),
        differs=tuple(
            EntryDifference(topic=item.topic, intl=item.intl, cn=item.cn, advice=_statement(item.advice))
            for item in entry.differs
        ),
        citations=tuple(
            EntryCitation(**cite.model_dump(), **editions[cite.edition].model_dump()) for cite in entry.cites
        ),
        notes=tuple(EntryNote(id=note, **corpus.notes[note].model_dump()) for note in notes),
        cases=tuple(CaseView(id=case.id, claim=case.claim, by_hand=case.look()) for case in entry.cases),
        signatures=entry.signatures,
        asked_as=entry.asked_as,
        threads=entry.threads,
        see_also=entry.see_also,
    )


def known_entry(corpus: Corpus, entry_id: str) -> Entry:
    """Return the entry with this id; raises ProblemError that names those that come close."""
    if entry_id in corpus:
        return corpus[entry_id]
    closest = corpus.closest(entry_id)
    hint = f"did you mean {', '.join(closest)}?" if closest else "/v1/entries lists them all."
    raise ProblemError(
        HTTPStatus.NOT_FOUND, f"There is no entry {entry_id[:100]!r}; {hint}", kind="unknown-entry", closest=closest
    )


def _statements(statements: Iterable[Statement]) -> tuple[StatementView, ...]:
    return tuple(_statement(statement) for statement in statements)


def _statement(statement: Statement) -> StatementView:
    return StatementView(
        text=statement.text,
        form=statement.form,
        citations=statement.marker.cites,
        notes=statement.marker.notes,
        when=tuple(map(str, statement.marker.when)),
        code=tuple(CodeView(language=code.language, text=code.text) for code in statement.code),
        risks=_statements(statement.risks),
        children=_statements(statement.children),
    )
