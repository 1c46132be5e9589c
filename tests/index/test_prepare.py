"""The text that the encoder reads."""

from __future__ import annotations

import random
import time

import pytest

from index.normalize import normalize
from index.prepare import MAX_ENCODED_CHARACTERS, EncoderText

GLOSSARY = {
    "交换机": "vSwitch",
    "虚拟交换机": "virtual switch",
    "地址": "address",
    "不够": "not enough",
    "不够用": "insufficient",
    "怎么": "",
    "ping不通": "cannot ping",
    "，": ", ",
}
WEIGHTS = {"vswitch": 3.0, "ip": 2.0, "enough": 2.0, "conntrack": 4.0, "full": 2.0, "table": 2.0, "node": 0.5}


@pytest.fixture(scope="module")
def prepare() -> EncoderText:
    return EncoderText(GLOSSARY, WEIGHTS)


def noise(count: int, seed: int = 1) -> list[str]:
    draw = random.Random(seed)
    return [
        f"I1122 03:{draw.randrange(60):02}:11.{draw.randrange(10**6):06} 1 controller.go:{draw.randrange(999)}] "
        f"Syncing pod {draw.randbytes(4).hex()} on node cn-beijing.10.0.{draw.randrange(255)}.7"
        for _ in range(count)
    ]


# What goes and what comes instead


@pytest.mark.parametrize(
    ("pasted", "read"),
    [
        ("2025-11-22T03:11:22.104Z failed", "failed"),
        ("2025-11-22 03:11:22,104+0800 failed", "failed"),
        ("E1122 03:11:22.104217 failed", "failed"),
        ("pod 3fa85f64-5717-4562-b3fc-2c963f66afa6 lost", "pod lost"),
        ("sandbox 9f86d081884c7d65 lost", "sandbox lost"),
        ("dev by mac 00:16:3e:0a:1b:2c", "dev by mac MAC"),
        ("dev by mac ee:ff:ff:ff:ff:ff", "dev by mac MAC"),
        ("from 10.0.0.1 to 192.168.0.0/16", "from IPaddress to IPaddress"),
        ("ping 2408:4005:3f4:1::a2 and ::1", "ping IPv6address and ::1"),
        ("fe80::1/64 is up", "IPv6address is up"),
        ("==== results ----", "results"),
        ("  many \t blanks \n and lines ", "many blanks and lines"),
    ],
)
def test_what_varies_is_left_out_or_named(prepare, pasted, read):
    assert prepare(pasted) == read


@pytest.mark.parametrize(
    "text", ["v1.12.0 or datapathv2", "decade of added facades", "key: value", "port 8080", "ecs.g7.2xlarge", ""]
)
def test_what_only_looks_like_it_stays(prepare, text):
    assert prepare(text) == text


# Chinese


@pytest.mark.parametrize(
    ("chinese", "english"),
    [
        ("交换机", "vSwitch"),
        ("虚拟交换机地址不够用", "virtual switch address insufficient"),
        ("交换机地址不够怎么", "vSwitch address not enough"),
        ("交换机，ping不通", "vSwitch , cannot ping"),
        ("Terway交换机", "Terway vSwitch"),
        ("某某交换机某", "vSwitch"),
    ],
)
def test_chinese_terms_become_english_the_longest_first(prepare, chinese, english):
    assert prepare(normalize(chinese)).split() == english.split()


def test_no_chinese_is_left(prepare):
    assert prepare("某些交换机还有什么没有翻译").isascii()


def test_english_is_not_translated():
    assert EncoderText({"ping": "wrong"}, {}).translate("ping the pod") == "ping the pod"


def test_without_a_glossary_nothing_is_translated():
    assert EncoderText({}, {}).translate("交换机") == "交换机"


# Length


def test_a_short_text_is_read_whole(prepare):
    text = "why " * (MAX_ENCODED_CHARACTERS // 4)
    assert prepare(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "word " * 1000,
        "x" * 5000,
        "vSwitch ip enough conntrack table full node " * 300,
        "\n".join(f"vswitch {number} ip" for number in range(500)),
        "交换机地址不够用" * 200,
        "\n".join(f"{number} 虚拟交换机" for number in range(300)),
    ],
)
def test_a_long_text_is_cut_to_the_limit(prepare, text):
    assert 0 < len(prepare(text)) <= MAX_ENCODED_CHARACTERS


