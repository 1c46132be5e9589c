"""Work on an event loop of its own, in a thread, that can be stopped from another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["Stoppable"]

T = TypeVar("T")


class Stoppable:
    """Runs one piece of work; to stop it before or after is no error."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_stopped = False
        self._cancel: Callable[[], object] | None = None

    def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work`` returns; raises what it raises, or CancelledError once it is stopped."""

        async def cancellable() -> T:
            loop, task = asyncio.get_running_loop(), asyncio.current_task()
            assert task is not None
            with self._lock:
                if self._is_stopped:
                    raise asyncio.CancelledError
                self._cancel = lambda: loop.call_soon_threadsafe(task.cancel)
            try:
                return await work()
            finally:
                with self._lock:
                    self._cancel = None

        return asyncio.run(cancellable())

    def stop(self) -> None:
        """Have the work cancelled, whichever thread this is called in."""
        with self._lock:
            self._is_stopped = True
            if self._cancel is not None:
                self._cancel()
