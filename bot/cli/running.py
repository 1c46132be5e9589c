"""Commands that run until they are stopped."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.service import Service
    from bot.settings import Settings

__all__ = ["end_while_building", "run_until_signalled"]


def run_until_signalled(settings: Settings, work: Callable[[Service, asyncio.Event], Awaitable[None]]) -> None:
    """Have ``work`` use a service until the event is set, by SIGINT or SIGTERM; the log goes to stderr.

    The index is opened meanwhile, or built where there is none.
    """
    from bot.observe.log import log_to_stderr

    log_to_stderr(settings)
    if not asyncio.run(_run(settings, work)):
        end_while_building()


async def _run(settings: Settings, work: Callable[[Service, asyncio.Event], Awaitable[None]]) -> bool:
    """Run ``work``; tell whether the index was open (or could not be opened) by its end."""
    from bot.engine import open_engine
    from bot.observe.memory import keep_small
    from bot.opening import EngineOpening
    from bot.service import Service

    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    opening = EngineOpening(lambda: open_engine(settings))
    service = Service(settings, opening)
    opening.start()
    keep_small(opening.wait)
    try:
        await work(service, stopped)
    finally:
        await service.close()
    return opening.wait(0)


def end_while_building() -> None:
    """End the process at once.

    The thread that builds the index cannot be stopped, and an interpreter that shuts down around it may crash in
    native code. A build that was cut off is never taken for an index.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
