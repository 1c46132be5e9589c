"""Runs what would block the event loop in a few threads, and lets only so much wait."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["Overloaded", "Pool"]

_Result = TypeVar("_Result")


class Overloaded(Exception):
    """There is more to do than can be done in time; one sentence that says so."""


class Pool:
    """Threads, called ``name``, for work that would block the event loop.

    At most ``threads`` calls run and ``waiting`` more wait; a call beyond that, or one that takes longer than
    ``seconds``, raises Overloaded.
    """

    def __init__(self, name: str, *, threads: int, waiting: int, seconds: float) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._most = threads + waiting
        self._seconds = seconds
        self._held = 0
        self._lock = threading.Lock()

    async def run(self, call: Callable[[], _Result]) -> _Result:
        """Return what ``call`` returns; raises what it raises, or Overloaded."""
        with self._lock:
            if self._held >= self._most:
                raise Overloaded(f"{self._held} questions are being answered or wait; try again.")
            self._held += 1
        # The context too: what is logged and traced there belongs to the same request.
        future = self._executor.submit(contextvars.copy_context().run, call)
        # A place is free when the thread is, not when the one who asked has given up.
        future.add_done_callback(self._release)
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), self._seconds)
        except TimeoutError as error:
            raise Overloaded(f"No answer was found within {self._seconds:g} s; try again.") from error

    def close(self) -> None:
        """Let running calls end and drop those that wait."""
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _release(self, _: Future[Any]) -> None:
        with self._lock:
            self._held -= 1
