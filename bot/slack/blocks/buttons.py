"""The buttons below an answer."""

from __future__ import annotations

from collections.abc import Sequence

from slack_sdk.models.blocks import (
    Block,
    ButtonElement,
    ContextActionsBlock,
    ContextBlock,
    FeedbackButtonObject,
    FeedbackButtonsElement,
    PlainTextObject,
)

from bot.slack.blocks import names
from bot.slack.blocks.text import clip, one_line
from bot.slack.blocks.values import ButtonValue

__all__ = ["button", "feedback", "note", "plain_text"]

_BUTTON_TEXT = 75
_LONGEST_NOTE = 2000


def plain_text(text: str, most: int) -> PlainTextObject:
    """Return ``text`` as it is, on one line, at most ``most`` long; a dash where there is none."""
    return PlainTextObject(text=clip(one_line(text), most) or "–", emoji=False)


def note(*lines: str) -> Block:
    """Return lines in small print."""
    shown = "\n".join(filter(None, map(one_line, lines)))
    return ContextBlock(elements=[PlainTextObject(text=clip(shown, _LONGEST_NOTE) or "–", emoji=False)])


def button(words: str, action: str, value: ButtonValue, *, says: str = "", primary: bool = False) -> ButtonElement:
    """Return a button; ``says`` is what a screen reader reads in place of its words."""
    return ButtonElement(
        text=plain_text(words, _BUTTON_TEXT),
        action_id=action,
        value=value.encode(),
        style="primary" if primary else None,
        accessibility_label=clip(one_line(says), _BUTTON_TEXT) or None,
    )


def feedback(answer_id: str) -> Sequence[Block]:
    """Return what people say of an answer with."""

    def one(words: str, says: str, *, helpful: bool) -> FeedbackButtonObject:
        value = ButtonValue(answer=answer_id, helpful=helpful)
        return FeedbackButtonObject(text=plain_text(words, 75), accessibility_label=says, value=value.encode())

    both = FeedbackButtonsElement(
        action_id=names.FEEDBACK,
        positive_button=one("Helpful", "This answer helped", helpful=True),
        negative_button=one("Not helpful", "This answer did not help; say why", helpful=False),
    )
    return [ContextActionsBlock(elements=[both])]
