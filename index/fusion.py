"""One ranking and one confidence from all signals.

The ranking is a conditional logit: an entry's score is a weighted sum of its features, the same weights for every
entry, and a softmax over entries makes it a probability given that one of them answers. Whether any does, and whether
several do, are logistic models of absolute signals. All are fitted when the index is built, on authored questions that
the models below had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from index.features import Features
from index.joint import NONE, SEVERAL

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
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fused:
    """What the signals come to.

    ``shares``: each entry's probability if any answers (sums to 1); ``answerable``: that any does; ``several``: that
    more than one explains it; ``literal``: whether an error of the FAQ stands there and decided.
    """

    shares: Floats
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
        joint = features.joint.astype(np.float64)
        columns = np.stack([joint[:NONE], features.nearest, features.bm25], axis=1)
        scores: Floats = columns @ np.array(self.entry) + _SIGNATURE_LANE * (
            (features.signature > 0) + features.signature
        )
        shares = np.exp(scores - scores.max())
        shares /= shares.sum()
        scope = scope_features(columns[None], joint[None, NONE])[0]
        several = several_features(shares[None], joint[None, SEVERAL])[0]
        answerable = _probability(scope, self.scope)
        literal = bool(features.signature.max() > 0)
        if literal:
            answerable = max(answerable, _SIGNATURE_CONFIDENCE)
        return Fused(shares, answerable, _probability(several, self.several), literal)

    def outcome(self, fused: Fused, *, look_alike: bool) -> Outcome:
        """Decide between an answer, choices and none; a text that only resembles a known error is not answered."""
        if look_alike or fused.answerable < self.refuse_below:
            return "no_answer"
        sure = fused.shares.max() >= _SURE and not fused.literal
        vague = fused.several >= self.choices_above and not sure
        return "choices" if vague else "answer"


def scope_features(columns: Floats, none: Floats) -> Floats:
    """Return SCOPE_FEATURES, rows × features, from entry features (rows × entries × features) and scores for none."""
    return np.column_stack([columns[:, :, 0].max(1), none, *(columns[:, :, at].max(1) for at in (1, 2))])


def several_features(shares: Floats, several: Floats) -> Floats:
    """Return SEVERAL_FEATURES, rows × features, from the entries' shares and the joint model's scores for several."""
    ordered = np.sort(shares, axis=1)[:, ::-1]
    entropy = -(shares * np.log(shares + 1e-12)).sum(1)
    return np.column_stack([several, ordered[:, 0], ordered[:, 1], entropy])


def _probability(features: Floats, weights: tuple[float, ...]) -> float:
    logit = float(features @ np.array(weights[:-1])) + weights[-1]
    return float(1.0 / (1.0 + np.exp(-np.clip(logit, -60, 60))))
