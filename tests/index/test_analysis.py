"""What counts as a term in questions and entries."""

from __future__ import annotations

import time

import pytest

from index.analysis import character_ngrams, terms, tokens


def grams(text: str) -> set[str]:
    return {gram for token in tokens(text.lower()) for gram in character_ngrams(token)}


@pytest.mark.parametrize(
    ("identifier", "parts"),
    [
        ("InvalidVSwitchId.IpNotEnough", {"invalidvswitchid.ipnotenough", "switch", "ip", "enough"}),
        ("in_cluster_loadbalance", {"in_cluster_loadbalance", "cluster", "loadbalance"}),
        ("kube-proxy", {"kube-proxy", "kube", "proxy"}),
        ("node.kubernetes.io/network-unavailable", {"node", "io", "network", "unavailable"}),
        ("terway-eniip", {"terway-eniip", "terway", "eniip"}),
        ("podCIDR", {"podcidr", "pod", "cidr"}),
        ("NATGateway", {"natgateway", "nat", "gateway"}),
        ("ecs.g7.2xlarge", {"ecs.g7.2xlarge", "ecs", "g7", "2xlarge"}),
        ("v1.12.0", {"v1.12.0"}),
    ],
)
def test_an_identifier_counts_whole_and_in_its_parts(identifier, parts):
    assert parts <= set(terms(identifier))


def test_words_count_in_any_case_and_as_often_as_they_stand_there():
    assert terms("Pods POD pod") == ["pod", "pod", "pod"]


def test_a_plural_counts_as_its_singular():
    assert terms("addresses vSwitches nodes") == [*terms("addresse"), "vswitches", "v", "switche", "node"]
    assert terms("status access kubernetes-less") == ["status", "access", "kubernetes-less", "kubernete", "less"]


def test_function_words_do_not_count():
    assert terms("why is it that the pod has no IP and what can I do") == ["pod", "no", "ip"]


@pytest.mark.parametrize(
    "varying",
    [
        "10.0.0.1",
        "192.168.0.0/16",
        "2408:4005::1",
        "2025-11-22",
        "03:11:22.104",
        "5f0d2a9c81",
        "8443",
        "15",
        "i2zebp1s5fnvk4gn2tws",
    ],
)
def test_what_varies_from_case_to_case_does_not_count(varying):
    assert [term for term in terms(f"pod {varying} lost") if len(term) > 2] == ["pod", "lost"]


def test_chinese_counts_in_overlapping_pairs():
    assert terms("交换机不够") == ["交换", "换机", "机不", "不够"]
    assert terms("网") == ["网"]


def test_chinese_and_identifiers_without_a_blank_between_are_told_apart():
    assert terms("给terway-eniip加vSwitch") == ["给", "terway-eniip", "terway", "eniip", "加", "vswitch", "v", "switch"]


@pytest.mark.parametrize(
    ("typo", "word"),
    [("vswtich", "vswitch"), ("exausted", "exhausted"), ("loadblance", "loadbalance"), ("flanel", "flannel")],
)
def test_a_typo_shares_more_with_its_word_than_another_word_does(typo, word):
    def shared(other: str) -> float:
        return len(grams(typo) & grams(other)) / len(grams(typo) | grams(other))

    assert shared(word) > 0.1
    assert shared(word) > 3 * max(shared(other) for other in ("connection", "kube-proxy", "dual-stack", "scheduler"))


def test_a_word_shares_most_of_its_ngrams_with_its_plural():
    assert len(grams("vswitch") & grams("vswitches")) > 0.8 * len(grams("vswitch"))


def test_the_ends_of_a_word_are_marked():
    assert {" po", "od "} < set(character_ngrams("pod"))


def test_ngrams_of_chinese_are_its_characters_pairs_and_triples():
    assert sorted(character_ngrams("网络不")) == sorted(["网", "络", "不", "网络", "络不", "网络不"])


@pytest.mark.parametrize("token", ["the", "10.0.0.1", "5f0d2a9c81"])
def test_function_words_and_what_varies_have_no_ngrams(token):
    assert not list(character_ngrams(token))


SIZE = 1_000_000
HOSTILE = {
    "one letter": "a" * SIZE,
    "one digit": "1" * SIZE,
    "letters and few digits": "a" * (SIZE - 2) + "12",
    "an endless identifier": "aB1._" * (SIZE // 5),
    "an endless path": "a/" * (SIZE // 2),
    "colons": "a:" * (SIZE // 2),
    "capitals": "A" * SIZE,
    "camels": "Ab" * (SIZE // 2),
    "apostrophes": "a'" * (SIZE // 2),
    "Chinese": "网络" * (SIZE // 2),
    "punctuation": "._/'-" * (SIZE // 5),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(name):
    start = time.process_time()
    terms(HOSTILE[name])
    assert time.process_time() - start < 30  # what grows with the square of the length takes minutes
