"""What a diagnosis costs the cluster it looks into; bench/diagnosis.py measures how long it takes as well."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.diagnosis import SUSPECTED
from bench.simulated_cluster import SimulatedCluster
from bench.simulated_series import TERWAY
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.reader import Listing
from bot.diagnosis.reads import Reads
from bot.diagnosis.resources import resource
from corpus import Corpus, Entry, load_corpus
from tests.doubles.kubernetes_api import kubernetes_api

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)
LARGE, SMALL = (5_000, 150_000), (50, 500)
MOST_REQUESTS, MOST_BYTES = 12, 1024 * 1024


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@dataclass(frozen=True)
class Served:
    """A simulated cluster that is served, and where its kubeconfig lies."""

    cluster: SimulatedCluster
    kubeconfig: Path

    def diagnose(self, entries: Sequence[Entry] | None, corpus: Corpus, *, of_pod: bool) -> Diagnosis:
        async def look() -> Diagnosis:
            scope = Scope(self.cluster.namespace, self.cluster.pod) if of_pod else Scope()
            async with LiveReader.open(self.kubeconfig) as reader:
                return await diagnose(reader, corpus, entries=entries, scope=scope, seconds=60)

        return asyncio.run(look())


@contextmanager
def served(size: tuple[int, int], directory: Path, terway: str = TERWAY) -> Iterator[Served]:
    cluster = SimulatedCluster(*size, NOW, terway)
    with kubernetes_api(cluster, logs=cluster.logs, now=NOW) as api:
        yield Served(cluster, api.kubeconfig(directory))


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(LARGE, tmp_path_factory.mktemp("large")) as found:
        yield found


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(SMALL, tmp_path_factory.mktemp("small")) as found:
        yield found


def suspected(corpus: Corpus) -> list[Entry]:
    return [entry for entry in corpus.entries if entry.id in SUSPECTED]


@pytest.mark.parametrize("size", ["large", "small"])
def test_a_named_pod_is_diagnosed_with_few_requests_and_bytes(request, corpus, size):
    found = request.getfixturevalue(size).diagnose(suspected(corpus), corpus, of_pod=True)
    assert found.verdicts["terway-vswitch-ip-exhausted"] == "confirmed"
    assert "unreadable" not in found.verdicts.values()
    assert found.requests <= MOST_REQUESTS
    assert found.bytes <= MOST_BYTES


@pytest.mark.parametrize(("of_pod", "every"), [(True, 4), (False, 1)], ids=["a named pod", "the whole cluster"])
def test_every_entry_alone_stays_within_the_bounds(large, corpus, of_pod, every):
    # Where no pod is named more is read.
    costs = {entry.id: large.diagnose([entry], corpus, of_pod=of_pod) for entry in corpus.entries[::every]}
    assert {name: found.requests for name, found in costs.items() if found.requests > MOST_REQUESTS} == {}
    assert {name: found.bytes for name, found in costs.items() if found.bytes > MOST_BYTES} == {}


@pytest.mark.parametrize(("of_pod", "kib"), [(True, 160), (False, 200)], ids=["a named pod", "the whole cluster"])
@pytest.mark.parametrize("size", ["large", "small"])
def test_all_entries_together_share_what_they_read(request, corpus, size, of_pod, kib):
    found = request.getfixturevalue(size).diagnose(None, corpus, of_pod=of_pod)
    assert len(found.verdicts) == len(corpus.entries)
    assert found.verdicts["terway-vswitch-ip-exhausted"] == "confirmed"
    assert "unreadable" not in found.verdicts.values()
    assert found.requests <= MOST_REQUESTS
    assert found.bytes <= kib * 1024


@pytest.mark.parametrize("of_pod", [True, False], ids=["a named pod", "the whole cluster"])
def test_a_terway_that_does_not_report_its_data_path_costs_one_log_more(tmp_path, corpus, of_pod):
    with served(SMALL, tmp_path, terway="v1.16.8") as cluster:
        found = cluster.diagnose(None, corpus, of_pod=of_pod)
    assert found.cluster.datapath == "datapathv2"
    assert found.requests <= MOST_REQUESTS + 1


@pytest.mark.parametrize(
    ("some", "of_pod"),
    [(True, True), (False, True), (False, False)],
    ids=["five entries", "all entries", "the whole cluster"],
)
def test_the_size_of_the_cluster_hardly_changes_what_a_diagnosis_costs(large, small, corpus, some, of_pod):
    entries = suspected(corpus) if some else None
    of_large, of_small = (one.diagnose(entries, corpus, of_pod=of_pod) for one in (large, small))
    assert of_large.requests <= 1.2 * of_small.requests
    assert of_large.bytes <= 1.2 * of_small.bytes


def test_fewer_entries_read_less(small, corpus):
    five = small.diagnose(suspected(corpus), corpus, of_pod=True)
    one = small.diagnose([corpus["terway-mac-not-found"]], corpus, of_pod=True)
    assert one.requests < five.requests
    assert one.bytes < five.bytes


def test_the_simulated_cluster_lists_in_order_what_it_gives_by_name():
    cluster = SimulatedCluster(*SMALL, NOW)
    counts = {}
    for name in ("nodes", "pods", "events", "services", "endpointslices", "nodes.network.alibabacloud.com"):
        kind = resource(name)
        found = list(cluster.list(kind, None, {}, {}))
        keys = [(one["metadata"].get("namespace"), one["metadata"]["name"]) for one in found]
        assert keys == sorted(keys, key=lambda key: (key[0] or "", key[1]))
        assert [cluster.get(kind, *key) for key in keys] == found
        counts[name] = len(found)
    assert (counts["nodes"], counts["pods"]) == SMALL


class Pods:
    """A reader of a cluster with ``count`` pods that remembers the limits it was asked with."""

    source = "a test"

    def __init__(self, count: int) -> None:
        self.count, self.limits = count, []

    async def list(self, resource, *, limit, **_) -> Listing:
        self.limits.append(limit)
        await asyncio.sleep(0)
        items = [{"metadata": {"name": f"pod-{number}"}} for number in range(min(self.count, limit))]
        return Listing(items, complete=limit >= self.count)


def listed(count: int, *limits: int, at_once: bool) -> tuple[list[tuple[int, bool]], list[int]]:
    """List the pods with these limits; return how many each list has and whether it is complete, and what was asked."""
    reader = Pods(count)

    async def run() -> list[Listing]:
        reads = Reads(reader)  # type: ignore[arg-type]
        asked = [reads.list("pods", limit=limit) for limit in limits]
        return await asyncio.gather(*asked) if at_once else [await one for one in asked]

    found = asyncio.run(run())
    return [(len(one.items), one.complete) for one in found], reader.limits


@pytest.mark.parametrize("at_once", [True, False])
def test_a_list_is_taken_from_one_that_was_asked_for_with_a_higher_limit(at_once):
    assert listed(100, 50, 20, 50, at_once=at_once) == ([(50, False), (20, False), (50, False)], [50])


@pytest.mark.parametrize("at_once", [True, False])
def test_a_complete_list_answers_every_limit(at_once):
    assert listed(10, 20, 50, 5, 10, at_once=at_once) == ([(10, True), (10, True), (5, False), (10, True)], [20])


@pytest.mark.parametrize("at_once", [True, False])
def test_a_list_that_was_cut_does_not_stand_for_a_longer_one(at_once):
    assert listed(100, 20, 50, 100, at_once=at_once)[0] == [(20, False), (50, False), (100, True)]
