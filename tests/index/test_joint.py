"""The joint model: what it says of rows it was fitted on, of rows left out, and after a round trip."""

from __future__ import annotations

import numpy as np
import pytest

from index.joint import JointFit, JointModel, LexicalRows, fit_joint, scale
from index.lexical import BUCKETS, HashedText, hashed

TOPICS = {
    0: ["vswitch has no addresses left", "pool of addresses is empty", "no free address in the vswitch"],
    1: ["conntrack table is full", "table full dropping packet", "too many connections tracked on the node"],
}


def rows() -> tuple[np.ndarray, list[HashedText], np.ndarray]:
    generator = np.random.default_rng(5)
    texts, labels = [], []
    for label, seeds in TOPICS.items():
        for number in range(24):
            texts.append(f"{seeds[number % 3]} case {chr(97 + number)}{chr(98 + number % 7)}")
            labels.append(label)
    centres = generator.standard_normal((2, 12))
    vectors = centres[labels] + 0.4 * generator.standard_normal((len(labels), 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    targets = np.zeros((len(labels), 4))
    targets[np.arange(len(labels)), labels] = 1
    return vectors.astype(np.float32), [hashed(text, text) for text in texts], targets


THREADS = [20, 21, 40]
"""Rows that are conversations; the last turn of each is the text of another row."""

LAST = [0, 30, 47]


@pytest.fixture(scope="module")
def fitted() -> JointFit:
    vectors, words, targets = rows()
    last = {row: words[other] for row, other in zip(THREADS, LAST, strict=True)}
    return fit_joint(vectors, vectors[LAST], LexicalRows.of(words, last), targets)


def kernel(whole: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The kernel of the rows with themselves, each read twice, written out."""
    vectors, words, _ = rows()
    idf = LexicalRows.of(words, {}).idf
    features = np.zeros((len(words), BUCKETS))
    for row, word in enumerate(words):
        features[row, word[0]] = scale(word, idf)
    readings = []
    for at in (whole, last):
        dense = (1 + vectors[at].astype(float) @ vectors[at].T.astype(float)) ** 2 / 2
        readings.append(dense + 0.5 * features[at] @ features[at].T)
    return sum(readings) / 2


def without(kernel: np.ndarray, block: list[int], targets: np.ndarray) -> np.ndarray:
    kept = [row for row in range(len(targets)) if row not in block]
    ridged = kernel[np.ix_(kept, kept)] + 0.3 * np.eye(len(kept))
    return kernel[np.ix_(block, kept)] @ np.linalg.solve(ridged, targets[kept])


def test_the_score_of_a_row_is_highest_for_its_own_entry(fitted: JointFit) -> None:
    vectors, words, targets = rows()
    scores = np.array([fitted.model.score([reading]) for reading in zip(vectors, words, strict=True)])
    assert (scores.argmax(1) == targets.argmax(1)).all()


@pytest.mark.parametrize("block", [[3, 4, 5, 30], [20], [19, 20, 21, 22]])
def test_left_out_predictions_equal_a_solve_without_the_block(fitted: JointFit, block) -> None:
    _, _, targets = rows()
    whole = np.arange(len(targets))
    last = whole.copy()
    last[THREADS] = LAST
    expected = without(kernel(whole, last), block, targets)
    assert np.allclose(fitted.left_out(targets, [block])[block], expected, atol=2e-3)


def test_a_conversation_is_read_as_a_whole_and_by_its_last_turn(fitted: JointFit) -> None:
    vectors, words, _ = rows()
    one, other = (vectors[2], words[2]), (vectors[45], words[45])
    alone = fitted.model.score([one])
    assert np.allclose(fitted.model.score([one, one]), alone, atol=1e-3)
    scores = fitted.model.score([one, other])
    assert abs(scores[0] - scores[1]) < abs(alone[0] - alone[1])


def test_a_row_left_out_is_told_less_surely_than_one_that_was_seen(fitted: JointFit) -> None:
    vectors, words, targets = rows()
    seen = fitted.model.score([(vectors[7], words[7])])[targets[7].argmax()]
    unseen = fitted.left_out(targets, [[7]])[7, targets[7].argmax()]
    assert unseen < seen


def test_a_stored_model_scores_as_before(fitted: JointFit) -> None:
    vectors, words, _ = rows()
    restored = JointModel.restore(fitted.model.arrays())
    readings = [(vectors[0], words[0]), (vectors[40], words[40])]
    assert np.allclose(restored.score(readings), fitted.model.score(readings), atol=1e-2)


def test_words_that_no_row_had_change_nothing(fitted: JointFit) -> None:
    vectors, words, _ = rows()
    buckets, values = words[0]
    unknown = hashed("zzqx wvvy", "zzqx wvvy")
    both = (np.concatenate([buckets, unknown[0]]), np.concatenate([values, unknown[1]]))
    scores = fitted.model.score([(vectors[0], words[0])])
    assert np.allclose(fitted.model.score([(vectors[0], both)]), scores, atol=0.02)
