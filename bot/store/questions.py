"""Questions that were not answered, or not well."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, delete, select

from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import questions
from bot.store.statements import AnyRow, insert
from bot.store.texts import kept_text

__all__ = ["Cause", "OpenQuestion", "OpenQuestions", "prune_questions"]

Cause = Literal["no_answer", "badly_rated", "nobody_answered"]
"""The FAQ does not say; the answer did not help; somebody said that nobody answered."""

_MOST_TEXT = 8000


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question as it was asked last, without credentials, and how often it was asked.

    ``ranked``: the nearest entries, best first, with the confidence in each (0 to 1).
    """

    id: int
    cause: Cause
    text: str
    ranked: tuple[tuple[str, float], ...]
    count: int
    first_at: dt.datetime
    last_at: dt.datetime


class OpenQuestions:
    """Questions by cause. What differs in nothing but case and white space is one question."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(self, text: str, *, cause: Cause, ranked: Mapping[str, float]) -> None:
        """Keep a question, or count it once more; ``ranked``: entry → confidence, best first.

        Raises StoreUnavailable.
        """
        now = self._clock()
        kept = await kept_text(text, _MOST_TEXT)
        values = {
            "cause": cause,
            "digest": hashlib.sha256(" ".join(kept.casefold().split()).encode()).hexdigest(),
            "text": kept,
            "ranked": [[entry, float(confidence)] for entry, confidence in ranked.items()],
            "last_at": now,
        }

        def put(connection: Connection) -> None:
            statement = insert(connection, questions).values(count=1, first_at=now, **values)
            again = {name: values[name] for name in ("text", "ranked", "last_at")} | {"count": questions.c.count + 1}
            connection.execute(statement.on_conflict_do_update(index_elements=["cause", "digest"], set_=again))

        await self._database.write("questions.add", put)

    async def list(
        self, *, cause: Cause | None = None, since: dt.datetime | None = None, limit: int = 1000
    ) -> tuple[OpenQuestion, ...]:
        """Return questions asked since then, the most frequent first. Raises StoreUnavailable."""
        found = select(*_COLUMNS).order_by(questions.c.count.desc(), questions.c.last_at.desc(), questions.c.id)
        if cause is not None:
            found = found.where(questions.c.cause == cause)
        if since is not None:
            found = found.where(questions.c.last_at >= since)

        def find(connection: Connection) -> tuple[OpenQuestion, ...]:
            return tuple(map(_question, connection.execute(found.limit(limit))))

        return await self._database.read("questions.list", find)

    async def forget(self, question: int) -> bool:
        """Delete a question, by its id; False: it is not there. Raises StoreUnavailable."""

        def drop(connection: Connection) -> bool:
            return connection.execute(delete(questions).where(questions.c.id == question)).rowcount > 0

        return await self._database.write("questions.forget", drop)


def prune_questions(connection: Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to ``limit`` questions that nobody asked since ``before``."""
    old = select(questions.c.id).where(questions.c.last_at < before).limit(limit)
    return connection.execute(delete(questions).where(questions.c.id.in_(old))).rowcount


_COLUMNS = (
    questions.c.id,
    questions.c.cause,
    questions.c.text,
    questions.c.ranked,
    questions.c.count,
    questions.c.first_at,
    questions.c.last_at,
)


def _question(row: AnyRow) -> OpenQuestion:
    number, cause, text, ranked, count, first_at, last_at = row
    pairs = tuple((entry, confidence) for entry, confidence in ranked)
    return OpenQuestion(number, cause, text, pairs, count, first_at, last_at)
