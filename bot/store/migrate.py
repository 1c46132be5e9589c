"""Brings a database's tables to what this version's code expects."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from bot.store.failures import StoreUnavailable
from bot.store.schema import REVISION

__all__ = ["ALEMBIC", "alembic_in_turn", "is_current", "upgrade"]

ALEMBIC = threading.Lock()
"""Has to be held for `upgrade`: Alembic keeps what it is at in globals of its modules."""

_POLL_SECONDS = 0.01


@asynccontextmanager
async def alembic_in_turn() -> AsyncIterator[None]:
    """Hold `ALEMBIC` without keeping the event loop from whoever holds it now."""
    while not ALEMBIC.acquire(blocking=False):  # noqa: ASYNC110 - a thread may hold it, or another event loop
        await asyncio.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        ALEMBIC.release()


def is_current(connection: Connection) -> bool:
    """Tell whether the tables are those of this version."""
    return _revision(connection) == REVISION


def upgrade(connection: Connection) -> None:
    """Run the migrations that are missing in the transaction of ``connection``.

    Whoever calls sees to it that only one process does so at a time. Raises StoreUnavailable when a newer acknet made
    the tables, SQLAlchemy's errors when the database fails.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    found = _revision(connection)
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreUnavailable("schema", f"they are at revision {found}, this acknet knows up to {REVISION}") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
