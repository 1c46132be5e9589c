"""Questions in, ranked entries out: the index as it serves."""

from __future__ import annotations

import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from corpus import Corpus
from index import layout
from index.encoder import OnnxEncoder, Vectors
from index.features import Features, Signals
from index.fusion import Fusion, Outcome
from index.groups import Groups
from index.joint import JointModel
from index.lexical import Bm25
from index.prepare import EncoderText
from index.signatures import SignatureHit, SignatureMatcher
from index.vectors import FaissStore

__all__ = ["Ranked", "Ranking", "Retriever"]

MAX_CHOICES = 5
_PLAIN = 0.9
"""An entry with so large a share is the answer alone, and no group of others is looked for."""

_SINGLE = 0.15
"""With so small a probability that several entries are meant, a group would hardly change their order."""


class Ranked(NamedTuple):
    """An entry and the probability that it answers the question."""

    entry: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Ranking:
    """All entries, best first, and what to do with them.

    ``choices`` are the entries that explain a question of several entries; ``look_alike`` is the known error that the
    text resembles without holding it.
    """

    outcome: Outcome
    entries: tuple[Ranked, ...]
    choices: tuple[str, ...]
    signatures: tuple[SignatureHit, ...]
    look_alike: SignatureHit | None

    @property
    def confidence(self) -> float:
        """The confidence in the best entry."""
        return self.entries[0].confidence


class Retriever:
    """An index, loaded. Safe to use from several threads."""

    def __init__(
        self, corpus: Corpus, signals: Signals, fusion: Fusion, groups: Groups, manifest: layout.Manifest
    ) -> None:
        self.corpus, self.manifest = corpus, manifest
        self._signals, self._fusion = signals, fusion
        self._groups = groups
        self._ids = [entry.id for entry in corpus.entries]

    @classmethod
    def load(cls, directory: Path, digest: str, *, threads: int = 0) -> Self:
        """Read the index ``digest`` from ``directory``; raise layout.IndexDamaged unless it is whole and that one."""
        manifest = layout.verify(directory, digest, but={layout.WEIGHTS})
        with ThreadPoolExecutor(2) as beside:
            # Both take long and hold the interpreter for hardly any of it. Weights are numbers: damaged ones do no harm
            # before that is known.
            whole = beside.submit(layout.verify_file, directory, manifest, layout.WEIGHTS)
            encoder = beside.submit(
                OnnxEncoder, directory / layout.GRAPH, directory / layout.TOKENIZER, threads=threads
            )
            try:
                return cls._assemble(directory, manifest, encoder)
            finally:
                whole.result()

    @classmethod
    def _assemble(cls, directory: Path, manifest: layout.Manifest, encoder: Future[OnnxEncoder]) -> Self:
        vectors = FaissStore.load(directory / layout.VECTORS)
        corpus = Corpus.model_validate_json((directory / layout.CORPUS).read_bytes())
        vocabulary = json.loads((directory / layout.VOCABULARY).read_bytes())
        bm25 = Bm25.restore(vocabulary, dict(np.load(directory / layout.BM25)))
        numbers = {entry.id: number for number, entry in enumerate(corpus.entries)}
        known = np.load(directory / layout.RECORDS)
        signals = Signals(
            matcher=SignatureMatcher.of(corpus),
            prepare=EncoderText(corpus.glossary, bm25.term_weights()),
            vectors=vectors,
            owners=known["owners"].tolist(),
            numbers=numbers,
            joint=JointModel.restore(dict(np.load(directory / layout.JOINT))),
            bm25=bm25,
            encoder=encoder.result(),
        )
        fusion = Fusion.model_validate_json((directory / layout.FUSION).read_bytes())
        return cls(corpus, signals, fusion, Groups.of(corpus, known["ambiguous"]), manifest)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, as questions are compared: float32, shape (len(texts), dimension)."""
        return self._signals.encode(texts)

    def rank(self, turns: Sequence[str]) -> Ranking:
        """Rank all entries for a question with its earlier turns (oldest first; the last one asks)."""
        if not turns or not any(character.isalnum() for character in turns[-1]):
            return self._ranking(None)
        return self._ranking(self._signals.read(turns))

    def _ranking(self, features: Features | None) -> Ranking:
        if features is None:
            nothing = tuple(Ranked(entry, 0.0) for entry in self._ids)
            return Ranking("no_answer", nothing, (), (), None)
        fused = self._fusion.fuse(features)
        outcome = self._fusion.outcome(fused, look_alike=features.look_alike is not None)
        # A literal error says itself which entries are meant, all of them; so does a plain question.
        answered = outcome == "answer" and max(fused.shares) >= _PLAIN
        plain = fused.literal or answered or fused.several < _SINGLE
        shares = fused.shares if plain else self._groups.blended(fused.shares, fused.several, features.vector)
        best = sorted(zip(shares, self._ids, strict=True), key=itemgetter(0), reverse=True)
        ranked = tuple(Ranked(entry, share * fused.answerable) for share, entry in best)
        least = best[0][0] * self._fusion.choice_share
        close = tuple(entry for share, entry in best[:MAX_CHOICES] if share >= least)
        choices = close if len(close) > 1 else tuple(entry for _, entry in best[:2])
        shown = choices if outcome == "choices" else ()
        return Ranking(outcome, ranked, shown, features.signatures, features.look_alike)

    def self_test(self) -> None:
        """Raise layout.IndexDamaged unless each entry's title leads to the entry."""
        for entry in self.corpus.entries:
            best = [ranked.entry for ranked in self.rank([entry.title]).entries[:5]]
            if entry.id not in best:
                raise layout.IndexDamaged(f"self-test: the title of {entry.id} does not find it")
