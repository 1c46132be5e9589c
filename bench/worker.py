"""A process of its own for each thing that is timed, so that no one's threads and libraries slow another's."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from bench.environment import BenchError

__all__ = ["Round", "Times", "Worker"]

Times = dict[str, list[float]]
"""Seconds by what was timed, one value a question."""

Round = Callable[[], Times]
"""Asks every question once."""


class Worker:
    """Calls ``opener(*arguments)`` in a new process, and then what that returned whenever it is told to.

    The process sleeps in between. Raises BenchError for what goes wrong over there.
    """

    def __init__(self, opener: Callable[..., Round], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, opener, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def __enter__(self) -> Self:
        """Wait until it is open."""
        self._receive()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        """End the process."""
        self._ours.close()
        self._process.join(10)
        self._process.terminate()

    def round(self) -> Times:
        """Ask every question once, over there."""
        self._ours.send("round")
        return self._receive()

    def _receive(self) -> Times:
        try:
            times, complaint = self._ours.recv()
        except EOFError as error:
            raise BenchError("a process that was to be timed ended by itself") from error
        if complaint:
            raise BenchError(complaint)
        found: Times = times
        return found


def _serve(connection: Connection, opener: Callable[..., Round], arguments: tuple[Any, ...]) -> None:
    try:
        call = opener(*arguments)
        connection.send(({}, ""))
        while connection.recv():
            connection.send((call(), ""))
    except EOFError:
        return
    except Exception as error:  # noqa: BLE001  (whatever it is, the parent tells)
        connection.send(({}, f"{type(error).__name__}: {error}"))
