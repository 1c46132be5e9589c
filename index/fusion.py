"""One ranking and one confidence from all signals.

The ranking is a conditional logit: an entry's score is a weighted sum of its features, the same weights for every entry,
and a softmax over entries makes it a probability given that one of them answers. Whether any does is a logistic model of
absolute signals. Both are fitted when the index is built, on authored questions that the models below had not seen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from index.features import ENTRY_FEATURES, VIEWS, Features

__all__ = ["SCOPE_FEATURES", "Fused", "Fusion", "Outcome", "scope_features"]

SCOPE_FEATURES = ("best", "none", "nearest", "bm25", "signature")
"""Absolute signals of whether any entry answers: the joint model's best score and its score for none, the nearest
text's cosine, the best BM25 share, the share of a signature."""

Outcome = Literal["answer", "choices", "no_answer"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fused:
    """``shares``: each entry's probability if any answers (sums to 1); ``answerable``: that any does."""

    shares: Floats
    answerable: float

    def order(self) -> npt.NDArray[np.int64]:
        """Entry numbers, best first."""
        return np.argsort(-self.shares, kind="stable")


class Fusion(BaseModel):
    """Fitted weights and thresholds.

    ``views`` weighs the views of a conversation (they sum to 1), ``entry`` and ``scope`` hold a weight a feature.
    ``refuse_below`` is the least probability of being answerable that is answered, ``answer_share`` the least share that
    one entry needs to be answered alone, ``choice_share`` the least share of the best one's that makes an entry a choice.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    views: tuple[float, ...]
    entry: tuple[float, ...]
    scope: tuple[float, ...]
    scope_intercept: float
    refuse_below: float
    answer_share: float
    choice_share: float

    def fuse(self, features: Features) -> Fused:
        """Return the entries' probabilities and the probability that any of them answers."""
        joint = self.joint(features)
        columns = np.stack([joint[:-1], features.nearest, features.bm25, features.signature], axis=1)
        scores = columns @ np.array(self.entry)
        shares = np.exp(scores - scores.max())
        logit = float(scope_features(joint, features) @ np.array(self.scope)) + self.scope_intercept
        return Fused(shares / shares.sum(), float(1.0 / (1.0 + np.exp(-np.clip(logit, -60, 60)))))

    def joint(self, features: Features) -> Floats:
        """Return the joint model's scores with the views of a conversation weighed together."""
        if len(features.joint) == 1:
            return features.joint[0].astype(np.float64)
        weighed: Floats = np.array(self.views) @ features.joint.astype(np.float64)
        return weighed

    def outcome(self, fused: Fused, *, look_alike: bool) -> Outcome:
        """Decide between an answer, choices and none; a text that only resembles a known error is not answered."""
        if look_alike or fused.answerable < self.refuse_below:
            return "no_answer"
        return "answer" if fused.shares.max() >= self.answer_share else "choices"


def scope_features(joint: Floats, features: Features) -> Floats:
    """Return SCOPE_FEATURES from the joint scores (entries, then none) and the other signals."""
    return np.array(
        [joint[:-1].max(), joint[-1], features.nearest.max(), features.bm25.max(), features.signature.max()]
    )


