"""What a message may weigh, and what is left for prose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block

from bot.slack.blocks.pieces import CONTAINER, Piece, heading, weigh
from bot.slack.blocks.statements import Shortened, Told, shorten
from bot.slack.blocks.text import size

__all__ = ["BUDGET", "TEXT", "Section", "fit", "weight_of"]

BUDGET = 11_000
"""What the blocks of a message may weigh together. Slack has refused messages of 11,341 and more."""
TEXT = 3900
"""The most characters of a message's ``text``, escaped; chat.update refuses more than 4,000."""

_SHOWN = {"text", "url", "alt_text", "title", "label", "placeholder", "hint", "description"}


@dataclass(frozen=True)
class Section:
    """A part of a message that may be shortened.

    ``rank`` is when it gets room: lower ones first. ``share`` is the most that it takes of it (0 to 1) before all
    others have got theirs.
    """

    name: str
    told: Sequence[Told]
    rank: int
    share: float = 1.0


def fit(sections: Sequence[Section], room: int) -> tuple[list[list[Piece]], bool]:
    """Return the pieces of each section that has any, as far as ``room`` goes, and whether that is everything."""
    shown = [Shortened([], not section.told) for section in sections]
    order = sorted(range(len(sections)), key=lambda place: sections[place].rank)
    left = room
    for shared in (True, False):
        for place in order:
            if shown[place].whole:
                continue
            section = sections[place]
            left += _weight_with_head(section, shown[place].pieces)
            most = min(left, int(room * section.share)) if shared else left
            shown[place] = shorten(section.told, most - _head_weight(section))
            left -= _weight_with_head(section, shown[place].pieces)
    pieces = [
        [*([heading(section.name)] if section.name else []), *part.pieces]
        for section, part in zip(sections, shown, strict=True)
        if part.pieces
    ]
    return pieces, all(one.whole for one in shown)


def _head_weight(section: Section) -> int:
    return CONTAINER + (heading(section.name).weight if section.name else 0)


def _weight_with_head(section: Section, pieces: Sequence[Piece]) -> int:
    return _head_weight(section) + weigh(pieces) if pieces else 0


def weight_of(blocks: Iterable[Block]) -> int:
    """Return what ``blocks`` weigh: their characters, addresses of links with them, and their containers."""
    return sum(CONTAINER + _weight(block.to_dict()) for block in blocks)


def _weight(part: Any) -> int:
    if isinstance(part, list):
        return sum(map(_weight, part))
    if not isinstance(part, dict):
        return 0
    own = CONTAINER if any(isinstance(value, list) for value in part.values()) else 0
    shown = sum(size(value) for key, value in part.items() if key in _SHOWN and isinstance(value, str))
    return own + shown + sum(map(_weight, part.values()))
