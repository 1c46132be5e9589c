"""Which entries explain a vague question together, learnt from the authored questions that several entries explain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from corpus import Corpus

__all__ = ["Groups"]

_SHARPNESS = 10.0

Floats = npt.NDArray[np.float64]


class Groups:
    """The groups of entries that authored questions have in common, each as often as it occurs.

    A question whose best entries are most of a group is likely to mean all of it, though one of them may share no word
    with it: whoever has pods without addresses may have either of two quotas exhausted.
    """

    def __init__(self, groups: Sequence[Collection[int]], entries: int) -> None:
        counts = Counter(map(frozenset, groups))
        members = np.zeros((len(counts), entries))
        for row, group in enumerate(counts):
            members[row, list(group)] = 1 / len(group)
        self._counts = np.array(list(counts.values()), dtype=np.float64)
        self._members = members
        self._directions = members / np.linalg.norm(members, axis=1, keepdims=True) if len(counts) else members

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Collect the groups of a corpus."""
        numbers = {entry.id: number for number, entry in enumerate(corpus.entries)}
        return cls([[numbers[entry] for entry in each.entries] for each in corpus.ambiguous], len(numbers))

    def blended(self, shares: Floats, several: float) -> Floats:
        """Return the ``shares`` of entries if ``several`` is the probability that a whole group is meant.

        A group weighs the more, the nearer its direction is to that of the shares' square roots (Bhattacharyya's
        coefficient).
        """
        if not len(self._members):
            return shares
        likeness = self._counts * np.exp(_SHARPNESS * np.einsum("ge,e->g", self._directions, np.sqrt(shares)))
        together: Floats = np.einsum("g,ge->e", likeness, self._members) / likeness.sum()
        blend: Floats = (1 - several) * shares + several * together
        return blend
