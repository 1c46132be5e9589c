"""Reading several facts of which some may be unreadable without spoiling what the others decide."""

from __future__ import annotations

from typing import TypeVar

from bot.diagnosis.facts.registry import Collector, Facts
from bot.diagnosis.observation import Fact
from bot.diagnosis.reader import Unreadable

__all__ = ["Partial"]

T = TypeVar("T", bound=Fact)


class Partial:
    """Reads facts one by one and keeps in mind what could not be read, for the case that it matters."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._unread: list[Unreadable] = []

    async def __call__(self, collector: Collector[T]) -> T | None:
        """Return the fact, or None where it is unreadable."""
        try:
            return await self._facts(collector)
        except Unreadable as error:
            self._unread.append(error)
            return None

    def note(self, error: Unreadable) -> None:
        """Keep in mind that something else could not be read."""
        self._unread.append(error)

    def require(self) -> None:
        """Raise what kept a fact from being read, the first one; to be called where the rest decides nothing."""
        if self._unread:
            raise self._unread[0]
