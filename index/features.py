"""What each side of the index says about a question, before it is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from index.analysis import terms
from index.beside import Beside
from index.encoder import Encoder, Vectors
from index.joint import JointModel
from index.lexical import Bm25, hashed
from index.normalize import normalize
from index.prepare import EncoderText
from index.records import join_turns
from index.signatures import SignatureHit, SignatureMatcher
from index.vectors import VectorStore

__all__ = ["ENTRY_FEATURES", "NEIGHBOURS", "Features", "Signals"]

ENTRY_FEATURES = ("joint", "nearest", "bm25")
"""One column an entry each: the joint model's score, the cosine of the entry's nearest text, its best BM25 score as a
share of the best thinkable one."""

NEIGHBOURS = 64

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """The signals of one question.

    ``joint`` has a value an entry, then one for "none" and one for "several"; ``nearest`` and
    ``bm25`` have a value an entry; ``signature`` the share of a signature of the entry in the last turn. ``vector`` is
    that of the question with its earlier turns.
    """

    joint: list[float]
    nearest: list[float]
    bm25: list[float]
    signature: list[float]
    vector: Matrix
    signatures: tuple[SignatureHit, ...]

    @property
    def look_alike(self) -> SignatureHit | None:
        """A signature that the text resembles but for one token, where none stands in it."""
        return next((hit for hit in self.signatures if hit.share == 0.0), None)


@dataclass(frozen=True, slots=True)
class _Words:
    """What is said of a question without its sentence vectors; ``joint`` is a part of those scores."""

    joint: Matrix
    bm25: list[float]
    signature: list[float]
    signatures: tuple[SignatureHit, ...]


@dataclass(frozen=True, slots=True)
class Signals:
    """Every part of the index that reads a question.

    ``owners`` gives the entry number of each stored vector by its id, ``numbers`` the number of each entry id.
    """

    matcher: SignatureMatcher
    prepare: EncoderText
    encoder: Encoder
    vectors: VectorStore
    owners: list[int]
    numbers: dict[str, int]
    joint: JointModel
    bm25: Bm25
    beside: Beside = field(default_factory=Beside)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the vectors of texts, each read as a question: float32, shape (len(texts), dimension)."""
        return self.encoder.encode([self.prepare(normalize(text)) for text in texts])

    def read(self, turns: Sequence[str]) -> Features:
        """Return the signals of a question with its earlier turns (oldest first, the last one asks)."""
        normal = [normalize(turn) for turn in turns]
        texts = [join_turns(normal)] if len(normal) == 1 else [join_turns(normal), normal[-1]]
        words = self.beside.job(partial(self._words, texts))
        vectors = self.encoder.encode([self.prepare(text) for text in texts], words.start)
        modelled = self.beside.job(partial(self.joint.of_vectors, vectors))
        modelled.start()  # both read megabytes, which no core has left in its cache
        nearest = self._nearest(vectors[:1])
        said = words.result()
        joint = modelled.result() + said.joint
        return Features(
            joint=joint.tolist(),
            nearest=nearest,
            bm25=said.bm25,
            signature=said.signature,
            vector=vectors[0],
            signatures=said.signatures,
        )

    def _words(self, texts: Sequence[str]) -> _Words:
        translations = [self.prepare.translate(text) for text in texts]
        whole, translation = texts[0], translations[0]
        # What an earlier turn pasted may be settled by now; the joint model still reads it.
        hits = tuple(self.matcher.find(texts[-1]))
        signature = [0.0] * len(self.numbers)
        for hit in hits:
            for entry in hit.entries:
                signature[self.numbers[entry]] = max(signature[self.numbers[entry]], hit.share)
        return _Words(
            joint=self.joint.of_words(list(map(hashed, texts, translations))),
            bm25=self.bm25.scores(terms(whole if translation == whole else f"{whole}\n{translation}")).tolist(),
            signature=signature,
            signatures=hits,
        )

    def _nearest(self, vector: Vectors) -> list[float]:
        scores, ids = self.vectors.search(vector, NEIGHBOURS)
        best = [0.0] * len(self.numbers)
        for number, score in zip(ids[0].tolist(), scores[0].tolist(), strict=True):
            owner = self.owners[number]
            best[owner] = max(best[owner], score)
        return best
