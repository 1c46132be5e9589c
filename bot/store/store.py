"""The one store: what has to be remembered beyond a request, behind one object."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, text

from bot.settings.store_url import StoreUrl
from bot.store.answers import GivenAnswers, prune_answers
from bot.store.audit import AuditLog, prune_audit
from bot.store.clock import Clock, utc_now
from bot.store.database import Backend, Database
from bot.store.events import EventMarks
from bot.store.failures import Reason, StoreUnavailable
from bot.store.feedback import FeedbackLog, prune_feedback
from bot.store.incidents import Incidents, prune_incidents
from bot.store.outbox import Outbox
from bot.store.questions import OpenQuestions, prune_questions
from bot.store.sqlite import SqliteBackend
from bot.store.work import RetryPolicy, WorkQueue, prune_work

__all__ = ["Pruned", "Store"]

_logger = logging.getLogger("acknet.store")

_PRUNED_AT_ONCE = 500
# Whoever takes messages may be away for long: about two hours, by what pauses are on average.
_SENDING = RetryPolicy(attempts=24)
# Of the time an operation may take, what SQLite may wait for another process; the rest is for the operation itself.
_BUSY_SHARE = 0.7

Prune = Callable[[Connection, dt.datetime, int], int]


@dataclass(frozen=True, slots=True)
class Pruned:
    """How many rows were deleted because of their age."""

    work: int
    answers: int
    feedback: int
    questions: int
    incidents: int
    audit: int


class Store:
    """The store at ``url``; one object an event loop. Nothing is opened before it is needed.

    Every operation ends within ``seconds``, by doing what it says or by raising StoreUnavailable, whereupon whoever
    answers questions goes on without. ``clock`` tells the time; the clocks of replicas that share a store may differ
    by no more than leases have room for.

        async with Store(settings.store_url) as store:
            held = await store.events.mark(event_id, lease=dt.timedelta(minutes=2))
    """

    def __init__(
        self, url: StoreUrl, *, seconds: float = 2.0, clock: Clock = utc_now, retries: RetryPolicy | None = None
    ) -> None:
        self.location = str(url)
        """Where the store lies, without its password."""
        self._clock = clock
        self._database = Database(_backend(url.get_secret_value(), seconds), seconds)
        policy, sending = retries or RetryPolicy(), retries or _SENDING
        self.events = EventMarks(self._database, "event", policy=policy, clock=clock, from_outside=True)
        """Events of a platform, each handled once."""
        self.outbox = Outbox(self._database, "outbox", policy=sending, clock=clock)
        """Messages to be sent."""
        self.alerts = WorkQueue(self._database, "alert", policy=policy, clock=clock, from_outside=True)
        """Alerts to be worked on."""
        self.notices = WorkQueue(self._database, "notice", policy=sending, clock=clock)
        """What is to be said about incidents, to each of the places that are told."""
        self.incidents = Incidents(self._database, clock)
        """Trouble that alerts and events speak of."""
        self.answers = GivenAnswers(self._database, clock)
        """Answers that were given."""
        self.feedback = FeedbackLog(self._database, clock)
        """What people thought of answers."""
        self.questions = OpenQuestions(self._database, clock)
        """What was asked and not answered, or not well."""
        self.audit = AuditLog(self._database, clock)
        """Who asked what, and what was read for it."""

    async def __aenter__(self) -> Self:
        """Return the store itself, not opened yet."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let go of the store."""
        await self.close()

    async def close(self) -> None:
        """Let go of the store, once the operations that are under way have ended, or a few seconds later."""
        await self._database.close()

    @property
    def trouble(self) -> Reason | None:
        """Why something was not done the last time; None once it works again."""
        return self._database.trouble

    async def open(self) -> None:
        """Open the store before it is needed, and wait for that as long as it takes. Raises StoreUnavailable."""
        await self._database.open()

    async def check(self) -> None:
        """Tell whether the store can be used, and written to, now. Raises StoreUnavailable when not."""

        def same_again(connection: Connection) -> None:
            # On a full disk only what is really written fails.
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))

        await self._database.write("check", same_again)

    async def prune(self, age: dt.timedelta) -> Pruned:
        """Delete what is older than ``age``; work that is not done stays. Raises StoreUnavailable."""
        now = self._clock()
        before = now - age

        def audit(connection: Connection, before: dt.datetime, limit: int) -> int:
            return prune_audit(connection, before, limit, now)

        return Pruned(
            work=await self._prune("work", prune_work, before),
            answers=await self._prune("answers", prune_answers, before),
            feedback=await self._prune("feedback", prune_feedback, before),
            questions=await self._prune("questions", prune_questions, before),
            incidents=await self._prune("incidents", prune_incidents, before),
            audit=await self._prune("audit", audit, before),
        )

    async def keep_pruned(self, age: dt.timedelta, *, every: dt.timedelta = dt.timedelta(hours=6)) -> None:
        """Prune now and ever again until cancelled; a store that is down is tried again."""
        while True:
            try:
                _logger.info("store: pruned %s", await self.prune(age))
            except StoreUnavailable:
                _logger.debug("store: pruning waits for the store")  # why, the operation itself has logged
            await asyncio.sleep(every.total_seconds())

    async def _prune(self, name: str, prune: Prune, before: dt.datetime) -> int:
        """Delete in portions, each a transaction, so that others get their turn."""
        total = 0
        while True:
            deleted = await self._database.write(
                f"prune {name}", lambda connection: prune(connection, before, _PRUNED_AT_ONCE)
            )
            total += deleted
            if deleted < _PRUNED_AT_ONCE:
                return total


def _backend(url: str, seconds: float) -> Backend:
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite":
        return SqliteBackend(path, seconds * _BUSY_SHARE)
    # What it needs only the extra "postgres" brings.
    from bot.store.postgres import PostgresBackend

    return PostgresBackend(url, seconds)
