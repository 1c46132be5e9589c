"""What acknet says when it has no answer to show: that it is busy, failed, may not, or noted something."""

from __future__ import annotations

from bot.slack.blocks.inline import Run
from bot.slack.blocks.length import TEXT
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import block_of, paragraph
from bot.slack.blocks.text import clip, fallback, one_line

__all__ = [
    "answer_gone",
    "busy",
    "failed",
    "look_failed",
    "looking_already",
    "no_question",
    "not_allowed",
    "question_kept",
    "thanks",
]

_LONGEST_REASON = 500


def busy() -> Message:
    """Say that too much is being asked just now."""
    return _notice("⏳ Too many questions at once, so this one was not taken. Ask again in a minute.")


def failed() -> Message:
    """Say that answering failed, without what went wrong, which is in the log."""
    return _notice("⚠️ That went wrong and there is no answer. Ask again; if it stays so, tell those who run acknet.")


def no_question() -> Message:
    """Say that there was nothing to answer."""
    return _notice("Say in a sentence what you see, or paste the error message. A pod, a log or an event is fine.")


def not_allowed(reason: str = "") -> Message:
    """Say that this person may not have a cluster looked into from here; ``reason`` says what stands against it."""
    return _notice("🔒 No look into a cluster from here.", reason)


def look_failed(reason: str) -> Message:
    """Say why there was no look; ``reason`` is a line that a person can do something with, without a full stop."""
    why = clip(one_line(reason), _LONGEST_REASON)
    return _notice(f"⚠️ No look into the cluster: {why}. The answer stands as it was.")


def looking_already() -> Message:
    """Say that a look for this answer is under way."""
    return _notice("⏳ A look for this answer is under way. Its result comes into the same message.")


def answer_gone() -> Message:
    """Say that the answer is too old for its buttons."""
    return _notice("This answer is no longer kept, so its buttons do nothing. Ask again for a fresh one.")


def thanks() -> Message:
    """Thank for feedback."""
    return _notice("Thank you, noted.")


def question_kept() -> Message:
    """Say that the question is kept as one that nobody answered."""
    return _notice("📌 Kept as a question that nobody answered. Those who look after acknet will see it.")


def _notice(words: str, reason: str = "") -> Message:
    why = clip(one_line(reason), _LONGEST_REASON)
    said = f"{words} {why}".rstrip()
    return Message(text=fallback(said, TEXT), blocks=(block_of([paragraph(Run(said))]),))