@pytest.mark.parametrize("place", [0, 150, 299])
def test_of_a_long_log_the_telling_line_is_kept(prepare, place):
    lines = noise(299)
    lines.insert(place, "E1122 03:14:07.998123 kernel: nf_conntrack: table full, dropping packet")
    assert "nf_conntrack: table full, dropping packet" in prepare("\n".join(lines))


def test_two_telling_lines_are_both_kept_in_their_order(prepare):
    lines = noise(100)
    lines.insert(70, "kernel: nf_conntrack: table full")
    lines.insert(20, "terway: vSwitch ip not enough")
    read = prepare("\n".join(lines))
    assert 0 <= read.find("vSwitch ip not enough") < read.find("nf_conntrack: table full")


def test_what_repeats_itself_takes_no_room_from_what_tells(prepare):
    repeated = "vSwitch ip enough " + "padding words without weight " * 8
    text = "\n".join([repeated] * 40 + ["conntrack table full"])
    assert prepare(text).count("vSwitch") == 1
    assert "conntrack table full" in prepare(text)


def test_lines_that_differ_in_times_and_addresses_only_are_the_same_line(prepare):
    text = "\n".join(f"03:11:{at:02} vSwitch ip enough 10.0.0.{at}" for at in range(60))
    assert prepare(text) == "vSwitch ip enough IPaddress"


def test_a_telling_line_that_is_too_long_does_not_hide_a_shorter_one(prepare):
    first = "vSwitch ip enough node " + "a " * 160
    second = "conntrack table " + "b " * 160
    third = "full " + "c " * 160
    read = prepare("\n".join([first, second, third, "conntrack full"]))
    assert "conntrack full" in read or ("conntrack" in read and "full" in read)


@pytest.mark.parametrize("where", ["before", "behind"])
def test_the_question_around_a_huge_paste_is_read(prepare, where):
    paste = "\n".join(noise(8000))
    question = "is the conntrack table full?"
    text = f"{question}\n{paste}" if where == "before" else f"{paste}\n{question}"
    assert question in prepare(text)


def test_a_long_line_is_cut_between_words(prepare):
    read = prepare("alpha conntrack omega " * 100)
    assert set(read.split()) == {"alpha", "conntrack", "omega"}


def test_of_a_long_text_that_tells_nothing_the_beginning_is_read(prepare):
    assert prepare("alpha " + "omega " * 1000).startswith("alpha omega")


def test_the_same_text_is_read_the_same_way(prepare):
    text = "\n".join(noise(300) + ["vSwitch ip"] * 3 + noise(300, seed=2))
    assert prepare(text) == EncoderText(dict(GLOSSARY), dict(WEIGHTS))(text)


# Hostile texts

SIZE = 1_000_000


def vocabulary_lines(words: int) -> tuple[dict[str, float], str]:
    draw = random.Random(5)
    weights = {"w" + "".join(draw.choices("abcdefgh", k=7)): draw.random() + 0.1 for _ in range(8000)}
    names = list(weights)
    return weights, "\n".join(" ".join(draw.choices(names, k=words)) for _ in range(3000))


@pytest.mark.parametrize("words", [2, 12, 40])
def test_thousands_of_lines_that_all_tell_something_are_weighed_quickly(words):
    weights, text = vocabulary_lines(words)
    prepare = EncoderText({}, weights)
    start = time.process_time()
    assert 0 < len(prepare(text)) <= MAX_ENCODED_CHARACTERS
    assert time.process_time() - start < 10


HOSTILE = {
    "letters": "a" * SIZE,
    "digits": "1" * SIZE,
    "hexadecimal": "abcdef1" * (SIZE // 7) + "g",
    "hexadecimal without digits": "abcdefa" * (SIZE // 7) + " 1",
    "colons": ":" * SIZE,
    "addresses without an end": "a:" * (SIZE // 2),
    "addresses with many gaps": "a::" * (SIZE // 3) + "g",
    "an endless group": "a::" + "b" * SIZE + "g",
    "dots": "1." * (SIZE // 2),
    "dates": "2025-01-01T" * (SIZE // 11),
    "times": "11:11:11." * (SIZE // 9),
    "identifiers": "abcdef12-1234-" * (SIZE // 14),
    "rules": "-=" * (SIZE // 2),
    "blanks": " " * SIZE,
    "lines": "\n" * SIZE,
    "Chinese": "交换" * (SIZE // 2),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(prepare, name):
    start = time.process_time()
    assert len(prepare(HOSTILE[name])) <= MAX_ENCODED_CHARACTERS
    prepare.translate(HOSTILE[name])
    assert time.process_time() - start < 30  # what grows with the square of the length takes minutes
