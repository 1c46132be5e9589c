"""Time as the double sees it."""

from __future__ import annotations

import asyncio
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
        self._alarms: dict[asyncio.Future[None], tuple[float, asyncio.TimerHandle]] = {}

    def now(self) -> float:
        return self._base() + self._ahead

    def app_time(self) -> float:
        """Return the time without what it was advanced by: what the app's own clock shows."""
        return self._base()

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._ahead += seconds
        for alarm, (deadline, timer) in list(self._alarms.items()):
            timer.cancel()
            self._set(alarm, deadline)

    async def until(self, deadline: float) -> None:
        """Return when ``deadline`` has come, by flow or by advance."""
        if deadline > self.now():
            await self.alarm(deadline)

    def alarm(self, deadline: float) -> asyncio.Future[None]:
        """Return what is done when ``deadline`` has come; it is cancelled where nobody waits for it any more."""
        alarm: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        alarm.add_done_callback(self._forget)
        self._set(alarm, deadline)
        return alarm

    def _set(self, alarm: asyncio.Future[None], deadline: float) -> None:
        left = deadline - self.now()
        if left > 0:
            timer = asyncio.get_running_loop().call_later(left, self._set, alarm, deadline)
            self._alarms[alarm] = (deadline, timer)
        elif not alarm.done():
            alarm.set_result(None)

    def _forget(self, alarm: asyncio.Future[None]) -> None:
        if (kept := self._alarms.pop(alarm, None)) is not None:
            kept[1].cancel()
