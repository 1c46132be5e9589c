"""What tests have other processes do with the store: ``python -m tests.bot.store.processes ACTION URL …``.

A process says "ready", waits for a line, and does its part; so several can begin at once.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import sys
import time
from pathlib import Path

from sqlalchemy import Engine, event

from bot.settings.store_url import StoreUrl
from bot.store import Store

LEASE = dt.timedelta(seconds=1)


def _begin() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


async def mark(url: str, count: str) -> None:
    """Claim that many events in an order of its own and print those that it got."""
    keys = [f"Ev{number}" for number in range(int(count))]
    random.shuffle(keys)
    async with Store(StoreUrl(url), seconds=60) as store:
        await store.check()
        _begin()
        for start in range(0, len(keys), 8):
            some = keys[start : start + 8]
            held = await asyncio.gather(*(store.events.mark(key, lease=dt.timedelta(hours=1)) for key in some))
            print(*(one.key for one in held if one is not None), flush=True)


async def open_store(url: str) -> None:
    """Open the store, with all that has to be imported for that done before."""
    import alembic.command  # noqa: F401

    _begin()
    async with Store(StoreUrl(url), seconds=60) as store:
        await store.check()


async def hang_in_commit(url: str) -> None:
    """Claim an event and hang just before that is committed."""
    async with Store(StoreUrl(url), seconds=60) as store:
        await store.check()
        _begin()

        @event.listens_for(Engine, "commit")
        def _hang(_: object) -> None:
            print("in the middle", flush=True)
            time.sleep(600)

        await store.events.mark("Ev1", lease=LEASE)


async def hang_with_claim(url: str) -> None:
    """Claim an event and hang."""
    async with Store(StoreUrl(url), seconds=60) as store:
        await store.check()
        _begin()
        await store.events.mark("Ev1", lease=LEASE, event={"text": "a question"})
        print("in the middle", flush=True)
        await asyncio.sleep(600)


async def send(url: str, sent: str) -> None:
    """Send what is in the outbox, by writing its key and attempt to the file ``sent``, until killed."""
    async with Store(StoreUrl(url), seconds=60) as store:
        await store.check()
        _begin()
        while True:
            for held in await store.outbox.claim(lease=LEASE, limit=3):
                _append(Path(sent), f"{held.key} {held.attempt}\n")
                await store.outbox.sent(held, "1.1")
            await asyncio.sleep(0.001)


def _append(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line)


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](*sys.argv[2:]))
