"""The figures of an evaluation, checked against figures worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from index.evaluate import Judgement, Question, QuestionFileError, Report, evaluate, read_questions

LINE: dict[str, Any] = {
    "id": "q-1",
    "query": "pods stuck",
    "lang": "en",
    "kind": "symptom",
    "gold": ["a"],
    "ambiguous": False,
}


def judged(
    gold: str,
    ranked: str,
    confidence: float = 0.5,
    *,
    outcome: str = "answer",
    kind: str = "question",
    lang: str = "en",
    ambiguous: bool = False,
) -> Judgement:
    """Entries are single letters: ``judged("a", "bac")`` has its gold entry at rank 2."""
    question = Question.model_validate(
        {"id": "q", "query": "?", "lang": lang, "kind": kind, "gold": list(gold), "ambiguous": ambiguous}
    )
    return Judgement(
        question=question,
        ranked=tuple(ranked),
        confidence=confidence,
        refused=outcome == "no_answer",
        choices=outcome == "choices",
    )


def right(confidence: float) -> Judgement:
    return judged("a", "abc", confidence)


def wrong(confidence: float) -> Judgement:
    return judged("a", "bac", confidence)


def stray(confidence: float) -> Judgement:
    return judged("", "abc", confidence, kind="out")


@pytest.fixture
def write(tmp_path: Path):
    def write(*lines: dict[str, Any] | bytes) -> Path:
        path = tmp_path / "set.jsonl"
        path.write_bytes(b"".join((x if isinstance(x, bytes) else json.dumps(x).encode()) + b"\n" for x in lines))
        return path

    return write


# Reading


def test_a_question_set_is_read_in_the_order_of_the_file(write):
    second = LINE | {"id": "q-0", "lang": "zh", "kind": "zh", "gold": ["b", "a"], "query": "节点\u2028不通"}
    first, other = read_questions(write(LINE, b"", second))
    assert (first.id, other.id, other.gold, other.query) == ("q-1", "q-0", ("b", "a"), "节点\u2028不通")


def test_line_separators_inside_a_text_do_not_end_the_line(write):
    line = json.dumps(LINE | {"query": "one\u2028two\x85three"}, ensure_ascii=False).encode()
    assert read_questions(write(line))[0].query == "one\u2028two\x85three"


def test_a_byte_order_mark_and_windows_line_ends_are_harmless(write):
    assert len(read_questions(write(b"\xef\xbb\xbf" + json.dumps(LINE).encode() + b"\r"))) == 1


def test_a_single_text_is_a_thread_of_one_turn():
    assert Question.model_validate(LINE).turns == ("pods stuck",)


def test_a_thread_keeps_its_turns_oldest_first(write):
    (question,) = read_questions(write(LINE | {"kind": "thread", "query": ["Terway here", "no IPs left"]}))
    assert question.turns == ("Terway here", "no IPs left")


def test_ambiguous_may_be_left_out(write):
    line = {key: value for key, value in LINE.items() if key != "ambiguous"}
    assert not read_questions(write(line))[0].ambiguous


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "Invalid JSON"),
        (b'["a"]', "object"),
        (b'{"id": "\xff"}', r"not UTF-8 \(byte 9 of the line\)"),
        (LINE | {"id": "q-2", "golds": []}, "golds: Extra inputs"),
        ({"id": "q-2"}, "query: Field required"),
        (LINE | {"id": "q-2", "kind": "joke"}, "kind: "),
        (LINE | {"id": "q-2", "lang": "de"}, "lang: "),
        (LINE | {"id": "q-2", "gold": "a"}, "gold: "),
        (LINE | {"id": "q-2", "query": []}, "query: "),
        (LINE | {"id": "q-2", "query": ["first", " "]}, "query: "),
        (LINE | {"id": "q-2", "query": " "}, "query: "),
        (LINE | {"id": "q-2", "ambiguous": 1}, "ambiguous: "),
        (LINE | {"id": "q-2", "ambiguous": True, "gold": []}, "ambiguous question needs"),
        (LINE, r"id 'q-1' is taken by line 1"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(write, line, reason):
    path = write(LINE, b"", line)
    with pytest.raises(QuestionFileError, match=rf"{path}:3: .*{reason}"):
        read_questions(path)


def test_a_json_error_gives_no_second_line_number(write):
    with pytest.raises(QuestionFileError) as caught:
        read_questions(write(LINE, b'{"id": }'))
    assert "line 1" not in str(caught.value)
    assert "column 8" in str(caught.value)


@pytest.mark.parametrize("lines", [(), (b"", b"  ")])
def test_a_file_without_questions_is_an_error(write, lines):
    path = write(*lines)
    with pytest.raises(QuestionFileError, match=f"{path}:1: there is no question"):
        read_questions(path)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(QuestionFileError, match=f"{path}: cannot be read: "):
        read_questions(path)


# Judgements


@pytest.mark.parametrize("confidence", [-0.01, 1.01, float("nan"), float("inf")])
def test_a_confidence_outside_0_to_1_is_refused(confidence):
    with pytest.raises(ValidationError, match="confidence"):
        right(confidence)


def test_an_outcome_cannot_be_both_refused_and_choices():
    with pytest.raises(ValidationError, match="not both"):
        Judgement(question=Question.model_validate(LINE), ranked=(), confidence=0, refused=True, choices=True)


# Figures of groups


def test_ranking_figures_of_answerable_questions():
    # Ranks of the gold entry: 1, 2, 3, 4, not found.
    overall = evaluate([judged("a", ranked) for ranked in ("abcd", "bacd", "bcad", "bcda", "bcde")]).overall
    assert (overall.n, overall.answerable) == (5, 5)
    assert overall.hit_at_1 == 1 / 5
    assert overall.recall_at_3 == 3 / 5
    assert overall.mrr == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4 + 0) / 5)


def test_any_of_several_gold_entries_is_right():
    overall = evaluate([judged("ab", "bca"), judged("ab", "cba")]).overall
    assert (overall.hit_at_1, overall.recall_at_3, overall.mrr) == (0.5, 1.0, 0.75)


def test_ambiguous_questions_need_all_their_entries_and_stay_out_of_the_ranking_figures():
    ambiguous = [judged("ab", ranked, ambiguous=True, kind="ambiguous") for ranked in ("axyzb", "axyzwb", "ba")]
    overall = evaluate([*ambiguous, judged("a", "ba")]).overall
    assert overall.ambiguous == 3
    assert overall.all_in_top_5 == pytest.approx(2 / 3)
    assert (overall.answerable, overall.hit_at_1, overall.mrr) == (1, 0.0, 0.5)


def test_refusals_are_counted_apart_for_answerable_ambiguous_and_out_of_scope():
    overall = evaluate(
        [
            judged("a", "a", outcome="no_answer"),
            judged("a", "a"),
            judged("a", "a"),
            judged("a", "a"),
            judged("ab", "ab", outcome="no_answer", ambiguous=True),
            judged("ab", "ab", ambiguous=True),
            judged("", "a", outcome="no_answer"),
            judged("", "a", outcome="no_answer"),
            judged("", "a"),
        ]
    ).overall
    assert overall.false_refusals == 1 / 4
    assert overall.ambiguous_refused == 1 / 2
    assert (overall.out_of_scope, overall.out_of_scope_refused) == (3, pytest.approx(2 / 3))


def test_choices_are_counted_where_they_are_wanted_and_where_not():
    overall = evaluate(
        [
            judged("a", "ab", outcome="choices"),
            judged("a", "ab"),
            judged("ab", "ab", outcome="choices", ambiguous=True),
        ]
    ).overall
    assert (overall.needless_choices, overall.ambiguous_choices) == (0.5, 1.0)


def test_wrong_answers_are_those_given_with_a_first_entry_that_is_not_gold():
    overall = evaluate(
        [
            judged("a", "ab"),
            judged("a", "ba"),  # wrong
            judged("a", "ba", outcome="choices"),  # wrong
            judged("a", "ba", outcome="no_answer"),
            judged("ab", "ba", ambiguous=True),
            judged("", "ab"),  # wrong
            judged("", "ab", outcome="no_answer"),
            judged("a", ""),  # wrong: answered with nothing
        ]
    ).overall
    assert overall.wrong_answers == 4 / 8


def test_rows_by_kind_and_by_language_hold_their_own_questions():
    report = evaluate(
        [
            judged("", "ab", kind="out", lang="zh"),
            judged("a", "ba", kind="zh", lang="zh"),
            judged("a", "ab", kind="terse"),
            judged("a", "ba", kind="terse"),
        ]
    )
    assert list(report.by_kind) == ["terse", "zh", "out"]
    assert (report.by_kind["terse"].n, report.by_kind["terse"].hit_at_1) == (2, 0.5)
    assert (report.by_kind["out"].n, report.by_kind["out"].hit_at_1, report.by_kind["out"].wrong_answers) == (
        1,
        None,
        1,
    )
    assert {lang: (group.n, group.hit_at_1) for lang, group in report.by_lang.items()} == {
        "en": (2, 0.5),
        "zh": (2, 0.0),
    }


# Figures of the confidence


@pytest.mark.parametrize(
    ("answerable", "out_of_scope", "expected"),
    [
        ([0.9, 0.8], [0.1], 1.0),
        ([0.1], [0.9, 0.8], 0.0),
        ([0.5, 0.5], [0.5, 0.5, 0.5], 0.5),
        # Of the pairs, 0.9 wins 3; 0.6 wins 1, ties 1, loses 1; 0.2 ties 1, loses 2: (3 + 1.5 + 0.5) / 9.
        ([0.9, 0.6, 0.2], [0.7, 0.6, 0.2], 5 / 9),
        ([0.9], [], None),
        ([], [0.9], None),
    ],
)
def test_auroc_counts_the_pairs_in_order_and_ties_half(answerable, out_of_scope, expected):
    # Whether the first entry is right plays no part in it.
    judgements = [wrong(confidence) for confidence in answerable] + [stray(confidence) for confidence in out_of_scope]
    assert evaluate(judgements).auroc == pytest.approx(expected)


def test_auroc_leaves_ambiguous_questions_aside():
    ambiguous = judged("ab", "ab", 0.0, ambiguous=True)
    assert evaluate([right(0.9), stray(0.1), ambiguous]).auroc == 1.0


def test_risk_and_coverage_grow_question_by_question():
    # By confidence: right, out of scope, right, wrong.
    report = evaluate([wrong(0.2), right(0.9), stray(0.8), right(0.4)])
    assert [(point.confidence, point.coverage, point.risk) for point in report.curve] == [
        (0.9, 0.25, 0.0),
        (0.8, 0.5, 1 / 2),
        (0.4, 0.75, 1 / 3),
        (0.2, 1.0, 2 / 4),
    ]
    assert report.aurc == pytest.approx((0 + 1 / 2 + 1 / 3 + 2 / 4) / 4)


def test_questions_with_the_same_confidence_make_one_point_in_whatever_order_they_come():
    judgements = [right(0.9), wrong(0.5), right(0.5), right(0.1)]
    report = evaluate(judgements)
    assert [(point.coverage, point.risk) for point in report.curve] == [(0.25, 0.0), (0.75, 1 / 3), (1.0, 0.25)]
    assert report.aurc == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 4) / 4)
    assert evaluate(judgements[::-1]) == report


def test_a_confidence_that_is_always_the_same_gives_the_share_of_wrong_answers():
    report = evaluate([right(0.7), wrong(0.7), stray(0.7), right(0.7)])
    assert [(point.coverage, point.risk) for point in report.curve] == [(1.0, 0.5)]
    assert (report.aurc, report.auroc) == (0.5, 0.5)


def test_the_curve_does_not_depend_on_what_was_refused():
    answered, refused = (evaluate([judged("a", "a", 0.4, outcome=outcome)]) for outcome in ("answer", "no_answer"))
    assert answered.curve == refused.curve


def test_one_of_several_entries_is_a_right_answer_to_an_ambiguous_question():
    assert evaluate([judged("ab", "bc", ambiguous=True)]).aurc == 0.0


@pytest.mark.parametrize(
    ("questions", "first_wrong", "expected"),
    [
        (10, 9, {"0.90": 1.0, "0.95": 0.9, "0.98": 0.9}),  # exactly 0.90 with all ten
        (20, 19, {"0.90": 1.0, "0.95": 1.0, "0.98": 0.95}),  # exactly 0.95 with all twenty
        (50, 49, {"0.90": 1.0, "0.95": 1.0, "0.98": 1.0}),  # exactly 0.98 with all fifty
        (4, 0, {"0.90": 0.0, "0.95": 0.0, "0.98": 0.0}),  # never better than 3/4
    ],
)
def test_coverage_at_a_precision_includes_the_precision_itself(questions, first_wrong, expected):
    judgements = [(wrong if i == first_wrong else right)(1 - i / 100) for i in range(questions)]
    assert evaluate(judgements).coverage_at_precision == expected


def test_coverage_at_a_precision_is_the_largest_even_when_risk_was_higher_before():
    # Risk is 1 with one answer, 1/2 with two, ..., and 1/10 with ten.
    judgements = [wrong(1.0)] + [right(0.9 - i / 100) for i in range(9)]
    assert evaluate(judgements).coverage_at_precision == {"0.90": 1.0, "0.95": 0.0, "0.98": 0.0}


# Small sets


def test_no_judgements_make_a_report_without_figures():
    report = evaluate([])
    assert report.overall.n == 0
    assert report.overall.hit_at_1 is report.overall.wrong_answers is report.overall.out_of_scope_refused is None
    assert report.auroc is report.aurc is None
    assert (report.by_kind, report.by_lang, report.curve) == ({}, {}, ())
    assert report.coverage_at_precision == {"0.90": None, "0.95": None, "0.98": None}


def test_a_single_question_is_enough_for_a_report():
    report = evaluate([right(0.5)])
    assert (report.overall.hit_at_1, report.overall.mrr, report.aurc, report.auroc) == (1.0, 1.0, 0.0, None)
    assert (report.overall.all_in_top_5, report.overall.out_of_scope_refused) == (None, None)


def test_a_report_survives_json():
    report = evaluate([right(0.9), wrong(0.3), stray(0.1), judged("ab", "ab", ambiguous=True, kind="ambiguous")])
    assert Report.model_validate_json(report.model_dump_json()) == report
