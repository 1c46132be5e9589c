"""Made-up chunk vectors for sizes that no FAQ has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

__all__ = ["DIMENSION", "Chunks"]

DIMENSION = 384
_LATENT = 48
_WITHIN = 0.8
_NOISE = 0.25
_CHUNKS_PER_TOPIC = 200
_BATCH = 50_000

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chunks:
    """A source of clustered unit vectors.

    Sentence vectors fill far fewer directions than they have components, and texts come in topics. So a topic is a
    point of a 48-dimensional space, a chunk lies about it, and a fixed random matrix takes it to 384 components, with
    a little noise in each. Two chunks of a topic have a cosine of about 0.6, two of different ones about 0.
    """

    topics: Vectors
    matrix: Vectors
    random: np.random.Generator

    @classmethod
    def about(cls, count: int, seed: int = 0) -> Self:
        """Return a source with a topic for every two hundred of ``count`` chunks."""
        random = np.random.default_rng(seed)
        topics = random.standard_normal((max(count // _CHUNKS_PER_TOPIC, 8), _LATENT), dtype=np.float32)
        matrix = random.standard_normal((_LATENT, DIMENSION), dtype=np.float32) / np.float32(_LATENT**0.5)
        return cls(topics, matrix, random)

    def draw(self, count: int) -> Vectors:
        """Return ``count`` new vectors: float32, unit length, shape (count, 384)."""
        vectors = np.empty((count, DIMENSION), dtype=np.float32)
        for start in range(0, count, _BATCH):
            part = vectors[start : start + _BATCH]
            topics = self.topics[self.random.integers(len(self.topics), size=len(part))]
            within = self.random.standard_normal(topics.shape, dtype=np.float32)
            np.matmul(topics + np.float32(_WITHIN) * within, self.matrix, out=part)
            part += np.float32(_NOISE) * self.random.standard_normal(part.shape, dtype=np.float32)
            part /= np.linalg.norm(part, axis=1, keepdims=True)
        return vectors
