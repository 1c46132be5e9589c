"""BM25 over entries and hashed text."""

from __future__ import annotations

import random
import string
import tracemalloc

import numpy as np
import pytest

from index.analysis import terms
from index.lexical import BUCKETS, Bm25, hashed

DOCUMENTS = [
    "vSwitch has no free IP addresses",
    "add another vSwitch for pods",
    "nf_conntrack: table full, dropping packet",
    "raise maxPerCore of the conntrack table",
    "Pod 交换机 地址 用完",
]
OWNERS = [0, 0, 1, 1, 0]


@pytest.fixture(scope="module")
def index() -> Bm25:
    return Bm25.build(DOCUMENTS, OWNERS)


def test_the_entry_with_the_words_scores_highest(index: Bm25) -> None:
    assert index.scores(terms("conntrack table is full")).argmax() == 1
    assert index.scores(terms("交换机地址不够")).argmax() == 0


def test_a_query_without_known_terms_scores_nothing(index: Bm25) -> None:
    assert not index.scores(terms("qwertz asdf")).any()
    assert not index.scores([]).any()


def test_scores_are_shares_of_the_best_thinkable_score(index: Bm25) -> None:
    scores = index.scores(terms(DOCUMENTS[2]))
    assert 0 < scores.max() <= 1


def test_documents_left_out_do_not_count(index: Bm25) -> None:
    words = terms("dropping packet")
    assert index.scores(words)[1] > 0
    assert index.scores(words, without=[2])[1] == 0


def test_scores_agree_with_bm25s(index: Bm25) -> None:
    import bm25s

    vocabulary = index.vocabulary
    reference = bm25s.BM25(method="lucene")
    ids = [[vocabulary[term] for term in terms(document)] for document in DOCUMENTS]
    reference.index((ids, vocabulary), show_progress=False, create_empty_token=False)
    words = ["conntrack", "table"]
    expected = reference.get_scores_from_ids([vocabulary[word] for word in words])
    ours = index.scores(words)
    assert ours[1] / ours.max() == pytest.approx(1)
    assert np.argmax(expected) in (2, 3)
    per_document = [index.scores(words, without=[d for d in range(5) if d != kept]).max() for kept in range(5)]
    scale = max(per_document) / expected.max()
    assert per_document == pytest.approx(list(expected * scale), abs=1e-5)


def test_a_stored_index_scores_as_before(index: Bm25) -> None:
    restored = Bm25.restore(index.vocabulary, index.arrays())
    words = terms("table full")
    assert (restored.scores(words) == index.scores(words)).all()


def test_hashed_text_has_each_bucket_once_and_grows_with_the_logarithm_of_frequency() -> None:
    once, twice = hashed("conntrack", "conntrack"), hashed("conntrack conntrack", "conntrack conntrack")
    assert len(set(once[0])) == len(once[0])
    assert once[0].max() < BUCKETS
    shared = dict(zip(twice[0], twice[1], strict=True))
    assert all(shared[bucket] == pytest.approx(1 + np.log(2)) for bucket in once[0])


def test_a_typo_leaves_most_of_the_hashed_text_alone() -> None:
    right, wrong = set(hashed("conntrack table full", "")[0]), set(hashed("conntrck table full", "")[0])
    assert len(right & wrong) > len(right) / 2


def test_what_is_seen_once_does_not_stay_in_memory() -> None:
    letters = random.Random(7)
    tracemalloc.start()
    try:
        hashed("".join(letters.choices(string.ascii_letters, k=6_000)), "")
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            hashed("".join(letters.choices(string.ascii_letters, k=6_000)), "")
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20 * 6_000
