"""The model that tells which entry a question asks for, that none does or several do, from vector and words at once.

Kernel ridge regression on one target an entry, one for "none" and one for "several" (Saunders et al., ICML 1998). The
kernel is the sum of a quadratic one over sentence vectors, ``(1 + cos)² / 2``, and a linear one over TF-IDF features.
Fitting is one linear solve; predictions for rows left out follow in closed form, so ranking and confidence can be
fitted on them honestly.

A conversation is read twice: all of its turns, and the last one alone, which asks. The kernel of two conversations is
the mean of those of the two readings; for a question without earlier turns both readings are the same.

Serving needs neither the rows nor SciPy: the quadratic part is expressed through landmark vectors (Nyström: Williams
and Seeger, NIPS 2000), the linear one through a weight a feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from index.encoder import Vectors
from index.lexical import BUCKETS, HashedText

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["NONE", "SEVERAL", "JointFit", "JointModel", "LexicalRows", "Reading", "fit_joint"]

NONE, SEVERAL = -2, -1
"""The columns behind those of the entries."""

LANDMARKS = 1536
_LEXICAL_SHARE = 0.5
_RIDGE = 0.3
_JITTER = 1e-6
_SEED = 20260225

Floats = npt.NDArray[np.float64]
Square = npt.NDArray[np.float32]
"""Rows × rows: large, and certain to three digits at best."""

Reading = tuple[npt.NDArray[np.float32], HashedText]
"""A text as its sentence vector and its hashed words."""


def _kernel(left: Vectors, right: Vectors) -> Floats:
    similarities: Floats = (1.0 + left.astype(np.float64) @ right.T.astype(np.float64)) ** 2 / 2.0
    return similarities


def _products(left: Floats, right: Floats) -> Square:
    """Return ``left @ right.T`` in single precision: half of the work and of the memory."""
    products: Square = left.astype(np.float32) @ right.T.astype(np.float32)
    return products


class JointModel:
    """Scores of all entries, of "none" and of "several" (in this order) for a sentence vector and hashed words.

    A score near 1 says yes, near 0 no. ``landmarks``: landmarks × dimension; ``idf``: buckets. ``dense`` (2 × landmarks
    × targets) and ``lexical`` (2 × buckets × targets) hold first what both readings of a question come to, then what
    the last turn does.
    """

    def __init__(
        self,
        landmarks: npt.NDArray[np.float32],
        dense: npt.NDArray[np.float32],
        idf: npt.NDArray[np.float32],
        lexical: npt.NDArray[np.float32] | npt.NDArray[np.float16],
    ) -> None:
        self.landmarks, self.idf = landmarks, idf
        self._dense, self._lexical = dense, lexical

    def score(self, readings: Sequence[Reading]) -> npt.NDArray[np.float32]:
        """Return a score a target for a question (one reading), or for all turns of a conversation and its last one."""
        return self.of_vectors(np.array([vector for vector, _ in readings])) + self.of_words(
            [words for _, words in readings]
        )

    def of_vectors(self, vectors: Vectors) -> npt.NDArray[np.float32]:
        """Return the part of the scores that the sentence vectors make: one row, or all turns and the last one."""
        whole = self._similarity(vectors[0])
        # Not with @: BLAS would wake its threads for so little, and wait for them longer than the work takes.
        scores: npt.NDArray[np.float32] = np.einsum("l,lt->t", whole, self._dense[0])
        if len(vectors) > 1:
            scores += np.einsum("l,lt->t", self._similarity(vectors[1]) - whole, self._dense[1])
        return scores

    def of_words(self, words: Sequence[HashedText]) -> npt.NDArray[np.float32]:
        """Return the part of the scores that the readings' words make."""
        scores = self._weighed(0, words[0])
        if len(words) > 1:
            scores += self._weighed(1, words[1]) - self._weighed(1, words[0])
        return scores

    def _similarity(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        similarity: npt.NDArray[np.float32] = np.einsum("ld,d->l", self.landmarks, vector)
        similarity += 1.0
        similarity *= similarity
        similarity *= 0.5
        return similarity

    def _weighed(self, part: int, words: HashedText) -> npt.NDArray[np.float32]:
        lexical = self._lexical[part, words[0]].astype(np.float32, copy=False)
        scores: npt.NDArray[np.float32] = np.einsum("w,wt->t", scale(words, self.idf), lexical)
        return scores

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what :meth:`restore` needs."""
        return {
            "landmarks": self.landmarks,
            "dense": self._dense,
            "idf": self.idf,
            "lexical": self._lexical.astype(np.float16),
        }

    @classmethod
    def restore(cls, arrays: dict[str, npt.NDArray[Any]]) -> Self:
        """Make the model from what :meth:`arrays` gave."""
        return cls(arrays["landmarks"], arrays["dense"], arrays["idf"], arrays["lexical"])


def scale(words: HashedText, idf: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return TF-IDF values of unit length."""
    buckets, values = words
    scaled = values * idf[buckets]
    length = float(np.sqrt(scaled @ scaled))
    return scaled / length if length > 0 else scaled


@dataclass(frozen=True)
class JointFit:
    """A fitted model with what its leave-out predictions need.

    ``inverse`` is the inverse of the ridged kernel matrix (rows × rows), ``dual`` the solution (rows × targets).
    """

    model: JointModel
    inverse: Square
    dual: Floats

    def left_out(self, targets: Floats, blocks: Iterable[Sequence[int]]) -> Floats:
        """Return what the model would say of each row had its whole block not been among the rows.

        The closed form for a block B of ridge regression: ``y_B - (G⁻¹_BB)⁻¹ α_B``.
        """
        predictions = np.full(targets.shape, np.nan)
        for block in blocks:
            at = np.asarray(block)
            predictions[at] = targets[at] - np.linalg.solve(self.inverse[np.ix_(at, at)], self.dual[at])
        return predictions


def _inverse(matrix: Square) -> Square:
    """Invert a symmetric positive definite matrix, by Cholesky and in single precision: a quarter of the work.

    The ridge bounds the condition number by about 10⁴, so three digits are certain; solutions are refined.
    """
    from scipy.linalg import lapack

    factor, failed = lapack.spotrf(np.asfortranarray(matrix), lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("the kernel matrix is not positive definite")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse)
    symmetric: Square = inverse + np.tril(inverse, -1).T
    return symmetric


def _refined(matrix: Square, inverse: Square, targets: Floats) -> Floats:
    """Solve ``matrix @ x = targets`` with an approximate inverse and two steps of refinement."""
    solution: Floats = (inverse @ targets.astype(np.float32)).astype(np.float64)
    for _ in range(2):
        residual = targets - matrix @ solution.astype(np.float32)
        solution += inverse @ residual.astype(np.float32)
    return solution


def _matrix(words: Sequence[HashedText], idf: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    from scipy import sparse

    return sparse.csr_matrix(
        (
            np.concatenate([scale(word, idf) for word in words]),
            np.concatenate([buckets for buckets, _ in words]),
            np.cumsum([0, *(len(buckets) for buckets, _ in words)]),
        ),
        shape=(len(words), BUCKETS),
    )


@dataclass(frozen=True)
class LexicalRows:
    """The rows' words: ``idf`` a value a bucket; TF-IDF of the whole rows and of their ``last`` turns (rows × buckets).

    ``threads`` are the rows that are conversations, in order; ``kernel`` is rows × rows.
    """

    idf: npt.NDArray[np.float32]
    whole: sparse.csr_matrix
    last: sparse.csr_matrix
    threads: npt.NDArray[np.int64]
    kernel: Square

    @classmethod
    def of(cls, words: Sequence[HashedText], last: Mapping[int, HashedText]) -> Self:
        """Weigh the words of all rows; this needs no vectors, so it can be done while those are made.

        ``last`` gives the words of the last turn of each row that is a conversation.
        """
        occurrences = np.zeros(BUCKETS)
        for buckets, _ in words:
            occurrences[buckets] += 1
        idf = np.where(occurrences > 0, np.log((1 + len(words)) / (1 + occurrences)) + 1, 0.0).astype(np.float32)
        whole = _matrix(words, idf)
        asking = _matrix([last.get(row, word) for row, word in enumerate(words)], idf)
        threads = np.array(sorted(last), dtype=np.int64)
        kernel = (whole @ whole.T).toarray()
        _average(kernel, threads, (asking[threads] @ asking.T).toarray())
        return cls(idf, whole, asking, threads, kernel)


def _average(kernel: Square, threads: npt.NDArray[np.int64], last: Square) -> None:
    """Make the ``kernel`` of whole rows the mean of both readings; ``last`` is that of last turns, threads × rows."""
    mean = (kernel[threads] + last) / 2
    kernel[threads] = mean
    kernel[:, threads] = mean.T


def fit_joint(vectors: Vectors, last: Vectors, words: LexicalRows, targets: Floats) -> JointFit:
    """Fit the model on rows of sentence vectors, words and targets (one a column).

    ``last`` holds the vectors of the last turns of those rows that are conversations, in the order of the rows.
    """
    count = len(vectors)
    texts = np.concatenate([vectors, last])
    landmarks = texts[np.random.default_rng(_SEED).permutation(len(texts))[:LANDMARKS]]
    factor = np.linalg.cholesky(_kernel(landmarks, landmarks) + _JITTER * np.eye(len(landmarks)))
    projection = np.linalg.solve(factor, np.eye(len(landmarks))).T
    whole = _kernel(vectors, landmarks) @ projection
    asking = whole.copy()
    asking[words.threads] = _kernel(last, landmarks) @ projection
    gram = _products(whole, whole)
    _average(gram, words.threads, _products(asking[words.threads], asking))
    gram += _LEXICAL_SHARE * words.kernel
    gram[np.diag_indices(count)] += _RIDGE
    inverse = _inverse(gram)
    dual = _refined(gram, inverse, targets)
    dense = [projection @ (features.T @ dual) / 2 for features in (whole, asking)]
    lexical = [_LEXICAL_SHARE * (values.T @ dual) / 2 for values in (words.whole, words.last)]
    model = JointModel(
        landmarks,
        np.stack([dense[0] + dense[1], dense[1]]).astype(np.float32),
        words.idf,
        np.stack([lexical[0] + lexical[1], lexical[1]]).astype(np.float32),
    )
    return JointFit(model, inverse, dual)
