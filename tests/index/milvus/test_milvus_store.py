"""The store in a Milvus server behind the contract of all stores, over a real socket.

Milvus Lite is the server, and a real one too where MILVUS_SERVER names its program.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index.vectors import FaissStore, VectorStoreError
from tests.contracts.vector_store import DIMENSION, VectorStoreContract, unit_vectors

pytest.importorskip("pymilvus", reason="needs acknet[milvus]")
pytest.importorskip("milvus_lite", reason="needs milvus-lite")

from index.milvus.server import MilvusServer, VectorStoreUnavailable
from index.milvus.store import MilvusStore
from tests.doubles.milvus import KINDS, milvus


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def server(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MilvusServer]:
    with milvus(kind, tmp_path_factory.mktemp("milvus")) as running:
        connected = MilvusServer(running.url, timeout=60)
        yield connected
        connected.close()


@pytest.fixture
def name(server: MilvusServer) -> Iterator[str]:
    """A name for a collection; all collections are gone afterwards."""
    yield "acknet_test"
    for collection in server.call("list_collections"):
        server.call("drop_collection", collection)


class TestMilvusStore(VectorStoreContract):
    @pytest.fixture(autouse=True)
    def _on(self, server: MilvusServer, name: str) -> None:
        self.server, self.made = server, 0

    def make(self, dimension: int) -> MilvusStore:
        self.made += 1
        return MilvusStore.create(self.server, f"acknet_test_{self.made}", dimension)

    def load(self, path: Path) -> MilvusStore:
        return MilvusStore.load(path, self.server)


def test_what_faiss_saved_is_loaded_bit_by_bit(server, name, tmp_path):
    vectors = unit_vectors(1200)
    local = FaissStore(DIMENSION)
    local.add(range(1200), vectors)
    local.save(tmp_path / "kept")
    store = MilvusStore.load(tmp_path / "kept", server, name)
    np.testing.assert_array_equal(store.vectors([1199, 0, 700]), vectors[[1199, 0, 700]].astype(np.float16))
    queries = unit_vectors(3, seed=3)
    np.testing.assert_array_equal(store.search(queries, 10)[1], local.search(queries, 10)[1])


def test_a_damaged_file_leaves_no_collection(server, name, tmp_path):
    (tmp_path / "kept").write_bytes(b"no index at all")
    with pytest.raises(VectorStoreError, match="kept"):
        MilvusStore.load(tmp_path / "kept", server, name)
    assert server.call("list_collections") == []


def test_a_collection_that_somebody_else_made_is_refused(server, name):
    server.call("create_collection", name, dimension=DIMENSION, metric_type="L2")
    with pytest.raises(VectorStoreError, match="acknet_test was not made by acknet"):
        MilvusStore(server, name)


def test_vectors_that_went_missing_are_noticed_by_a_search(server, name):
    store = MilvusStore.create(server, name, DIMENSION)
    store.add(range(5), unit_vectors(5))
    server.call("delete", name, ids=[3])
    with pytest.raises(VectorStoreError, match="vectors are missing"):
        store.search(unit_vectors(1), 5)


def test_a_collection_that_is_gone_is_an_error_in_one_line(server, name):
    store = MilvusStore.create(server, name, DIMENSION)
    store.add(range(5), unit_vectors(5))
    server.call("drop_collection", name)
    with pytest.raises(VectorStoreUnavailable, match=r"\Athe vector store http://127.0.0.1:\d+ fails: [^\n]+\Z"):
        store.search(unit_vectors(1), 5)


def test_a_store_that_nobody_changes_any_more_is_not_waited_for(server, name, monkeypatch):
    vectors = unit_vectors(40)
    store = MilvusStore.create(server, name, DIMENSION)
    store.add(range(40), vectors)
    asked: list[object] = []

    def call(method: str, *arguments: object, **options: object) -> object:
        asked.append(options.get("consistency_level"))
        return MilvusServer.call(server, method, *arguments, **options)

    monkeypatch.setattr(server, "call", call)
    store.search(vectors, 1)
    monkeypatch.setattr("index.milvus.store._SETTLED_SECONDS", 0.0)
    assert store.search(vectors, 1)[1].ravel().tolist() == list(range(40))
    assert asked == ["Strong", "Bounded"]


def test_a_server_that_went_down_is_an_error_and_says_nothing_on_stderr(kind, tmp_path, capfd):
    with milvus(kind, tmp_path / "milvus") as running:
        connected = MilvusServer(running.url, timeout=5)
        store = MilvusStore.create(connected, "acknet_test", DIMENSION)
        store.add(range(5), unit_vectors(5))
        running.stop()
        with pytest.raises(VectorStoreUnavailable):
            store.search(unit_vectors(1), 5)
        connected.close()
    assert "Traceback" not in capfd.readouterr().err


def test_a_server_that_is_not_there_is_an_error():
    with socket.socket() as taken:  # bound, so that nobody else listens there, but not listening
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(VectorStoreUnavailable, match=url):
            MilvusServer(url, timeout=1)


def test_a_server_that_takes_connections_and_never_answers_is_an_error():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(VectorStoreUnavailable, match=url):
            MilvusServer(url, timeout=1)
