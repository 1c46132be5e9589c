"""Everything about one entry, as its page shows it."""

from __future__ import annotations

from typing import Any

from bot.answer import Answer, AnswerSection, References, SeenDifference
from corpus import Corpus, Entry

__all__ = ["entry_page"]


def entry_page(corpus: Corpus, entry: Entry) -> dict[str, Any]:
    """Return the entry with every branch of it, whatever the version, its sources numbered as they are met."""
    references = References(corpus)
    sections = tuple(
        AnswerSection(name=section.name, statements=references.resolve_all(entry, section.statements, {}))
        for section in entry.sections
    )
    differs = tuple(
        SeenDifference(
            topic=item.topic,
            intl=item.intl,
            cn=item.cn,
            advice=references.resolve(entry, item.advice, {}),
            entry=entry.id,
        )
        for item in entry.differs
    )
    tells_apart = references.resolve(entry, entry.tells_apart, {})
    for cite in entry.cites:
        references.cite(entry, cite.id)
    whole = Answer(
        outcome="answer",
        candidates=(),
        entry=entry.id,
        title=entry.title,
        summary="",
        sections=sections,
        differs=differs,
        citations=references.citations,
        note_sources=references.note_sources,
    )
    return {
        "entry": entry,
        "whole": whole,
        "tells_apart": tells_apart,
        "sections": {section.name: section.statements for section in sections},
        "see_also": [corpus[other] for other in entry.see_also],
    }
