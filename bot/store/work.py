"""Work that outlives a crash: put down once, leased to one worker at a time, taken over when that one vanishes."""

from __future__ import annotations

import datetime as dt
import logging
import random
import secrets
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, exists, func, select, update

from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import work
from bot.store.statements import AnyRow, insert
from bot.store.texts import index_key, kept_json, kept_text, plain

__all__ = [
    "LEASE_COLUMNS",
    "Item",
    "ItemState",
    "Lease",
    "QueueDepth",
    "RetryPolicy",
    "WorkQueue",
    "lease_of",
    "prune_work",
]

_logger = logging.getLogger("acknet.store")

ItemState = Literal["waiting", "leased", "done", "dead"]

_MOST_ERROR = 500


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often an item is tried in all, and how long it waits after a failure: twice as long each time."""

    attempts: int = 8
    first: dt.timedelta = dt.timedelta(seconds=2)
    longest: dt.timedelta = dt.timedelta(minutes=10)

    def pause(self, attempt: int) -> dt.timedelta:
        """Return how long to wait after the failure of ``attempt`` (1 is the first), spread out by chance."""
        doubled = self.first * (1 << min(attempt - 1, 30))
        share = random.uniform(0.5, 1.0)  # noqa: S311
        return share * min(doubled, self.longest)


@dataclass(frozen=True, slots=True)
class Lease:
    """An item that its holder alone may work on until ``until``.

    ``attempt`` counts from 1. More than 1 means that somebody began before, and may have got far: whoever sends
    something looks first whether it is there already.
    """

    key: str
    payload: Any
    attempt: int
    until: dt.datetime
    token: str
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Item:
    """What is known of an item. ``due_at``: when it may be taken (waiting), or its lease ends (leased).

    The payload of an item that is done is not kept.
    """

    key: str
    lane: str | None
    state: ItemState
    attempts: int
    due_at: dt.datetime
    payload: Any
    result: str | None
    error: str | None
    created_at: dt.datetime
    updated_at: dt.datetime


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many items are in which state, and since when the oldest that is not done is there."""

    waiting: int
    leased: int
    dead: int
    oldest: dt.datetime | None


