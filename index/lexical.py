"""The lexical side of retrieval: BM25 over terms, and hashed terms and character n-grams for a linear model.

``bm25s`` computes the scores of every term in every document when the index is built. Serving only adds them up, which
needs no more than numpy (importing ``bm25s`` would import SciPy, a third of a second of a cold start).
"""

from __future__ import annotations

import math
import zlib
from array import array
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from index.analysis import character_ngrams, terms, tokens

__all__ = ["BUCKETS", "Bm25", "HashedText", "hashed"]

BUCKETS = 1 << 16
_TERM, _GRAM, _PAIR = "w:", "c:", "p:"
_MAX_CHARACTERS = 6_000
# Together about four megabytes.
_MAX_KNOWN, _KNOWN_TOKENS = 32, 1 << 13

HashedText = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""Buckets (unique) and their sublinear term frequencies."""


def hashed(text: str, translation: str) -> HashedText:
    """Hash what ``text`` is made of: its terms, those of its ``translation``, pairs of neighbours, character n-grams.

    Frequencies count as 1 + ln(tf). Of a long text the first 6,000 characters count.
    """
    text = text[:_MAX_CHARACTERS]
    words = terms(text)
    if translation != text:
        words = words + terms(translation[:_MAX_CHARACTERS])
    counts = Counter(_bucket(_TERM + word) for word in words)
    counts.update(_bucket(_PAIR + left + " " + right) for left, right in pairwise(words))
    for token in tokens(text.lower()):
        # What is too long for a word is hardly seen twice, and would be kept whole.
        counts.update(_known_grams(token) if len(token) <= _MAX_KNOWN else _gram_buckets(token))
    values = [1.0 if count == 1 else 1.0 + math.log(count) for count in counts.values()]
    return np.fromiter(counts, np.int64, len(counts)), np.array(values, np.float32)


def _bucket(feature: str) -> int:
    return zlib.crc32(feature.encode()) % BUCKETS


def _gram_buckets(token: str) -> array[int]:
    # Two bytes a bucket, of which there are no more than that; in a tuple it would be thirty-six.
    return array("H", [zlib.crc32((_GRAM + gram).encode()) % BUCKETS for gram in character_ngrams(token)])


_known_grams = lru_cache(_KNOWN_TOKENS)(_gram_buckets)


class Bm25:
    """BM25 scores of documents that belong to entries.

    ``vocabulary`` maps a term to its column; ``indptr``, ``indices`` and ``data`` are the columns of precomputed scores
    (SciPy's CSC layout); ``owners`` names the entry of each document.
    """

    def __init__(
        self,
        vocabulary: dict[str, int],
        *,
        indptr: npt.NDArray[np.int64],
        indices: npt.NDArray[np.int32],
        data: npt.NDArray[np.float32],
        owners: npt.NDArray[np.int64],
        ceilings: npt.NDArray[np.float32],
    ) -> None:
        self.vocabulary = vocabulary
        self._indptr, self._indices, self._data = indptr, indices, data
        self._owners, self._ceilings = owners, ceilings
        # Documents of one entry stand together, so that an entry's best one is found in one pass.
        self._starts = np.flatnonzero(np.diff(owners, prepend=-1))
        self._entries = int(owners.max()) + 1 if len(owners) else 0

    @classmethod
    def build(cls, documents: Sequence[str], owners: Sequence[int]) -> Self:
        """Index ``documents``; ``owners`` gives each one's entry number, in ascending order."""
        import bm25s

        tokens = [terms(document) or [""] for document in documents]
        vocabulary = {term: number for number, term in enumerate(sorted({t for ts in tokens for t in ts}))}
        index = bm25s.BM25(method="lucene")
        ids = [[vocabulary[term] for term in ts] for ts in tokens]
        index.index((ids, vocabulary), show_progress=False, create_empty_token=False)
        scores = index.scores
        indptr = np.asarray(scores["indptr"], dtype=np.int64)
        data = np.asarray(scores["data"], dtype=np.float32)
        ceilings = np.array([data[start:end].max(initial=0.0) for start, end in pairwise(indptr)], np.float32)
        return cls(
            vocabulary,
            indptr=indptr,
            indices=np.asarray(scores["indices"], dtype=np.int32),
            data=data,
            owners=np.asarray(owners, dtype=np.int64),
            ceilings=ceilings,
        )

    def arrays(self) -> dict[str, Any]:
        """Return everything but the vocabulary, for storing; :meth:`restore` takes it back."""
        return {
            "indptr": self._indptr,
            "indices": self._indices,
            "data": self._data,
            "owners": self._owners,
            "ceilings": self._ceilings,
        }

    @classmethod
    def restore(cls, vocabulary: dict[str, int], arrays: dict[str, Any]) -> Self:
        """Make the index from what :meth:`arrays` gave."""
        return cls(vocabulary, **arrays)

    def term_weights(self) -> dict[str, float]:
        """Return how telling each term is: the best score that it gives any document."""
        return {term: float(self._ceilings[column]) for term, column in self.vocabulary.items()}

    def scores(self, words: Sequence[str], *, without: Sequence[int] = ()) -> npt.NDArray[np.float32]:
        """Return each entry's best document score for the query terms, as a share of the best thinkable one.

        The documents ``without`` do not count.
        """
        best = np.zeros(self._entries, dtype=np.float32)
        columns = [self.vocabulary[word] for word in set(words) if word in self.vocabulary]
        if not columns:
            return best
        documents = np.zeros(len(self._owners), dtype=np.float32)
        for column in columns:
            start, end = self._indptr[column], self._indptr[column + 1]
            documents[self._indices[start:end]] += self._data[start:end]
        documents[list(without)] = 0.0
        best[self._owners[self._starts]] = np.maximum.reduceat(documents, self._starts)
        return best / max(float(self._ceilings[columns].sum()), 1e-6)
