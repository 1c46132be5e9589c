"""A stand-in for the engine: real answers from the shipped corpus, found without index or encoder."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from bot.answer import Answer
from bot.compose import Composer
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.report import report
from corpus import Corpus, Entry, load_corpus
from index.fusion import Outcome
from index.retriever import Ranked, Ranking

__all__ = ["StandInEngine"]


@cache
def shipped_corpus() -> Corpus:
    return load_corpus()


@cache
def shipped_composer() -> Composer:
    return Composer(shipped_corpus())


class StandInEngine:
    """Answers with the entry whose id the last turn names, with the first one otherwise.

    A last turn that says REFUSE ranks as one that nothing answers, one that says CHOOSE as one that several entries do.
    ``asked`` holds the turns of every question. Questions wait while ``gate`` is closed; ``entered`` counts those that
    have come as far as the gate. A question that says CRASH raises an error that quotes it.
    """

    def __init__(self) -> None:
        self.corpus = shipped_corpus()
        self._composer = shipped_composer()
        self.index_digest = "5ca1ab1e" * 8
        self.asked: list[list[str]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Return vectors that are the closer, the more words texts share."""
        vectors = np.zeros((len(texts), 256), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.lower().split():
                vectors[row, zlib.crc32(word.encode()) % 256] += 1
        return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)

    def suspects(self, turns: Sequence[str]) -> tuple[Entry, ...]:
        return tuple(self.corpus[ranked.entry] for ranked in self.rank(turns).entries[:5])

    def ask(self, turns: Sequence[str], diagnosis: Diagnosis | None = None) -> Answer:
        self.asked.append(list(turns))
        self.entered.release()
        self.gate.wait(timeout=90)
        if "CRASH" in turns[-1]:
            raise RuntimeError(f"cannot answer {turns[-1]!r}")
        answer = self._composer.compose(turns, self.rank(turns), diagnosis)
        return answer.model_copy(update={"elapsed_ms": 1.0})

    def explain(self, entry_id: str, turns: Sequence[str] = (), diagnosis: Diagnosis | None = None) -> Answer:
        answer = self._composer.explain(entry_id, diagnosis, turns)
        found = report(diagnosis, self.corpus) if diagnosis else None
        candidates = self._composer.candidates(self.rank(turns)) if turns else ()
        return answer.model_copy(update={"diagnosis": found, "candidates": candidates, "elapsed_ms": 1.0})

    def rank(self, turns: Sequence[str]) -> Ranking:
        """Rank the entry that is named first, with a confidence of 0.75, and of 0.25 without one; then all others."""
        found = next((entry for entry in self.corpus.entries if entry.id in turns[-1]), None)
        others = [entry for entry in self.corpus.entries if entry is not found]
        ranked = [Ranked(found.id, 0.75)] if found else []
        ranked += [Ranked(entry.id, 0.25) for entry in others]
        refused, torn = "REFUSE" in turns[-1], "CHOOSE" in turns[-1]
        outcome: Outcome = "no_answer" if refused else "choices" if torn else "answer"
        choices = tuple(one.entry for one in ranked[:3]) if outcome == "choices" else ()
        return Ranking(outcome, tuple(ranked), choices, (), None)
