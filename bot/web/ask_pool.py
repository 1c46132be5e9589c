"""Runs questions in a few threads and lets only so many wait."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, TypeVar

from bot.web.problems import ProblemError

__all__ = ["AskPool"]

_Result = TypeVar("_Result")


class AskPool:
    """Threads for work that would block the event loop.

    At most ``threads`` calls run and ``waiting`` more wait; a call beyond that, or one that takes longer than
    ``seconds``, is a 503 that says when to try again.
    """

    def __init__(self, threads: int, waiting: int, seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="ask")
        self._most = threads + waiting
        self._seconds = seconds
        self._held = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` returns; raises what it raises, or ProblemError (503)."""
        with self._lock:
            if self._held >= self._most:
                raise _overloaded(f"{self._held} questions are being answered or wait; try again.")
            self._held += 1
        future = self._executor.submit(call)
        # A place is free when the thread is, not when the one who asked has given up.
        future.add_done_callback(self._release)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError as error:
            raise _overloaded(f"No answer was found within {self._seconds:g} s; try again.") from error

    def close(self) -> None:
        """Let running calls end and drop those that wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _release(self, _: Future[Any]) -> None:
        with self._lock:
            self._held -= 1


def _overloaded(detail: str) -> ProblemError:
    return ProblemError(HTTPStatus.SERVICE_UNAVAILABLE, detail, kind="overloaded", headers={"Retry-After": "1"})
