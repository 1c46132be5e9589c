"""What is left out of an answer that does not fit, and in which order."""

from __future__ import annotations

from collections.abc import Sequence

from bot.answer import AnswerStatement
from bot.slack.blocks.inline import Run, plain
from bot.slack.blocks.length import Section, fit
from bot.slack.blocks.pieces import Piece, item, paragraph, weigh
from bot.slack.blocks.statements import Told, shorten, tell
from corpus import Code

ROOM = 100_000


def statement(
    text: str,
    form: str = "step",
    *,
    note: bool = False,
    code: str = "",
    risk: str = "",
    children: Sequence[AnswerStatement] = (),
) -> AnswerStatement:
    return AnswerStatement.model_validate(
        {
            "text": text,
            "form": form,
            "labels": (),
            "own_note": note,
            "when": None,
            "holds": None,
            "code": (Code(language="", text=code),) if code else (),
            "risks": (statement(risk, "paragraph"),) if risk else (),
            "children": tuple(children),
        }
    )


def said(pieces: Sequence[Piece]) -> list[str]:
    return [plain(piece.runs).removeprefix("acknet's note: ").removeprefix("⚠️ Risk: ") for piece in pieces]


STEPS = [
    statement(
        "one",
        children=[
            statement("aside", "bullet", note=True, code="aside code"),
            statement("detail", "bullet", code="detail code"),
        ],
    ),
    statement("two", code="two code", risk="two risk"),
    statement("three", children=[statement("more", "paragraph")]),
]
ORDER = ["one", "aside", "aside code", "detail", "detail code", "two", "two code", "two risk", "three", "more"]


def test_all_is_shown_in_its_order_where_there_is_room() -> None:
    shown = shorten(tell(STEPS), ROOM)
    assert shown.whole
    assert said(shown.pieces) == ORDER


def shown_with(*left_out: str) -> list[str]:
    """Return what is shown when there is room for all but what is named."""
    told = tell(STEPS)
    everything = shorten(told, ROOM).pieces
    gone = set(left_out)
    room = weigh(piece for piece, words in zip(everything, said(everything), strict=True) if words not in gone)
    shown = shorten(told, room)
    assert not shown.whole
    return said(shown.pieces)


def test_asides_go_first() -> None:
    assert shown_with("aside", "aside code") == [words for words in ORDER if not words.startswith("aside")]


def test_then_goes_what_hangs_below_and_never_a_step_before_it() -> None:
    assert shown_with("aside", "aside code", "detail", "detail code", "more") == [
        "one",
        "two",
        "two code",
        "two risk",
        "three",
    ]


def test_a_step_is_shown_with_its_code_and_its_risk_or_not_at_all() -> None:
    for room in range(0, 600, 7):
        words = said(shorten(tell(STEPS), room).pieces)
        assert ("two" in words) == ("two code" in words) == ("two risk" in words)


def test_no_step_is_shown_after_one_that_is_left_out() -> None:
    for room in range(0, 600, 7):
        top = [words for words in said(shorten(tell(STEPS), room).pieces) if words in ("one", "two", "three")]
        assert top == ["one", "two", "three"][: len(top)]


def test_steps_keep_their_numbers_and_count_on_after_code() -> None:
    numbers = [piece.number for piece in shorten(tell(STEPS), ROOM).pieces if piece.number]
    assert numbers == [1, 2, 3]


def test_words_without_code_are_cut_rather_than_left_out() -> None:
    long = [Told((paragraph(Run("word " * 1000)),))]
    (piece,) = shorten(long, 400).pieces
    assert plain(piece.runs).endswith("…")
    assert piece.weight <= 400
    assert shorten(long, 100).pieces == []


def test_words_with_code_are_not_cut() -> None:
    long = tell([statement("word " * 1000, code="kubectl delete pod x")])
    assert shorten(long, 400).pieces == []


def test_room_that_one_part_leaves_goes_to_another() -> None:
    def part(name: str, items: int, rank: int) -> Section:
        return Section(name, [Told((item([Run("x" * 100)]),))] * items, rank, share=0.5)

    shown, whole = fit([part("short", 1, 0), part("long", 8, 1)], 1500)
    assert whole
    assert [len(pieces) for pieces in shown] == [2, 9]


def test_a_part_without_room_has_no_heading() -> None:
    shown, whole = fit([Section("x", [Told((item([Run("y" * 500)]),))], 0)], 100)
    assert (shown, whole) == ([], False)
