"""The versions that a look reads choose the branch of an entry's steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from bot.answer import AnswerStatement
from bot.compose import Composer
from corpus import Corpus, load_corpus
from tests.scenarios.loading import load_scenario, run

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@cache
def corpus() -> Corpus:
    return load_corpus()


def texts(statements: Iterable[AnswerStatement]) -> Iterator[str]:
    for statement in statements:
        yield statement.text
        yield from texts(statement.children)


def explained(scenario: str, entry: str) -> tuple[dict[str, str], str]:
    """The versions read in a scenario, and all that the answer on an entry says."""
    found = run(load_scenario(SCENARIOS / scenario), corpus())
    answer = Composer(corpus()).explain(entry, found)
    return found.versions, "\n".join(text for section in answer.sections for text in texts(section.statements))


@pytest.mark.parametrize(
    ("scenario", "entry", "component", "version", "says", "leaves_out"),
    [
        ("ipvs-udp-too-old", "ipvs-udp-timeout", "kube-proxy", "v1.16", "has no `udpTimeout`", "Add `udpTimeout`"),
        ("ipvs-dns-one-replaced", "ipvs-udp-timeout", "kube-proxy", "v1.24", "Add `udpTimeout`", "has no `udpTimeout`"),
        ("ipvs-exits", "ipvs-scheduler", "kube-proxy", "v1.26", "kube-proxy crashes", "Using iptables Proxier`: put"),
        (
            "ipvs-one-node-fell-back",
            "ipvs-scheduler",
            "kube-proxy",
            "v1.22",
            "put the kube-proxy",
            "kube-proxy crashes",
        ),
        (
            "flannel-leak-reboot",
            "flannel-ip-leak",
            "flannel",
            "v0.15.1.4",
            "Upgrade Flannel to",
            "Upgrade the cluster to",
        ),
        ("flannel-leak-directory", "flannel-ip-leak", "kubelet", "v1.24", "the leases lie in", "Upgrade Flannel to"),
        ("flannel-hairpin-old-flannel", "flannel-hairpin", "flannel", "v0.11", "has to be upgraded first", "stays off"),
        (
            "flannel-hairpin-upgraded",
            "flannel-hairpin",
            "flannel",
            "v0.15.1.23",
            "stays off",
            "has to be upgraded first",
        ),
    ],
)
def test_the_branch_that_holds_is_answered(scenario, entry, component, version, says, leaves_out):
    versions, answer = explained(scenario, entry)
    assert versions[component].startswith(version)
    assert says in answer
    assert leaves_out not in answer


def test_a_component_of_several_versions_chooses_nothing():
    versions, answer = explained("ipvs-udp-digest-only", "ipvs-udp-timeout")
    assert "kube-proxy" not in versions
    assert "has no `udpTimeout`" in answer
    assert "Add `udpTimeout`" in answer
