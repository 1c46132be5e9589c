"""Warnings that others cause: the first is written, the rest are counted."""

from __future__ import annotations

import asyncio
import logging

import pytest

from bot.observe.repeated import Repeated

_logger = logging.getLogger("acknet.test")


async def until_there_are(caplog: pytest.LogCaptureFixture, lines: int) -> None:
    async with asyncio.timeout(60):
        while len(caplog.messages) < lines:  # noqa: ASYNC110 (a log has no event to wait for)
            await asyncio.sleep(0.01)


def test_the_first_is_written_and_those_that_follow_as_their_number(caplog: pytest.LogCaptureFixture) -> None:
    async def flood() -> None:
        warnings = Repeated(_logger, seconds=0.05)
        for number in range(1000):
            warnings.warn("no. %d is not signed", number)
        assert caplog.messages == ["no. 0 is not signed"]
        await until_there_are(caplog, 2)

    asyncio.run(flood())

    assert caplog.messages[1] == "999 times more within 0.05 s: no. 0 is not signed"


def test_after_a_quiet_while_the_next_is_written_again(caplog: pytest.LogCaptureFixture) -> None:
    async def twice() -> None:
        warnings = Repeated(_logger, seconds=0.01)
        warnings.warn("first")
        async with asyncio.timeout(60):
            while "second" not in caplog.messages:
                await asyncio.sleep(0.02)
                warnings.warn("second")

    asyncio.run(twice())

    assert caplog.messages[:1] == ["first"]
