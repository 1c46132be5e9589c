"""What the tests of the store stand on: a database to be given, a clock to be moved."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Lease, RetryPolicy, Store, WorkQueue

__all__ = ["AWKWARD", "DAY", "HOUR", "MINUTE", "RETRIES", "SECOND", "START", "Clock", "StoreGround", "bury"]

T = TypeVar("T")

START = dt.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)
MINUTE = dt.timedelta(minutes=1)
HOUR = dt.timedelta(hours=1)
DAY = dt.timedelta(days=1)
RETRIES = RetryPolicy(attempts=3, first=4 * SECOND, longest=6 * SECOND)

# What text can hold that some database, or some encoding, does not take.
AWKWARD = "节点 NotReady \0 \ud800 'quoted\" \\u0000 🙂"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def advance(self, by: dt.timedelta) -> None:
        self.now += by


class StoreGround:
    """Has to be given ``url`` (a fixture: an empty database) and ``execute`` (what lies in it, past the store)."""

    @pytest.fixture
    def url(self) -> str:
        raise NotImplementedError

    def execute(self, url: str, statement: str) -> list[tuple[object, ...]]:
        """Run a statement on the database in a connection of its own and return its rows."""
        raise NotImplementedError

    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def use(self, url: str, clock: Clock) -> Callable[..., object]:
        """Runs steps on the store in an event loop of their own."""

        def use(steps: Callable[[Store], Awaitable[T]]) -> T:
            async def run() -> T:
                # Time enough for a machine that is busy with other tests.
                async with Store(StoreUrl(url), seconds=30, clock=clock, retries=RETRIES) as store:
                    return await steps(store)

            return asyncio.run(run())

        return use


async def bury(queue: WorkQueue, held: Lease, clock: Clock) -> None:
    """Let what is held fail until the queue gives it up."""
    while await queue.retry(held, "no", after=dt.timedelta()) != "dead":
        clock.advance(SECOND)
        (held,) = [one for one in await queue.claim(lease=MINUTE, limit=1) if one.key == held.key]
