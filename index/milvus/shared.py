"""An index whose vectors lie in a Milvus server: put there once, checked by everyone who opens them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from index import layout
from index.features import NEIGHBOURS
from index.milvus.server import MilvusServer, VectorStoreUnavailable
from index.milvus.store import LocalVectors, MilvusStore
from index.retriever import Ranking, Retriever
from index.vectors import VectorStore, VectorStoreError

__all__ = ["SharedRetriever", "open_shared", "shared_vectors"]

_MOST_COMPARED = 10_000
_CLOSE = 1e-5


class SharedRetriever(Retriever):
    """An index, loaded, but for its vectors, which are searched elsewhere."""

    def search_in(self, vectors: VectorStore) -> None:
        """Search these vectors from now on, in place of those that lie with the index."""
        self._signals = replace(self._signals, vectors=vectors)

    def rank(self, turns: Sequence[str]) -> Ranking:
        """Rank all entries; raise VectorStoreError when the vectors cannot be searched or are not what they were."""
        try:
            return super().rank(turns)
        except IndexError as error:
            raise VectorStoreError("the vector store holds vectors that the index does not know") from error


def open_shared(server: MilvusServer, directory: Path, digest: str, *, threads: int = 0) -> SharedRetriever:
    """Return the index ``digest`` of ``directory``, its vectors in ``server``, where they are put when missing.

    Raises layout.IndexDamaged as :meth:`Retriever.load` does and VectorStoreError as :func:`shared_vectors` does.
    """
    retriever = SharedRetriever.load(directory, digest, threads=threads)
    retriever.search_in(shared_vectors(server, directory, digest))
    return retriever


def shared_vectors(server: MilvusServer, directory: Path, digest: str, *, again: bool = False) -> MilvusStore:
    """Return the collection with the vectors of the index ``digest``, which lies in ``directory``.

    Each index has an alias of its own, so replicas with the old index and with the new one search side by side. It is
    given to a collection once that is complete and checked; of several who fill one at once the first wins. With
    ``again`` a new collection takes the place of the one that is there.

    Raises VectorStoreError when the collection holds anything else than this index' vectors.
    """
    local = LocalVectors.load(directory / layout.VECTORS)
    alias = f"acknet_{digest[:16]}"
    there = bool(server.call("has_collection", alias))
    if there and not again:
        store = MilvusStore(server, alias)
        _check(store, local, server)
        return store
    old = server.call("describe_collection", alias)["collection_name"] if there else None
    if old == alias:
        raise VectorStoreError(f"{server.url}: {alias} is a collection of somebody else; drop or rename it")
    filled = MilvusStore.load(directory / layout.VECTORS, server, f"{alias}_{secrets.token_hex(4)}")
    try:
        _check(filled, local, server)
        server.call("alter_alias" if there else "create_alias", filled.name, alias)
    except VectorStoreError:
        with suppress(VectorStoreUnavailable):
            server.call("drop_collection", filled.name)
        if there or not server.call("has_collection", alias):
            raise
        return shared_vectors(server, directory, digest)  # somebody else was first
    if old:
        server.call("drop_collection", old)
    return MilvusStore(server, alias)


def _check(store: MilvusStore, local: LocalVectors, server: MilvusServer) -> None:
    """Raise VectorStoreError unless ``store`` holds the vectors of ``local``; of very many a part is compared."""
    ids, vectors = local.contents()
    problem = None
    if store.dimension != local.dimension:
        problem = f"vectors of {store.dimension} dimensions, not {local.dimension}"
    elif len(store) != len(local):
        problem = f"{len(store)} vectors, not {len(local)}"
    else:
        part = np.unique(np.linspace(0, len(ids) - 1, min(len(ids), _MOST_COMPARED), dtype=np.int64))
        try:
            if not np.array_equal(store.vectors(ids[part]), vectors[part]):
                problem = "other vectors"
            # What can be read may still not be found.
            elif not np.allclose(
                store.search(vectors[part[:3]], NEIGHBOURS)[0],
                local.search(vectors[part[:3]], NEIGHBOURS)[0],
                atol=_CLOSE,
            ):
                problem = "vectors that a search does not find"
        except VectorStoreUnavailable:
            raise
        except VectorStoreError as error:
            problem = str(error)
    if problem:
        raise VectorStoreError(
            f"{server.url}: the collection {store.name} is not what the index was made with ({problem}); "
            f"drop {store.name} in Milvus, or run: acknet index build --force; then it is filled again"
        )
