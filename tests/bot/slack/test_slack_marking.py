"""What is asked at once is marked at once, and each question as if it came alone."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from bot.settings.store_url import StoreUrl
from bot.slack.marking import Marking
from bot.store import Lease, Store, StoreUnavailable

T = TypeVar("T")

LEASE = dt.timedelta(minutes=2)


def on(path: Path, steps: Callable[[Store, Marking], Awaitable[T]]) -> T:
    async def run() -> T:
        async with Store(StoreUrl(f"sqlite:///{path}/acknet.db"), seconds=60) as store:
            return await steps(store, Marking(store.events, lease=LEASE))

    return asyncio.run(run())


async def marked(marking: Marking, *keys: str) -> list[Lease | BaseException | None]:
    return await asyncio.gather(*(marking.mark(key, {"text": key}) for key in keys), return_exceptions=True)


def test_each_of_many_is_marked_once_and_can_be_taken_over(tmp_path: Path) -> None:
    keys = [f"ask C1 {number}" for number in range(450)]

    async def steps(store: Store, marking: Marking) -> None:
        first = await marked(marking, *keys)
        assert [lease.key for lease in first if isinstance(lease, Lease)] == keys
        assert await marked(marking, *keys) == [None] * len(keys)
        kept = await store.events.get(keys[7])
        assert kept is not None
        assert (kept.state, kept.payload) == ("leased", {"text": keys[7]})

    on(tmp_path, steps)


def test_of_the_same_that_comes_several_times_at_once_one_is_taken(tmp_path: Path) -> None:
    async def steps(_: Store, marking: Marking) -> None:
        found = await marked(marking, "first", "ask", "ask", "other", "ask")
        assert [lease is not None for lease in found] == [True, True, False, True, False]

    on(tmp_path, steps)


def test_what_no_store_takes_does_not_keep_others_from_being_marked(tmp_path: Path) -> None:
    async def steps(_: Store, marking: Marking) -> None:
        found = await marked(marking, "one", "", "two")
        assert [type(each) for each in found] == [Lease, ValueError, Lease]

    on(tmp_path, steps)


def test_where_the_store_is_down_all_are_told_so(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")

    async def steps(_: Store, marking: Marking) -> None:
        found = await marked(marking, "one", "two")
        assert [type(each) for each in found] == [StoreUnavailable] * 2

    on(in_the_way, steps)


def test_a_question_whose_asker_went_away_is_marked_with_the_others(tmp_path: Path) -> None:
    async def steps(store: Store, marking: Marking) -> None:
        gone, stays = (asyncio.create_task(marking.mark(key, {})) for key in ("gone", "stays"))
        await asyncio.sleep(0)
        gone.cancel()
        assert isinstance(await stays, Lease)
        with pytest.raises(asyncio.CancelledError):
            await gone

    on(tmp_path, steps)
