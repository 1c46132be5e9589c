"""Foreign errors that resemble a known one, and everything else that must not be taken for such."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from corpus import Corpus, load_corpus
from index.evaluate import read_questions
from index.normalize import normalize
from index.records import join_turns
from index.signatures import SignatureMatcher

QUESTIONS = Path(__file__).parents[1] / "questions"
HELD_OUT = (QUESTIONS / "heldout.jsonl", QUESTIONS / "conversations.jsonl")

SIGNATURES = {
    "InvalidVSwitchId.IpNotEnough": ["vswitch"],
    "EniPerInstanceLimitExceeded": ["quota"],
    "no IP addresses available in range set": ["leak"],
    "can't found dev by mac <mac>": ["mac"],
    "exclusive eni mode changed": ["mode"],
    'Unknown proxy mode "<text>", assuming iptables proxy': ["proxy"],
    "Node <name> status is now: CIDRNotAvailable": ["plan"],
    "ipvlan is not supported": ["ipvlan"],
    "instance is not support ipv6": ["ipv6"],
}


@pytest.fixture(scope="module")
def matcher() -> SignatureMatcher:
    return SignatureMatcher(SIGNATURES, lambda: [("leak", "there are no free addresses in that range of IPs")])


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture(scope="module")
def shipped(corpus: Corpus) -> SignatureMatcher:
    return SignatureMatcher.of(corpus)


def look_alikes(matcher: SignatureMatcher, text: str) -> list[str]:
    return [hit.signature for hit in matcher.find(normalize(text)) if hit.share == 0.0]


@pytest.mark.parametrize(
    ("text", "signature"),
    [
        ("InvalidVSwitchId.NotFound: the specified vSwitch does not exist", "InvalidVSwitchId.IpNotEnough"),
        ("code=InvalidSecurityGroupId.IpNotEnough", "InvalidVSwitchId.IpNotEnough"),
        ("EipPerInstanceLimitExceeded", "EniPerInstanceLimitExceeded"),
        ("error: no IP reservations available in range set", "no IP addresses available in range set"),
        ("we find no IP reservations available in range set since noon", "no IP addresses available in range set"),
        ("terway: can't found route by mac 00:16:3e:0a:1b:2c", "can't found dev by mac <mac>"),
        ("can not found route by mac 00:16:3e:0a:1b:2c", "can't found dev by mac <mac>"),
        ("exclusive eni mode disabled", "exclusive eni mode changed"),
        ("what is `exclusive eni mode disabled`?", "exclusive eni mode changed"),
        ('Unknown proxy mode "ebpf", assuming nftables proxy', 'Unknown proxy mode "<text>", assuming iptables proxy'),
        ("instance is not attach ipv6", "instance is not support ipv6"),
        ("error: no IP reservation addresses available in range set", "no IP addresses available in range set"),
        ("terway: can't found bridge dev by mac 00:16:3e:0a:1b:2c", "can't found dev by mac <mac>"),
        ("exclusive eni trunking mode changed", "exclusive eni mode changed"),
    ],
)
def test_one_word_makes_another_error(matcher, text, signature):
    assert look_alikes(matcher, text) == [signature]


@pytest.mark.parametrize(
    "text",
    [
        "IpNotEnough on terway",
        "InvalidVSwitchId.Ip",
        "InvalidVSwitchId.IpNotEnuogh",
        "EniPerInstanceLimitExceed",
        "can't find dev by mac",
        "can't found device by mac address",
        "exclusive eni modes changed",
        "no IP address is available in the range set of host-local",
        "no free IP addresses available in range set",
        "instance is not to support ipv6",
    ],
)
def test_the_same_error_in_other_words_is_no_foreign_one(matcher, text):
    assert look_alikes(matcher, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "Does exclusive ENI mode really give better performance?",
        "Is our cluster in shared or exclusive ENI mode? Shared, I think.",
        "the log of the exclusive eni mode pods is empty",
        "no ports available in the node's range, set by somebody",
        "Node cn-hangzhou.10.0.0.1 status is now: NodeReady",
        "[ERROR Swap]: running with swap on is not supported",
        "Message: disk size is not supported",
        "memory: 60Gi\neni mode changed",
        "kubelet FailedCreatePodSandBox: failed to create pod sandbox",
        "the vSwitch has IpNotEnough in its name, doesn't it. InvalidVSwitchId too",
        "",
    ],
)
def test_everyday_words_in_the_order_of_a_message_are_no_error(matcher, text):
    assert look_alikes(matcher, text) == []


def test_where_a_known_error_stands_nothing_is_a_look_alike(matcher):
    hits = matcher.find("InvalidVSwitchId.NotFound\nexclusive eni mode changed")
    assert [(hit.signature, hit.share) for hit in hits] == [("exclusive eni mode changed", 1.0)]


def test_a_look_alike_names_the_entries_of_the_error_that_it_is_not(matcher):
    (hit,) = matcher.find("InvalidVSwitchId.NotFound")
    assert (hit.signature, hit.entries, hit.share) == ("InvalidVSwitchId.IpNotEnough", ("vswitch",), 0.0)


# What a look-alike forces is no answer; one that is none takes an answer away.


def ways_of_asking(corpus: Corpus) -> Iterator[str]:
    for entry in corpus.entries:
        yield entry.title
        yield from entry.asked_as
        yield from map(join_turns, entry.threads)
        yield from (statement.text for statement in entry.statements())
    yield from (ambiguous.question for ambiguous in corpus.ambiguous)


def test_no_way_of_asking_what_the_corpus_answers_is_taken_for_a_foreign_error(corpus, shipped):
    texts = list(ways_of_asking(corpus))
    assert len(texts) > 4000
    assert [(text, found) for text in texts if (found := look_alikes(shipped, text))] == []


def test_a_table_of_the_kernel_that_is_not_the_known_one_is_another_error(shipped):
    assert look_alikes(shipped, "kernel: nf_conntrack: expectation table full") != []
    assert look_alikes(shipped, "kernel: nf_conntrack: table full") == []


@pytest.mark.parametrize(
    "sentence",
    [
        "since this morning our workers print {} whenever a job starts, what can we do about it?",
        "two of our nodes show {} under load and pods time out",
        "昨天开始节点一直报 {} 然后连接就断了",
    ],
)
@pytest.mark.parametrize(
    ("foreign", "known"),
    [
        ("nf_conntrack: expectation table full", "nf_conntrack: table full"),
        ("eip pool is not replenished", "eip pool is not supported"),
        ("multiple route jumbo tables found", "multiple route tables found"),
        ("failed to get voucher for zone", "failed to get vsw for zone"),
        # Words of other entries' texts.
        ("eip bucket is not supported", "eip pool is not supported"),
        ("multiple route volume tables found", "multiple route tables found"),
        ("no eni can handle the quarterly allocation", "no eni can handle the allocation"),
        ("cni plugin not notarized", "cni plugin not initialized"),
    ],
)
def test_a_foreign_error_is_one_in_the_middle_of_a_sentence_too(shipped, sentence, foreign, known):
    assert known in look_alikes(shipped, sentence.format(foreign))
    assert [hit.share for hit in shipped.find(normalize(sentence.format(known)))] == [1.0]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (
            "failed to allocate for range 0: requested IP address 10.0.0.7 is not available in range set 10.0.0.1-9",
            "failed to allocate for range <int>: no IP addresses available in range set: <ip>-<ip>",
        ),
        (
            "failed to do add; error parse config, eth0 config is missing",
            "error parse config, can't found dev by mac <mac>",
        ),
        (
            "IPVS proxier will not be used because the kernel is older than 4.19",
            "IPVS proxier will not be used because the following required kernel modules are not loaded",
        ),
    ],
)
@pytest.mark.parametrize(
    "place", ["{}", "since noon we see {} on two nodes", "msg: {}\nnext line", "节点报错 {} 怎么办"]
)
def test_another_error_in_the_frame_of_a_known_one_is_another_error(shipped, text, known, place):
    assert known in look_alikes(shipped, place.format(text))


@pytest.mark.parametrize(
    "text",
    [
        "failed to allocate for range 0: no IP adresses availible in range set",
        "failed to allocate for range 0:",
        "failed to allocate for range 0: no IP",
        "IPVS proxier will not be used because",
    ],
)
def test_the_known_error_with_slips_or_cut_within_its_frame_is_no_other(shipped, text):
    assert look_alikes(shipped, text) == []


def test_no_held_out_question_that_can_be_answered_is_taken_for_a_foreign_error(shipped):
    questions = [question for path in HELD_OUT for question in read_questions(path) if question.gold]
    assert len(questions) > 300
    found = {question.id: look_alikes(shipped, join_turns(question.turns)) for question in questions}
    assert {name: signatures for name, signatures in found.items() if signatures} == {}


def test_hardly_any_question_out_of_scope_is_and_those_hold_a_foreign_code(corpus, shipped):
    like = [text for text in corpus.out_of_scope if look_alikes(shipped, text)]
    assert len(like) < 0.02 * len(corpus.out_of_scope)
    foreign = ("InvalidVSwitchId.", "QuotaExceeded.", "nf_tables: table full", "range 0: requested IP address")
    assert all(any(code in text for code in foreign) for text in like)
