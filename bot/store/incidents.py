"""Incidents: trouble that alerts and events speak of, one thread each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, delete, or_, select, true, update

from bot.diagnosis.models import Verdict
from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import incidents
from bot.store.statements import AnyRow, insert, take_turns
from bot.store.texts import index_key, kept_json

__all__ = ["Incident", "IncidentState", "Incidents", "Opened", "prune_incidents"]

IncidentState = Literal["open", "resolved"]


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident. ``key`` says what it is about; of one key at most one incident is open.

    ``fingerprints`` are those of the alerts that still fire, ``thread`` is where it is talked about (None: nowhere
    yet), ``verdicts`` those of the last diagnosis by entry, and until ``quiet_until`` nothing more is said of it.
    ``details`` are whatever else those who work on it have noted.
    """

    id: int
    key: str
    state: IncidentState
    scope: Mapping[str, str]
    fingerprints: frozenset[str]
    thread: Mapping[str, str] | None
    verdicts: Mapping[str, Verdict]
    diagnosed_at: dt.datetime | None
    quiet_until: dt.datetime | None
    opened_at: dt.datetime
    updated_at: dt.datetime
    resolved_at: dt.datetime | None
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Opened:
    """An open incident and how it came to be so; only one caller is told that it is ``new`` or ``reopened``."""

    incident: Incident
    how: Literal["new", "reopened", "known"]


