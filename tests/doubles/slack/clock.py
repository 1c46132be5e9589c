"""Time as the double sees it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Clock", "Timings", "slowed"]


@dataclass(frozen=True, slots=True)
class Timings:
    """How long things last, in seconds; tests that cannot wait shorten them or advance the clock."""

    ack: float = 3.0
    """An envelope, an event or an interaction is to be acknowledged within."""
    event_retries: tuple[float, ...] = (0.0, 60.0, 300.0)
    """How long after a failed delivery an event is sent again."""
    trigger: float = 3.0
    response_url: float = 1800.0
    stream: float = 306.0
    """A streaming message stops streaming by itself after."""
    status: float = 120.0
    """A status line goes away by itself after."""
    ticket: float = 30.0
    """A Socket Mode URL can be connected to within."""
    ping: float = 30.0
    """Between two pings of a Socket Mode connection; in real time, whatever the clock says."""
    goodbye: float = 0.5
    """From asking an app to reconnect to closing its connection; in real time."""


def slowed() -> Callable[[], float]:
    """Return a base for the clock that flows so slowly that a busy machine lets nothing expire by itself."""
    begun = time.time()
    return lambda: begun + (time.time() - begun) / 100


class Clock:
    """Flows with ``base`` (seconds since 1970) and can be moved forward.

    It belongs to the double's event loop: ``advance`` is called there.
    """

    def __init__(self, base: Callable[[], float] = time.time) -> None:
        self._base = base
        self._ahead = 0.0
        self._waiting: set[asyncio.Event] = set()

    def now(self) -> float:
        return self._base() + self._ahead

    def app_time(self) -> float:
        """Return the time without what it was advanced by: what the app's own clock shows."""
        return self._base()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._ahead += seconds
        for moved in self._waiting:
            moved.set()

    async def until(self, deadline: float) -> None:
        """Return when ``deadline`` has come, by flow or by advance."""
        moved = asyncio.Event()
        self._waiting.add(moved)
        try:
            while (left := deadline - self.now()) > 0:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(moved.wait(), left)
                moved.clear()
        finally:
            self._waiting.discard(moved)
