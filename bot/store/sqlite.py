"""The store in one SQLite file: made, checked, set aside where it is damaged."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import logging
import os
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from bot.store.database import Moved, Session, Work
from bot.store.failures import Reason, StoreUnavailable
from bot.store.migrate import ALEMBIC, is_current, upgrade
from bot.store.sqlite_engine import sqlite_engine
from bot.store.worker import Worker

__all__ = ["SqliteBackend"]

T = TypeVar("T")
_Identity = tuple[int, int]

_logger = logging.getLogger("acknet.store")

_NEEDED = (3, 35)  # INSERT … ON CONFLICT … RETURNING
_OPENING_SECONDS = 30.0
_WRITES_AT_ONCE = 100
# Between two writes of a busy process, so that another one finds the file free.
_PAUSE_SECONDS = 0.002
# Reading a larger file through would hold up the start; its damage shows where it is read.
_CHECKED_BYTES = 64 * 1024 * 1024

_REASONS: dict[int, Reason] = {
    sqlite3.SQLITE_BUSY: "locked",
    sqlite3.SQLITE_LOCKED: "locked",
    sqlite3.SQLITE_PROTOCOL: "locked",
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
    sqlite3.SQLITE_PERM: "refused",
    sqlite3.SQLITE_AUTH: "refused",
    sqlite3.SQLITE_ERROR: "schema",
}
_OS_REASONS: dict[int | None, Reason] = {
    errno.EACCES: "read_only",
    errno.EPERM: "read_only",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
}


class SqliteBackend:
    """One file, shared by the processes of one machine; ``busy_seconds`` is how long a write waits for another."""

    def __init__(self, path: str, busy_seconds: float) -> None:
        self._given = path
        self._busy_seconds = busy_seconds
        # Not a thread of the event loop: a disk that hangs keeps it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="acknet-store-open")

    async def open(self) -> Session:
        """Make the file fit for use, whatever is there, and open it; several processes at once take turns."""
        return await self._in_thread(self._open)

    async def set_aside(self, session: Session, why: str) -> bool:
        """Rename the damaged file, unless another process has done so; True: a fresh one can be begun."""
        assert isinstance(session, _File)
        return await self._in_thread(lambda: self._set_aside(session.identity, why))

    def failure(self, error: BaseException) -> StoreUnavailable:
        """Return what callers see of ``error``."""
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.Error):
            code = getattr(cause, "sqlite_errorcode", None)
            name = getattr(cause, "sqlite_errorname", None)
            detail = f"{self._given}: {cause}" + (f" ({name})" if name else "")
            return StoreUnavailable(_REASONS.get((code or 0) & 0xFF, "failed"), detail)
        if isinstance(cause, OSError):
            at = cause.filename or self._given
            return StoreUnavailable(_OS_REASONS.get(cause.errno, "unreachable"), f"{at}: {cause.strerror or cause}")
        return StoreUnavailable("failed", f"{self._given}: {type(cause).__name__}")

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, function)

    def _open(self) -> _File:
        if sqlite3.sqlite_version_info < _NEEDED:
            raise StoreUnavailable("refused", f"SQLite 3.35 or newer is needed, this is {sqlite3.sqlite_version}")
        path = self._path()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with FileLock(f"{path}.lock", timeout=_OPENING_SECONDS):
                self._prepare(path)
                return _File(path, self._busy_seconds)
        except Timeout as error:
            raise StoreUnavailable("locked", f"{path}.lock is held by another process that opens the store") from error
        except (OSError, sqlite3.Error, DBAPIError) as error:
            raise self.failure(error) from error

    def _set_aside(self, identity: _Identity, why: str) -> bool:
        path = self._path()
        try:
            with FileLock(f"{path}.lock", timeout=_OPENING_SECONDS):
                if path.exists() and _identity(path) == identity:
                    _rename(path, why)
        except Timeout as error:
            raise StoreUnavailable("locked", f"{path}.lock is held by another process that opens the store") from error
        except OSError as error:
            raise StoreUnavailable("damaged", f"{path} cannot be set aside: {error.strerror}") from error
        return True

    def _path(self) -> Path:
        try:
            return Path(self._given).expanduser().absolute()
        except RuntimeError as error:
            raise StoreUnavailable(
                "refused", f"no home directory is known for the ~ in {self._given}; set ACKNET_STORE_URL"
            ) from error

    def _prepare(self, path: Path) -> None:
        _create(path)
        try:
            self._migrate(path)
        except (sqlite3.Error, DBAPIError) as error:
            failure = self.failure(error)
            if failure.reason != "damaged":
                raise
            _rename(path, failure.detail)
            _create(path)
            self._migrate(path)

    def _migrate(self, path: Path) -> None:
        engine = sqlite_engine(path, self._busy_seconds, writes=True)
        try:
            with engine.connect() as connection:
                _check(connection, path)
                # WAL stays switched on in the file; a file system that cannot do it keeps the slower journal.
                connection.connection.cursor().execute("PRAGMA journal_mode = WAL")
            with engine.begin() as connection:
                if not is_current(connection):
                    with ALEMBIC:
                        upgrade(connection)
        finally:
            engine.dispose()


class _File:
    """The open file: one thread reads and one writes."""

    def __init__(self, path: Path, busy_seconds: float) -> None:
        self._path = path
        self.identity = _identity(path)
        reads = sqlite_engine(path, busy_seconds, writes=False)
        writes = sqlite_engine(path, busy_seconds, writes=True)
        self._reader = Worker(reads, self._has_to_be_there, at_once=1)
        self._writer = Worker(writes, self._has_to_be_there, at_once=_WRITES_AT_ONCE, pause=_PAUSE_SECONDS)

    async def read(self, work: Work[T]) -> T:
        """Return what ``work`` reads in a transaction."""
        return await self._reader.run(work)

    async def write(self, work: Work[T]) -> T:
        """Return what ``work`` returns, once all it wrote is on the disk."""
        return await self._writer.run(work)

    async def close(self) -> None:
        """Let what was begun end, and close the file."""
        await self._reader.close()
        await self._writer.close()

    def _has_to_be_there(self) -> None:
        """Refuse to go on with a file that was renamed or deleted: what is written to it nobody would ever read."""
        try:
            is_there = _identity(self._path) == self.identity
        except FileNotFoundError:
            is_there = False
        if not is_there:
            raise Moved(f"{self._path} was moved or replaced while it was in use")


def _identity(path: Path) -> _Identity:
    found = path.stat()
    return found.st_dev, found.st_ino


def _create(path: Path) -> None:
    # Nobody else may read what people asked. A file that is there is not opened here: closing it again would drop the
    # locks that SQLite holds on it in this process.
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    _logger.info("store: %s is new", path)


def _check(connection: Connection, path: Path) -> None:
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA schema_version")
    if path.stat().st_size > _CHECKED_BYTES:
        return
    result = cursor.execute("PRAGMA quick_check(1)").fetchone()
    if result != ("ok",):
        error = sqlite3.DatabaseError(str(result[0] if result else "no result of quick_check"))
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _rename(path: Path, why: str) -> None:
    """Move the file out of the way under a name of its own; its log goes first, lest a fresh file takes it over."""
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    _logger.error("store: %s is damaged (%s); it was kept as %s and a fresh one is begun", path, why, aside)
