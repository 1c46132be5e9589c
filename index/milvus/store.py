"""A collection of a Milvus server as a store of vectors."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np

from index.encoder import Vectors
from index.milvus.server import MilvusServer, VectorStoreUnavailable
from index.vectors import FaissStore, Ids, VectorStoreError, checked

__all__ = ["LocalVectors", "MilvusStore"]

_Item = TypeVar("_Item")

_IDS_END = 2**63
_WRITTEN = 500
_READ = 2_000
"""Vectors of one call."""

_SETTLED_SECONDS = 60.0
"""How long after it was opened or changed a collection is searched with all that the server knows, for which that waits
for the next tick of its clock, 0.2 s or more. Later what was written some seconds ago is enough: no more is written."""

_MOST_NEIGHBOURS = 16_384
"""What Milvus takes as the limit of one search."""


class LocalVectors(FaissStore):
    """Vectors of an index on disk that can be read back."""

    def contents(self) -> tuple[Ids, Vectors]:
        """Return all ids (n,) and their vectors (n, dimension)."""
        import faiss

        if not len(self):
            return np.zeros(0, np.int64), np.zeros((0, self.dimension), np.float32)
        return faiss.vector_to_array(self._index.id_map), self._index.index.reconstruct_n(0, len(self))


class MilvusStore:
    """Exact search in one collection of a Milvus server; see :class:`index.vectors.VectorStore`.

    Every method may raise VectorStoreUnavailable. Who changes a collection has to be alone with it: how many vectors
    there are is counted when it is opened.
    """

    def __init__(self, server: MilvusServer, name: str) -> None:
        """Open the collection (or alias) ``name``; raise VectorStoreError when it is not one of acknet's."""
        self._server, self.name = server, name
        found = server.call("describe_collection", name)
        fields = {field["name"]: field for field in found["fields"]}
        index = server.call("describe_index", name, "vector") if set(fields) == {"id", "vector"} else None
        if index is None or (index["metric_type"], index["index_type"]) != ("IP", "FLAT"):
            raise VectorStoreError(f"{server.url}: the collection {name} was not made by acknet")
        self._dimension = int(fields["vector"]["params"]["dim"])
        server.call("load_collection", name)
        self._changed = time.monotonic()
        self._count = int(server.call("query", name, filter="", output_fields=["count(*)"])[0]["count(*)"])

    @classmethod
    def create(cls, server: MilvusServer, name: str, dimension: int) -> Self:
        """Make an empty collection."""
        server.call("create_collection", name, **server.schema(dimension))
        return cls(server, name)

    @property
    def dimension(self) -> int:
        """The length of every vector."""
        return self._dimension

    def __len__(self) -> int:
        """How many vectors there are."""
        return self._count

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Store vectors under ids; see :class:`index.vectors.VectorStore`."""
        matrix = checked(vectors, self.dimension)
        numbers = list(map(int, ids))
        if not all(0 <= number < _IDS_END for number in numbers):
            raise VectorStoreError("ids are whole numbers from 0 to 2⁶³ - 1")
        if len(numbers) != len(matrix):
            raise VectorStoreError(f"{len(numbers)} ids for {len(matrix)} vectors")
        if len(set(numbers)) != len(numbers) or (self._count and any(self._rows(numbers, ["id"]))):
            raise VectorStoreError("every id may be stored once only")
        for rows in _batches(zip(numbers, matrix, strict=True), _WRITTEN):
            self._server.call("insert", self.name, [{"id": number, "vector": row} for number, row in rows])
            self._changed, self._count = time.monotonic(), self._count + len(rows)

    def remove(self, ids: Sequence[int]) -> None:
        """Forget these vectors; see :class:`index.vectors.VectorStore`."""
        numbers = set(map(int, ids))
        known = {row["id"] for row in self._rows(numbers, ["id"])}
        if unknown := numbers - known:
            raise VectorStoreError(f"no vector has the id {min(unknown)}")
        for batch in _batches(numbers, _WRITTEN):
            self._server.call("delete", self.name, ids=batch)
            self._changed, self._count = time.monotonic(), self._count - len(batch)

    def search(self, queries: Vectors, k: int) -> tuple[Vectors, Ids]:
        """Return the nearest vectors; see :class:`index.vectors.VectorStore`.

        Raises VectorStoreError also when the server returns fewer than there should be.
        """
        matrix = checked(queries, self.dimension)
        if k < 1:
            raise VectorStoreError(f"k must be at least 1, not {k}")
        k = min(k, self._count)
        if k > _MOST_NEIGHBOURS:
            raise VectorStoreError(f"Milvus returns {_MOST_NEIGHBOURS} neighbours at most, not {k}")
        if k == 0 or not len(matrix):
            return np.zeros((len(matrix), k), np.float32), np.zeros((len(matrix), k), np.int64)
        found = self._server.call(
            "search",
            self.name,
            data=matrix,
            anns_field="vector",
            limit=k,
            output_fields=["id"],
            consistency_level="Bounded" if time.monotonic() - self._changed > _SETTLED_SECONDS else "Strong",
        )
        if len(found) != len(matrix) or any(len(hits) != k for hits in found):
            raise VectorStoreError(f"{self._server.url}: vectors are missing from the collection {self.name}")
        scores = np.array([[hit["distance"] for hit in hits] for hits in found], dtype=np.float32)
        numbers = np.array([[hit["id"] for hit in hits] for hits in found], dtype=np.int64)
        if numbers.min() < 0 or not np.isfinite(scores).all():
            raise VectorStoreError(f"{self._server.url}: somebody else writes into the collection {self.name}")
        return scores, numbers

    def vectors(self, ids: Iterable[int]) -> Vectors:
        """Return the vectors with these ids, in this order; raise VectorStoreError when one is not there."""
        wanted = list(map(int, ids))
        found = {row["id"]: row["vector"] for row in self._rows(wanted, ["id", "vector"])}
        if missing := [number for number in wanted if number not in found]:
            raise VectorStoreError(f"no vector has the id {missing[0]}")
        rows = np.array([found[number] for number in wanted], dtype=np.float32)
        return rows.reshape(len(wanted), self.dimension)

    def save(self, path: Path) -> None:
        """Write everything to a file of this machine, as :class:`index.vectors.FaissStore` does."""
        ids: list[int] = []
        # In the order of ids, because what lies in a server has no other.
        while len(ids) < self._count:
            after = ids[-1] if ids else -1
            rows = self._server.call("query", self.name, filter=f"id > {after}", output_fields=["id"], limit=16_384)
            if not rows:
                raise VectorStoreError(f"{self._server.url}: vectors are missing from the collection {self.name}")
            ids.extend(sorted(row["id"] for row in rows))
        local = FaissStore(self.dimension)
        local.add(ids, self.vectors(ids))
        local.save(path)

    @classmethod
    def load(cls, path: Path, server: MilvusServer | None = None, name: str = "") -> Self:
        """Put what :meth:`save` (or FaissStore's) wrote into a new collection of ``server``.

        Raises VectorStoreError when the file is missing, damaged or something else; then, and when filling fails, no
        collection is left.
        """
        if server is None:
            raise VectorStoreError(f"{path}: there is no server to put it into")
        ids, vectors = (local := LocalVectors.load(path)).contents()
        name = name or f"acknet_{secrets.token_hex(8)}"
        try:
            store = cls.create(server, name, local.dimension)
            store.add(ids.tolist(), vectors)
        except VectorStoreError:
            with suppress(VectorStoreUnavailable):
                server.call("drop_collection", name)
            raise
        return store

    def _rows(self, ids: Iterable[int], fields: list[str]) -> Iterator[dict[str, Any]]:
        for batch in _batches(ids, _READ):
            yield from self._server.call("query", self.name, ids=batch, output_fields=fields)


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
