"""Which entries explain a vague question together, learnt from the authored questions that several entries explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np

from corpus import Corpus

__all__ = ["Groups"]

_SHARPNESS = 10.0


class Groups:
    """The groups of entries that authored questions have in common, each as often as it occurs.

    A question whose best entries are most of a group is likely to mean all of it, though one of them may share no word
    with it: whoever has pods without addresses may have either of two quotas exhausted.
    """

    def __init__(self, groups: Sequence[Collection[int]], entries: int) -> None:
        counts = Counter(map(frozenset, groups))
        self._members = np.zeros((len(counts), entries), dtype=np.float32)
        for row, group in enumerate(counts):
            self._members[row, list(group)] = 1 / len(group)
        self._counts = np.array(list(counts.values()), dtype=np.float32)
        # Members all weigh the same, so a row divided by its length is the row times the root of how many there are.
        self._sharpness = np.sqrt(np.array(list(map(len, counts)), dtype=np.float32)) * np.float32(_SHARPNESS)

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Collect the groups of a corpus."""
        numbers = {entry.id: number for number, entry in enumerate(corpus.entries)}
        return cls([[numbers[entry] for entry in each.entries] for each in corpus.ambiguous], len(numbers))

    def blended(self, shares: list[float], several: float) -> list[float]:
        """Return the ``shares`` of entries if ``several`` is the probability that a whole group is meant.

        A group weighs the more, the nearer its direction is to that of the shares' square roots (Bhattacharyya's
        coefficient).
        """
        if not len(self._members):
            return shares
        roots = np.sqrt(np.array(shares, dtype=np.float32))
        likeness = self._counts * np.exp(self._sharpness * np.einsum("ge,e->g", self._members, roots))
        together = (np.einsum("g,ge->e", likeness, self._members) / likeness.sum()).tolist()
        return [(1 - several) * share + several * other for share, other in zip(shares, together, strict=True)]
