"""One ranking and one confidence from all signals.

The ranking is a conditional logit: an entry's score is a weighted sum of its features, the same weights for every
entry, and a softmax over entries makes it a probability given that one of them answers. Whether any does, and whether
several do, are logistic models of absolute signals. All are fitted when the index is built, on authored questions that
the models below had not seen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, mul
from typing import Literal

from pydantic import BaseModel, ConfigDict

from index.features import Features

__all__ = [
    "SCOPE_FEATURES",
    "SEVERAL_FEATURES",
    "Fused",
    "Fusion",
    "Outcome",
    "scope_features",
    "several_features",
]

SCOPE_FEATURES = ("best", "none", "nearest", "bm25")
"""Absolute signals of whether any entry answers: the joint model's best score and its score for none, the nearest
text's cosine, the best BM25 share."""

SEVERAL_FEATURES = ("several", "first", "second", "entropy")
"""Signals of whether several entries explain a question: the joint model's score for it, the two highest shares and the
entropy of all (in nats)."""

_SIGNATURE_LANE = 20.0
_SIGNATURE_CONFIDENCE = 0.9
"""A literal error of the FAQ in the question, half of it even, is worth more than all else together: its entries come
first, ranked among themselves by the rest, and are not refused."""

_SURE = 0.98
"""Who has so large a share is no choice but the answer. A literal error gives as much; several may yet explain it."""

Outcome = Literal["answer", "choices", "no_answer"]


@dataclass(frozen=True, slots=True)
class Fused:
    """What the signals come to.

    ``shares``: each entry's probability if any answers (sums to 1); ``answerable``: that any does; ``several``: that
    more than one explains it; ``literal``: whether an error of the FAQ stands there and decided.
    """

    shares: list[float]
    answerable: float
    several: float
    literal: bool


class Fusion(BaseModel):
    """Fitted weights and thresholds.

    ``entry``, ``scope`` and ``several`` hold a weight a feature, the latter two an intercept as well. ``refuse_below``
    is the least probability of being answerable that is answered, ``choices_above`` the least probability of several
    explanations that is answered with choices, ``choice_share`` the least share of the best one's that makes an entry
    a choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: tuple[float, ...]
    scope: tuple[float, ...]
    several: tuple[float, ...]
    refuse_below: float
    choices_above: float
    choice_share: float

    def fuse(self, features: Features) -> Fused:
        """Return the entries' probabilities and the probabilities that any and that several of them answer."""
        # Plain floats: for so few entries NumPy's calls take longer.
        *joint, none, several = features.joint
        nearest, bm25, signature = features.nearest, features.bm25, features.signature
        by_joint, by_nearest, by_bm25 = self.entry
        literal = any(signature)
        scores = [
            by_joint * score + by_nearest * cosine + by_bm25 * words
            for score, cosine, words in zip(joint, nearest, bm25, strict=True)
        ]
        if literal:
            lane = [_SIGNATURE_LANE * (1 + held) if held else 0.0 for held in signature]
            scores = list(map(add, scores, lane))
        best = max(scores)
        odds = [math.exp(score - best) for score in scores]
        total = sum(odds)
        shares = [one / total for one in odds]
        answerable = _probability(scope_features(joint, none, nearest, bm25), self.scope)
        return Fused(
            shares,
            max(answerable, _SIGNATURE_CONFIDENCE) if literal else answerable,
            _probability(several_features(shares, several), self.several),
            literal,
        )

    def outcome(self, fused: Fused, *, look_alike: bool) -> Outcome:
        """Decide between an answer, choices and none; a text that only resembles a known error is not answered."""
        if look_alike or fused.answerable < self.refuse_below:
            return "no_answer"
        sure = max(fused.shares) >= _SURE and not fused.literal
        vague = fused.several >= self.choices_above and not sure
        return "choices" if vague else "answer"


def scope_features(
    joint: Sequence[float], none: float, nearest: Sequence[float], bm25: Sequence[float]
) -> tuple[float, ...]:
    """Return SCOPE_FEATURES of a question from its entry features, a value an entry each, and its score for none."""
    return max(joint), none, max(nearest), max(bm25)


def several_features(shares: Sequence[float], several: float) -> tuple[float, ...]:
    """Return SEVERAL_FEATURES of a question from the entries' shares and its score for several."""
    second, first = sorted(shares)[-2:]
    return several, first, second, -sum(share * math.log(share + 1e-12) for share in shares)


def _probability(features: Sequence[float], weights: tuple[float, ...]) -> float:
    *slopes, intercept = weights
    logit = sum(map(mul, features, slopes)) + intercept
    return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))
