"""Which entries explain a vague question together, learnt from the authored questions that several entries explain."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus import Corpus
from index.encoder import Vectors

__all__ = ["Groups"]

_SHARPNESS = 10.0
_NEARNESS = 8.0
"""How much the shares of the entries say about which group is meant, and how much the words of the question do. Chosen
on left-out authored questions (docs/retrieval.md)."""


class Groups:
    """The groups of entries that authored questions have in common: one a question, so as often as it occurs.

    A question whose best entries are most of a group is likely to mean all of it, though one of them may share no word
    with it: whoever has pods without addresses may have either of two quotas exhausted. So is one that is put alike.

    ``vectors`` are those of the questions, in the order of ``groups``: groups × dimension, of unit length.
    """

    def __init__(self, groups: Sequence[Collection[int]], entries: int, vectors: Vectors) -> None:
        self._members = np.zeros((len(groups), entries), dtype=np.float32)
        for row, group in enumerate(groups):
            self._members[row, list(group)] = 1 / len(group)
        # Members all weigh the same, so a row divided by its length is the row times the root of how many there are.
        self._sharpness = np.sqrt(np.array(list(map(len, groups)), dtype=np.float32)) * np.float32(_SHARPNESS)
        self._vectors = vectors * np.float32(_NEARNESS)

    @classmethod
    def of(cls, corpus: Corpus, vectors: Vectors) -> Self:
        """Collect the groups of a corpus; ``vectors`` are those of its ambiguous questions."""
        numbers = {entry.id: number for number, entry in enumerate(corpus.entries)}
        return cls([[numbers[entry] for entry in each.entries] for each in corpus.ambiguous], len(numbers), vectors)

    def blended(self, shares: list[float], several: float, vector: npt.NDArray[np.float32]) -> list[float]:
        """Return the ``shares`` of entries if ``several`` is the probability that a whole group is meant.

        A group weighs the more, the nearer its direction is to that of the shares' square roots (Bhattacharyya's
        coefficient), and the nearer its question is to ``vector``, that of the question asked.
        """
        if not len(self._members):
            return shares
        roots = np.sqrt(np.array(shares, dtype=np.float32))
        likeness = self._sharpness * np.einsum("ge,e->g", self._members, roots)
        likeness += np.einsum("gd,d->g", self._vectors, vector)
        weights = np.exp(likeness - likeness.max())
        together = (np.einsum("g,ge->e", weights, self._members) / weights.sum()).tolist()
        return [(1 - several) * share + several * other for share, other in zip(shares, together, strict=True)]
