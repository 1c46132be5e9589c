"""Asking again what fails only for a while."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.store import StoreUnavailable

T = TypeVar("T")

_PATIENCE_SECONDS = 60


async def in_the_end(operation: Callable[[], Awaitable[T]]) -> T:
    """Do what fails only because the database is still coming up, or the store still rests."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await operation()
        except StoreUnavailable:
            if time.monotonic() > give_up_at:
                raise
            await asyncio.sleep(0.1)
