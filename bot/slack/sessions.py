"""Slack's stop button: shown in a thread while a look is under way there, and what pressing it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from bot.service import Asker, Service
from bot.slack.calls import SlackCalls
from bot.slack.tasks import Spot, Stop
from bot.store import AuditRecord

__all__ = ["Sessions", "Stopped"]


T = TypeVar("T")

_ACTION = "stop"
_WATCH_SECONDS = 1.0
_MOST_READ = 200
_NOTHING: tuple[AuditRecord, ...] = ()


class Stopped(Exception):
    """Somebody pressed the stop button."""


class Sessions:
    """Runs what can be stopped from the thread it takes place in.

    Slack may hand the press of the button to another copy of acknet than the one that looks. So each press is put
    into the audit log, which the one that looks reads meanwhile.
    """

    def __init__(self, service: Service, calls: SlackCalls) -> None:
        self._service, self._calls = service, calls
        self._running: dict[str, set[asyncio.Task[Any]]] = {}

    async def run(self, spot: Spot, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work`` returns; raises what it raises, or Stopped."""
        if spot.thread is None or spot.response_url:
            return await work()  # there is no thread that Slack could show the button in
        before = await self._newest()
        running: asyncio.Task[T] = asyncio.create_task(_run(work))
        here = self._running.setdefault(spot.place, set())
        here.add(running)
        watching = asyncio.create_task(self._watch(spot, running, before))
        showing = asyncio.create_task(self._set(spot, "processing"))
        try:
            await asyncio.wait({running})
            await showing  # or it might come after what follows
        finally:
            here.discard(running)
            if not here:
                self._running.pop(spot.place, None)
            for task in (running, watching, showing):
                task.cancel()
            await asyncio.gather(running, watching, showing, return_exceptions=True)
        if spot.place not in self._running:
            await self._set(spot, "active")
        if running.cancelled():
            raise Stopped
        return running.result()

    async def stop(self, stop: Stop) -> None:
        """Stop what is under way in a thread, here or in another process."""
        place, service = stop.spot.place, self._service
        for running in self._running.get(place, ()):
            _cancel(running)
        asker = Asker("slack", stop.user, place)
        await service.remember(
            lambda: service.store.audit.add(who=asker.who, place=f"slack {place}", action=_ACTION), None
        )

    async def _watch(self, spot: Spot, running: asyncio.Task[T], before: int) -> None:
        """Cancel ``running`` once the audit log says that it is to be stopped."""
        place, service = f"slack {spot.place}", self._service
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            records = await service.remember(lambda: service.store.audit.list(after=before, limit=_MOST_READ), _NOTHING)
            if any((record.action, record.place) == (_ACTION, place) for record in records):
                _cancel(running)
                return

    async def _newest(self) -> int:
        """Return the number of the newest record of the audit log."""
        records = await self._service.remember(lambda: self._service.store.audit.list(limit=1), _NOTHING)
        return records[0].number if records else 0

    async def _set(self, spot: Spot, status: Literal["processing", "active"]) -> None:
        await self._calls.attempt(
            self._calls.client.agents_sessions_setStatus,
            channel_id=spot.channel,
            thread_ts=spot.thread or "",
            status=status,
        )


def _cancel(running: asyncio.Task[Any]) -> None:
    """Cancel a task once: a second time would keep it from putting into the audit log what it did."""
    if not running.cancelling():
        running.cancel()


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
