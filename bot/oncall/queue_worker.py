"""Works through a queue of the store until it is stopped; several processes may do so with one queue."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Awaitable, Callable

from bot.opening import NotReady
from bot.pool import Overloaded
from bot.store import Lease, StoreUnavailable, WorkQueue

__all__ = ["Later", "QueueWorker"]

_logger = logging.getLogger("acknet.oncall")

_POLL_SECONDS = 1.0
_STORE_DOWN_SECONDS = 2.0


class Later(Exception):
    """The item cannot be worked on now, which is not its fault; ``seconds`` is when to try again."""

    def __init__(self, why: str, seconds: float) -> None:
        super().__init__(why)
        self.seconds = seconds


class QueueWorker:
    """Leases items of ``queue``, up to ``at_once`` of them, and has ``work`` done on each.

    What ``work`` raises is an attempt that failed, except for Later, NotReady and Overloaded, after which the item
    waits. A lease is renewed while its work goes on; an item whose worker was killed is taken over when its lease ends.
    """

    def __init__(
        self,
        queue: WorkQueue,
        work: Callable[[Lease], Awaitable[None]],
        *,
        at_once: int = 4,
        lease: dt.timedelta = dt.timedelta(seconds=30),
        poll: float = _POLL_SECONDS,
    ) -> None:
        self._queue, self._work = queue, work
        self._at_once, self._lease, self._poll = at_once, lease, poll
        self._woken = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Say that there is something to do; without that it is noticed within a second."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled; what is under way then is given back."""
        try:
            while True:
                self._woken.clear()
                if not await self._take():
                    await self._pause()
        finally:
            for task in self._running:
                task.cancel()
            if self._running:
                await asyncio.wait(self._running)

    async def _take(self) -> bool:
        """Lease what there is room for and begin with it; tell whether there was anything."""
        room = self._at_once - len(self._running)
        if room < 1:
            return False
        try:
            leases = await self._queue.claim(lease=self._lease, limit=room)
        except StoreUnavailable:  # why, the store itself has logged
            await asyncio.sleep(_STORE_DOWN_SECONDS)
            return False
        for held in leases:
            task = asyncio.create_task(self._do(held))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return bool(leases)

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(self._poll):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        # The next item of its lane may be taken now.
        self._woken.set()

    async def _do(self, held: Lease) -> None:
        renewing = asyncio.create_task(self._renew(held))
        try:
            await self._end(held, await self._outcome(held))
        except StoreUnavailable:
            # The item is taken over when its lease ends.
            _logger.warning("what became of %r cannot be written down; it will be done again", held.key)
        finally:
            renewing.cancel()

    async def _outcome(self, held: Lease) -> Exception | None:
        try:
            await self._work(held)
        except asyncio.CancelledError:
            await self._give_back(held)
            raise
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            return error
        return None

    async def _end(self, held: Lease, error: Exception | None) -> None:
        match error:
            case None:
                await self._queue.done(held)
            case Later():
                await self._queue.postpone(held, dt.timedelta(seconds=error.seconds))
            case NotReady():
                await self._queue.postpone(held, dt.timedelta(seconds=error.retry_after or 60))
            case Overloaded():
                await self._queue.postpone(held, dt.timedelta(seconds=5))
            case StoreUnavailable():
                raise error
            case _:
                _logger.error("%r could not be worked on", held.key, exc_info=error)
                await self._queue.retry(held, f"{type(error).__name__}: {error}")

    async def _give_back(self, held: Lease) -> None:
        try:
            await self._queue.postpone(held)
        except StoreUnavailable:
            _logger.debug("%r is taken over when its lease ends", held.key)

    async def _renew(self, held: Lease) -> None:
        while True:
            await asyncio.sleep(self._lease.total_seconds() / 3)
            try:
                if await self._queue.renew(held, lease=self._lease) is None:
                    return
            except StoreUnavailable:
                _logger.debug("the lease of %r could not be renewed", held.key)
