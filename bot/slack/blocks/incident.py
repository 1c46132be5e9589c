"""What people see of an incident: the message that its thread begins with, and what is said below it."""

from __future__ import annotations

from slack_sdk.models.blocks import HeaderBlock

from bot.oncall.notice import Headline
from bot.slack.blocks.buttons import plain_text
from bot.slack.blocks.inline import Run, link
from bot.slack.blocks.length import TEXT
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import block_of, line
from bot.slack.blocks.text import clip, fallback, one_line

__all__ = ["incident_message", "incident_reply"]

_TITLE = 150
_LINE = 500
_MOST_LINES = 20
_SIGNS = {"open": "🚨", "resolved": "✅"}


def incident_message(head: Headline) -> Message:
    """Return the message that an incident's thread begins with, as the incident is now."""
    first, *rest = head.text.splitlines()
    pieces = [line(Run(clip(one_line(text), _LINE))) for text in rest[:_MOST_LINES]]
    if head.url:
        pieces.append(line(link(f"Open it in {head.source}", head.url)))
    title = f"{_SIGNS[head.state]} {first}"
    return Message(
        text=fallback(f"{_SIGNS[head.state]} {head.text}", TEXT),
        blocks=(HeaderBlock(text=plain_text(title, _TITLE)), block_of(pieces)),
    )


def incident_reply(text: str) -> Message:
    """Return what is said in an incident's thread."""
    pieces = [line(Run(clip(one_line(said), _LINE))) for said in text.splitlines()[:_MOST_LINES] if said.strip()]
    return Message(text=fallback(text, TEXT), blocks=(block_of(pieces or [line(Run("–"))]),))
