"""Event marks: an event that a platform delivers several times is handled once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, and_, or_

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
        return (await self.mark_all([(key, event)], lease=lease))[0]

    async def mark_all(self, events: Sequence[tuple[str, Any]], *, lease: dt.timedelta) -> tuple[Lease | None, ...]:
        """Claim events, each a key and any JSON value, in one transaction; return for each what `mark` returns.

        Of several with one key the first is claimed. Raises StoreUnavailable.
        """
        now = self._clock()
        held = self._leased(now, lease)
        keys = [index_key(key) for key, _ in events]
        payloads = await self._kept([event for _, event in events])
        own = {"queue": self._name, "attempts": 1, "created_at": now}
        rows = {
            key: held | own | {"key": key, "payload": payload}
            for key, payload in zip(reversed(keys), reversed(payloads), strict=True)
        }

        # No IN: it cannot be said of several rows at once.
        due = (or_(work.c.state == "waiting", work.c.state == "leased"), work.c.due_at <= now)

        def put(connection: Connection) -> dict[str, AnyRow]:
            marked = (
                insert(connection, work)
                .on_conflict_do_update(
                    index_elements=["queue", "key"],
                    set_=held,
                    where=and_(*due, work.c.attempts < self._policy.attempts),
                )
                .returning(*LEASE_COLUMNS)
            )
            return {row.key: row for row in connection.execute(marked, list(rows.values()))}

        taken = await self._database.write(f"{self._name}.mark", put)
        return tuple(
            lease_of(taken[key]) if key in taken and key not in keys[:place] else None for place, key in enumerate(keys)
        )
