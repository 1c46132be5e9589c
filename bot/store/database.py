"""Runs the store's transactions: each within a bounded time, and each failure of one kind."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from bot.store.failures import Reason, StoreUnavailable
from bot.store.outage import Outage

__all__ = ["Backend", "Database", "Moved", "Session", "Work"]

T = TypeVar("T")
Work = Callable[[Connection], T]
"""What is done in a transaction: it uses nothing but its connection, and may be run again after a rollback."""

_logger = logging.getLogger("acknet.store")

# How long after such a failure the next operation fails at once, so that an answer that wants several things of a
# store that hangs waits once.
_REST_SECONDS = 1.0
_RESTS: tuple[Reason, ...] = ("slow", "unreachable")
# After these the database may be another one than before: it is opened anew.
_REOPENS: tuple[Reason, ...] = ("unreachable", "read_only", "schema", "failed")
_OPENING_SECONDS = 60.0
_CLOSING_SECONDS = 5.0


class Moved(Exception):
    """The database in use is not the store's any more: something else lies in its place. Nothing was done."""


class Session(Protocol):
    """An open database that is fit for use."""

    async def read(self, work: Work[T]) -> T:
        """Return what ``work`` reads in a transaction. Raises Moved, and the errors of SQLAlchemy."""

    async def write(self, work: Work[T]) -> T:
        """Return what ``work`` returns, once all it wrote is committed. Raises Moved, and the errors of SQLAlchemy."""

    async def close(self) -> None:
        """Let go of the database."""


class Backend(Protocol):
    """A kind of database."""

    async def open(self) -> Session:
        """Make the database fit for use and open it. Raises StoreUnavailable."""

    async def set_aside(self, session: Session, why: str) -> bool:
        """Put a damaged database out of the way; False where that is for others to do. Raises StoreUnavailable."""

    def failure(self, error: BaseException) -> StoreUnavailable:
        """Return what callers see of ``error``."""


