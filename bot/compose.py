"""Makes the answer to a question from what was retrieved."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from bot.answer import (
    Answer,
    AnswerSection,
    AnswerStatement,
    Candidate,
    Choice,
    EntryName,
    References,
    SeenDifference,
    component_name,
)
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.report import report
from bot.mentioned import mentioned_versions
from corpus import Corpus, Entry, Version, parse_version, version_name
from index.normalize import normalize
from index.retriever import Ranking

__all__ = ["Composer"]

_SHOWN_CANDIDATES = 8
_CLOSEST = 3
_CACHED_BODIES = 512

_NO_ANSWER_TITLE = "The FAQ has no answer to this"
_NO_ANSWER = "acknet answers only from the Container networking FAQ of ACK, and nothing there fits well enough."
_NOTHING_ASKED = "There are no words to look for. Say in a sentence what you see, or paste the error message."
_LOOK_ALIKE = "The text resembles the known error {} but is not that error, so its repair is not given as if it were."
_CHOICES_TITLE = "Several entries of the FAQ explain this"
_CHOICES = (
    "What you describe can have several causes, each with another repair. "
    "See which of these lines fits, then ask about that one."
)

_Known = tuple[tuple[str, Version], ...]


class Composer:
    """Turns rankings into answers; the same ranking and the same versions make the same answer."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._gated = {entry.id: _gated_components(entry) for entry in corpus.entries}
        self._answer_body = lru_cache(_CACHED_BODIES)(self._build_answer)
        self._choices_body = lru_cache(_CACHED_BODIES)(self._build_choices)

    def compose(self, turns: Sequence[str], ranking: Ranking, diagnosis: Diagnosis | None = None) -> Answer:
        """Return the answer to the last of ``turns`` (oldest first) given the ranking of all entries.

        Versions that were read in the cluster, else those that the conversation states, select the branches that hold.
        """
        candidates = self.candidates(ranking)
        match ranking.outcome:
            case "answer":
                best = candidates[0].id
                body = self._answer_body(best, self._known(best, turns, diagnosis))
            case "choices":
                body = self._choices_body(ranking.choices)
            case "no_answer":
                body = _no_answer(candidates, ranking)
        found = report(diagnosis, self._corpus) if diagnosis else None
        return body.model_copy(update={"candidates": candidates, "diagnosis": found})

    def explain(self, entry_id: str, diagnosis: Diagnosis | None = None, turns: Sequence[str] = ()) -> Answer:
        """Return what the FAQ says of one entry, for the versions that were read, or that ``turns`` state."""
        return self._answer_body(entry_id, self._known(entry_id, turns, diagnosis))

    def candidates(self, ranking: Ranking) -> tuple[Candidate, ...]:
        """Return the entries that a ranking found to apply, the best first."""
        return tuple(self._candidate(ranked.entry, ranked.confidence) for ranked in ranking.entries[:_SHOWN_CANDIDATES])

    def _known(self, entry_id: str, turns: Sequence[str], diagnosis: Diagnosis | None) -> _Known:
        """Return the versions of the components on which the entry depends: those read, else those ``turns`` state."""
        gated = self._gated[entry_id]
        if not gated:
            return ()
        read = {
            component: version
            for component, text in (diagnosis.versions if diagnosis else {}).items()
            if (version := parse_version(text))
        }
        versions = mentioned_versions(*map(normalize, turns)) | read
        return tuple((component, versions[component]) for component in gated if component in versions)

    def _candidate(self, entry_id: str, confidence: float) -> Candidate:
        entry = self._corpus[entry_id]
        return Candidate(id=entry.id, title=entry.title, area=entry.area, confidence=confidence)

    def _name(self, entry_id: str) -> EntryName:
        entry = self._corpus[entry_id]
        return EntryName(id=entry.id, title=entry.title, area=entry.area)

    def _build_answer(self, entry_id: str, known: _Known) -> Answer:
        entry, versions = self._corpus[entry_id], dict(known)
        references = References(self._corpus)
        sections = tuple(
            AnswerSection(name=section.name, statements=statements)
            for section in entry.sections
            if (statements := references.resolve_all(entry, section.statements, versions))
        )
        differs = tuple(
            SeenDifference(
                topic=difference.topic, intl=difference.intl, cn=difference.cn, advice=advice, entry=entry.id
            )
            for difference in entry.differs
            for advice in references.resolve_all(entry, [difference.advice], versions)
        )
        return Answer(
            outcome="answer",
            candidates=(),
            entry=entry.id,
            title=entry.title,
            summary=_summary(sections),
            sections=sections,
            differs=differs,
            citations=references.citations,
            note_sources=references.note_sources,
            versions={component_name(component): version_name(version) for component, version in known},
            see_also=tuple(map(self._name, entry.see_also)),
        )

    def _build_choices(self, entry_ids: tuple[str, ...]) -> Answer:
        references = References(self._corpus)
        choices = tuple(
            Choice(
                candidate=self._name(entry_id),
                tells_apart=references.resolve(self._corpus[entry_id], self._corpus[entry_id].tells_apart, {}),
            )
            for entry_id in entry_ids
        )
        return Answer(
            outcome="choices",
            candidates=(),
            entry=None,
            title=_CHOICES_TITLE,
            summary=_CHOICES,
            choices=choices,
            citations=references.citations,
            note_sources=references.note_sources,
        )


def _no_answer(candidates: tuple[Candidate, ...], ranking: Ranking) -> Answer:
    look_alike = ranking.look_alike.signature if ranking.look_alike else None
    closest = tuple(candidate for candidate in candidates[:_CLOSEST] if candidate.confidence > 0)
    summary = _NO_ANSWER if closest else _NOTHING_ASKED
    if look_alike:
        summary = _LOOK_ALIKE.format(_code(look_alike))
    return Answer(
        outcome="no_answer",
        candidates=(),
        entry=None,
        title=_NO_ANSWER_TITLE,
        summary=summary,
        see_also=closest,
        look_alike=look_alike,
    )


def _summary(sections: Sequence[AnswerSection]) -> str:
    """Return the section Summary as running text."""
    return " ".join(
        _sentence(statement) for section in sections if section.name == "Summary" for statement in section.statements
    )


def _sentence(statement: AnswerStatement) -> str:
    note = "acknet's note: " if statement.own_note else ""
    return f"{note}{statement.when}: {statement.text}" if statement.when else f"{note}{statement.text}"


def _code(text: str) -> str:
    """Return ``text`` as a code span of Markdown."""
    ticks = "`"
    while ticks in text:
        ticks += "`"
    edge = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{edge}{' '.join(text.split())}{edge}{ticks}"


def _gated_components(entry: Entry) -> tuple[str, ...]:
    return tuple(sorted({gate.component for statement in entry.statements() for gate in statement.marker.when}))
