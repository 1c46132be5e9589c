"""Engines on a SQLite file, and how their transactions begin."""

from __future__ import annotations

import random
import sqlite3
import time
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, StaticPool, create_engine, event

__all__ = ["sqlite_engine"]

_POLL_SECONDS = (0.0005, 0.004)


def sqlite_engine(path: Path, wait_seconds: float, *, writes: bool) -> Engine:
    """Return an engine for one thread, whose transactions take the write lock at once if it ``writes``.

    ``wait_seconds`` is how long it waits for other processes.
    """
    engine = create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        connect_args={"timeout": wait_seconds, "check_same_thread": False},
        hide_parameters=True,
        poolclass=StaticPool,
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _: object) -> None:
        # Transactions begin below, and not where the driver guesses.
        connection.isolation_level = None
        # What was committed outlives a loss of power, too.
        connection.execute("PRAGMA synchronous = FULL")

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        if writes:
            _begin_writing(connection, wait_seconds)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _begin_writing(connection: Connection, wait_seconds: float) -> None:
    """Take the write lock, asking for it more often than SQLite does by itself.

    SQLite asks ten times a second after a while, and so hardly ever in the moment in which a busy process has let go.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    driver.execute("PRAGMA busy_timeout = 0")
    give_up_at = time.monotonic() + wait_seconds
    while time.monotonic() < give_up_at:
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
            time.sleep(random.uniform(*_POLL_SECONDS))  # noqa: S311
        else:
            driver.execute(f"PRAGMA busy_timeout = {int(wait_seconds * 1000)}")
            return
    # Once more through SQLAlchemy, whose error says what stands in the way.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
