"""What every vector store has to do, as tests: a store's own test class inherits from :class:`VectorStoreContract`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from index.encoder import Vectors
from index.vectors import VectorStore, VectorStoreError

__all__ = ["DIMENSION", "HALF", "VectorStoreContract", "unit_vectors"]

DIMENSION = 24
HALF = 2e-4
"""What half precision makes of a score of these vectors, whose few numbers are large ones."""


def unit_vectors(count: int, dimension: int = DIMENSION, seed: int = 7) -> Vectors:
    vectors = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@contextmanager
def refused_by(store: VectorStore) -> Iterator[None]:
    """The block has to fail with VectorStoreError and to leave the store as it was."""
    count = len(store)
    before = store.search(unit_vectors(1), 100)
    with pytest.raises(VectorStoreError):
        yield
    assert len(store) == count
    for old, new in zip(before, store.search(unit_vectors(1), 100), strict=True):
        np.testing.assert_array_equal(old, new)


class VectorStoreContract:
    """Give ``make`` (an empty store of this dimension) and ``load`` (what the store's ``save`` wrote), and pass.

    ``precision`` is how far a score may be from the inner product.
    """

    precision = 1e-5

    def make(self, dimension: int) -> VectorStore:
        raise NotImplementedError

    def load(self, path: Path) -> VectorStore:
        raise NotImplementedError

    @pytest.fixture
    def vectors(self) -> Vectors:
        return unit_vectors(40)

    @pytest.fixture
    def store(self, vectors: Vectors) -> VectorStore:
        """Forty vectors under the ids 100 … 139."""
        store = self.make(DIMENSION)
        store.add(range(100, 140), vectors)
        return store

    # Search

    def test_each_vector_is_the_nearest_to_itself_with_a_score_of_one(self, store, vectors):
        scores, ids = store.search(vectors, 1)
        assert ids.ravel().tolist() == list(range(100, 140))
        np.testing.assert_allclose(scores.ravel(), 1, atol=self.precision)

    def test_scores_are_inner_products_best_first(self, store, vectors):
        queries = unit_vectors(5, seed=8)
        scores, ids = store.search(queries, 40)
        for query, row, found in zip(queries, scores, ids, strict=True):
            np.testing.assert_allclose(row, np.sort(vectors @ query)[::-1], atol=self.precision)
            np.testing.assert_allclose(row, vectors[found - 100] @ query, atol=self.precision)

    def test_results_are_float32_scores_and_int64_ids(self, store, vectors):
        scores, ids = store.search(vectors[:3], 4)
        assert (scores.dtype, ids.dtype) == (np.float32, np.int64)
        assert scores.shape == ids.shape == (3, 4)

    def test_more_neighbours_than_vectors_are_all_vectors_and_no_padding(self, store, vectors):
        scores, ids = store.search(vectors[:2], 1000)
        assert scores.shape == ids.shape == (2, 40)
        assert sorted(ids[0]) == list(range(100, 140))
        assert np.isfinite(scores).all()

    def test_an_empty_store_finds_nothing(self):
        scores, ids = self.make(DIMENSION).search(unit_vectors(3), 5)
        assert scores.shape == ids.shape == (3, 0)

    def test_no_queries_give_no_results(self, store):
        scores, ids = store.search(np.zeros((0, DIMENSION), np.float32), 5)
        assert len(scores) == len(ids) == 0

    @pytest.mark.parametrize("k", [0, -1])
    def test_fewer_than_one_neighbour_cannot_be_asked_for(self, store, k):
        with refused_by(store):
            store.search(unit_vectors(1), k)

    def test_searching_changes_nothing(self, store, vectors):
        queries = vectors[:3].copy()
        first = store.search(queries, 5)
        second = store.search(queries, 5)
        np.testing.assert_array_equal(queries, vectors[:3])
        np.testing.assert_array_equal(first[1], second[1])

    # Adding and removing

    def test_it_knows_its_size_and_its_dimension(self, store):
        assert (len(store), store.dimension) == (40, DIMENSION)
        assert len(self.make(3)) == 0

    def test_what_is_added_later_is_found_too(self, store):
        late = unit_vectors(1, seed=9)
        store.add([7], late)
        assert len(store) == 41
        assert store.search(late, 1)[1].tolist() == [[7]]

    def test_nothing_can_be_added(self, store):
        store.add([], np.zeros((0, DIMENSION), np.float32))
        assert len(store) == 40

    def test_an_id_is_taken_once(self, store):
        with refused_by(store):
            store.add([1, 139], unit_vectors(2, seed=9))

    def test_an_id_cannot_be_doubled(self, store):
        with refused_by(store):
            store.add([1, 1], unit_vectors(2, seed=9))

    @pytest.mark.parametrize("number", [-1, 2**63])
    def test_an_id_out_of_range_is_refused(self, store, number):
        with refused_by(store):
            store.add([1, number], unit_vectors(2, seed=9))

    def test_the_largest_id_can_be_used(self, store):
        late = unit_vectors(1, seed=9)
        store.add([2**63 - 1], late)
        assert store.search(late, 1)[1].tolist() == [[2**63 - 1]]

    @pytest.mark.parametrize("count", [1, 3])
    def test_there_is_one_id_a_vector(self, store, count):
        with refused_by(store):
            store.add(range(count), unit_vectors(2, seed=9))

    def test_a_removed_vector_is_not_found_any_more(self, store, vectors):
        store.remove([100, 139])
        assert len(store) == 38
        _, ids = store.search(vectors, 40)
        assert ids.shape == (40, 38)
        assert not {100, 139} & set(ids.ravel().tolist())
        assert ids[1:-1, 0].tolist() == list(range(101, 139))

    def test_everything_can_be_removed(self, store):
        store.remove(range(100, 140))
        assert len(store) == 0
        assert store.search(unit_vectors(1), 3)[1].shape == (1, 0)

    def test_a_removed_id_is_free_again(self, store):
        store.remove([105])
        late = unit_vectors(1, seed=9)
        store.add([105], late)
        assert store.search(late, 1)[1].tolist() == [[105]]

    def test_an_unknown_id_cannot_be_removed(self, store):
        with refused_by(store):
            store.remove([100, 5])

    # Vectors that are none

    @pytest.mark.parametrize("shape", [(1, DIMENSION - 1), (1, DIMENSION + 1), (DIMENSION,), (1, 1, DIMENSION), (1, 0)])
    def test_another_shape_is_refused(self, store, shape):
        with refused_by(store):
            store.add([1], np.zeros(shape, np.float32))
        with refused_by(store):
            store.search(np.zeros(shape, np.float32), 1)

    @pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300])
    def test_a_value_that_is_no_finite_number_is_refused(self, store, value):
        broken = unit_vectors(2, seed=9).astype(np.float64)
        broken[1, 3] = value
        with refused_by(store):
            store.add([1, 2], broken)
        with refused_by(store):
            store.search(broken, 1)

    @pytest.mark.parametrize("nonsense", [[["a"] * DIMENSION], [[1.0], [1.0, 2.0]]])
    def test_what_is_no_matrix_of_numbers_is_refused(self, store, nonsense):
        with refused_by(store):
            store.search(nonsense, 1)

    def test_how_a_matrix_lies_in_memory_does_not_matter(self, vectors):
        store = self.make(DIMENSION)
        wide = np.zeros((80, 2 * DIMENSION))
        wide[::2, ::2] = vectors
        store.add(range(40), wide[::2, ::2])
        scores, ids = store.search(np.asfortranarray(vectors), 1)
        assert ids.ravel().tolist() == list(range(40))
        np.testing.assert_allclose(scores.ravel(), 1, atol=self.precision)

    # On disk

    def test_what_was_saved_is_loaded(self, store, tmp_path):
        store.remove([117])
        store.save(tmp_path / "kept")
        loaded = self.load(tmp_path / "kept")
        assert (len(loaded), loaded.dimension) == (39, DIMENSION)
        queries = unit_vectors(5, seed=8)
        (old, old_ids), (new, new_ids) = store.search(queries, 50), loaded.search(queries, 50)
        np.testing.assert_allclose(new, old, atol=HALF)  # files hold half precision, whatever a server holds
        np.testing.assert_array_equal(new_ids, old_ids)

    def test_a_loaded_store_can_be_changed(self, store, tmp_path):
        store.save(tmp_path / "kept")
        loaded = self.load(tmp_path / "kept")
        with refused_by(loaded):
            loaded.add([100], unit_vectors(1, seed=9))
        loaded.remove([100])
        loaded.add([5], unit_vectors(1, seed=9))
        assert (len(loaded), len(store)) == (40, 40)

    def test_an_empty_store_can_be_saved(self, tmp_path):
        self.make(DIMENSION).save(tmp_path / "kept")
        assert (len(self.load(tmp_path / "kept")), self.load(tmp_path / "kept").dimension) == (0, DIMENSION)

    def test_saving_again_replaces_what_was_there_and_leaves_nothing_else(self, store, tmp_path):
        store.save(tmp_path / "kept")
        store.remove(range(100, 130))
        store.save(tmp_path / "kept")
        assert len(self.load(tmp_path / "kept")) == 10
        assert [path.name for path in tmp_path.iterdir()] == ["kept"]

    def test_saving_where_nothing_can_be_written_fails_and_leaves_nothing(self, store, tmp_path):
        (tmp_path / "file").write_text("no directory")
        with pytest.raises(OSError, match="file"):
            store.save(tmp_path / "file" / "kept")
        assert [path.name for path in tmp_path.iterdir()] == ["file"]

    def test_what_is_not_there_cannot_be_loaded(self, tmp_path):
        with pytest.raises(VectorStoreError, match="kept"):
            self.load(tmp_path / "kept")

    @pytest.mark.parametrize("content", [b"", b"x", b"no index at all" * 100])
    def test_something_else_cannot_be_loaded(self, tmp_path, content):
        (tmp_path / "kept").write_bytes(content)
        with pytest.raises(VectorStoreError, match="kept"):
            self.load(tmp_path / "kept")

    @pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
    def test_a_truncated_store_cannot_be_loaded(self, store, tmp_path, share):
        store.save(tmp_path / "kept")
        for path in files_of(tmp_path / "kept"):
            content = path.read_bytes()
            path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(VectorStoreError, match="kept"):
            self.load(tmp_path / "kept")

    @pytest.mark.parametrize("place", [0.0, 0.01, 0.3, 0.6, 0.9, 0.9999])
    def test_a_store_with_a_flipped_bit_cannot_be_loaded(self, store, tmp_path, place):
        store.save(tmp_path / "kept")
        for path in files_of(tmp_path / "kept"):
            content = bytearray(path.read_bytes())
            content[int(place * len(content))] ^= 4
            path.write_bytes(content)
        with pytest.raises(VectorStoreError, match="kept"):
            self.load(tmp_path / "kept")


def files_of(path: Path) -> list[Path]:
    """The files that a store saved to ``path``, which may be a file or a directory."""
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file() and file.stat().st_size]
