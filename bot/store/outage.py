"""Says in the log what the store did not do, without a line for each of thousands."""

from __future__ import annotations

import logging
import time
from collections import Counter

from bot.store.failures import Reason, StoreUnavailable

__all__ = ["Outage"]

_logger = logging.getLogger("acknet.store")

_SUMMARY_SECONDS = 60.0


class Outage:
    """Counts failures until a write succeeds again. Each kind is logged when it is new, and all of them in sums."""

    def __init__(self) -> None:
        self._undone: Counter[str] = Counter()
        self._known: set[tuple[str, Reason]] = set()
        self._summed_at = 0.0
        self.reason: Reason | None = None
        """Why something was not done the last time; None once it works again."""

    def failed(self, name: str, failure: StoreUnavailable) -> None:
        """Note that the operation ``name`` was not done."""
        if not self._undone:
            self._summed_at = time.monotonic()
        self._undone[name] += 1
        self.reason = failure.reason
        if (name, failure.reason) not in self._known:
            self._known.add((name, failure.reason))
            _logger.warning("store: %s was not done: %s", name, failure)
        if time.monotonic() - self._summed_at > _SUMMARY_SECONDS:
            self._summed_at = time.monotonic()
            _logger.warning("store: not done until now: %s", self._sum())

    def is_over(self, name: str) -> None:
        """Note that the operation ``name`` was done, if it writes."""
        # Where the disk is full, what had nothing to write succeeds all the same.
        is_full = any(reason == "full" for _, reason in self._known)
        if self._undone and (name in self._undone or not is_full):
            _logger.warning("store: it works again; not done meanwhile: %s", self._sum())
            self._undone.clear()
            self._known.clear()
            self.reason = None

    def _sum(self) -> str:
        return ", ".join(f"{name} {number}" for name, number in sorted(self._undone.items()))
