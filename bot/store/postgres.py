"""The store in a PostgreSQL database that several replicas share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import create_async_engine

from bot.store.database import Session, Work
from bot.store.failures import Reason, StoreUnavailable
from bot.store.migrate import alembic_in_turn, is_current, upgrade
from bot.store.statements import LOCK_CLASS

if TYPE_CHECKING:
    import psycopg

__all__ = ["PostgresBackend"]

T = TypeVar("T")

# By SQLSTATE; what has more letters goes before its class.
_REASONS: dict[str, Reason] = {
    "08": "unreachable",
    "25006": "read_only",
    "28": "refused",
    "3D": "refused",
    "3F": "schema",
    "42501": "refused",
    "42P01": "schema",
    "42703": "schema",
    "53": "unreachable",
    "53100": "full",
    "55P03": "locked",
    "57": "unreachable",
    "57014": "slow",
    "58": "unreachable",
    "58030": "failed",
    "XX001": "damaged",
    "XX002": "damaged",
}
_IDLE_SECONDS = 10


class PostgresBackend:
    """A database by its connection URI; ``seconds`` is how long an operation may take."""

    def __init__(self, url: str, seconds: float) -> None:
        self._url = url
        self._seconds = seconds

    async def open(self) -> Session:
        """Make the tables fit for use and open the database; several processes at once take turns."""
        database = _Server(_parameters(self._url), self._seconds)
        try:
            await database.migrate()
        except (DBAPIError, OSError) as error:
            await database.close()
            raise self.failure(error) from error
        except BaseException:
            await database.close()
            raise
        return database

    async def set_aside(self, session: Session, why: str) -> bool:  # noqa: ARG002
        """Leave a damaged server to those who run it."""
        return False

    def failure(self, error: BaseException) -> StoreUnavailable:
        """Return what callers see of ``error``."""
        import psycopg

        if isinstance(error, PoolTimeoutError):
            return StoreUnavailable("slow", "all connections are in use")
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, psycopg.Error):
            state = cause.sqlstate or ""
            reason = _REASONS.get(state) or _REASONS.get(state[:2])
            if reason is None:
                lost = isinstance(cause, psycopg.OperationalError) and not state
                reason = "unreachable" if lost else "failed"
            # Only the primary message: the details of some errors repeat what was to be stored.
            return StoreUnavailable(reason, cause.diag.message_primary or str(cause))
        return StoreUnavailable("unreachable" if isinstance(cause, OSError) else "failed", type(cause).__name__)


class _Server:
    """The open database, with a pool of connections."""

    def __init__(self, parameters: dict[str, Any], seconds: float) -> None:
        self._parameters = parameters | {"connect_timeout": max(2, math.ceil(seconds))}
        self._engine = create_async_engine(
            "postgresql+psycopg://",
            async_creator=self._connect,
            hide_parameters=True,
            isolation_level="READ COMMITTED",
            pool_pre_ping=True,
            pool_size=5,
            max_overflow=5,
            pool_timeout=seconds,
        )

    async def migrate(self) -> None:
        """Run the migrations that are missing."""
        async with self._engine.connect() as connection:
            if await connection.run_sync(is_current):
                return
        async with alembic_in_turn(), self._engine.begin() as connection:
            await connection.execute(select(func.pg_advisory_xact_lock(LOCK_CLASS, 0)))
            await connection.run_sync(upgrade)

    async def read(self, work: Work[T]) -> T:
        """Return what ``work`` reads in a transaction."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def write(self, work: Work[T]) -> T:
        """Return what ``work`` returns, once all it wrote is committed."""
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        """Close the connections."""
        await self._engine.dispose()

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        import psycopg

        # No prepared statements: poolers between here and the server may not know them.
        connection = await psycopg.AsyncConnection.connect(**self._parameters, prepare_threshold=None)
        # A replica that vanishes in the middle of a transaction must not keep its rows from the others.
        await connection.set_autocommit(True)
        await connection.execute(f"SET idle_in_transaction_session_timeout = '{_IDLE_SECONDS}s'")
        await connection.set_autocommit(False)
        return connection


def _parameters(url: str) -> dict[str, Any]:
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise StoreUnavailable(
            "refused", "PostgreSQL needs what the extra brings: pip install 'acknet[postgres]'"
        ) from error

    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # Its words may repeat a password.
        raise StoreUnavailable("refused", "its URL is no connection URI of PostgreSQL") from None
    usual: dict[str, Any] = {
        "application_name": "acknet",
        # Of several hosts the one that can be written to, also after a failover.
        "target_session_attrs": "read-write",
        "keepalives_idle": "30",
        "tcp_user_timeout": "10000",
    }
    return usual | {name: value for name, value in given.items() if value is not None}
