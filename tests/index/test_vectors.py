"""The embedded vector store: FAISS behind the contract of all stores."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import faiss
import numpy as np
import pytest

from index.vectors import FaissStore, VectorStoreError
from tests.contracts.vector_store import DIMENSION, HALF, VectorStoreContract, unit_vectors

ROOT = Path(__file__).parents[2]


class TestFaissStore(VectorStoreContract):
    precision = HALF

    def make(self, dimension: int) -> FaissStore:
        return FaissStore(dimension)

    def load(self, path: Path) -> FaissStore:
        return FaissStore.load(path)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    store = FaissStore(DIMENSION)
    store.add(range(40), unit_vectors(40))
    store.save(tmp_path / "kept")
    return tmp_path / "kept"


def test_a_number_that_half_precision_cannot_hold_is_refused():
    store = FaissStore(DIMENSION)
    store.add([1], np.full((1, DIMENSION), 65504.0))
    with pytest.raises(VectorStoreError, match="65504"):
        store.add([2], np.full((1, DIMENSION), 65520.0))
    assert len(store) == 1


def test_large_finite_numbers_are_no_infinite_ones():
    scores, _ = FaissStore(DIMENSION).search(np.full((1, DIMENSION), 1e30), 1)
    assert scores.shape == (1, 0)


def test_checks_hold_where_python_drops_assertions():
    """FAISS checks the width of a query by ``assert`` only and otherwise reads past the end of the array."""
    script = (
        "import numpy as np\n"
        "from index.vectors import FaissStore, VectorStoreError\n"
        "assert False, 'assertions are on'\n"
        "store = FaissStore(8)\n"
        "store.add([1], np.ones((1, 8)))\n"
        "for wrong in (np.ones((1, 4)), np.ones((1, 16)), np.ones(8), np.full((1, 8), np.nan)):\n"
        "    for call in (lambda: store.search(wrong, 1), lambda: store.add([2], wrong)):\n"
        "        try:\n"
        "            call()\n"
        "        except VectorStoreError:\n"
        "            continue\n"
        "        raise SystemExit(f'{wrong.shape} was taken')\n"
    )
    done = subprocess.run([sys.executable, "-O", "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("kind", ["IDMap2,Flat", "IDMap,Flat", "Flat", "IVF4,Flat"])
def test_an_index_that_faiss_itself_wrote_is_not_taken_for_a_store(tmp_path, kind):
    index = faiss.index_factory(DIMENSION, kind, faiss.METRIC_L2)
    index.train(unit_vectors(200))
    (tmp_path / "kept").write_bytes(faiss.serialize_index(index).tobytes())
    with pytest.raises(VectorStoreError, match="not written by acknet"):
        FaissStore.load(tmp_path / "kept")


def test_every_single_flipped_byte_is_noticed(saved):
    content = saved.read_bytes()
    unnoticed = []
    for at in range(0, len(content), 7):
        saved.write_bytes(content[:at] + bytes([content[at] ^ 0x80]) + content[at + 1 :])
        try:
            FaissStore.load(saved)
        except VectorStoreError:
            continue
        unnoticed.append(at)
    assert unnoticed == []


def test_a_file_that_is_a_directory_cannot_be_loaded(tmp_path):
    with pytest.raises(VectorStoreError, match="Is a directory"):
        FaissStore.load(tmp_path)


def test_saving_that_breaks_off_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    before = saved.read_bytes()

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        FaissStore(DIMENSION).save(saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_two_that_save_at_once_do_not_mix_what_they_write(tmp_path):
    stores = []
    for count in (10, 4000):
        store = FaissStore(DIMENSION)
        store.add(range(count), unit_vectors(count))
        stores.append(store)
    start = threading.Barrier(2)

    def save(store: FaissStore) -> None:
        start.wait()
        for _ in range(20):
            store.save(tmp_path / "kept")

    threads = [threading.Thread(target=save, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FaissStore.load(tmp_path / "kept")) in (10, 4000)
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_several_threads_search_at_once():
    vectors = unit_vectors(500)
    store = FaissStore(DIMENSION)
    store.add(range(500), vectors)
    wrong: list[int] = []

    def search(first: int) -> None:
        wrong.extend(at for at in range(first, 500, 4) if store.search(vectors[at : at + 1], 3)[1][0, 0] != at)

    threads = [threading.Thread(target=search, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_search_is_exact():
    vectors, queries = unit_vectors(3000, seed=1), unit_vectors(20, seed=2)
    store = FaissStore(DIMENSION)
    store.add(range(3000), vectors)
    _, ids = store.search(queries, 10)
    np.testing.assert_array_equal(ids, np.argsort(-(queries @ vectors.T), axis=1)[:, :10])
