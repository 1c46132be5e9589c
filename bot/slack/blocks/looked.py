"""Messages about a look into a cluster without an answer around it."""

from __future__ import annotations

from collections.abc import Iterable

from slack_sdk.models.blocks import Block, HeaderBlock

from bot.diagnosis.report import Report
from bot.slack.blocks.buttons import note, plain_text
from bot.slack.blocks.diagnosis import cost, details, everything, headline, stand_in, verdicts
from bot.slack.blocks.length import BUDGET, TEXT, Section, fit, weight_of
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import Piece, block_of
from bot.slack.blocks.reply import paged
from bot.slack.blocks.text import fallback

__all__ = ["MORE_SEEN", "evidence_message", "more_seen"]

_TITLE = "What was seen in the cluster"
_ALL = "All that was seen in the cluster"
MORE_SEEN = "There is more that was seen than fits in here; all of it follows below."
_VERDICTS = 7000


def evidence_message(report: Report, answered: str | None = None) -> Message:
    """Return verdicts with all that was seen, for the person who asked alone.

    ``answered`` is the entry that the answer is about. What one message does not hold is in ``more``.
    """
    head: list[Block] = [HeaderBlock(text=plain_text(_TITLE, 150)), note("Only you see this.")]
    lines = verdicts(report, answered, room=_VERDICTS)
    if lines:
        head.append(block_of(lines))
    tail = [note(cost(report))]
    room = BUDGET - weight_of([*head, *tail, note(MORE_SEEN)])
    shown, whole = fit([Section("What else was seen, and what is left to look at", details(report, answered), 0)], room)
    said = [*lines, *(piece for pieces in shown for piece in pieces)]
    more = more_seen(report, everything(report), said if whole else ())
    if more:
        tail.insert(0, note(MORE_SEEN))
    return Message(
        text=fallback(headline(report, answered) or _TITLE, TEXT),
        blocks=(*head, *map(block_of, shown), *tail),
        more=more,
    )


def more_seen(report: Report, wanted: Iterable[Piece], shown: Iterable[Piece]) -> tuple[Message, ...]:
    """Return all that was seen, message by message, where what is ``shown`` lacks any of what is ``wanted``."""
    return () if stand_in(wanted, shown) else paged(everything(report), _ALL)
