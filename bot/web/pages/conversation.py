"""What was said on the page so far: the page itself carries it, so that nothing has to be remembered to follow up."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import ValidationError

from bot.web.models import MOST_TURNS, AskRequest
from bot.web.pages.forms import Form

__all__ = ["Asked", "Conversation", "Turn", "read_asked"]

_PLACE = re.compile(r"[A-Za-z0-9_-]{16}")
_SCOPE = ("namespace", "pod", "node", "service")
_MOST_CHARACTERS = 256 * 1024
_LONGEST_ENTRY = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that was asked, and the entry that answered it; empty where none did."""

    question: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation by its id, with its ``turns``, oldest first."""

    place: str
    turns: tuple[Turn, ...] = ()

    @staticmethod
    def begin() -> Conversation:
        """Return one in which nothing was said."""
        return Conversation(secrets.token_urlsafe(12))

    def after(self, question: str, entry: str) -> Conversation:
        """Return the conversation with one more turn; of a very long one the oldest turns are forgotten."""
        turns = [*self.turns, Turn(question, entry)][-MOST_TURNS:]
        while len(turns) > 1 and sum(len(turn.question) for turn in turns) > _MOST_CHARACTERS:
            del turns[0]
        return Conversation(self.place, tuple(turns))


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form says. ``choose`` is an entry to read in place of a question; ``wrong`` what is wrong with it."""

    conversation: Conversation
    question: str = ""
    choose: str = ""
    look: bool = False
    scope: Mapping[str, str] = field(default_factory=dict)
    cluster: str | None = None
    wrong: str | None = None

    @property
    def turns(self) -> list[str]:
        """Everything that was said, the question last."""
        return [*(turn.question for turn in self.conversation.turns), self.question]


def read_asked(form: Form, *, live: bool) -> Asked:
    """Read the form of the page by the rules of a request to the API.

    Where in the cluster to look counts only for whoever may look there (``live``).
    """
    questions, entries = form.all("turn"), form.all("entry")
    if len(questions) != len(entries):
        entries = [""] * len(questions)
    turns = tuple(Turn(*pair) for pair in zip(questions, entries, strict=True))
    place = form.one("place")
    conversation = Conversation(place if _PLACE.fullmatch(place) else Conversation.begin().place, turns)
    choose, question = form.one("choose")[:_LONGEST_ENTRY], form.one("question")
    if choose and turns:
        # An entry is chosen for what was asked last: that is the question again, and no turn of its own.
        conversation, question = Conversation(conversation.place, turns[:-1]), turns[-1].question
    scope = {name: value for name in _SCOPE if live and (value := form.one(name))}
    return Asked(
        conversation=conversation,
        question=question,
        choose=choose,
        look=form.one("look") != "",
        scope=scope,
        cluster=(form.one("cluster") or None) if live else None,
        wrong=_wrong(question, turns, scope),
    )


def _wrong(question: str, turns: tuple[Turn, ...], scope: Mapping[str, str]) -> str | None:
    if not question:
        return "The question is empty: say in a sentence what you see, or paste the error message."
    try:
        AskRequest.model_validate(
            {"question": question, "thread": [turn.question for turn in turns], "scope": dict(scope)}
        )
    except ValidationError as error:
        names = sorted({str(item["loc"][-1]) for item in error.errors()} & set(_SCOPE))
        return f"Nothing can have this name: {', '.join(names)}." if names else "The conversation is too long."
    return None
