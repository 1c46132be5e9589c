"""What Slack asks of acknet, as it is worked on, and as it is kept until it is done."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from bot.diagnosis.facts.registry import Scope

__all__ = [
    "Ask",
    "Check",
    "Edit",
    "Explain",
    "Remove",
    "Snippet",
    "Spot",
    "Stop",
    "Task",
    "answer_key",
    "read_task",
    "shown_key",
]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Spot(_Kept):
    """Where in Slack something takes place: a ``thread`` (the ts of its first message) of a ``channel``.

    ``direct``: a direct message; ``shared``: the channel is shared with another organization. ``response_url`` stands
    for a place that only one person sees.
    """

    channel: str
    thread: str | None = None
    direct: bool = False
    shared: bool = False
    response_url: str | None = None

    @property
    def place(self) -> str:
        """The conversation's name in the store, the same for all that is said in a thread."""
        return f"{self.channel}/{self.thread}" if self.thread else self.channel


class Snippet(_Kept):
    """A file that came with a message; without ``url`` its address has to be asked for."""

    id: str
    url: str | None = None
    kind: str = ""
    size: int = 0


class Ask(_Kept):
    """A question; ``ts`` is the id of its message, or of what stands for one, with more behind a space."""

    kind: Literal["ask"] = "ask"
    spot: Spot
    ts: str
    user: str
    text: str
    files: tuple[Snippet, ...] = ()

    @property
    def key(self) -> str:
        """What makes it one question, in however many events it comes."""
        return f"ask {self.spot.channel} {self.ts}"

    @property
    def message(self) -> str:
        """The id of the message that it is about."""
        return self.ts.partition(" ")[0]


class Edit(_Kept):
    """A question that was changed, and what it says now; ``edited`` is the id of the change."""

    kind: Literal["edit"] = "edit"
    ask: Ask
    edited: str

    @property
    def key(self) -> str:
        """What makes it one change."""
        return f"edit {self.ask.spot.channel} {self.ask.ts} {self.edited}"


class Remove(_Kept):
    """A question that was deleted."""

    kind: Literal["remove"] = "remove"
    spot: Spot
    ts: str

    @property
    def key(self) -> str:
        """What makes it one deletion."""
        return f"remove {self.spot.channel} {self.ts}"


class _Click(_Kept):
    """What somebody did with the answer ``answer``, shown as the message ``ts`` (None: only they see it)."""

    spot: Spot
    ts: str | None
    user: str
    answer: str
    action: str

    @property
    def shown_key(self) -> str:
        """The key of what is shown there now, or of the click where only one person sees it."""
        return shown_key(self.spot.channel, self.ts) if self.ts else f"shown {self.action}"


class Explain(_Click):
    """Another entry is to be shown."""

    kind: Literal["explain"] = "explain"
    entry: str

    @property
    def key(self) -> str:
        """What makes it one click."""
        return f"explain {self.action}"


class Check(_Click):
    """A cluster is to be looked into."""

    kind: Literal["check"] = "check"
    scope: Scope
    cluster: str | None = None

    @property
    def key(self) -> str:
        """What makes it one click."""
        return f"check {self.action}"


class Stop(_Kept):
    """What is under way in a thread is to be stopped; ``pressed`` is the id of the event."""

    kind: Literal["stop"] = "stop"
    spot: Spot
    user: str
    pressed: str

    @property
    def key(self) -> str:
        """What makes it one press of the button."""
        return f"stop {self.spot.place} {self.pressed}"


Task = Annotated[Ask | Edit | Remove | Explain | Check | Stop, Field(discriminator="kind")]

_TASKS: TypeAdapter[Task] = TypeAdapter(Task)


def read_task(kept: Any) -> Task:
    """Read a task as it was kept; raises ValueError for what is none."""
    return _TASKS.validate_python(kept)


def answer_key(channel: str, ts: str) -> str:
    """Return the key of the one answer to the question ``ts``."""
    return f"answer {channel} {ts}"


def shown_key(channel: str, ts: str) -> str:
    """Return the key of what came to be shown in the message ``ts`` after its first answer."""
    return f"shown {channel} {ts}"
