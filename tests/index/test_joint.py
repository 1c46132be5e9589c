"""The joint model: what it says of rows it was fitted on, of rows left out, and after a round trip."""

from __future__ import annotations

import numpy as np
import pytest

from index.joint import JointFit, JointModel, LexicalRows, fit_joint
from index.lexical import HashedText, hashed

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


@pytest.fixture(scope="module")
def fitted() -> JointFit:
    vectors, words, targets = rows()
    return fit_joint(vectors, LexicalRows.of(words), targets)


def test_the_score_of_a_row_is_highest_for_its_own_entry(fitted: JointFit) -> None:
    vectors, words, targets = rows()
    scores = np.array([fitted.model.score(vector, word) for vector, word in zip(vectors, words, strict=True)])
    assert (scores.argmax(1) == targets.argmax(1)).all()


def test_left_out_predictions_equal_a_solve_without_the_block(fitted: JointFit) -> None:
    _, _, targets = rows()
    block = [3, 4, 5, 30]
    kept = [row for row in range(len(targets)) if row not in block]
    kernel = fitted.features @ fitted.features.T + 0.5 * (fitted.rows @ fitted.rows.T).toarray()
    ridged = kernel + 0.3 * np.eye(len(kernel))
    expected = kernel[np.ix_(block, kept)] @ np.linalg.solve(ridged[np.ix_(kept, kept)], targets[kept])
    assert np.allclose(fitted.left_out(targets, [block])[block], expected, atol=1e-3)


def test_other_texts_are_scored_as_if_the_block_had_not_been_there(fitted: JointFit) -> None:
    vectors, words, targets = rows()
    block = [0, 1, 2]
    kernel = fitted.features @ fitted.features.T + 0.5 * (fitted.rows @ fitted.rows.T).toarray()
    kept = [row for row in range(len(targets)) if row not in block]
    ridged = kernel + 0.3 * np.eye(len(kernel))
    similarities = fitted.similarities(vectors[10:14], words[10:14])
    expected = similarities[:, kept] @ np.linalg.solve(ridged[np.ix_(kept, kept)], targets[kept])
    assert np.allclose(fitted.without(block, similarities), expected, atol=1e-3)


def test_a_row_left_out_is_told_less_surely_than_one_that_was_seen(fitted: JointFit) -> None:
    vectors, words, targets = rows()
    seen = fitted.model.score(vectors[7], words[7])[targets[7].argmax()]
    unseen = fitted.left_out(targets, [[7]])[7, targets[7].argmax()]
    assert unseen < seen


def test_a_stored_model_scores_as_before(fitted: JointFit) -> None:
    vectors, words, _ = rows()
    restored = JointModel.restore(fitted.model.arrays())
    assert np.allclose(restored.score(vectors[0], words[0]), fitted.model.score(vectors[0], words[0]), atol=1e-2)


def test_words_that_no_row_had_change_nothing(fitted: JointFit) -> None:
    vectors, words, _ = rows()
    buckets, values = words[0]
    unknown = hashed("zzqx wvvy", "zzqx wvvy")
    both = (np.concatenate([buckets, unknown[0]]), np.concatenate([values, unknown[1]]))
    assert np.allclose(fitted.model.score(vectors[0], both), fitted.model.score(vectors[0], words[0]), atol=0.02)
