"""Entries that share a symptom are told apart by a fact, and a scenario shows it, or it is said why none can."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from corpus import Corpus, Entry, load_corpus

SCENARIOS = Path(__file__).parents[2] / "scenarios"
Pair = tuple[str, str]

# Pods that hang in ContainerCreating with a failed sandbox bring all of these up.
SANDBOX = (
    "flannel-hairpin",
    "flannel-ip-leak",
    "flannel-pod-cidr-exhausted",
    "terway-eni-quota-reached",
    "terway-mac-not-found",
    "terway-vswitch-ip-exhausted",
)
ASKED = "a question that may mean both"
REASONS: dict[Pair, str] = {
    ("flannel-cni-version", "flannel-hairpin"): (
        "both may be so at once: the Ready condition of nodes decides the one, hairpinMode and the Service the other"
    ),
    ("flannel-ecs-unreachable", "flannel-node-network-unavailable"): (
        "security groups and VPCs are not to be seen in a cluster, so the former is looked at by hand"
    ),
    ("ipv6-no-outbound", "terway-vswitch-no-internet"): (
        "the NAT gateway and the IPv6 gateway are outside of the cluster; which family fails, the person asking knows"
    ),
    ("ipv6-pod-no-public-access", "ipv6-pod-unreachable"): (
        "what the application listens on shows in the pod only, so the latter is looked at by hand"
    ),
    ("terway-upgrade-eip-pool", "terway-vswitch-no-internet"): (
        "the SNAT rules are outside of the cluster; an elastic IP of the pod itself rules the latter out"
    ),
}
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_FIELD = re.compile(r"(?<![\w.])[a-z_]\w+\.[a-z_]\w+")


@cache
def corpus() -> Corpus:
    return load_corpus()


def sharing() -> Iterator[tuple[Pair, str]]:
    """Every pair of entries that one symptom may mean, with why it is one."""
    for question in corpus().ambiguous:
        for pair in itertools.combinations(sorted(set(question.entries)), 2):
            yield pair, ASKED
    for entry in corpus().entries:
        for other in entry.see_also:
            if entry.kind == corpus()[other].kind == "symptom":
                yield (min(entry.id, other), max(entry.id, other)), "see_also"
    for pair in itertools.combinations(sorted(SANDBOX), 2):
        yield pair, "a sandbox that fails"


def deciding(entry: Entry) -> set[str]:
    """The fields of facts that decide an entry or one of its cases."""
    sources = [entry.applies_if or "", *entry.ruled_out_by]
    for case in entry.cases:
        sources += [case.applies_if or "", *case.confirmed_by, *case.ruled_out_by]
    return {found for source in sources for found in _FIELD.findall(_TEXT.sub('""', source))}


@cache
def expectations() -> tuple[dict[str, list[str]], ...]:
    files = sorted(SCENARIOS.glob("*/scenario.yaml"))
    return tuple(yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["expect"] for path in files)


def by_plugin(pair: Pair) -> bool:
    """Tell whether the one applies where Flannel runs only and the other where Terway does."""
    areas = {corpus()[entry].area for entry in pair}
    return areas == {"terway", "flannel"} and all(corpus()[entry].applies_if for entry in pair)


def shown(pair: Pair) -> bool:
    """Tell whether a scenario has one of the two confirmed where the other one is ruled out."""

    def apart(one: str, other: str) -> bool:
        return any(
            _first(expect.get(one)) == "confirmed" and "ruled_out" in (expect.get(other) or ())
            for expect in expectations()
        )

    return apart(*pair) or apart(*reversed(pair))


def _first(accepted: list[str] | str | None) -> str | None:
    return accepted if isinstance(accepted, str) else accepted[0] if accepted else None


PAIRS = dict(sharing())
TO_SHOW = [pair for pair, why in PAIRS.items() if why != ASKED and not by_plugin(pair)]


@pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
def test_a_fact_tells_them_apart(pair: Pair) -> None:
    one, other = (deciding(corpus()[entry]) for entry in pair)
    assert one ^ other, f"nothing that is read tells {pair[0]} from {pair[1]} ({PAIRS[pair]})"


@pytest.mark.parametrize("pair", TO_SHOW, ids=" and ".join)
def test_a_scenario_shows_it_or_it_is_said_why_none_can(pair: Pair) -> None:
    assert shown(pair) or REASONS.get(pair), f"no scenario tells {pair[0]} from {pair[1]} ({PAIRS[pair]})"


def test_reasons_are_given_for_nothing_else() -> None:
    assert not [pair for pair in REASONS if pair not in TO_SHOW or shown(pair)]
