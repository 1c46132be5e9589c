"""Which entries explain a vague question together."""

from __future__ import annotations

import numpy as np
import pytest

from index.groups import Groups

SHARES = [0.5, 0.3, 0.02, 0.1, 0.08]
HERE, THERE = np.eye(2, dtype=np.float32)


@pytest.fixture
def groups() -> Groups:
    return Groups([[0, 1, 2], [0, 1, 2], [3, 4]], 5, np.array([HERE, HERE, THERE]))


def test_shares_stay_probabilities(groups: Groups) -> None:
    for several in (0.0, 0.4, 1.0):
        assert sum(groups.blended(SHARES, several, HERE)) == pytest.approx(1)


def test_where_one_entry_is_meant_nothing_changes(groups: Groups) -> None:
    assert groups.blended(SHARES, 0.0, HERE) == pytest.approx(SHARES)


def test_the_missing_member_of_a_group_is_brought_in(groups: Groups) -> None:
    blended = groups.blended(SHARES, 0.8, HERE)
    order = sorted(range(5), key=blended.__getitem__, reverse=True)
    assert (order[0], set(order[:3])) == (0, {0, 1, 2})


def test_the_surer_it_is_that_several_explain_it_the_more_a_member_gets(groups: Groups) -> None:
    shares = [groups.blended(SHARES, several, HERE)[2] for several in (0.1, 0.5, 0.9)]
    assert shares == sorted(shares)


def test_of_two_groups_the_one_with_a_question_put_alike_gets_more(groups: Groups) -> None:
    here, there = (groups.blended([0.2] * 5, 0.8, vector) for vector in (HERE, THERE))
    assert sum(here[:3]) > sum(there[:3])
    assert sum(there[3:]) > sum(here[3:])


def test_a_corpus_without_such_questions_leaves_shares_alone() -> None:
    assert Groups([], 5, np.zeros((0, 2), np.float32)).blended(SHARES, 0.9, HERE) == pytest.approx(SHARES)
