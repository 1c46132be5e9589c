"""The model that tells which entry a question asks for, that none does or several do, from vector and words at once.

Kernel ridge regression on one target an entry, one for "none" and one for "several" (Saunders et al., ICML 1998). The
kernel is the sum of a quadratic one over sentence vectors, ``(1 + cos)² / 2``, and a linear one over TF-IDF features.
Fitting is one linear solve; predictions for rows left out follow in closed form, so ranking and confidence can be
fitted on them honestly.

Serving needs neither the rows nor SciPy: the quadratic part is expressed through landmark vectors (Nyström: Williams
and Seeger, NIPS 2000), the linear one through a weight a feature.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from index.encoder import Vectors
from index.lexical import BUCKETS, HashedText

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["NONE", "SEVERAL", "JointFit", "JointModel", "LexicalRows", "fit_joint"]

NONE, SEVERAL = -2, -1
"""The columns behind those of the entries."""

LANDMARKS = 768
_LEXICAL_SHARE = 0.5
_RIDGE = 0.3
_JITTER = 1e-6
_SEED = 20260225

Floats = npt.NDArray[np.float64]


def _kernel(left: Floats, right: Floats) -> Floats:
    similarities: Floats = (1.0 + left @ right.T) ** 2 / 2.0
    return similarities


class JointModel:
    """Scores of all entries, of "none" and of "several" (in this order) for a sentence vector and hashed words.

    A score near 1 says yes, near 0 no. ``landmarks``: landmarks × dimension; ``dense``: landmarks × targets; ``idf``:
    buckets; ``lexical``: buckets × targets.
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

    def score(self, vector: npt.NDArray[np.float32], words: HashedText) -> npt.NDArray[np.float32]:
        """Return a score a target."""
        buckets, _ = words
        similarity = self.landmarks @ vector
        similarity += 1.0
        similarity *= similarity
        similarity *= 0.5
        lexical = self._lexical[buckets].astype(np.float32, copy=False)
        scores: npt.NDArray[np.float32] = similarity @ self._dense + scale(words, self.idf) @ lexical
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

    ``inverse`` is the inverse of the ridged kernel matrix (rows × rows), ``dual`` the solution (rows × targets),
    ``projection`` and ``features`` the landmarks' and the rows' explicit dense features, ``rows`` their TF-IDF values.
    """

    model: JointModel
    inverse: Floats
    dual: Floats
    projection: Floats
    features: Floats
    rows: sparse.csr_matrix

    def left_out(self, targets: Floats, blocks: Iterable[Sequence[int]]) -> Floats:
        """Return what the model would say of each row had its whole block not been among the rows.

        The closed form for a block B of ridge regression: ``y_B - (G⁻¹_BB)⁻¹ α_B``.
        """
        predictions = np.full(targets.shape, np.nan)
        for block in blocks:
            predictions[block] = targets[block] - self._influence(block)
        return predictions

    def similarities(self, vectors: Vectors, words: Sequence[HashedText]) -> Floats:
        """Return the kernel of other texts with all rows: texts × rows."""
        dense = _kernel(vectors.astype(np.float64), self.model.landmarks.astype(np.float64)) @ self.projection
        lexical = _matrix(words, self.model.idf) @ self.rows.T
        similarities: Floats = dense @ self.features.T + _LEXICAL_SHARE * lexical.toarray()
        return similarities

    def without(self, block: Sequence[int], similarities: Floats) -> Floats:
        """Return the scores of other texts (their rows of :meth:`similarities`) had the ``block`` not been there."""
        dual = self.dual - self.inverse[:, block] @ self._influence(block)
        dual[block] = 0.0
        scores: Floats = similarities @ dual
        return scores

    def _influence(self, block: Sequence[int]) -> Floats:
        at = np.asarray(block)
        solved: Floats = np.linalg.solve(self.inverse[np.ix_(at, at)], self.dual[at])
        return solved


def _inverse(matrix: Floats) -> Floats:
    """Invert a symmetric positive definite matrix, by Cholesky and in single precision: a quarter of the work.

    The ridge bounds the condition number by about 10⁴, so three digits are certain; solutions are refined.
    """
    from scipy.linalg import lapack

    factor, failed = lapack.spotrf(np.asfortranarray(matrix, dtype=np.float32), lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("the kernel matrix is not positive definite")
    inverse, _ = lapack.spotri(factor, lower=1, overwrite_c=1)
    inverse = np.tril(inverse).astype(np.float64)
    symmetric: Floats = inverse + np.tril(inverse, -1).T
    return symmetric


def _refined(matrix: Floats, inverse: Floats, targets: Floats) -> Floats:
    """Solve ``matrix @ x = targets`` with an approximate inverse and two steps of refinement."""
    solution: Floats = inverse @ targets
    for _ in range(2):
        solution += inverse @ (targets - matrix @ solution)
    return solution


def _matrix(words: Sequence[HashedText], idf: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    from scipy import sparse

    return sparse.csr_matrix(
        (
            np.concatenate([scale(word, idf) for word in words]).astype(np.float64),
            np.concatenate([buckets for buckets, _ in words]),
            np.cumsum([0, *(len(buckets) for buckets, _ in words)]),
        ),
        shape=(len(words), BUCKETS),
    )


@dataclass(frozen=True)
class LexicalRows:
    """The rows' words: ``idf`` a value a bucket, ``values`` TF-IDF (rows × buckets), ``kernel`` (rows × rows)."""

    idf: npt.NDArray[np.float32]
    values: sparse.csr_matrix
    kernel: Floats

    @classmethod
    def of(cls, words: Sequence[HashedText]) -> Self:
        """Weigh the words of all rows; this needs no vectors, so it can be done while those are made."""
        occurrences = np.zeros(BUCKETS)
        for buckets, _ in words:
            occurrences[buckets] += 1
        idf = np.where(occurrences > 0, np.log((1 + len(words)) / (1 + occurrences)) + 1, 0.0).astype(np.float32)
        values = _matrix(words, idf)
        return cls(idf, values, (values @ values.T).toarray())


def fit_joint(vectors: Vectors, words: LexicalRows, targets: Floats) -> JointFit:
    """Fit the model on rows of sentence vectors, words and targets (one a column)."""
    count = len(vectors)
    picked = np.random.default_rng(_SEED).permutation(count)[: min(LANDMARKS, count)]
    landmarks = vectors[picked].astype(np.float64)
    factor = np.linalg.cholesky(_kernel(landmarks, landmarks) + _JITTER * np.eye(len(landmarks)))
    projection = np.linalg.solve(factor, np.eye(len(landmarks))).T
    features = _kernel(vectors.astype(np.float64), landmarks) @ projection
    gram = features @ features.T
    gram += _LEXICAL_SHARE * words.kernel
    gram[np.diag_indices(count)] += _RIDGE
    inverse = _inverse(gram)
    dual = _refined(gram, inverse, targets)
    model = JointModel(
        landmarks.astype(np.float32),
        (projection @ (features.T @ dual)).astype(np.float32),
        words.idf,
        (_LEXICAL_SHARE * (words.values.T @ dual)).astype(np.float32),
    )
    return JointFit(model, inverse, dual, projection, features, words.values)
