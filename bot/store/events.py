"""Event marks: an event that a platform delivers several times is handled once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection

from bot.store.schema import work
from bot.store.statements import AnyRow, insert
from bot.store.texts import index_key
from bot.store.work import LEASE_COLUMNS, Lease, WorkQueue, lease_of

__all__ = ["EventMarks"]


class EventMarks(WorkQueue):
    """Marks of events that are being handled (leased) or were (done).

    A mark that carries its event can be taken over by `claim` when its holder vanished, also when the platform does
    not deliver the event again.
    """

    async def mark(self, key: str, *, lease: dt.timedelta, event: Any = None) -> Lease | None:
        """Claim an event for the caller, for as long as ``lease``; ``event`` is any JSON value.

        None: the event was handled, or somebody else is at it. Raises StoreUnavailable.
        """
        now = self._clock()
        held = self._leased(now, lease)
        values = held | {
            "queue": self._name,
            "key": index_key(key),
            "payload": await self._kept(event),
            "attempts": 1,
            "created_at": now,
        }

        def put(connection: Connection) -> AnyRow | None:
            marked = (
                insert(connection, work)
                .values(**values)
                .on_conflict_do_update(
                    index_elements=["queue", "key"],
                    set_=held,
                    where=self._due(now) & (work.c.attempts < self._policy.attempts),
                )
                .returning(*LEASE_COLUMNS)
            )
            return connection.execute(marked).first()

        row = await self._database.write(f"{self._name}.mark", put)
        return None if row is None else lease_of(row)
