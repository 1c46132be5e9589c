"""What people paste of a cluster never leads elsewhere than the cluster itself, and to the same where it decides."""

from __future__ import annotations

import asyncio
from functools import cache
from pathlib import Path

import pytest

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.paste.reader import PasteReader
from corpus import Corpus, load_corpus
from tests.scenarios.loading import NOW, Scenario, load_scenario, run, scenario_directories
from tests.scenarios.pastes import bare_paste, described_paste, events_paste

HERE = Path(__file__).parent
DIRECTORIES = scenario_directories(HERE)
UNDECIDED = {"open", "unreadable", "by_hand"}
DECIDED_BY_POD_AND_NODE = 0.6
"""So much at least of what the scenarios below confirm, their pastes confirm as well."""


@cache
def corpus() -> Corpus:
    return load_corpus()


def of_paste(text: str, scenario: Scenario) -> Diagnosis:
    return asyncio.run(diagnose(PasteReader(text, NOW), corpus(), scope=scenario.scope))


def contradictions(pasted: Diagnosis, live: Diagnosis) -> dict[str, str]:
    return {
        entry: f"{verdict} in the paste, {live.verdicts[entry]} in the cluster"
        for entry, verdict in pasted.verdicts.items()
        if verdict not in {live.verdicts[entry], *UNDECIDED}
    }


def test_pastes_agree_with_the_clusters_they_are_of() -> None:
    wanted = found = 0
    wrong = {}
    for directory in DIRECTORIES[::13]:
        scenario = load_scenario(directory)
        if scenario.forbidden:  # people paste what acknet may not read
            continue
        live, pasted = run(scenario, corpus()), of_paste(described_paste(scenario), scenario)
        wrong |= {f"{scenario.name} {entry}": text for entry, text in contradictions(pasted, live).items()}
        confirmed = [entry for entry in scenario.expect if live.verdicts[entry] == "confirmed"]
        wanted += len(confirmed)
        found += sum(pasted.verdicts[entry] == "confirmed" for entry in confirmed)
    assert wrong == {}
    assert found >= DECIDED_BY_POD_AND_NODE * wanted


def test_pasted_events_alone_agree_with_the_clusters_they_are_of() -> None:
    wrong = {}
    for directory in DIRECTORIES[5::13]:
        scenario = load_scenario(directory)
        if scenario.forbidden:
            continue
        live, pasted = run(scenario, corpus()), of_paste(events_paste(scenario), scenario)
        wrong |= {f"{scenario.name} {entry}": text for entry, text in contradictions(pasted, live).items()}
    assert wrong == {}


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("flannel-hairpin-promisc", "flannel-hairpin"),
        ("terway-exhausted-combined-events", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-detail-without-crs", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-no-available-vswitch", "terway-vswitch-ip-exhausted"),
        ("terway-quota-max-eni-exceeded", "terway-eni-quota-reached"),
    ],
)
def test_pasted_events_alone_decide_where_the_literal_error_does(name: str, entry: str) -> None:
    scenario = load_scenario(HERE / name)
    assert of_paste(events_paste(scenario), scenario).verdicts[entry] == "confirmed"


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("flannel-hairpin-promisc", "flannel-hairpin"),
        ("ipv6-both-addresses", "ipv6-pod-shows-ipv4"),
        ("ipv6-egress-only", "ipv6-pod-no-public-access"),
        ("ipv6-host-network", "ipv6-pod-shows-ipv4"),
        ("ipv6-single-stack-cluster", "ipv6-pod-shows-ipv4"),
        ("terway-exhausted-cni-pod-create-error", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-combined-events", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-daemon-set-terway", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-detail-without-crs", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-no-available-vswitch", "terway-vswitch-ip-exhausted"),
        ("terway-exhausted-sufficient-ip-true", "terway-vswitch-ip-exhausted"),
        ("terway-mac-transient", "terway-mac-not-found"),
        ("terway-quota-known-defect", "terway-vswitch-ip-exhausted"),
        ("terway-quota-max-eni-exceeded", "terway-eni-quota-reached"),
        ("terway-status-network-setup", "terway-pod-status"),
    ],
)
def test_a_described_pod_alone_decides_where_its_events_tell(name: str, entry: str) -> None:
    scenario = load_scenario(HERE / name)
    live, pasted = run(scenario, corpus()), of_paste(bare_paste(scenario), scenario)
    assert (live.verdicts[entry], pasted.verdicts[entry]) == ("confirmed", "confirmed")
    assert contradictions(pasted, live) == {}
