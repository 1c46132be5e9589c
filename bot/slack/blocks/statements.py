"""Statements of an answer as pieces of rich text, whole or as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import NamedTuple

from bot.answer import AnswerStatement, SeenDifference
from bot.slack.blocks.inline import Run, clip_runs, runs_of
from bot.slack.blocks.pieces import Piece, code, item, paragraph, quote, weigh
from bot.slack.blocks.text import one_line

__all__ = ["Shortened", "Told", "differences", "said", "shorten", "tell"]

_OWN_NOTE = "acknet's note: "
_LEAST_WORDS = 200
"""Words are cut rather than left out where this much of them can be shown."""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with its code and risks, which are shown together or not at all, and what hangs below it.

    ``aside``: it gives way to others before they do.
    """

    own: tuple[Piece, ...]
    below: tuple[Told, ...] = ()
    aside: bool = False


class Shortened(NamedTuple):
    """What there was room for, and whether that is all."""

    pieces: list[Piece]
    whole: bool


def said(statement: AnswerStatement) -> tuple[Run, ...]:
    """Return the words of a statement with its references."""
    runs = [Run(_OWN_NOTE, italic=True)] if statement.own_note else []
    if statement.when:
        runs.append(Run(f"{one_line(statement.when)}: ", bold=True))
    labels = "".join(f"[{one_line(label)}]" for label in statement.labels)
    return (*runs, *runs_of(statement.text), *([Run(f" {labels}")] if labels else ()))


def tell(statements: Iterable[AnswerStatement], indent: int = 0) -> list[Told]:
    """Return ``statements`` ready to be shown; steps are counted through."""
    told: list[Told] = []
    steps = 0
    for statement in statements:
        runs = said(statement)
        if statement.form == "step":
            steps += 1
            first = item(runs, number=steps, indent=indent)
        else:
            first = item(runs, indent=indent) if statement.form == "bullet" else paragraph(*runs)
        risks = [quote(Run("⚠️ Risk: ", bold=True), *said(risk)) for risk in statement.risks]
        listed = statement.form != "paragraph"
        told.append(
            Told(
                own=(first, *(code(one.text) for one in statement.code), *risks),
                below=tuple(tell(statement.children, indent=indent + listed)),
                aside=statement.own_note and statement.form != "step",
            )
        )
    return told


def differences(found: Iterable[SeenDifference]) -> list[Told]:
    """Return where the editions differ, ready to be shown."""
    return [
        Told(
            own=(
                item([Run(one_line(one.topic), bold=True)]),
                item([Run("International edition: ", italic=True), Run(one_line(one.intl))], indent=1),
                item([Run("aliyun.com edition: ", italic=True), Run(one_line(one.cn))], indent=1),
                item([Run("What to do: ", italic=True), *said(one.advice)], indent=1),
            )
        )
        for one in found
    ]


def shorten(told: Sequence[Told], room: int) -> Shortened:
    """Return as much of ``told`` as ``room`` holds: first all that stands at the top, then what hangs below it.

    Of what hangs below, asides come last. Nothing is shown without its code and its risks, and no step after one that
    was left out.
    """
    lines = list(_lines(told))
    top = [line for line in lines if line.parent is None]
    below = [line for line in lines if line.parent is not None]
    shown: set[int] = set()
    for asides, group in ((True, top), (False, below), (True, below)):
        ended: set[int | None] = set()
        for line in group:
            if line.place in shown or (line.told.aside and not asides):
                continue
            if line.parent in ended or not (line.parent is None or line.parent in shown):
                continue
            if (weight := weigh(line.told.own)) <= room:
                room -= weight
                shown.add(line.place)
            else:
                ended.add(line.parent)
        if ended and group is top:
            break
    if not shown and top and len(top[0].told.own) == 1 and room >= _LEAST_WORDS:
        return Shortened([_cut(top[0].told.own[0], room)], whole=False)
    pieces = [piece for line in lines if line.place in shown for piece in line.told.own]
    return Shortened(pieces, whole=len(shown) == len(lines))


class _Line(NamedTuple):
    """A statement with its place in reading order and that of what it hangs from."""

    place: int
    parent: int | None
    told: Told


def _lines(told: Sequence[Told]) -> Iterator[_Line]:
    places = count()

    def walk(siblings: Sequence[Told], parent: int | None) -> Iterator[_Line]:
        for one in siblings:
            place = next(places)
            yield _Line(place, parent, one)
            yield from walk(one.below, place)

    return walk(told, None)


def _cut(piece: Piece, room: int) -> Piece:
    return replace(piece, runs=clip_runs(piece.runs, room - (piece.weight - sum(run.size for run in piece.runs))))
