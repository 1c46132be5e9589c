"""Does work beside a thread that waits for native code which leaves the interpreter alone."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

__all__ = ["Beside", "Job"]

_Result = TypeVar("_Result")


class Job(Generic[_Result]):
    """Work that can be started on another thread; whoever asks for its result does it unless that thread has begun."""

    def __init__(self, beside: Beside, work: Callable[[], _Result]) -> None:
        self._beside, self._work = beside, work
        self._free, self._done = threading.Lock(), threading.Lock()
        self._result: _Result
        self._error: BaseException | None = None

    def start(self) -> None:
        """Let the other thread do it as soon as it gets to it; to be called once."""
        self._done.acquire()
        self._beside.take(self)

    def run(self) -> None:
        """Do the work, unless somebody else has begun it."""
        if self._free.acquire(blocking=False):
            try:
                self._result = self._work()
            except BaseException as error:  # noqa: BLE001  (it is raised where the result is asked for)
                self._error = error
            self._done.release()

    def result(self) -> _Result:
        """Return what the work returns, or raise what it raises."""
        if self._free.acquire(blocking=False):
            return self._work()
        with self._done:
            if self._error is not None:
                raise self._error
            return self._result


class Beside:
    """One more thread, for all who answer questions: a job that it does not get to is done by the one who needs it.

    So nobody waits for the jobs of others, and what many at once cost in all stays the same. The thread ends with its
    owner.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job[Any] | None] = SimpleQueue()
        threading.Thread(target=_work, args=(self._jobs,), name="beside", daemon=True).start()
        weakref.finalize(self, self._jobs.put, None)

    def job(self, work: Callable[[], _Result]) -> Job[_Result]:
        """Return ``work`` as a job that is not started yet."""
        return Job(self, work)

    def take(self, job: Job[Any]) -> None:
        """Have the thread run ``job`` when it has run those that came before."""
        self._jobs.put(job)


def _work(jobs: SimpleQueue[Job[Any] | None]) -> None:
    while (job := jobs.get()) is not None:
        job.run()
        del job  # what it holds on to is not kept until the next one comes
