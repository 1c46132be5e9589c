"""Answers that were given: what a rating, a button or a follow-up refers to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, select

from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import answers
from bot.store.statements import AnyRow, insert
from bot.store.texts import index_key, kept_text

__all__ = ["AskedOften", "GivenAnswer", "GivenAnswers", "prune_answers"]

_MOST_TEXT = 8000
_MOST_TURNS = 20


@dataclass(frozen=True, slots=True)
class GivenAnswer:
    """An answer that was given: to which ``turns`` (oldest first, without credentials), to whom and where.

    ``ranked``: the nearest entries, best first, with the confidence in each (0 to 1); ``entry`` is the one that
    answered, None where none or several did. ``scope`` is where in the cluster was looked (empty: nowhere).
    """

    id: str
    turns: tuple[str, ...]
    surface: str
    who: str
    place: str
    outcome: str
    entry: str | None
    ranked: tuple[tuple[str, float], ...]
    scope: Mapping[str, str]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class AskedOften:
    """An entry and how many answers it gave."""

    entry: str
    count: int


class GivenAnswers:
    """Answers by their ids, and by the place (a thread, a page's conversation) where they were given."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def keep(
        self,
        answer: str,
        *,
        turns: Sequence[str],
        surface: str,
        who: str,
        place: str,
        outcome: str,
        entry: str | None,
        ranked: Mapping[str, float],
        scope: Mapping[str, str] | None = None,
    ) -> None:
        """Keep an answer under its id; one that is kept already is replaced. Raises StoreUnavailable."""
        values = {
            "turns": [await kept_text(turn, _MOST_TEXT) for turn in turns[-_MOST_TURNS:]],
            "surface": surface,
            "who": index_key(who) if who else "",
            "place": index_key(place) if place else "",
            "outcome": outcome,
            "entry": entry,
            "ranked": [[one, float(confidence)] for one, confidence in ranked.items()],
            "scope": dict(scope or {}),
            "at": self._clock(),
        }

        def put(connection: Connection) -> None:
            statement = insert(connection, answers).values(answer=index_key(answer), **values)
            connection.execute(statement.on_conflict_do_update(index_elements=["answer"], set_=values))

        await self._database.write("answers.keep", put)

    async def get(self, answer: str) -> GivenAnswer | None:
        """Return an answer by its id; None: it is not kept, or not any more. Raises StoreUnavailable."""
        found = select(*_COLUMNS).where(answers.c.answer == index_key(answer))

        def read(connection: Connection) -> GivenAnswer | None:
            row = connection.execute(found).first()
            return None if row is None else _given(row)

        return await self._database.read("answers.get", read)

    async def at_place(self, place: str, limit: int = 50) -> tuple[GivenAnswer, ...]:
        """Return the newest answers that were given at a place, oldest first. Raises StoreUnavailable."""
        here = answers.c.place == index_key(place)
        found = select(*_COLUMNS).where(here).order_by(answers.c.at.desc(), answers.c.id.desc()).limit(limit)

        def read(connection: Connection) -> tuple[GivenAnswer, ...]:
            return tuple(map(_given, reversed(connection.execute(found).all())))

        return await self._database.read("answers.at_place", read)

    async def asked_most(self, since: dt.datetime, limit: int = 5) -> tuple[AskedOften, ...]:
        """Return the entries that answered most since then. Raises StoreUnavailable."""
        times = func.count()
        counted = (
            select(answers.c.entry, times)
            .where(answers.c.at >= since, answers.c.entry.is_not(None))
            .group_by(answers.c.entry)
            .order_by(times.desc(), answers.c.entry)
            .limit(limit)
        )

        def read(connection: Connection) -> tuple[AskedOften, ...]:
            return tuple(AskedOften(row[0], row[1]) for row in connection.execute(counted))

        return await self._database.read("answers.asked_most", read)


def prune_answers(connection: Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to ``limit`` answers that were given before ``before``."""
    old = select(answers.c.id).where(answers.c.at < before).limit(limit)
    return connection.execute(delete(answers).where(answers.c.id.in_(old))).rowcount


_COLUMNS = (
    answers.c.answer,
    answers.c.turns,
    answers.c.surface,
    answers.c.who,
    answers.c.place,
    answers.c.outcome,
    answers.c.entry,
    answers.c.ranked,
    answers.c.scope,
    answers.c.at,
)


def _given(row: AnyRow) -> GivenAnswer:
    answer, turns, surface, who, place, outcome, entry, ranked, scope, at = row
    pairs = tuple((one, confidence) for one, confidence in ranked)
    return GivenAnswer(answer, tuple(turns), surface, who, place, outcome, entry, pairs, scope, at)
