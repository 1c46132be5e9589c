"""Puts open questions together that mean the same, by the vectors that the index compares questions with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bot.store import Cause, OpenQuestion

if TYPE_CHECKING:
    import datetime as dt

    from bot.opening import AskEngine
    from index.encoder import Vectors

__all__ = ["MOST_QUESTIONS", "QuestionCluster", "cluster_questions", "grouped"]

MOST_QUESTIONS = 500
"""The most questions that are put together; the rarest ones are left out."""

_ALIKE = 0.55
"""Cosine from which groups are taken for the same question: paraphrases lie above it, neighbouring topics below."""
_NEAREST = 3
_LONGEST_TEXT = 2000


@dataclass(frozen=True, slots=True)
class QuestionCluster:
    """Questions that mean the same, the most typical one first.

    ``id`` is that of the oldest of them, ``count`` how often they were asked in all. ``nearest``: the entries that come
    closest, with the mean confidence in each.
    """

    id: int
    questions: tuple[OpenQuestion, ...]
    count: int
    nearest: tuple[tuple[str, float], ...]

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why they are open, the most frequent cause first."""
        counted = Counter[Cause]()
        for question in self.questions:
            counted[question.cause] += question.count
        return tuple(cause for cause, _ in counted.most_common())

    @property
    def last_at(self) -> dt.datetime:
        """When one of them was asked last."""
        return max(question.last_at for question in self.questions)


def cluster_questions(engine: AskEngine, questions: Sequence[OpenQuestion]) -> list[QuestionCluster]:
    """Return the questions in clusters, those that were asked most often first. Too slow for an event loop."""
    kept = sorted(questions, key=lambda one: (-one.count, one.id))[:MOST_QUESTIONS]
    if not kept:
        return []
    vectors = engine.encode([question.text[:_LONGEST_TEXT] for question in kept])
    found = [_cluster([kept[at] for at in group]) for group in grouped(vectors)]
    return sorted(found, key=lambda one: (-one.count, one.id))


def grouped(vectors: Vectors, alike: float = _ALIKE) -> list[list[int]]:
    """Return the rows of ``vectors`` (of length 1) in groups, the most typical row of each first.

    Two groups are merged as long as the mean cosine between their members is at least ``alike``, the closest first.
    """
    likeness = np.asarray(vectors, dtype=np.float64) @ np.asarray(vectors, dtype=np.float64).T
    # Sums of cosines between groups; merging two adds their rows and columns.
    sums = likeness.copy()
    sizes = np.ones(len(likeness))
    members = [[number] for number in range(len(likeness))]
    alive = np.ones(len(likeness), dtype=bool)
    while alive.sum() > 1:
        means = sums / np.outer(sizes, sizes)
        means[~alive, :] = means[:, ~alive] = -np.inf
        np.fill_diagonal(means, -np.inf)
        first, second = np.unravel_index(int(np.argmax(means)), means.shape)
        if means[first, second] < alike:
            break
        sums[first, :] += sums[second, :]
        sums[:, first] += sums[:, second]
        sizes[first] += sizes[second]
        members[first] += members[second]
        alive[second] = False
    return [
        sorted(members[at], key=lambda row: (-round(float(likeness[row, members[at]].sum()), 6), row))
        for at in np.flatnonzero(alive)
    ]


def _cluster(questions: Sequence[OpenQuestion]) -> QuestionCluster:
    confidences: dict[str, list[float]] = {}
    for question in questions:
        for entry, confidence in question.ranked:
            confidences.setdefault(entry, []).append(confidence)
    means = [(entry, sum(found) / len(questions)) for entry, found in confidences.items()]
    nearest = sorted(means, key=lambda pair: (-pair[1], pair[0]))[:_NEAREST]
    return QuestionCluster(
        id=min(question.id for question in questions),
        questions=tuple(questions),
        count=sum(question.count for question in questions),
        nearest=tuple(nearest),
    )