class Database:
    """A database that opens itself when it is first needed, and again after it was lost.

    Every operation ends within ``seconds``, whatever the database does.
    """

    def __init__(self, backend: Backend, seconds: float) -> None:
        self._backend = backend
        self._seconds = seconds
        self._session: Session | None = None
        self._opening: asyncio.Task[None] | None = None
        self._given_up: set[asyncio.Task[object]] = set()
        self._rests_until = 0.0
        self._rests_for: StoreUnavailable | None = None
        self._outage = Outage()
        self._closed = False

    @property
    def trouble(self) -> Reason | None:
        """Why something was not done the last time; None once it works again."""
        return self._outage.reason

    async def open(self) -> None:
        """Open the database, and migrate it first, which may take longer than an operation. Raises StoreUnavailable."""
        if self._closed:
            raise StoreUnavailable("refused", "it was closed")
        await self._opened()

    async def read(self, name: str, work: Work[T]) -> T:
        """Return what ``work`` reads in one transaction; ``name`` is for the log. Raises StoreUnavailable."""
        return await self._bounded(name, lambda: self._attempt(lambda session: session.read(work)))

    async def write(self, name: str, work: Work[T]) -> T:
        """Return what ``work`` returns, once all it wrote is committed. Raises StoreUnavailable."""
        result = await self._bounded(name, lambda: self._attempt(lambda session: session.write(work)))
        self._outage.is_over(name)
        return result

    async def close(self) -> None:
        """Let go of the database, once the operations that are under way have ended, or a few seconds later."""
        self._closed = True
        tasks: list[asyncio.Task[object]] = [*self._given_up]
        if self._opening is not None:
            tasks.append(self._opening)
        for task in tasks:
            task.cancel()
        session, self._session = self._session, None
        if session is not None:
            tasks.append(asyncio.ensure_future(_run(session.close)))
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_SECONDS)

    async def _bounded(self, name: str, operation: Callable[[], Awaitable[T]]) -> T:
        try:
            self._refuse_at_once()
            return await self._within_time(operation)
        except StoreUnavailable as failure:
            self._outage.failed(name, failure)
            raise

    def _refuse_at_once(self) -> None:
        if self._closed:
            raise StoreUnavailable("refused", "it was closed")
        if self._rests_for is not None and time.monotonic() < self._rests_until:
            raise StoreUnavailable(self._rests_for.reason, self._rests_for.detail)

    async def _within_time(self, operation: Callable[[], Awaitable[T]]) -> T:
        task: asyncio.Task[T] = asyncio.ensure_future(_run(operation))
        try:
            # Not asyncio.timeout: that waits for a cancelled operation to clean up, which may hang as it did.
            await asyncio.wait({task}, timeout=self._seconds)
        finally:
            if not task.done():
                task.cancel()
                self._look_after(task)
        failure = self._failure(task)
        await asyncio.sleep(0)  # so that it is given up where it waits before whoever asked hears of it
        self._rests_for = failure if failure is not None and failure.reason in _RESTS else None
        self._rests_until = time.monotonic() + _REST_SECONDS
        if failure is not None:
            raise failure
        return task.result()

    def _failure(self, task: asyncio.Task[T]) -> StoreUnavailable | None:
        if not task.done():
            return StoreUnavailable("slow", f"no answer within {self._seconds:g} s")
        if task.cancelled():
            return StoreUnavailable("refused", "it was closed")
        error = task.exception()
        return error if isinstance(error, StoreUnavailable) else None

    async def _attempt(self, operation: Callable[[Session], Awaitable[T]], *, again: bool = True) -> T:
        session = await self._opened()
        try:
            return await operation(session)
        except Moved as error:
            if not again:
                raise StoreUnavailable("unreachable", f"{error}, again and again") from error
            if self._session is session:
                _logger.error("store: %s; it is opened anew", error)  # noqa: TRY400 - the message says it all
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            failure = self._backend.failure(error)
            if failure.reason in _REOPENS:
                self._forget(session)
            if failure.reason != "damaged" or not again:
                raise failure from error
            if not await self._backend.set_aside(session, failure.detail):
                raise failure from error
        except StatementError as error:
            # No fault of the database: the caller gave what no column takes.
            raise error.orig or error from error
        self._forget(session)
        return await self._attempt(operation, again=False)

    async def _opened(self) -> Session:
        while self._session is None:
            if self._opening is None:
                self._opening = asyncio.create_task(self._open())
                self._opening.add_done_callback(self._opening_ended)
            # Opening goes on when those who wait for it give up: a migration may take longer than an answer.
            await asyncio.shield(self._opening)
        return self._session

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(_OPENING_SECONDS):
                self._session = await self._backend.open()
        except TimeoutError as error:
            raise StoreUnavailable("slow", f"it was not open within {_OPENING_SECONDS:g} s") from error
        except StoreUnavailable:
            raise
        except Exception as error:
            # Whatever a database, a driver or a migration comes up with: answers do not depend on it.
            _logger.exception("store: it cannot be opened")
            raise StoreUnavailable("failed", f"it cannot be opened: {type(error).__name__}") from error

    def _opening_ended(self, task: asyncio.Task[None]) -> None:
        self._opening = None
        _retrieve(task)

    def _forget(self, session: Session) -> None:
        if self._session is session:
            self._session = None
            self._look_after(asyncio.ensure_future(_run(session.close)))

    def _look_after(self, task: asyncio.Task[T]) -> None:
        """Keep a task that nobody waits for until it has ended."""
        self._given_up.add(task)
        task.add_done_callback(self._given_up.discard)
        task.add_done_callback(_retrieve)


async def _run(operation: Callable[[], Awaitable[T]]) -> T:
    return await operation()


def _retrieve(task: asyncio.Task[T]) -> None:
    """Look at a task's failure, which was told already or concerns nobody any more."""
    if not task.cancelled():
        task.exception()
