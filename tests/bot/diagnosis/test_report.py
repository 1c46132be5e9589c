"""What stands first in a diagnosis: faults, and not how the cluster is."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.report import report
from corpus import Corpus, load_corpus
from tests.scenarios.loading import Scenario, ScenarioReader, load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
IPV6 = ["ipv6-pod-shows-ipv4", "ipv6-service-shows-ipv4"]


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture(scope="module")
def healthy() -> Scenario:
    return load_scenario(SCENARIOS / "flannel-healthy")


def test_a_cluster_without_ipv6_has_no_fault_where_nobody_asked_about_it(corpus, healthy):
    found = asyncio.run(diagnose(ScenarioReader(healthy), corpus))
    assert [found.verdicts[entry] for entry in IPV6] == ["confirmed", "confirmed"]
    shown = report(found, corpus)
    assert shown.confirmed == ()
    assert {entry.id for entry in shown.states} >= set(IPV6)


def test_that_the_cluster_has_no_ipv6_answers_who_asked_where_it_is(corpus, healthy):
    found = asyncio.run(diagnose(ScenarioReader(healthy), corpus, entries=[corpus[entry] for entry in IPV6]))
    shown = report(found, corpus)
    assert [entry.id for entry in shown.confirmed] == IPV6
    assert shown.states == ()
