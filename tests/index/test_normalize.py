"""What people paste, turned into plain text."""

from __future__ import annotations

import html
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.normalize import MAX_CHARACTERS, normalize

ERROR = 'error parse config, can\'t found dev by mac 00:16:3e:0a:1b:2c: not found <nil> & "eth1"'


# Escapes


@pytest.mark.parametrize("times", [1, 2])
def test_slack_and_html_escapes_are_undone_even_twice(times):
    text = ERROR
    for _ in range(times):
        text = html.escape(text)
    assert normalize(text) == ERROR


@pytest.mark.parametrize("times", [1, 2, 3])
def test_json_escapes_are_undone_however_often_a_log_wraps_another(times):
    text = f"{ERROR}\nsecond\tline"
    for _ in range(times):
        text = json.dumps(text)[1:-1]
    assert normalize(text) == f"{ERROR}\nsecond\tline"


def test_the_escapes_that_go_writes_for_angle_brackets_are_undone():
    assert normalize(r"require \u003e=5.10, routing \u0026 policy \u003cnil\u003e") == (
        "require >=5.10, routing & policy <nil>"
    )


def test_json_in_slack_is_undone_in_both_ways():
    assert normalize(html.escape(json.dumps({"msg": "a > b"}))) == '{"msg": "a > b"}'


@pytest.mark.parametrize(
    ("escaped", "plain"),
    [
        (r"\ud83d\ude00 pods", "😀 pods"),
        (r"\u7f51\u7edc", "网络"),
        (r"lone \ud83d half", "lone  half"),
        (r"\u001b[31mred\u001b[0m", "red"),
        (r"\x1b[31mred\x1b[0m", "red"),
        (r"\033[31mred\033[0m", "red"),
        (r"zero\u200bwidth\u0000", "zerowidth"),
        (r"C:\dir \q \u12 \\", r"C:\dir \q \u12 \\"),
    ],
)
def test_what_an_escape_stands_for_is_cleaned_as_well(escaped, plain):
    assert normalize(escaped) == plain


# Slack


