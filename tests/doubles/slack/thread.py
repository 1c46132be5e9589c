"""An event loop in a thread of its own, and calls into it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

__all__ = ["LoopThread"]

T = TypeVar("T")

_PATIENCE = 20.0


class LoopThread:
    """Runs a loop from ``start`` to ``stop``."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop and return what it returns; blocks meanwhile."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    def call(self, function: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Call a function in the loop, between two of its steps, and return what it returns."""
        if threading.current_thread() is self._thread:
            return function(*arguments, **named)

        returned: concurrent.futures.Future[T] = concurrent.futures.Future()

        def called() -> None:
            try:
                returned.set_result(function(*arguments, **named))
            except BaseException as error:  # noqa: BLE001 (raised where it was called from)
                returned.set_exception(error)

        self._loop.call_soon_threadsafe(called)
        return returned.result(_PATIENCE)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        assert not self._thread.is_alive(), f"{self._name} did not stop"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
            for task in (tasks := asyncio.all_tasks(self._loop)):
                task.cancel()
            self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        finally:
            self._loop.close()
