"""Makes the answer to a question from what was retrieved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from bot.answer import Answer, AnswerSection, Candidate, Choice, References, SeenDifference
from bot.mentioned import mentioned_versions
from corpus import Corpus, Entry, Version
from index.normalize import normalize
from index.retriever import Ranking

__all__ = ["Composer"]

SHOWN_CANDIDATES = 8
CLOSEST = 3
_CACHED_BODIES = 512

_NO_ANSWER_TITLE = "The FAQ has no answer to this"
_CHOICES_TITLE = "Several entries of the FAQ explain this"


class Composer:
    """Turns rankings into answers; the same ranking and the same versions make the same answer."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._answer_body = lru_cache(_CACHED_BODIES)(self._build_answer)
        self._choices_body = lru_cache(_CACHED_BODIES)(self._build_choices)

    def compose(self, turns: Sequence[str], ranking: Ranking) -> Answer:
        """Return the answer to the last of ``turns`` given the ranking of all entries.

        Versions that the conversation states select the branches that hold; a later turn's word counts over an
        earlier one's.
        """
        versions: dict[str, Version] = {}
        for turn in turns:
            versions |= mentioned_versions(normalize(turn))
        candidates = tuple(
            self._candidate(ranked.entry, ranked.confidence) for ranked in ranking.entries[:SHOWN_CANDIDATES]
        )
        match ranking.outcome:
            case "answer":
                body = self._answer_body(candidates[0].id, tuple(sorted(versions.items())))
            case "choices":
                body = self._choices_body(ranking.choices)
            case "no_answer":
                body = self._no_answer(candidates, ranking)
        return body.model_copy(update={"candidates": candidates})

    def _candidate(self, entry_id: str, confidence: float) -> Candidate:
        entry = self._corpus[entry_id]
        return Candidate(id=entry.id, title=entry.title, area=entry.area, confidence=confidence)

    def _build_answer(self, entry_id: str, known: tuple[tuple[str, Version], ...]) -> Answer:
        entry, versions = self._corpus[entry_id], dict(known)
        references = References(self._corpus)
        sections = tuple(
            AnswerSection(name=section.name, statements=statements)
            for section in entry.sections
            if (statements := references.resolve_all(entry, section.statements, versions))
        )
        summary = " ".join(statement.text for statement in entry.section("Summary"))
        return Answer(
            outcome="answer",
            candidates=(),
            entry=entry.id,
            title=entry.title,
            summary=summary,
            sections=sections,
            differs=self._differences(references, entry, versions),
            citations=references.citations,
            note_sources=references.note_sources,
            versions={name: "v" + ".".join(map(str, version)) for name, version in known if _gated(entry, name)},
            see_also=tuple(self._candidate(other, 0.0) for other in entry.see_also),
        )

    def _differences(
        self, references: References, entry: Entry, versions: Mapping[str, Version]
    ) -> tuple[SeenDifference, ...]:
        return tuple(
            SeenDifference(
                topic=difference.topic,
                intl=difference.intl,
                cn=difference.cn,
                advice=references.resolve(entry, difference.advice, versions),
                entry=entry.id,
            )
            for difference in entry.differs
        )

    def _build_choices(self, entry_ids: tuple[str, ...]) -> Answer:
        references = References(self._corpus)
        choices = tuple(
            Choice(
                candidate=self._candidate(entry_id, 0.0),
                tells_apart=references.resolve(self._corpus[entry_id], self._corpus[entry_id].tells_apart, {}),
            )
            for entry_id in entry_ids
        )
        return Answer(
            outcome="choices",
            candidates=(),
            entry=None,
            title=_CHOICES_TITLE,
            summary="What you describe can have several causes, each with another repair. "
            "See which of these lines fits, then ask about that one.",
            choices=choices,
            citations=references.citations,
            note_sources=references.note_sources,
        )

    def _no_answer(self, candidates: tuple[Candidate, ...], ranking: Ranking) -> Answer:
        look_alike = ranking.look_alike.signature if ranking.look_alike else None
        summary = "acknet answers only from the Container networking FAQ of ACK, and nothing there fits well enough."
        if look_alike:
            summary = (
                f"The text resembles the known error `{look_alike}` but is not that error, "
                "so its repair is not given as if it were."
            )
        return Answer(
            outcome="no_answer",
            candidates=(),
            entry=None,
            title=_NO_ANSWER_TITLE,
            summary=summary,
            see_also=candidates[:CLOSEST],
            look_alike=look_alike,
        )


def _gated(entry: Entry, component: str) -> bool:
    return any(gate.component == component for statement in entry.statements() for gate in statement.marker.when)
