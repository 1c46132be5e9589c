"""Pieces of rich text: paragraphs, list items, code and quotes, what they weigh, and the block they make."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from slack_sdk.models.blocks import (
    RichTextBlock,
    RichTextElement,
    RichTextElementParts,
    RichTextListElement,
    RichTextPreformattedElement,
    RichTextQuoteElement,
    RichTextSectionElement,
)

from bot.slack.blocks.inline import Run, size_of
from bot.slack.blocks.text import clean

__all__ = ["CONTAINER", "Piece", "block_of", "code", "heading", "item", "line", "paragraph", "quote", "weigh"]

CONTAINER = 20
"""What a part that holds others is taken to weigh besides its characters."""
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of rich text.

    ``number`` is that of a step, 0 for a bullet; ``indent`` how deep an item lies (0 to 8).
    """

    kind: Literal["line", "paragraph", "item", "code", "quote"]
    runs: tuple[Run, ...]
    indent: int = 0
    number: int = 0

    @property
    def weight(self) -> int:
        """The most that it adds to what a message weighs."""
        return size_of(self.runs) + CONTAINER * (2 if self.kind == "item" else 1) + len("\n\n")


def heading(words: str) -> Piece:
    """Return a line in bold."""
    return line(Run(words, bold=True))


def line(*runs: Run) -> Piece:
    """Return a line of its own, without room around it."""
    return Piece("line", runs)


def paragraph(*runs: Run) -> Piece:
    """Return a paragraph."""
    return Piece("paragraph", runs)


def item(runs: Iterable[Run], *, number: int = 0, indent: int = 0) -> Piece:
    """Return a bullet, or a step with its number."""
    return Piece("item", tuple(runs), indent=min(indent, _DEEPEST), number=number)


def quote(*runs: Run) -> Piece:
    """Return a quote."""
    return Piece("quote", runs)


def code(text: str) -> Piece:
    """Return a block of code, shown as it is."""
    return Piece("code", (Run(clean(text).strip("\n") or "(empty)"),))


def weigh(pieces: Iterable[Piece]) -> int:
    """Return the most that ``pieces`` weigh in a message."""
    return sum(piece.weight for piece in pieces)


def block_of(pieces: Sequence[Piece]) -> RichTextBlock:
    """Return ``pieces`` as one block. Neighbouring items become lists, neighbouring paragraphs one section."""
    elements: list[RichTextElement] = []
    for _, members in groupby(enumerate(pieces), key=lambda place: _group(place[0], place[1])):
        group = [piece for _, piece in members]
        match group[0].kind:
            case "item":
                elements.append(_list(group))
            case "paragraph":
                elements.append(RichTextSectionElement(elements=_paragraphs(group)))
            case "line":
                elements += [RichTextSectionElement(elements=_parts(piece.runs)) for piece in group]
            case "code":
                elements += [RichTextPreformattedElement(elements=_parts(piece.runs)) for piece in group]
            case "quote":
                elements += [RichTextQuoteElement(elements=_parts(piece.runs)) for piece in group]
    return RichTextBlock(elements=elements)


def _group(place: int, piece: Piece) -> tuple[object, ...]:
    """Return what pieces of one element have in common: items of a list count on from one to the next."""
    start = place - piece.number if piece.number else None
    return (piece.kind, piece.indent, start) if piece.kind == "item" else (piece.kind,)


def _list(items: Sequence[Piece]) -> RichTextListElement:
    number = items[0].number
    return RichTextListElement(
        style="ordered" if number else "bullet",
        elements=[RichTextSectionElement(elements=_parts(one.runs)) for one in items],
        indent=items[0].indent or None,
        offset=number - 1 if number > 1 else None,
    )


def _paragraphs(paragraphs: Sequence[Piece]) -> list[RichTextElement]:
    parts: list[RichTextElement] = []
    for place, one in enumerate(paragraphs):
        parts += _parts((Run("\n\n"), *one.runs) if place else one.runs)
    return parts


def _parts(runs: Iterable[Run]) -> list[RichTextElement]:
    return [_part(run) for run in runs if run.text] or [_part(Run("–"))]


def _part(run: Run) -> RichTextElement:
    styles = {name: True for name in ("bold", "italic", "strike", "code") if getattr(run, name)}
    if run.url:
        return RichTextElementParts.Link(url=run.url, text=run.text, style=styles or None)
    return RichTextElementParts.Text(text=run.text, style=styles or None)
