"""Lines of the log that others can cause as often as they like."""

from __future__ import annotations

import asyncio
import logging
from contextvars import Context

__all__ = ["Repeated"]


class Repeated:
    """Warnings of one kind: the first is written at once, those that follow as their number, once in ``seconds``.

    Belongs to one event loop.
    """

    def __init__(self, logger: logging.Logger, seconds: float = 60.0) -> None:
        self._logger = logger
        self._seconds = seconds
        self._said = ""
        self._more: int | None = None

    def warn(self, message: str, *args: object) -> None:
        """Write a warning, or count it."""
        if self._more is not None:
            self._more += 1
            return
        self._said = message % args
        self._logger.warning("%s", self._said)
        self._wait()

    def _wait(self) -> None:
        self._more = 0
        # The line to come is about many requests, so it bears the id of none.
        asyncio.get_running_loop().call_later(self._seconds, self._sum_up, context=Context())

    def _sum_up(self) -> None:
        if not self._more:
            self._more = None
            return
        self._logger.warning("%d times more within %g s: %s", self._more, self._seconds, self._said)
        self._wait()
