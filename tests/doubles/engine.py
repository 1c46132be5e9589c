"""A stand-in for the engine: real answers from the shipped corpus, found without index or encoder."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cache

from bot.answer import Answer, AnswerSection, Candidate, References
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.report import report
from corpus import Corpus, Entry, load_corpus
from index.fusion import Outcome
from index.retriever import Ranked, Ranking

__all__ = ["StandInEngine"]


@cache
def shipped_corpus() -> Corpus:
    return load_corpus()


class StandInEngine:
    """Answers with the entry whose id the last turn names, with the first one otherwise.

    A last turn that says REFUSE ranks as one that nothing answers, one that says CHOOSE as one that several entries do.
    ``asked`` holds the turns of every question. Questions wait while ``gate`` is closed; ``entered`` counts those that
    have come as far as the gate. A question that says CRASH raises an error that quotes it.
    """

    def __init__(self) -> None:
        self.corpus = shipped_corpus()
        self.index_digest = "5ca1ab1e" * 8
        self.asked: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def suspects(self, turns: Sequence[str]) -> tuple[Entry, ...]:
        return tuple(self.corpus[ranked.entry] for ranked in self.rank(turns).entries[:5])

    def ask(self, turns: Sequence[str], diagnosis: Diagnosis | None = None) -> Answer:
        self.asked.append(list(turns))
        self.entered.release()
        self.gate.wait(timeout=30)
        if "CRASH" in turns[-1]:
            raise RuntimeError(f"cannot answer {turns[-1]!r}")
        found = next((entry for entry in self.corpus.entries if entry.id in turns[-1]), self.corpus.entries[0])
        answer = self._answer(found)
        return answer.model_copy(update={"diagnosis": report(diagnosis, self.corpus)}) if diagnosis else answer

    def explain(self, entry_id: str, turns: Sequence[str] = (), diagnosis: Diagnosis | None = None) -> Answer:
        answer = self._answer(self.corpus[entry_id])
        return answer.model_copy(update={"diagnosis": report(diagnosis, self.corpus)}) if diagnosis else answer

    def rank(self, turns: Sequence[str]) -> Ranking:
        """Rank the entry that is named first, with a confidence of 0.75, and of 0.25 without one; then all others."""
        found = next((entry for entry in self.corpus.entries if entry.id in turns[-1]), None)
        others = [entry for entry in self.corpus.entries if entry is not found]
        ranked = [Ranked(found.id, 0.75)] if found else []
        ranked += [Ranked(entry.id, 0.25) for entry in others]
        refused, choices = "REFUSE" in turns[-1], "CHOOSE" in turns[-1]
        outcome: Outcome = "no_answer" if refused else "choices" if choices else "answer"
        return Ranking(outcome, tuple(ranked), (), (), None)

    def _answer(self, entry: Entry) -> Answer:
        references = References(self.corpus)
        others = [other for other in self.corpus.entries if other.id != entry.id][:4]
        sections = tuple(
            AnswerSection(name=section.name, statements=references.resolve_all(entry, section.statements, {}))
            for section in entry.sections
        )
        return Answer(
            outcome="answer",
            candidates=tuple(
                Candidate(id=one.id, title=one.title, area=one.area, confidence=0.9 / rank)
                for rank, one in enumerate([entry, *others], 1)
            ),
            entry=entry.id,
            title=entry.title,
            summary=entry.section("Summary")[0].text,
            sections=sections,
            citations=references.citations,
            note_sources=references.note_sources,
            elapsed_ms=1.0,
        )
