"""Text on its way to Slack: what is taken out of it, where it is cut, what is escaped, what Markdown becomes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.blocks.inline import Run, clip_runs, link, plain, runs_of, size_of
from bot.slack.blocks.text import clean, clip, escape, fallback, one_line, size
from tests.bot.slack.answers import texts
from tests.doubles.slack import mrkdwn


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("\u202egnp.exe\u2066 \u200e", "gnp.exe "),
        ("one\r\ntwo\rthree\u2028four\x0bfive", "one\ntwo\nthree\nfour\nfive"),
        ("\ufeffzero\u200bwidth\u2060", "zerowidth"),
        ("half\ud800", "half"),
        ("网络\t插件 👩\u200d👧", "网络\t插件 👩\u200d👧"),
    ],
)
def test_what_nobody_sees_goes_and_everything_else_stays(text: str, seen: str) -> None:
    assert clean(text) == seen


def test_what_goes_on_one_line_can_not_make_a_line_of_its_own() -> None:
    assert one_line(" x\n\nkubectl delete ns prod\u2029 \ty ") == "x kubectl delete ns prod y"


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("网络插件", 3, "网络…"),
        ("𝕏𝕏𝕏", 5, "𝕏𝕏…"),
        ("👩\u200d👧👧", 4, "👩…"),
        ("abc", 0, ""),
    ],
)
def test_text_is_cut_with_an_ellipsis(text: str, most: int, cut: str) -> None:
    assert clip(text, most) == cut


@given(texts, st.integers(0, 100))
def test_cut_text_is_never_longer_than_allowed(text: str, most: int) -> None:
    assert size(clip(text, most)) <= most


@given(texts, st.integers(10, 300))
def test_a_fallback_is_text_and_nothing_else_however_it_is_cut(text: str, most: int) -> None:
    said = fallback(text, most)
    assert 0 < size(said) <= most
    assert not [*mrkdwn.problems(said), *mrkdwn.mentions(said), *mrkdwn.links(said)]


def test_only_the_three_characters_are_escaped() -> None:
    assert escape("<a> & \"b\" 'c'") == "&lt;a&gt; &amp; \"b\" 'c'"


@pytest.mark.parametrize(
    ("markdown", "runs"),
    [
        ("plain", [Run("plain")]),
        ("**bold** and *italic*", [Run("bold", bold=True), Run(" and "), Run("italic", italic=True)]),
        ("***both***", [Run("both", bold=True, italic=True)]),
        ("~~gone~~", [Run("gone", strike=True)]),
        ("网络**插件**`terway`是", [Run("网络"), Run("插件", bold=True), Run("terway", code=True), Run("是")]),
        ("`a *b* <c>`", [Run("a *b* <c>", code=True)]),
        ("a\nb  \nc", [Run("a b\nc")]),
        ("&lt;x&gt; &amp; y", [Run("<x> & y")]),
        ("<b>x</b>", [Run("<b>x</b>")]),
        ("snake_case_name", [Run("snake_case_name")]),
        ("", []),
    ],
)
def test_markdown_becomes_styles(markdown: str, runs: list[Run]) -> None:
    assert runs_of(markdown) == runs


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        ("[click](https://evil.example)", "click (https://evil.example)"),
        ("[**click**](https://evil.example)!", "click (https://evil.example)!"),
        ("<https://evil.example>", "https://evil.example"),
        ("![alt](https://evil.example/x.png)", "alt"),
        ("[x](javascript:alert)", "[x](javascript:alert)"),
        ("<!channel> <@U1>", "<!channel> <@U1>"),
    ],
)
def test_nothing_in_markdown_becomes_a_link_or_a_mention(markdown: str, said: str) -> None:
    runs = runs_of(markdown)
    assert plain(runs) == said
    assert not any(run.url for run in runs)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "https://",
        "https://x.example/a b",
        "https://x.example/|x",
        "https://x.example/>",
        "http://[x",
        "ftp://x.example",
        "https://x.example/" + "a" * 3000,
        "",
    ],
)
def test_what_is_no_address_is_text(url: str) -> None:
    assert link("label", url) == Run("label")


@given(texts, st.integers(0, 200))
def test_cut_runs_are_never_longer_than_allowed(markdown: str, most: int) -> None:
    assert size_of(clip_runs(runs_of(markdown), most)) <= most
