"""Trigger ids: for a few seconds after a click, one view may be opened for who clicked."""

from __future__ import annotations

from dataclasses import dataclass

from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.errors import SlackError

__all__ = ["Triggers"]


@dataclass(slots=True)
class _Trigger:
    user: str
    expires: float
    view: str | None
    exchanged: bool = False


class Triggers:
    """Issues trigger ids and takes each once."""

    def __init__(self, clock: Clock, timings: Timings) -> None:
        self._clock, self._timings = clock, timings
        self._issued: dict[str, _Trigger] = {}

    def issue(self, user: str, view: str | None = None) -> str:
        """Return a new trigger id for ``user``; ``view`` is the modal it was issued in."""
        number = len(self._issued) + 1
        trigger_id = f"{1_000_000 + number}.{2_000_000}.{number:032x}"
        self._issued[trigger_id] = _Trigger(user, self._clock.now() + self._timings.trigger, view)
        return trigger_id

    def exchange(self, trigger_id: str) -> tuple[str, str | None]:
        """Return the user and the modal of a trigger id, which is spent with that."""
        trigger = self._issued.get(trigger_id)
        if trigger is None:
            raise SlackError("invalid_trigger_id")
        if trigger.exchanged:
            raise SlackError("exchanged_trigger_id")
        if self._clock.now() > trigger.expires:
            raise SlackError("expired_trigger_id")
        trigger.exchanged = True
        return trigger.user, trigger.view
