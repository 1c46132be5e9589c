"""What people thought of answers."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import feedback
from bot.store.statements import insert
from bot.store.texts import index_key, kept_text

__all__ = ["Feedback", "FeedbackCount", "FeedbackLog", "prune_feedback"]

_MOST_REASON = 3000


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one person (``who``; empty: unknown) thought of one answer, and why (empty: not said)."""

    answer: str
    who: str
    helpful: bool
    reason: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class FeedbackCount:
    """How many found answers helpful and how many did not."""

    helpful: int
    not_helpful: int


class FeedbackLog:
    """Feedback by answer. A person's later word on an answer replaces the earlier one."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def give(self, answer: str, *, helpful: bool, who: str = "", reason: str = "") -> None:
        """Keep what ``who`` thinks of the answer with this id. Raises StoreUnavailable."""
        said = {"helpful": helpful, "reason": await kept_text(reason, _MOST_REASON), "at": self._clock()}
        person = index_key(who) if who else ""

        def put(connection: Connection) -> None:
            statement = insert(connection, feedback).values(answer=index_key(answer), who=person, **said)
            connection.execute(statement.on_conflict_do_update(index_elements=["answer", "who"], set_=said))

        await self._database.write("feedback.give", put)

    async def of(self, answer: str) -> tuple[Feedback, ...]:
        """Return what was said of an answer, oldest first. Raises StoreUnavailable."""
        said = select(*_COLUMNS).where(feedback.c.answer == index_key(answer)).order_by(feedback.c.at, feedback.c.id)

        def find(connection: Connection) -> tuple[Feedback, ...]:
            return tuple(Feedback(*row) for row in connection.execute(said))

        return await self._database.read("feedback.of", find)

    async def count(self, since: dt.datetime) -> FeedbackCount:
        """Return how answers were found since then. Raises StoreUnavailable."""
        counted = select(feedback.c.helpful, func.count()).where(feedback.c.at >= since).group_by(feedback.c.helpful)

        def find(connection: Connection) -> FeedbackCount:
            found = {row[0]: row[1] for row in connection.execute(counted)}
            return FeedbackCount(found.get(True, 0), found.get(False, 0))

        return await self._database.read("feedback.count", find)


def prune_feedback(connection: Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to ``limit`` words of feedback from before ``before``."""
    old = select(feedback.c.id).where(feedback.c.at < before).limit(limit)
    return connection.execute(delete(feedback).where(feedback.c.id.in_(old))).rowcount


_COLUMNS = (feedback.c.answer, feedback.c.who, feedback.c.helpful, feedback.c.reason, feedback.c.at)
