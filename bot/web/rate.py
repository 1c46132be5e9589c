"""How often a caller may ask."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

__all__ = ["RateLimit"]


class RateLimit:
    """A bucket for each caller that holds ``a_minute`` requests and is filled again within a minute.

    Callers are tokens of the settings, so that there are never many. ``clock`` tells seconds.
    """

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.a_minute = a_minute
        self._clock = clock
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str) -> int:
        """Take one request; returns 0, or in how many seconds there is one again."""
        now = self._clock()
        left, at = self._left.get(caller, (float(self.a_minute), now))
        left = min(self.a_minute, left + (now - at) * self.a_minute / 60)
        if left < 1:
            self._left[caller] = left, now
            return math.ceil((1 - left) * 60 / self.a_minute)
        self._left[caller] = left - 1, now
        return 0
