"""What a diagnosis costs the cluster it looks into; bench/diagnosis.py measures how long it takes as well."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.diagnosis import SUSPECTED
from bench.simulated_cluster import SimulatedCluster
from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.live import LiveReader
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.reader import Listing
from bot.diagnosis.reads import Reads
from bot.diagnosis.resources import resource
from corpus import Corpus, load_corpus
from tests.doubles.kubernetes_api import kubernetes_api

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)
LARGE, SMALL = (5_000, 150_000), (50, 500)
MOST_REQUESTS, MOST_BYTES = 12, 1024 * 1024


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture(scope="module")
def diagnosed(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory):
    """Diagnoses the pod that hangs in a simulated cluster of that size, by these entries; each way once."""
    known: dict[tuple[tuple[int, int], tuple[str, ...]], Diagnosis] = {}

    def diagnosed(size: tuple[int, int], entries: Sequence[str] = SUSPECTED) -> Diagnosis:
        key = size, tuple(entries)
        if key not in known:
            known[key] = asyncio.run(look(corpus, size, entries, tmp_path_factory.mktemp("kubeconfig")))
        return known[key]

    return diagnosed


async def look(corpus: Corpus, size: tuple[int, int], entries: Sequence[str], directory: Path) -> Diagnosis:
    cluster = SimulatedCluster(*size, NOW)
    wanted = [entry for entry in corpus.entries if entry.id in entries]
    with kubernetes_api(cluster, logs=cluster.logs, now=NOW) as api:
        async with LiveReader.open(api.kubeconfig(directory)) as reader:
            return await diagnose(
                reader, corpus, entries=wanted, scope=Scope(cluster.namespace, cluster.pod), seconds=60
            )


@pytest.mark.parametrize("size", [LARGE, SMALL], ids=["5,000 nodes", "50 nodes"])
def test_a_named_pod_is_diagnosed_with_few_requests_and_bytes(diagnosed, size):
    found = diagnosed(size)
    assert found.verdicts["terway-vswitch-ip-exhausted"] == "confirmed"
    assert "unreadable" not in found.verdicts.values()
    assert found.requests <= MOST_REQUESTS
    assert found.bytes <= MOST_BYTES


def test_the_size_of_the_cluster_hardly_changes_what_a_named_pod_costs(diagnosed):
    large, small = diagnosed(LARGE), diagnosed(SMALL)
    assert large.requests <= 1.2 * small.requests
    assert large.bytes <= 1.2 * small.bytes


def test_fewer_entries_read_less(diagnosed):
    five, one = diagnosed(SMALL), diagnosed(SMALL, ["terway-mac-not-found"])
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