@pytest.mark.parametrize(
    ("slack", "plain"),
    [
        ("<https://example.com/a?b=1>", "https://example.com/a?b=1"),
        ("see <https://example.com/a|the docs>", "see the docs https://example.com/a"),
        ("<http://node.kubernetes.io/x|node.kubernetes.io/x>:NoSchedule", "node.kubernetes.io/x:NoSchedule"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("<@U012AB3CD> pods hang", "pods hang"),
        ("<@U012AB3CD|jo> says", "jo says"),
        ("<#C012AB3CD|network> says", "network says"),
        ("<!here> <!subteam^S012|@oncall> help", "@oncall help"),
        (":rotating_light: down :thumbsup::skin-tone-2: now", "down    now"),
    ],
)
def test_slack_markup_becomes_what_a_reader_sees(slack, plain):
    assert normalize(slack) == plain


@pytest.mark.parametrize(
    "text",
    [
        "a <b> c",
        "if x < y: pass",
        "<nil>",
        "at 10:15:30",
        "::1",
        "fe80::1:2",
        "key:value:more",
        "kubectl get po -o wide",
    ],
)
def test_what_only_looks_like_markup_stays(text):
    assert normalize(text) == text


# Characters


@pytest.mark.parametrize(
    ("odd", "plain"),
    [
        ("“can’t” ‘x’ ´y´ `z` „q‟ ″", "\"can't\" 'x' 'y' 'z' \"q\" \""),
        ("10–20 — ten ‐ ‑ −1", "10-20 - ten - - -1"),
        ("wait…", "wait..."),
        ("ＶＳｗｉｔｃｈ：１２，①", "VSwitch:12,1"),
        ("a\u00a0b\u3000c", "a b c"),
        ("zero\u200b\u200c\u200d\u2060\ufeffwidth so\u00adft", "zerowidth soft"),
        ("right\u202eto\u202c left\u200f", "rightto left"),
        ("⚠\ufe0f pods", "⚠ pods"),
        ("a\x00b\x07c\x7fd\x9fe", "a b c d e"),
        ("e\u0301", "é"),
        ("lone \ud800 surrogate \udfff", "lone  surrogate"),
        ("\ud83d\ude00", "😀"),
    ],
)
def test_odd_characters_become_plain_ones(odd, plain):
    assert normalize(odd) == plain


def test_line_ends_of_all_kinds_are_line_ends():
    assert normalize("a\r\nb\rc\nd\u2028e\u2029f\x85g") == "a\nb\nc\nd\ne\nf\ng"


@pytest.mark.parametrize(
    ("coloured", "plain"),
    [
        ("\x1b[1;31mERROR\x1b[0m no ip", "ERROR no ip"),
        ("\x1b[38;2;1;2;3mrgb\x1b[K", "rgb"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bMup", "up"),
    ],
)
def test_terminal_sequences_go(coloured, plain):
    assert normalize(coloured) == plain


def test_a_terminal_sequence_without_an_end_takes_no_text_with_it():
    assert "pods hang" in normalize("\x1b]0;pods hang")
    assert "pods hang" in normalize("\x1b[\npods hang")


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b", "\x1b[0m", "\ud800"])
def test_nothing_is_left_of_nothing(text):
    assert normalize(text) == ""


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_text_that_can_be_stored_and_sent(text):
    plain = normalize(text)
    plain.encode()
    assert plain == plain.strip()
    assert "\x1b" not in plain
    assert not any(character < " " and character != "\n" for character in plain.replace("\t", ""))


@given(st.text("abc ABC.,?'-\n", max_size=200))
def test_plain_text_stays_as_it_is(text):
    assert normalize(text) == text.strip()


# Size


def test_of_a_longer_text_the_beginning_and_the_end_are_read_a_million_characters_in_all():
    text = normalize("a" * MAX_CHARACTERS + "b" * MAX_CHARACTERS)
    half = MAX_CHARACTERS // 2
    assert text == "a" * half + "\n" + "b" * (half - 1)
    assert normalize("a" * MAX_CHARACTERS) == "a" * MAX_CHARACTERS


def test_characters_that_stand_for_many_do_not_exceed_the_limit():
    assert len(normalize("\ufdfa" * 100_000)) == MAX_CHARACTERS


HOSTILE = {
    "backslashes": "\\" * MAX_CHARACTERS,
    "unfinished escapes": "\\u" * (MAX_CHARACTERS // 2),
    "runs of backslashes": (("\\" * 1000) + "x") * (MAX_CHARACTERS // 1001),
    "escape characters": "\x1b" * MAX_CHARACTERS,
    "unfinished colours": "\x1b[" * (MAX_CHARACTERS // 2),
    "an endless colour": "\x1b[" + "0" * MAX_CHARACTERS,
    "unfinished titles": "\x1b]" * (MAX_CHARACTERS // 2),
    "an endless title": "\x1b]" + "a" * MAX_CHARACTERS,
    "angle brackets": "<" * MAX_CHARACTERS,
    "unfinished links": "<http://a|" * (MAX_CHARACTERS // 10),
    "an endless link": "<http://" + "a" * MAX_CHARACTERS,
    "an endless label": "<http://a|" + "b" * MAX_CHARACTERS,
    "unfinished mentions": "<@a" * (MAX_CHARACTERS // 3),
    "an endless mention": "<@" + "a" * MAX_CHARACTERS,
    "colons": ":" * MAX_CHARACTERS,
    "unfinished emoji": (":" + "a" * 30) * (MAX_CHARACTERS // 31),
    "an endless emoji": ":" + "a" * MAX_CHARACTERS,
    "ampersands": "&" * MAX_CHARACTERS,
    "escapes of escapes": "&amp;" * (MAX_CHARACTERS // 5),
    "combining marks": "a" + "\u0301\u0316" * (MAX_CHARACTERS // 2),
    "combining marks in the wrong order": "a" + "\u0301" * (MAX_CHARACTERS // 2) + "\u0316" * (MAX_CHARACTERS // 2),
    "Chinese": "网络" * (MAX_CHARACTERS // 2),
    "surrogates": "\ud800" * MAX_CHARACTERS,
    "control characters": "\x00" * MAX_CHARACTERS,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_megabyte_is_read_in_linear_time(name):
    start = time.process_time()
    normalize(HOSTILE[name])
    assert time.process_time() - start < 30  # what grows with the square of the length takes minutes
