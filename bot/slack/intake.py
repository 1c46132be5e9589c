"""Takes what is asked exactly once, before it is acknowledged, and hands it to workers."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bot.service import Service
from bot.slack.marking import Marking
from bot.slack.tasks import Check, Stop, Task, read_task
from bot.slack.workers import Workers
from bot.store import Lease, StoreUnavailable

__all__ = ["Intake", "Job"]

_logger = logging.getLogger("acknet.slack")

_LEASE = dt.timedelta(minutes=2)
_IDLE_SECONDS = 5.0
_MOST_SEEN = 20_000
# Events that come so close on one another are a burst; it is over once none came for the calm, or is not waited for
# any longer than courtesy asks.
_BURST_SECONDS = 0.05
_CALM_SECONDS = 0.25
_COURTESY_SECONDS = 2.0
_AT_ONCE = 8
_WAITING = 256
_LOOKS_AT_ONCE = 4
_LOOKS_WAITING = 32
_STOPS_AT_ONCE = 2
_STOPS_WAITING = 64
_REFUSALS_AT_ONCE = 4
_REFUSALS_WAITING = 5000


@dataclass(frozen=True, slots=True)
class Job:
    """A task and the claim on it (None: the store was down); ``again``: somebody may have worked on it before."""

    task: Task
    lease: Lease | None
    again: bool = False


class Intake:
    """Marks tasks in the store and hands them to workers; takes over those whose workers vanished.

    ``handle`` works on a job, ``busy`` says that there is too much to do for one.
    """

    def __init__(
        self,
        service: Service,
        handle: Callable[[Job], Awaitable[None]],
        busy: Callable[[Job], Awaitable[None]],
        *,
        lease: dt.timedelta = _LEASE,
        idle_seconds: float = _IDLE_SECONDS,
        waiting: int = _WAITING,
    ) -> None:
        self._service = service
        self._marks = service.store.events
        self._lease = lease
        self._marking = Marking(self._marks, lease=lease)
        self._idle_seconds = idle_seconds
        self._handle, self._say_busy = handle, busy
        self._asks: Workers[Job] = Workers("asks", self._work, at_once=_AT_ONCE, waiting=waiting)
        self._looks: Workers[Job] = Workers("looks", self._work, at_once=_LOOKS_AT_ONCE, waiting=_LOOKS_WAITING)
        # Not behind the looks that are to be stopped.
        self._stops: Workers[Job] = Workers("stops", self._work, at_once=_STOPS_AT_ONCE, waiting=_STOPS_WAITING)
        # To tell somebody that there is too much to do is work, too.
        self._refusals: Workers[Job] = Workers(
            "refusals", self._refuse, at_once=_REFUSALS_AT_ONCE, waiting=_REFUSALS_WAITING
        )
        self._taking = 0
        self._taken_at = self._burst_until = 0.0
        # Keys for when the store is down.
        self._seen: OrderedDict[str, None] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How much waits for a worker."""
        return self._asks.waiting + self._looks.waiting

    def start(self) -> None:
        """Begin to work."""
        self._asks.start()
        self._looks.start()
        self._stops.start()
        self._refusals.start()

    async def take(self, task: Task) -> None:
        """Take a task on, once, whoever delivers it how often; when it returns, it may be acknowledged."""
        now = time.monotonic()
        if now - self._taken_at < _BURST_SECONDS:
            self._burst_until = now + _CALM_SECONDS
        self._taken_at = now
        self._taking += 1
        try:
            await self._take(task)
        finally:
            self._taking -= 1

    async def _take(self, task: Task) -> None:
        lease: Lease | None = None
        known = task.key in self._seen
        self._see(task.key)
        try:
            lease = await self._marking.mark(task.key, task.model_dump(mode="json"))
        except StoreUnavailable as error:
            self._service.metrics.store_failures.labels(error.reason).inc()
        else:
            known = lease is None
        self._service.metrics.slack_tasks.labels(task.kind, "again" if known else "taken").inc()
        if not known:
            self._give(Job(task, lease, again=lease is not None and lease.attempt > 1))

    async def take_over(self) -> None:
        """Work on what others began and did not finish, until cancelled."""
        while True:
            for lease in await self._claim():
                try:
                    task = read_task(lease.payload)
                except ValueError:
                    _logger.exception("what is kept under %r is no task of this version", lease.key)
                    await self._service.remember(lambda held=lease: self._marks.done(held), False)  # type: ignore[misc]
                    continue
                _logger.info("slack: %s is taken over", lease.key)
                self._give(Job(task, lease, again=True))
            await asyncio.sleep(self._idle_seconds)

    async def _claim(self) -> tuple[Lease, ...]:
        nothing: tuple[Lease, ...] = ()
        return await self._service.remember(lambda: self._marks.claim(lease=self._lease, limit=8), nothing)

    async def stop(self, seconds: float) -> None:
        """Finish what is under way; give back what is not begun."""
        several = (self._asks, self._looks, self._stops, self._refusals)
        left = await asyncio.gather(*(workers.stop(seconds) for workers in several))
        for job in (job for jobs in left for job in jobs):
            if (lease := job.lease) is not None:
                await self._service.remember(lambda held=lease: self._marks.postpone(held), False)  # type: ignore[misc]

    def _give(self, job: Job) -> None:
        if self._workers_for(job.task).offer(job):
            return
        self._service.metrics.slack_tasks.labels(job.task.kind, "busy").inc()
        if not self._refusals.offer(job):
            # Nothing is lost: it is taken over when its lease ends.
            _logger.warning("slack: %s has to wait, there is even too much to be told so", job.task.key)

    def _workers_for(self, task: Task) -> Workers[Job]:
        match task:
            case Check():
                return self._looks
            case Stop():
                return self._stops
            case _:
                return self._asks

    async def _refuse(self, job: Job) -> None:
        await self._let_others_in()
        await self._say_busy(job)
        await self._done(job)

    async def _work(self, job: Job) -> None:
        await self._let_others_in()
        await self._handle(job)
        await self._done(job)

    async def _let_others_in(self) -> None:
        """Wait for the end of a burst: to acknowledge it is what Slack waits for, and answers would hold that up."""
        patient_until = time.monotonic() + _COURTESY_SECONDS
        while (now := time.monotonic()) < patient_until and (self._taking or now < self._burst_until):  # noqa: ASYNC110
            await asyncio.sleep(_BURST_SECONDS)

    async def _done(self, job: Job) -> None:
        if (lease := job.lease) is not None:
            await self._service.remember(lambda: self._marks.done(lease), False)

    def _see(self, key: str) -> None:
        self._seen[key] = None
        self._seen.move_to_end(key)
        while len(self._seen) > _MOST_SEEN:
            self._seen.popitem(last=False)
