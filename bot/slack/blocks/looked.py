"""Messages about a look into a cluster without an answer around it."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import Block, HeaderBlock

from bot.answer import Answer
from bot.diagnosis.report import Report
from bot.render import markdown_diagnosis
from bot.slack.blocks.buttons import note, plain_text
from bot.slack.blocks.diagnosis import cost, details, headline, verdicts
from bot.slack.blocks.length import BUDGET, TEXT, Section, fit, weight_of
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import block_of
from bot.slack.blocks.text import fallback

__all__ = ["evidence_message"]

_TITLE = "What was seen in the cluster"
_SHORTENED = "Shortened to fit into a message."
_VERDICTS = 7000


def evidence_message(report: Report, answered: str | None = None, explained: Sequence[Answer] = ()) -> Message:
    """Return verdicts with all that was seen, for the person who asked alone.

    ``answered`` is the entry that the answer is about.
    """
    head: list[Block] = [HeaderBlock(text=plain_text(_TITLE, 150)), note("Only you see this.")]
    if lines := verdicts(report, answered, room=_VERDICTS):
        head.append(block_of(lines))
    tail = [note(cost(report))]
    room = BUDGET - weight_of([*head, *tail, note(_SHORTENED)])
    shown, whole = fit([Section("What else was seen, and what is left to look at", details(report, answered), 0)], room)
    if not whole:
        tail.insert(0, note(_SHORTENED))
    said = headline(report, answered) or _TITLE
    return Message(
        text=fallback(said, TEXT),
        blocks=(*head, *map(block_of, shown), *tail),
        overflow=None if whole else markdown_diagnosis(report, explained),
    )
