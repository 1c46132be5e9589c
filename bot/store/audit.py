"""The audit log: who asked what from where, what was read, what was answered; each record seals those before it."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from sqlalchemy import Connection, delete, func, select

from bot.store.clock import Clock
from bot.store.database import Database
from bot.store.schema import audit_log
from bot.store.statements import AnyRow, insert, take_turns
from bot.store.texts import kept_json, kept_text, plain

__all__ = ["AuditCheck", "AuditLog", "AuditRecord", "prune_audit"]

_MOST_QUESTION = 8000
_BATCH = 500
_PRUNED = "pruned"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """What somebody did. ``number`` counts without gaps; ``digest`` is over all the rest and the digest before.

    ``who`` and ``place`` are the ids of the platform, ``read`` names the objects that were read, ``outcome`` is what
    was answered in a few words of JSON.
    """

    number: int
    at: dt.datetime
    who: str
    place: str
    action: str
    question: str | None
    read: tuple[str, ...]
    outcome: Any
    previous: str
    digest: str


@dataclass(frozen=True, slots=True)
class AuditCheck:
    """Whether the log is as it was written: ``broken_at`` is the first record that is not (None: all are), and why.

    ``head`` is the digest of the last record. Who writes it down elsewhere can also tell whether the end of the log
    was cut off, or all of it written anew.
    """

    records: int
    broken_at: int | None
    why: str | None
    head: str


class AuditLog:
    """The audit log; it is only ever added to, and pruned from its beginning."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def add(
        self,
        *,
        who: str,
        place: str,
        action: str,
        question: str | None = None,
        read: Sequence[str] = (),
        outcome: Mapping[str, Any] | None = None,
    ) -> AuditRecord:
        """Add a record and return it; ``outcome`` is any JSON object. Raises StoreUnavailable."""
        now = self._clock()
        values = {
            "who": plain(who),
            "place": plain(place),
            "action": plain(action),
            "question": None if question is None else await kept_text(question, _MOST_QUESTION),
            "read": tuple(await kept_json(list(read))),
            "outcome": await kept_json(outcome),
        }
        return await self._database.write("audit.add", lambda connection: _append(connection, now, values))

    async def list(
        self,
        *,
        since: dt.datetime | None = None,
        who: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
    ) -> tuple[AuditRecord, ...]:
        """Return records, the newest first; ``before`` is the number that the page before ended with.

        ``after`` is the number of one that is known, with all before it. Raises StoreUnavailable.
        """
        found = select(*_COLUMNS).order_by(audit_log.c.number.desc()).limit(limit)
        if since is not None:
            found = found.where(audit_log.c.at >= since)
        if who is not None:
            found = found.where(audit_log.c.who == who)
        if before is not None:
            found = found.where(audit_log.c.number < before)
        if after is not None:
            found = found.where(audit_log.c.number > after)
        return await self._records(found)

    async def verify(self) -> AuditCheck:
        """Read the whole log and tell whether every record is there and as it was written. Raises StoreUnavailable."""
        last: AuditRecord | None = None
        records = 0
        starts: list[AuditRecord] = []
        pruned: set[tuple[Any, Any]] = set()
        while page := await self._records(_after(0 if last is None else last.number)):
            for record in page:
                if record.number != (1 if last is None else last.number + 1):
                    starts.append(record)
                elif record.previous != ("" if last is None else last.digest):
                    return _broken(records, record, "it does not follow from the record before it", last)
                if record.digest != _digest(record):
                    return _broken(records, record, "it was changed", last)
                if record.action == _PRUNED and isinstance(record.outcome, Mapping):
                    pruned.add((record.outcome.get("through"), record.outcome.get("digest")))
                last = record
                records += 1
        # Pruning says in the log what it took; what is missing without that, something else took.
        for start in starts:
            if (start.number - 1, start.previous) not in pruned:
                return _broken(records, start, "the records before it are missing", last)
        return AuditCheck(records, None, None, "" if last is None else last.digest)

    async def _records(self, found: Any) -> tuple[AuditRecord, ...]:
        def read(connection: Connection) -> tuple[AuditRecord, ...]:
            return tuple(map(_record, connection.execute(found)))

        return await self._database.read("audit.read", read)


def prune_audit(connection: Connection, before: dt.datetime, limit: int, now: dt.datetime) -> int:
    """Delete up to ``limit`` of the first records if they are from before ``before``, and say so in the log."""
    take_turns(connection, "audit")
    kept_from = select(func.min(audit_log.c.number)).where(audit_log.c.at >= before)
    end = connection.execute(kept_from).scalar()
    old = select(audit_log.c.number, audit_log.c.digest).order_by(audit_log.c.number).limit(limit)
    if end is not None:
        old = old.where(audit_log.c.number < end)
    rows = connection.execute(old).all()
    if not rows:
        return 0
    through, digest = rows[-1]
    values: dict[str, Any] = {
        "who": "acknet",
        "place": "store",
        "action": _PRUNED,
        "question": None,
        "read": (),
        "outcome": {"through": through, "digest": digest, "records": len(rows)},
    }
    _append(connection, now, values)
    connection.execute(delete(audit_log).where(audit_log.c.number <= through))
    return len(rows)


_COLUMNS = (
    audit_log.c.number,
    audit_log.c.at,
    audit_log.c.who,
    audit_log.c.place,
    audit_log.c.action,
    audit_log.c.question,
    audit_log.c.read,
    audit_log.c.outcome,
    audit_log.c.previous,
    audit_log.c.digest,
)


def _append(connection: Connection, now: dt.datetime, values: Mapping[str, Any]) -> AuditRecord:
    take_turns(connection, "audit")
    newest = select(audit_log.c.number, audit_log.c.digest).order_by(audit_log.c.number.desc()).limit(1)
    last = connection.execute(newest).first()
    number, previous = (last.number + 1, last.digest) if last is not None else (1, "")
    at = now.astimezone(dt.UTC)
    record = AuditRecord(number=number, at=at, **values, previous=previous, digest="")
    record = replace(record, digest=_digest(record))
    connection.execute(insert(connection, audit_log).values({**asdict(record), "read": list(record.read)}))
    return record


def _digest(record: AuditRecord) -> str:
    sealed = asdict(record) | {"at": record.at.isoformat(timespec="microseconds")}
    del sealed["digest"]
    return hashlib.sha256(json.dumps(sealed, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _broken(records: int, at: AuditRecord, why: str, last: AuditRecord | None) -> AuditCheck:
    return AuditCheck(records, at.number, why, "" if last is None else last.digest)


def _record(row: AnyRow) -> AuditRecord:
    number, at, who, place, action, question, read, outcome, previous, digest = row
    return AuditRecord(number, at, who, place, action, question, tuple(read), outcome, previous, digest)


def _after(number: int) -> Any:
    return select(*_COLUMNS).where(audit_log.c.number > number).order_by(audit_log.c.number).limit(_BATCH)
