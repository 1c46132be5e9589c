"""Eleven words in a row may stand in an edition too, twelve may not; literals never count."""

import pytest

from corpus.overlap import WordIndex

WORDS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"


def runs(text: str, *edition: str, literals: tuple[str, ...] = ()) -> list[str]:
    return [" ".join(run.words) for run in WordIndex(edition, literals).shared(text)]


def first(count: int) -> str:
    return " ".join(WORDS.split()[:count])


def test_eleven_shared_words_are_fine():
    assert runs(first(11), WORDS) == []
    assert runs(f"zero {first(11)} zero", WORDS) == []


@pytest.mark.parametrize("count", [12, 13, 14])
def test_twelve_or_more_shared_words_are_found_as_one_run(count):
    assert runs(first(count), WORDS) == [first(count)]
    assert runs(f"before {first(count)} behind", WORDS) == [first(count)]


def test_two_runs_in_one_text_are_both_found():
    assert runs(f"{first(12)} and {first(13)}", WORDS) == [first(12), first(13)]


def test_case_punctuation_and_line_breaks_do_not_hide_a_run():
    text = "One, **two** three\nfour; five (six) seven - eight: nine “ten” `eleven` Twelve."
    assert runs(text, WORDS) == [first(12)]


def test_a_run_does_not_go_from_one_text_of_the_edition_to_the_next():
    assert runs(WORDS, first(8), WORDS.replace(first(8), "")) == []


def test_the_words_of_a_literal_do_not_count():
    assert runs(first(12), WORDS, literals=("five six",)) == []
    assert runs(f"one two {WORDS}", WORDS, literals=("one two",)) == [" ".join(WORDS.split()[2:])]


def test_short_and_empty_texts_share_nothing():
    assert runs("", WORDS) == runs("...", WORDS) == runs(WORDS, "") == []


def test_versions_and_paths_are_one_word_each():
    assert runs(f"v1.8.0 eth/0 {first(10)}", f"v1.8.0 eth/0 {first(10)}") == [f"v1.8.0 eth/0 {first(10)}"]
    assert runs(f"v1.8.0 {first(10)}", f"v1.8.0 {first(10)}") == []


def test_a_long_run_of_punctuation_is_no_trouble():
    assert runs("." * 200_000, "-" * 200_000) == []
