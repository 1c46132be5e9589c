"""A thread that runs transactions on SQLite, as many at once as have gathered."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine

__all__ = ["Worker"]

T = TypeVar("T")
_Job = tuple[Callable[[Connection], Any], "Future[Any]"]


class Worker:
    """Runs what it is given, in order, in transactions of ``engine``, up to ``at_once`` of them in one.

    The price of a write is its wait for the disk, and of every step to a thread a switch: writes that come together
    share both. Each is told of its success when all is on the disk; where one fails, all are run again, one by one.
    ``before`` is called before each transaction and may refuse it by raising; ``pause`` is the time in seconds that
    it leaves to others after each transaction where more are waiting.
    """

    def __init__(self, engine: Engine, before: Callable[[], None], *, at_once: int, pause: float = 0.0) -> None:
        self._engine = engine
        self._before = before
        self._at_once = at_once
        self._pause = pause
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._ended: Future[None] = Future()
        # A daemon: a disk that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._work, name="acknet-store", daemon=True)
        self._is_started = False

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` returns, after the commit; work that is cancelled before it begins is not done."""
        if not self._is_started:
            self._is_started = True
            self._thread.start()
        result: Future[T] = Future()
        self._jobs.put((work, result))
        return await asyncio.wrap_future(result)

    async def close(self) -> None:
        """Let what was given run, then let go of the engine."""
        if self._is_started:
            self._jobs.put(None)
            await asyncio.wrap_future(self._ended)

    def _work(self) -> None:
        jobs: list[_Job] | None = []
        while jobs is not None:
            jobs = self._gather()
            if jobs:
                self._transact(jobs)
                if not self._jobs.empty():
                    time.sleep(self._pause)
        self._engine.dispose()
        self._ended.set_result(None)

    def _gather(self) -> list[_Job] | None:
        """Return what there is to do, at least one job; None when the worker is closed."""
        job = self._jobs.get()
        jobs: list[_Job] = []
        while job is not None:
            jobs.append(job)
            if len(jobs) == self._at_once or self._jobs.empty():
                return jobs
            job = self._jobs.get()
        if jobs:
            self._jobs.put(None)
            return jobs
        return None

    def _transact(self, jobs: list[_Job]) -> None:
        begun = False
        try:
            self._before()
            with self._engine.begin() as connection:
                begun = True
                # Only now: to begin may have taken so long that nobody waits for it any more.
                jobs = list(filter(_is_wanted, jobs))
                results = [work(connection) for work, _ in jobs]
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            if begun and len(jobs) > 1:
                for job in jobs:
                    self._transact([job])
                return
            for _, result in jobs if begun else filter(_is_wanted, jobs):
                result.set_exception(error)
        else:
            for (_, result), value in zip(jobs, results, strict=True):
                result.set_result(value)


def _is_wanted(job: _Job) -> bool:
    """Tell whether somebody still waits for a job, which cannot be given up from then on."""
    result = job[1]
    return result.running() or result.set_running_or_notify_cancel()
