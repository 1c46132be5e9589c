"""Statements of an answer as pieces of rich text, whole or as many as there is room for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.answer import AnswerStatement, SeenDifference
from bot.slack.blocks.inline import Run, clip_runs, runs_of
from bot.slack.blocks.pieces import Piece, code, item, paragraph, quote, weigh
from bot.slack.blocks.text import one_line

__all__ = ["Shortened", "Told", "differences", "said", "shorten", "tell"]

_OWN_NOTE = "acknet's note: "
_LEAST_WORDS = 200
"""A statement is cut rather than left out where this much of it can be shown."""


@dataclass(frozen=True, slots=True)
class Told:
    """A statement with its code and risks, which are shown together or not at all, and what hangs below it."""

    own: tuple[Piece, ...]
    below: tuple[Told, ...] = ()


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
    """Return as much of ``told`` as ``room`` holds: first what stands at the top, then what hangs below it.

    Nothing is shown without its code and its risks; what comes after something that was left out is left out too.
    """
    chosen: list[Told] = []
    for one in told:
        room -= weigh(one.own)
        if room < 0:
            room += weigh(one.own)
            break
        chosen.append(one)
    if not chosen and told and room >= _LEAST_WORDS:
        return Shortened([_cut(told[0].own[0], room)], whole=False)
    whole = len(chosen) == len(told)
    pieces: list[Piece] = []
    for one in chosen:
        below = shorten(one.below, room) if one.below and whole else Shortened([], not one.below)
        room -= weigh(below.pieces)
        pieces += [*one.own, *below.pieces]
        whole = whole and below.whole
    return Shortened(pieces, whole)


def _cut(piece: Piece, room: int) -> Piece:
    return replace(piece, runs=clip_runs(piece.runs, room - (piece.weight - sum(run.size for run in piece.runs))))
