"""Marks what is asked in the store: what comes together, together."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from typing import Any

from bot.store import EventMarks, Lease, StoreUnavailable

__all__ = ["Marking"]

_logger = logging.getLogger("acknet.slack")

_MOST_AT_ONCE = 200
# A mark that follows on another within the first waits for company for the second: what comes alone never waits.
_SOON_SECONDS = 0.05
_GATHER_SECONDS = 0.01

_Waiting = tuple[str, Any, "asyncio.Future[Lease | None]"]


class Marking:
    """Marks events as `EventMarks.mark` does.

    What comes one after the other in no time shares a transaction, which costs much, and a mark in it hardly anything.
    """

    def __init__(self, marks: EventMarks, *, lease: dt.timedelta) -> None:
        self._marks, self._lease = marks, lease
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None
        self._written_at = 0.0

    async def mark(self, key: str, event: Any) -> Lease | None:
        """Return the claim on an event, once it is on the disk, or None. Raises StoreUnavailable."""
        marked: asyncio.Future[Lease | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((key, event, marked))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="slack-marks")
        return await marked

    async def _write(self) -> None:
        try:
            while self._waiting:
                if time.monotonic() - self._written_at < _SOON_SECONDS:
                    await asyncio.sleep(_GATHER_SECONDS)
                several, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                await self._write_together(several)
                self._written_at = time.monotonic()
        finally:
            self._writing = None

    async def _write_together(self, several: list[_Waiting]) -> None:
        try:
            leases = await self._marks.mark_all([(key, event) for key, event, _ in several], lease=self._lease)
        except StoreUnavailable as error:
            _fail(several, error)
        except Exception as error:
            if len(several) == 1:
                _fail(several, error)
                return
            _logger.exception("slack: marks that could not be made together are made one by one")
            for one in several:  # what no store takes must not take others with it
                await self._write_together([one])
        else:
            for (_, _, marked), lease in zip(several, leases, strict=True):
                if not marked.done():
                    marked.set_result(lease)


def _fail(several: list[_Waiting], error: Exception) -> None:
    for _, _, marked in several:
        if not marked.done():
            marked.set_exception(error)
