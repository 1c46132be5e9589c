"""Where vectors are kept and searched: a small protocol, and FAISS behind it."""

from __future__ import annotations

import math
import os
import secrets
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from index.encoder import Vectors

__all__ = ["FaissStore", "Ids", "VectorStore", "VectorStoreError"]

Ids = npt.NDArray[np.int64]

_IDS_END = 2**63
_LARGEST_HALF = 65504.0
_SEAL = b"acknet vectors 1"
_SEAL_LENGTH = len(_SEAL) + 4


class VectorStoreError(ValueError):
    """Raised when vectors, ids or a stored file are not what a store can take; says why."""


class VectorStore(Protocol):
    """Unit vectors under unique ids, searched by inner product (cosine)."""

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        ...

    def __len__(self) -> int:
        """How many vectors there are."""
        ...

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Store ``vectors`` (shape (len(ids), dimension)) under ``ids`` (from 0 to 2⁶³ - 1).

        Raises VectorStoreError, and stores nothing, on an id that is taken, doubled or out of range, a wrong shape or
        a value that is not finite.
        """
        ...

    def remove(self, ids: Sequence[int]) -> None:
        """Forget the vectors with these ids.

        Raises VectorStoreError, and forgets nothing, when one of them is not there.
        """
        ...

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return scores and ids of the ``k`` nearest vectors of each query, best first: two (len(queries), k') arrays.

        ``k'`` is ``k`` or the number of vectors when there are fewer. Raises VectorStoreError on a wrong shape, a value
        that is not finite or a ``k`` below 1.
        """
        ...

    def save(self, path: Path) -> None:
        """Write everything to ``path`` so that :meth:`load` finds it, in place of what was there.

        Until all is written ``path`` is what it was before. Raises OSError when it cannot be written.
        """
        ...

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote; raise VectorStoreError when that is missing, damaged or something else."""
        ...


def checked(vectors: Vectors, dimension: int) -> Vectors:
    """Return ``vectors`` as a contiguous float32 matrix of this width, all finite, or raise VectorStoreError."""
    matrix = _shaped(vectors, dimension)
    # The sum of squares is the quicker test; it may overflow where no value is infinite.
    if not math.isfinite(np.vdot(matrix, matrix)) and not np.isfinite(matrix).all():
        raise VectorStoreError("a vector has a value that is not a finite number")
    return matrix


def _shaped(vectors: Vectors, dimension: int) -> Vectors:
    matrix = vectors
    if not isinstance(vectors, np.ndarray) or vectors.dtype != np.float32 or not vectors.flags.c_contiguous:
        try:
            with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite
                matrix = np.ascontiguousarray(vectors, dtype=np.float32)
        except (TypeError, ValueError) as error:
            raise VectorStoreError(f"vectors are rows of numbers: {error}") from error
    if matrix.ndim != 2 or matrix.shape[1] != dimension:
        raise VectorStoreError(f"expected vectors of shape (n, {dimension}), got {matrix.shape}")
    return matrix


def _faiss() -> Any:
    import faiss

    # One query at a time is searched faster by one thread, and OpenMP's waiting threads would slow the encoder's.
    faiss.omp_set_num_threads(1)
    return faiss


class FaissStore:
    """Search of all vectors with FAISS in this process: right for everything that a FAQ will reach (see bench/).

    Numbers are kept in half precision, which cosines feel in the fifth digit: a search waits for memory, so it takes
    half the time.
    """

    def __init__(self, dimension: int) -> None:
        faiss = _faiss()
        half = faiss.IndexScalarQuantizer(dimension, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)
        self._index: Any = faiss.IndexIDMap2(half)
        self._ids: set[int] = set()

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return int(self._index.d)

    def __len__(self) -> int:
        """How many vectors there are."""
        return len(self._ids)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Store vectors under ids; see :class:`VectorStore`."""
        matrix = checked(vectors, self.dimension)
        new = set(ids)
        if len(new) != len(ids) or new & self._ids:
            raise VectorStoreError("every id may be stored once only")
        if not all(0 <= number < _IDS_END for number in new):
            raise VectorStoreError("ids are whole numbers from 0 to 2⁶³ - 1")
        if len(ids) != len(matrix):
            raise VectorStoreError(f"{len(ids)} ids for {len(matrix)} vectors")
        if np.abs(matrix).max(initial=0.0) > _LARGEST_HALF:
            raise VectorStoreError(f"a vector has a value above {_LARGEST_HALF:.0f}, the largest in half precision")
        if len(ids):
            self._index.add_with_ids(matrix, np.asarray(ids, dtype=np.int64))
            self._ids |= new

    def remove(self, ids: Sequence[int]) -> None:
        """Forget these vectors; see :class:`VectorStore`."""
        if unknown := set(ids) - self._ids:
            raise VectorStoreError(f"no vector has the id {min(unknown)}")
        self._index.remove_ids(_faiss().IDSelectorBatch(np.asarray(ids, dtype=np.int64)))
        self._ids -= set(ids)

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the nearest vectors; see :class:`VectorStore`."""
        if k < 1:
            raise VectorStoreError(f"k must be at least 1, not {k}")
        matrix = _shaped(queries, self.dimension)
        k = min(k, len(self._ids))
        if k == 0 or not len(matrix):
            checked(matrix, self.dimension)
            return np.zeros((len(matrix), k), np.float32), np.zeros((len(matrix), k), np.int64)
        scores, ids = self._index.search(matrix, k)
        # What is not finite leaves no finite score, and seeing that is cheaper than a pass over the query.
        if not all(first >= 0 and math.isfinite(score) for first, score in zip(ids[:, 0], scores[:, 0], strict=True)):
            checked(matrix, self.dimension)
        return scores, ids

    def save(self, path: Path) -> None:
        """Write FAISS's file format, then a seal over it; see :class:`VectorStore`."""
        data = _faiss().serialize_index(self._index).tobytes()
        partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.write(_seal(data))
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote; see :class:`VectorStore`."""
        try:
            content = path.read_bytes()
        except OSError as error:
            raise VectorStoreError(f"{path}: cannot be read: {error.strerror}") from error
        data, seal = content[:-_SEAL_LENGTH], content[-_SEAL_LENGTH:]
        # FAISS reads a changed vector without a word, and a changed length as the order to allocate it.
        if not seal.startswith(_SEAL) or seal != _seal(data):
            raise VectorStoreError(f"{path}: damaged, or not written by acknet")
        faiss = _faiss()
        try:
            index = faiss.deserialize_index(np.frombuffer(data, dtype=np.uint8))
        except RuntimeError as error:
            raise VectorStoreError(f"{path}: not an index that this version of FAISS reads") from error
        store = cls(int(index.d))
        store._index = index
        store._ids = set(map(int, faiss.vector_to_array(index.id_map)))
        return store


def _seal(data: bytes) -> bytes:
    return _SEAL + zlib.crc32(data).to_bytes(4, "big")
