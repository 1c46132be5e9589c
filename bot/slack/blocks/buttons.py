"""The buttons below an answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ContextActionsBlock,
    ContextBlock,
    FeedbackButtonObject,
    FeedbackButtonsElement,
    PlainTextObject,
)

from bot.answer import EntryName
from bot.slack.blocks import names
from bot.slack.blocks.text import clip, one_line
from bot.slack.blocks.values import ButtonValue

__all__ = ["button", "entry_buttons", "feedback", "note", "plain_text"]

_BUTTON_TEXT = 75


def plain_text(text: str, most: int) -> PlainTextObject:
    """Return ``text`` as it is, on one line, at most ``most`` long; a dash where there is none."""
    return PlainTextObject(text=clip(one_line(text), most) or "–", emoji=False)


def note(text: str) -> Block:
    """Return a line in small print."""
    return ContextBlock(elements=[plain_text(text, 2000)])


def button(words: str, action: str, value: ButtonValue, *, says: str = "", primary: bool = False) -> ButtonElement:
    """Return a button; ``says`` is what a screen reader reads in place of its words."""
    return ButtonElement(
        text=plain_text(words, _BUTTON_TEXT),
        action_id=action,
        value=value.encode(),
        style="primary" if primary else None,
        accessibility_label=clip(one_line(says), _BUTTON_TEXT) or None,
    )


def entry_buttons(entries: Iterable[EntryName], answer_id: str, *, words: str, says: str) -> Block | None:
    """Return a button for each entry, its title filled into ``words`` and ``says``; None without entries."""
    buttons = [
        button(
            words.format(title=one_line(entry.title), number=place + 1),
            f"{names.EXPLAIN}.{place}",
            ButtonValue(answer=answer_id, entry=entry.id),
            says=says.format(title=one_line(entry.title)),
        )
        for place, entry in enumerate(entries)
    ]
    return ActionsBlock(elements=buttons) if buttons else None


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