class WorkQueue:
    """A queue of the store. An item's key makes it one item, however often it is put down.

    Items of one lane are worked on in the order in which they were put down, one at a time; an item that is dead does
    not hold up those behind it. Payloads ``from_outside`` lose their credentials before they are kept.
    """

    def __init__(
        self, database: Database, name: str, *, policy: RetryPolicy, clock: Clock, from_outside: bool = False
    ) -> None:
        self._database = database
        self._name = name
        self._policy = policy
        self._clock = clock
        self._from_outside = from_outside

    async def enqueue(
        self,
        key: str,
        payload: Any,
        *,
        lane: str | None = None,
        not_before: dt.datetime | None = None,
    ) -> bool:
        """Put an item down; ``payload`` is any JSON value. False: its key is known, whatever became of it.

        Raises StoreUnavailable.
        """
        now = self._clock()
        values = {
            "key": index_key(key),
            "payload": await self._kept(payload),
            "lane": None if lane is None else index_key(lane),
            "state": "waiting",
            "attempts": 0,
            "due_at": not_before or now,
            "created_at": now,
            "updated_at": now,
        }

        def put(connection: Connection) -> bool:
            statement = insert(connection, work).values(queue=self._name, **values)
            known = statement.on_conflict_do_nothing(index_elements=["queue", "key"]).returning(work.c.id)
            return connection.execute(known).first() is not None

        return await self._database.write(f"{self._name}.enqueue", put)

    async def claim(self, *, lease: dt.timedelta, limit: int = 1) -> tuple[Lease, ...]:
        """Lease up to ``limit`` items that are due, oldest first, also those whose lease ended.

        Raises StoreUnavailable.
        """
        now = self._clock()

        def take(connection: Connection) -> list[AnyRow]:
            self._bury_the_vanished(connection, now)
            # A common table expression is read once; a subquery might be read, and lock rows, again and again.
            chosen = self._claimable(now).limit(limit).with_for_update(skip_locked=True).cte("chosen")
            taken = (
                update(work)
                .where(work.c.id.in_(select(chosen.c.id)))
                # Again, and not only in ``chosen``: another worker may have been quicker since that was read.
                .where(self._due(now))
                .values(**self._leased(now, lease))
                .returning(*LEASE_COLUMNS)
            )
            return sorted(connection.execute(taken).all(), key=lambda row: row.id)

        return tuple(map(lease_of, await self._database.write(f"{self._name}.claim", take)))

    async def renew(self, held: Lease, *, lease: dt.timedelta) -> Lease | None:
        """Hold an item for ``lease`` from now on; None: somebody else holds it, or it is done.

        Raises StoreUnavailable.
        """
        now = self._clock()
        row = await self._change("renew", held, due_at=now + lease, updated_at=now)
        return None if row is None else lease_of(row)

    async def done(self, held: Lease, result: str | None = None) -> bool:
        """Mark an item as done, with what came of it. False: the lease was lost. Raises StoreUnavailable."""
        changed = await self._change(
            "done",
            held,
            state="done",
            payload=None,
            token=None,
            error=None,
            result=None if result is None else plain(result),
            updated_at=self._clock(),
        )
        return changed is not None

    async def retry(self, held: Lease, error: str, *, after: dt.timedelta | None = None) -> ItemState | None:
        """Say that an attempt failed: it is made again later, or the item is dead after the last one.

        ``after`` goes before the pause of the queue's policy. Returns the item's new state, or None: the lease was
        lost. Raises StoreUnavailable.
        """
        now = self._clock()
        is_last = held.attempt >= self._policy.attempts
        kept = await kept_text(error, _MOST_ERROR)
        state: ItemState = "dead" if is_last else "waiting"
        changed = await self._change(
            "retry",
            held,
            state=state,
            token=None,
            error=kept,
            due_at=now + (self._policy.pause(held.attempt) if after is None else after),
            updated_at=now,
        )
        if changed is None:
            return None
        if is_last:
            _logger.error("store: %s %r is given up after %d attempts: %s", self._name, held.key, held.attempt, kept)
        return state

    async def postpone(self, held: Lease, after: dt.timedelta = dt.timedelta()) -> bool:
        """Give an item back, to be taken ``after`` from now; the attempt does not count. False: the lease was lost.

        For a worker that stops, and for a platform that says when to come back. Raises StoreUnavailable.
        """
        now = self._clock()
        changed = await self._change(
            "postpone",
            held,
            state="waiting",
            token=None,
            attempts=held.attempt - 1,
            due_at=now + after,
            updated_at=now,
        )
        return changed is not None

    async def get(self, key: str) -> Item | None:
        """Return what is known of an item. Raises StoreUnavailable."""

        def find(connection: Connection) -> AnyRow | None:
            found = select(*_ITEM_COLUMNS).where(work.c.queue == self._name, work.c.key == index_key(key))
            return connection.execute(found).first()

        row = await self._database.read(f"{self._name}.get", find)
        return None if row is None else _item(row)

    async def dead(self, limit: int = 100) -> tuple[Item, ...]:
        """Return the items that were given up, newest first. Raises StoreUnavailable."""

        def find(connection: Connection) -> tuple[Item, ...]:
            of_state = select(*_ITEM_COLUMNS).where(work.c.queue == self._name, work.c.state == "dead")
            rows = connection.execute(of_state.order_by(work.c.updated_at.desc(), work.c.id.desc()).limit(limit))
            return tuple(map(_item, rows))

        return await self._database.read(f"{self._name}.dead", find)

    async def depth(self) -> QueueDepth:
        """Return how full the queue is. Raises StoreUnavailable."""

        def count(connection: Connection) -> dict[str, tuple[int, dt.datetime]]:
            counted = (
                select(work.c.state, func.count(), func.min(work.c.created_at))
                .where(work.c.queue == self._name, work.c.state.in_(("waiting", "leased", "dead")))
                .group_by(work.c.state)
            )
            return {state: (number, oldest) for state, number, oldest in connection.execute(counted)}

        found = await self._database.read(f"{self._name}.depth", count)
        numbers = {state: number for state, (number, _) in found.items()}
        oldest = min((since for state, (_, since) in found.items() if state != "dead"), default=None)
        return QueueDepth(numbers.get("waiting", 0), numbers.get("leased", 0), numbers.get("dead", 0), oldest)

    def _due(self, now: dt.datetime) -> ColumnElement[bool]:
        return and_(work.c.queue == self._name, work.c.state.in_(("waiting", "leased")), work.c.due_at <= now)

    def _claimable(self, now: dt.datetime) -> Select[tuple[int]]:
        ahead = work.alias()
        held_up = exists().where(
            ahead.c.queue == work.c.queue,
            ahead.c.lane == work.c.lane,
            ahead.c.id < work.c.id,
            ahead.c.state.in_(("waiting", "leased")),
        )
        return select(work.c.id).where(self._due(now), ~held_up).order_by(work.c.id)

    async def _kept(self, payload: Any) -> Any:
        return await kept_json(payload) if self._from_outside else payload

    def _leased(self, now: dt.datetime, lease: dt.timedelta) -> dict[str, Any]:
        return {
            "state": "leased",
            "token": secrets.token_hex(8),
            "attempts": work.c.attempts + 1,
            "due_at": now + lease,
            "updated_at": now,
        }

    def _bury_the_vanished(self, connection: Connection, now: dt.datetime) -> None:
        """Give up items that one worker after the other took and never gave back."""
        often = and_(work.c.state == "leased", work.c.attempts >= self._policy.attempts)
        buried = (
            update(work)
            .where(self._due(now), often)
            .values(state="dead", token=None, error="every worker that took it vanished", updated_at=now)
            .returning(work.c.key)
        )
        for (key,) in connection.execute(buried):
            _logger.error("store: %s %r is given up: every worker that took it vanished", self._name, key)

    async def _change(self, name: str, held: Lease, **values: Any) -> AnyRow | None:
        own = and_(
            work.c.queue == self._name,
            work.c.key == held.key,
            work.c.state == "leased",
            work.c.token == held.token,
        )

        def change(connection: Connection) -> AnyRow | None:
            return connection.execute(update(work).where(own).values(**values).returning(*LEASE_COLUMNS)).first()

        return await self._database.write(f"{self._name}.{name}", change)


def prune_work(connection: Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to ``limit`` items that were done or given up before ``before``."""
    old = select(work.c.id).where(work.c.updated_at < before, work.c.state.in_(("done", "dead"))).limit(limit)
    return connection.execute(delete(work).where(work.c.id.in_(old))).rowcount


LEASE_COLUMNS = (
    work.c.id,
    work.c.key,
    work.c.payload,
    work.c.attempts,
    work.c.due_at,
    work.c.token,
    work.c.error,
)
_ITEM_COLUMNS = (
    work.c.key,
    work.c.lane,
    work.c.state,
    work.c.attempts,
    work.c.due_at,
    work.c.payload,
    work.c.result,
    work.c.error,
    work.c.created_at,
    work.c.updated_at,
)


def lease_of(row: AnyRow) -> Lease:
    """Return the lease that a row of ``LEASE_COLUMNS`` is."""
    return Lease(
        key=row.key,
        payload=row.payload,
        attempt=row.attempts,
        until=row.due_at,
        token=row.token,
        last_error=row.error,
    )


def _item(row: AnyRow) -> Item:
    return Item(*row)
