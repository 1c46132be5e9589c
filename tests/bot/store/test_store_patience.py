"""How long the store has work tried before it gives it up, as it is shipped."""

from __future__ import annotations

import asyncio

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.contracts.store_ground import HOUR, MINUTE, SECOND, Clock


def tried_for(url, queue_name):
    """Let an item of the queue fail whenever it is due, and return how long that went on."""
    clock = Clock()

    async def steps():
        async with Store(StoreUrl(url), seconds=30, clock=clock) as store:
            queue = getattr(store, queue_name)
            await queue.enqueue("key", {"text": "said"})
            began, state = clock.now, "waiting"
            while state != "dead":
                for held in await queue.claim(lease=MINUTE):
                    state = await queue.retry(held, "503")
                clock.advance(10 * SECOND)
            return clock.now - began

    return asyncio.run(steps())


@pytest.mark.parametrize("queue", ["outbox", "notices"])
def test_what_is_to_be_said_outlasts_an_hour_in_which_nobody_takes_it(tmp_path, queue):
    assert HOUR < tried_for(f"sqlite:///{tmp_path}/acknet.db", queue) < 4 * HOUR


def test_work_that_always_fails_is_given_up_soon(tmp_path):
    assert tried_for(f"sqlite:///{tmp_path}/acknet.db", "alerts") < HOUR
