"""What the agent surface shows besides messages: status lines, suggested prompts, sessions."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.doubles.slack.clock import Clock, Timings

__all__ = ["AgentSurface", "Prompts", "Session", "Status"]

Thread = tuple[str, str]
"""A channel and the ts of the message a thread hangs on."""


@dataclass(slots=True)
class Status:
    """A status line; it is gone when the app posts, or after a while."""

    text: str
    loading_messages: list[str]
    expires: float


@dataclass(slots=True)
class Prompts:
    title: str | None
    prompts: list[dict[str, str]]


@dataclass(slots=True)
class Session:
    """An agent's session: a thread with a lifecycle."""

    status: str
    title: str | None = None
    history: list[str] = field(default_factory=list)


class AgentSurface:
    """Keeps it all, by thread; prompts by channel."""

    def __init__(self, clock: Clock, timings: Timings) -> None:
        self._clock, self._timings = clock, timings
        self._statuses: dict[Thread, Status] = {}
        self.status_history: list[tuple[Thread, str]] = []
        self.titles: dict[Thread, str] = {}
        self.sessions: dict[Thread, Session] = {}
        self.prompts: dict[str, Prompts] = {}

    def set_status(self, thread: Thread, text: str, loading_messages: list[str]) -> None:
        """Show ``text``; an empty one shows nothing."""
        self.status_history.append((thread, text))
        if text:
            self._statuses[thread] = Status(text, loading_messages, self._clock.now() + self._timings.status)
        else:
            self.clear_status(thread)

    def status(self, thread: Thread) -> Status | None:
        status = self._statuses.get(thread)
        return status if status and self._clock.now() < status.expires else None

    def clear_status(self, thread: Thread) -> None:
        self._statuses.pop(thread, None)

    def set_session(self, thread: Thread, status: str, title: str | None = None) -> Session:
        """Move a session to ``status``; ``title`` counts for a new one only."""
        session = self.sessions.setdefault(thread, Session(status, title))
        session.status = status
        session.history.append(status)
        return session