class Incidents:
    """Incidents, shared by all replicas."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(self, key: str, *, scope: Mapping[str, str], fingerprints: Collection[str] = ()) -> Opened:
        """Return the open incident of ``key``, with these alerts added to those that fire.

        There being none, the last one is opened again while it is in its quiet time, and else a new one begins.
        Raises StoreUnavailable.
        """
        now = self._clock()
        name = index_key(key)
        kept_scope = await kept_json(dict(scope))

        def put(connection: Connection) -> Opened:
            take_turns(connection, f"incident {name}")
            last = connection.execute(_latest(name)).first()
            known = None if last is None else _incident(last)
            if known is None or (known.state == "resolved" and not _is_quiet(known, now)):
                values = {
                    "key": name,
                    "state": "open",
                    "scope": kept_scope,
                    "fingerprints": sorted(set(fingerprints)),
                    "verdicts": {},
                    "opened_at": now,
                    "updated_at": now,
                }
                new = connection.execute(insert(connection, incidents).values(**values).returning(*_COLUMNS))
                return Opened(_incident(new.one()), "new")
            changed = (
                update(incidents)
                .where(incidents.c.id == known.id)
                .values(
                    state="open",
                    resolved_at=None,
                    fingerprints=sorted(known.fingerprints | set(fingerprints)),
                    updated_at=now,
                )
                .returning(*_COLUMNS)
            )
            how: Literal["known", "reopened"] = "known" if known.state == "open" else "reopened"
            return Opened(_incident(connection.execute(changed).one()), how)

        return await self._database.write("incidents.open", put)

    async def get(self, incident: int) -> Incident | None:
        """Return an incident by its id. Raises StoreUnavailable."""
        return await self._first("incidents.get", select(*_COLUMNS).where(incidents.c.id == incident))

    async def find(self, key: str) -> Incident | None:
        """Return the newest incident of ``key``, open or resolved. Raises StoreUnavailable."""
        return await self._first("incidents.find", _latest(index_key(key)))

    async def list(self, state: IncidentState | None = None, limit: int = 100) -> tuple[Incident, ...]:
        """Return incidents, the one that changed last first. Raises StoreUnavailable."""
        found = select(*_COLUMNS).order_by(incidents.c.updated_at.desc(), incidents.c.id.desc()).limit(limit)
        if state is not None:
            found = found.where(incidents.c.state == state)

        def read(connection: Connection) -> tuple[Incident, ...]:
            return tuple(map(_incident, connection.execute(found)))

        return await self._database.read("incidents.list", read)

    async def set_thread(self, incident: int, thread: Mapping[str, str]) -> bool:
        """Say where an incident is talked about; False: that is said already. Raises StoreUnavailable."""
        free = incidents.c.thread.is_(None)
        return await self._change("incidents.set_thread", incident, free, thread=dict(thread)) is not None

    async def diagnosed(self, incident: int, verdicts: Mapping[str, Verdict]) -> Incident | None:
        """Keep what a diagnosis of an incident said; None: there is no such incident. Raises StoreUnavailable."""
        return await self._change(
            "incidents.diagnosed", incident, true(), verdicts=dict(verdicts), diagnosed_at=self._clock()
        )

    async def note(self, incident: int, details: Mapping[str, Any]) -> Incident | None:
        """Put ``details`` (JSON values) in place of those of the same names, keep the others.

        None: there is no such incident. Raises StoreUnavailable.
        """
        now = self._clock()
        kept = await kept_json(dict(details))

        def merge(connection: Connection) -> Incident | None:
            one = incidents.c.id == incident
            row = connection.execute(select(*_COLUMNS).where(one).with_for_update()).first()
            if row is None:
                return None
            merged = {**_incident(row).details, **kept}
            changed = update(incidents).where(one).values(details=merged, updated_at=now).returning(*_COLUMNS)
            return _incident(connection.execute(changed).one())

        return await self._database.write("incidents.note", merge)

    async def speak(self, incident: int, *, quiet: dt.timedelta) -> bool:
        """Ask to say something about an incident and have it quiet for ``quiet`` afterwards.

        Of all who ask within a quiet time one is told True. Raises StoreUnavailable.
        """
        now = self._clock()
        may = or_(incidents.c.quiet_until.is_(None), incidents.c.quiet_until <= now)
        return await self._change("incidents.speak", incident, may, quiet_until=now + quiet) is not None

    async def settle(self, incident: int, fingerprints: Collection[str]) -> Incident | None:
        """Take alerts out of those that fire, and return what is left; the incident stays as open as it was.

        None: there is no such incident. Raises StoreUnavailable.
        """
        now = self._clock()

        def take(connection: Connection) -> Incident | None:
            one = incidents.c.id == incident
            row = connection.execute(select(*_COLUMNS).where(one).with_for_update()).first()
            if row is None:
                return None
            left = sorted(_incident(row).fingerprints - set(fingerprints))
            changed = update(incidents).where(one).values(fingerprints=left, updated_at=now).returning(*_COLUMNS)
            return _incident(connection.execute(changed).one())

        return await self._database.write("incidents.settle", take)

    async def resolve(self, incident: int) -> bool:
        """Resolve an incident, and whatever fired; False: it was not open. Raises StoreUnavailable."""
        is_open = incidents.c.state == "open"
        changed = await self._change(
            "incidents.resolve", incident, is_open, state="resolved", fingerprints=[], resolved_at=self._clock()
        )
        return changed is not None

    async def _first(self, name: str, found: Any) -> Incident | None:
        def read(connection: Connection) -> Incident | None:
            row = connection.execute(found).first()
            return None if row is None else _incident(row)

        return await self._database.read(name, read)

    async def _change(self, name: str, incident: int, only: ColumnElement[bool], **values: Any) -> Incident | None:
        changed = (
            update(incidents)
            .where(incidents.c.id == incident, only)
            .values(updated_at=self._clock(), **values)
            .returning(*_COLUMNS)
        )

        def change(connection: Connection) -> Incident | None:
            row = connection.execute(changed).first()
            return None if row is None else _incident(row)

        return await self._database.write(name, change)


def prune_incidents(connection: Connection, before: dt.datetime, limit: int) -> int:
    """Delete up to ``limit`` incidents of which nothing was heard since ``before``, open or not."""
    old = select(incidents.c.id).where(incidents.c.updated_at < before).limit(limit)
    return connection.execute(delete(incidents).where(incidents.c.id.in_(old))).rowcount


_COLUMNS = (
    incidents.c.id,
    incidents.c.key,
    incidents.c.state,
    incidents.c.scope,
    incidents.c.fingerprints,
    incidents.c.thread,
    incidents.c.verdicts,
    incidents.c.diagnosed_at,
    incidents.c.quiet_until,
    incidents.c.opened_at,
    incidents.c.updated_at,
    incidents.c.resolved_at,
    incidents.c.details,
)


def _latest(key: str) -> Any:
    return select(*_COLUMNS).where(incidents.c.key == key).order_by(incidents.c.id.desc()).limit(1)


def _is_quiet(incident: Incident, now: dt.datetime) -> bool:
    return incident.quiet_until is not None and incident.quiet_until > now


def _incident(row: AnyRow) -> Incident:
    values = dict(row._mapping)  # noqa: SLF001
    # Incidents of before there were details have none.
    held = {"fingerprints": frozenset(values["fingerprints"]), "details": values["details"] or {}}
    return Incident(**values | held)
