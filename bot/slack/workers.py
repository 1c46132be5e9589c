"""A few workers and a short queue: what does not fit is told at once, so that nothing piles up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

__all__ = ["Workers"]

_logger = logging.getLogger("acknet.slack")

T = TypeVar("T")


class Workers(Generic[T]):
    """Works with ``handle`` on ``at_once`` jobs at a time; at most ``waiting`` more wait."""

    def __init__(self, name: str, handle: Callable[[T], Awaitable[None]], *, at_once: int, waiting: int) -> None:
        self._name, self._handle, self._at_once = name, handle, at_once
        self._most = at_once + waiting
        # Those that are worked on count, too: a burst comes before any worker has woken up.
        self._held = 0
        self._jobs: asyncio.Queue[T] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    def offer(self, job: T) -> bool:
        """Take ``job`` on; False: there is too much to do."""
        if self._held >= self._most:
            return False
        self._held += 1
        self._jobs.put_nowait(job)
        return True

    def start(self) -> None:
        """Begin to work."""
        self._tasks = [asyncio.create_task(self._work(), name=f"slack-{self._name}") for _ in range(self._at_once)]

    async def stop(self, seconds: float) -> list[T]:
        """Finish what is under way and waits within ``seconds``; return what still waits then."""
        try:
            async with asyncio.timeout(seconds):
                await self._jobs.join()
        except TimeoutError:
            _logger.warning("slack: %d jobs of %s are left to whoever comes after", self._jobs.qsize(), self._name)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        left = []
        while not self._jobs.empty():
            left.append(self._jobs.get_nowait())
        return left

    async def _work(self) -> None:
        while True:
            job = await self._jobs.get()
            try:
                await self._handle(job)
            except Exception:
                _logger.exception("slack: a job of %s failed", self._name)
            finally:
                self._held -= 1
                self._jobs.task_done()
