"""The corpus that comes with acknet is whole and proven."""

import os
import re
from pathlib import Path

import pytest

from corpus import Corpus, Gate, Signature, check_corpus, check_editions, load_corpus, read_page

IDS = {
    "terway": {
        "terway-datapath-v2",
        "terway-eni-modes",
        "terway-eni-quota-reached",
        "terway-identify-datapath",
        "terway-identify-eni-mode",
        "terway-in-cluster-loadbalance",
        "terway-ipvs-bypass",
        "terway-mac-not-found",
        "terway-pod-capacity",
        "terway-pod-cidr-allowlist",
        "terway-pod-ip-outside-vswitch",
        "terway-pod-start-latency",
        "terway-pod-status",
        "terway-upgrade-eip-pool",
        "terway-vswitch-ip-exhausted",
        "terway-vswitch-no-internet",
    },
    "flannel": {
        "flannel-cni-version",
        "flannel-ecs-unreachable",
        "flannel-hairpin",
        "flannel-ip-leak",
        "flannel-multiple-route-tables",
        "flannel-node-network-unavailable",
        "flannel-pod-cidr-exhausted",
    },
    "general": {
        "choose-plugin",
        "cluster-domain",
        "host-port",
        "identify-plugin-and-vswitches",
        "immutable-network-settings",
        "plan-network",
        "switch-plugin",
        "third-party-plugin",
        "view-cloud-resources",
    },
    "kube-proxy": {"conntrack-table-full", "ipvs-scheduler", "ipvs-udp-timeout", "kube-proxy-modify-config"},
    "ipv6": {
        "ipv6-cluster-ip-unreachable",
        "ipv6-no-outbound",
        "ipv6-pod-no-public-access",
        "ipv6-pod-shows-ipv4",
        "ipv6-pod-unreachable",
        "ipv6-service-shows-ipv4",
    },
}


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


def test_the_check_finds_nothing(corpus):
    assert [str(problem) for problem in check_corpus(corpus)] == []


def test_every_question_of_the_faq_has_its_entry(corpus):
    assert sum(map(len, IDS.values())) == 42
    assert {area: {entry.id for entry in corpus.entries if entry.area == area} for area in IDS} == IDS
    assert len(corpus.entries) == 42


def test_every_entry_has_a_dozen_ways_of_asking_three_of_them_chinese(corpus):
    for entry in corpus.entries:
        assert len(set(entry.asked_as)) >= 12, entry.id
        assert sum(bool(re.search("[\u4e00-\u9fff]", question)) for question in entry.asked_as) >= 3, entry.id


def test_every_entry_covers_each_edition_that_asks_the_question(corpus):
    for entry in corpus.entries:
        editions = {cite.edition for cite in entry.cites}
        assert editions == ({"cn"} if entry.id == "ipv6-cluster-ip-unreachable" else {"intl", "cn"}), entry.id


def test_every_case_says_what_a_person_looks_at(corpus):
    for entry in corpus.entries:
        assert entry.cases, entry.id
        assert all(case.by_hand for case in entry.cases), entry.id


def test_every_statement_names_what_it_rests_on(corpus):
    for entry in corpus.entries:
        for statement in entry.statements():
            assert statement.marker.cites or statement.marker.notes, (entry.id, statement.text)


@pytest.mark.parametrize(
    "entry",
    [
        "conntrack-table-full",
        "flannel-cni-version",
        "flannel-ip-leak",
        "ipvs-scheduler",
        "terway-mac-not-found",
        "terway-pod-start-latency",
        "terway-vswitch-ip-exhausted",
    ],
)
def test_repairs_that_interrupt_something_say_so(corpus, entry):
    risks = [risk for step in corpus[entry].section("Steps") for each in step.walk() for risk in each.risks]
    assert risks
    assert all(risk.marker.cites or risk.marker.notes for risk in risks)


def test_gates_and_signatures_are_read(corpus):
    gates = {gate for entry in corpus.entries for statement in entry.statements() for gate in statement.marker.when}
    assert Gate.parse("terway >= 1.8.0") in gates
    assert Gate.parse("flannel < 0.15.1.4") in gates
    assert all(Signature.compile(text).anchor for entry in corpus.entries for text in entry.signatures)


def test_lists_for_calibration_are_there_and_name_entries(corpus):
    assert len(corpus.out_of_scope) == len(set(corpus.out_of_scope)) >= 100
    assert len(corpus.ambiguous) >= 20
    assert all(entry in corpus for ambiguous in corpus.ambiguous for entry in ambiguous.entries)
    assert corpus.glossary["交换机"] == "vSwitch"


@pytest.mark.skipif(
    "ACKNET_EDITIONS_DIR" not in os.environ, reason="ACKNET_EDITIONS_DIR names no directory with saved editions"
)
def test_the_corpus_fits_both_published_editions(corpus):
    intl, cn = sorted(Path(os.environ["ACKNET_EDITIONS_DIR"]).glob("*.txt"))
    found = check_editions(corpus, {"intl": read_page(intl), "cn": read_page(cn)})
    assert [str(problem) for problem in found] == []
