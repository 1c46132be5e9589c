"""From signals to a ranking, a confidence and an outcome."""

from __future__ import annotations

import numpy as np
import pytest

from index.features import Features
from index.fusion import Fused, Fusion


def fusion(**changes: object) -> Fusion:
    values: dict[str, object] = {
        "entry": (8.0, 4.0, 2.0),
        "scope": (4.0, -6.0, 2.0, 0.0, -1.0),
        "several": (8.0, 0.0, 0.0, 0.0, -4.0),
        "refuse_below": 0.4,
        "choices_above": 0.6,
        "choice_share": 0.1,
    }
    return Fusion.model_validate(values | changes)


def order(fused: Fused) -> list[int]:
    return sorted(range(len(fused.shares)), key=fused.shares.__getitem__, reverse=True)


def features(joint: list[float], signature: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Features:
    """Three entries, then none and several."""
    return Features(
        joint=joint,
        nearest=[0.8, 0.5, 0.3],
        bm25=[0.5, 0.4, 0.1],
        signature=list(signature),
        vector=np.array([1.0, 0.0], dtype=np.float32),
        signatures=(),
    )


def test_shares_of_all_entries_sum_to_one_and_the_best_signal_leads() -> None:
    fused = fusion().fuse(features([0.9, 0.1, 0.0, 0.0, 0.0]))
    assert sum(fused.shares) == pytest.approx(1)
    assert order(fused) == [0, 1, 2]


def test_a_signature_puts_its_entry_first_whatever_else_is_said() -> None:
    assert order(fusion().fuse(features([1.0, 0.0, 0.0, 0.0, 0.0], signature=(0.0, 0.0, 1.0))))[0] == 2


def test_entries_of_the_same_signature_are_ranked_by_the_rest() -> None:
    assert order(fusion().fuse(features([0.0, 0.2, 0.9, 0.0, 0.0], signature=(0.0, 1.0, 1.0))))[:2] == [2, 1]


def test_a_signature_is_not_refused() -> None:
    model = fusion()
    fused = model.fuse(features([0.1, 0.0, 0.0, 0.9, 0.0], signature=(0.0, 1.0, 0.0)))
    assert model.outcome(fused, look_alike=False) != "no_answer"


def test_a_score_for_none_refuses() -> None:
    model = fusion()
    inside, outside = features([0.9, 0.1, 0.0, 0.0, 0.0]), features([0.2, 0.1, 0.0, 0.9, 0.0])
    assert model.outcome(model.fuse(inside), look_alike=False) == "answer"
    assert model.outcome(model.fuse(outside), look_alike=False) == "no_answer"


def test_a_score_for_several_gives_choices() -> None:
    model = fusion()
    fused = model.fuse(features([0.6, 0.5, 0.0, 0.0, 0.9]))
    assert model.outcome(fused, look_alike=False) == "choices"


def test_a_look_alike_is_refused_however_sure_the_rest_is() -> None:
    model = fusion()
    fused = model.fuse(features([1.0, 0.0, 0.0, 0.0, 0.0]))
    assert model.outcome(fused, look_alike=True) == "no_answer"


def test_half_a_signature_comes_before_the_surest_of_other_signals() -> None:
    sure = features([1.0, 0.0, -0.2, 0.0, 0.0], signature=(0.0, 0.0, 0.5))
    assert order(fusion(entry=(12.0, 8.0, 6.0)).fuse(sure))[0] == 2


def test_an_entry_with_nearly_all_of_the_share_is_answered_however_vague_the_question_sounds() -> None:
    model = fusion()
    fused = model.fuse(features([0.9, 0.0, 0.0, 0.0, 0.9]))
    assert model.outcome(fused, look_alike=False) == "answer"
