"""What each side of the index says about a question, before it is fused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from index.analysis import terms
from index.encoder import Encoder, Vectors
from index.joint import JointModel
from index.lexical import Bm25, hashed
from index.normalize import normalize
from index.prepare import EncoderText
from index.records import join_turns
from index.signatures import SignatureHit, SignatureMatcher
from index.vectors import VectorStore

__all__ = ["ENTRY_FEATURES", "NEIGHBOURS", "VIEWS", "Features", "Signals", "views"]

ENTRY_FEATURES = ("joint", "nearest", "bm25")
"""One column an entry each: the joint model's score, the cosine of the entry's nearest text, its best BM25 score as a
share of the best thinkable one."""

VIEWS = ("all", "last", "last_two", "before")
"""The texts that a conversation is read as: all turns, the last, the last two, all but the last."""

NEIGHBOURS = 200

Matrix = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Features:
    """The signals of one question.

    ``joint`` has a row a view (a single one for a question without earlier turns) and a column an entry, then "none"
    and "several";
    ``nearest`` and ``bm25`` a value an entry; ``signature`` the share of a signature of the entry in the last turn.
    """

    joint: Matrix
    nearest: Matrix
    bm25: Matrix
    signature: Matrix
    signatures: tuple[SignatureHit, ...]

    @property
    def look_alike(self) -> SignatureHit | None:
        """A signature that the text resembles but for one token, where none stands in it."""
        return next((hit for hit in self.signatures if hit.share == 0.0), None)


def views(turns: Sequence[str]) -> list[str]:
    """Return the texts that stand for a conversation (one per name in VIEWS), or the question alone."""
    if len(turns) == 1:
        return [turns[0]]
    return [join_turns(turns), turns[-1], join_turns(turns[-2:]), join_turns(turns[:-1])]


@dataclass(frozen=True, slots=True)
class Signals:
    """Every part of the index that reads a question.

    ``owners`` gives the entry number of each stored vector by its id, ``numbers`` the number of each entry id.
    """

    matcher: SignatureMatcher
    prepare: EncoderText
    encoder: Encoder
    vectors: VectorStore
    owners: npt.NDArray[np.int64]
    numbers: dict[str, int]
    joint: JointModel
    bm25: Bm25

    def read(self, turns: Sequence[str]) -> Features:
        """Return the signals of a question with its earlier turns (oldest first, the last one asks)."""
        texts = views([normalize(turn) for turn in turns])
        vectors = self.encoder.encode([self.prepare(text) for text in texts])
        translations = [self.prepare.translate(text) for text in texts]
        joint = [
            self.joint.score(vector, hashed(text, translation))
            for text, translation, vector in zip(texts, translations, vectors, strict=True)
        ]
        whole, translation = texts[0], translations[0]
        # What an earlier turn pasted may be settled by now; the joint model still reads it.
        hits = tuple(self.matcher.find(texts[1] if len(texts) > 1 else whole))
        signature = np.zeros(len(self.numbers), dtype=np.float32)
        for hit in hits:
            for entry in hit.entries:
                signature[self.numbers[entry]] = max(signature[self.numbers[entry]], hit.share)
        return Features(
            joint=np.stack(joint),
            nearest=self._nearest(vectors[:1]),
            bm25=self.bm25.scores(terms(whole if translation == whole else f"{whole}\n{translation}")),
            signature=signature,
            signatures=hits,
        )

    def _nearest(self, vector: Vectors) -> Matrix:
        scores, ids = self.vectors.search(vector, NEIGHBOURS)
        best = np.zeros(len(self.numbers), dtype=np.float32)
        np.maximum.at(best, self.owners[ids[0]], scores[0])
        return best
