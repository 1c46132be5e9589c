"""The few statements that SQLAlchemy does not write for both databases by itself."""

from __future__ import annotations

import zlib
from typing import Any, cast

from sqlalchemy import Connection, Row, Table, func, select
from sqlalchemy.dialects import postgresql, sqlite

__all__ = ["LOCK_CLASS", "AnyRow", "insert", "take_turns"]

AnyRow = Row[*tuple[Any, ...]]
"""A row of any columns."""

LOCK_CLASS = 0x61636B6E
"""First half of the keys of acknet's advisory locks in PostgreSQL; 0 as the second is that of migrations."""


def insert(connection: Connection, table: Table) -> postgresql.Insert:
    """Return an INSERT that may say ON CONFLICT; both databases take the same words for it."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return cast("postgresql.Insert", sqlite.insert(table))


def take_turns(connection: Connection, subject: str) -> None:
    """Wait until no other transaction works on ``subject``, and keep others waiting until this one ends.

    On SQLite there is nothing to wait for: one transaction writes at a time.
    """
    if connection.dialect.name == "postgresql":
        number = zlib.crc32(subject.encode()) - 2**31
        connection.execute(select(func.pg_advisory_xact_lock(LOCK_CLASS, number or 1)))
