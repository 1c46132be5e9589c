"""Watches the namespaces of the settings and hands on what it sees, as a sender of alerts would."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence

from bot.diagnosis.live.watching import ClusterWatch
from bot.diagnosis.resources import resource
from bot.oncall.delivery import Delivery
from bot.oncall.responder import accept
from bot.oncall.watch.follow import Follower
from bot.oncall.watch.signs import EventSigns, PodSigns, Sign, Signs
from bot.opening import NotReady
from bot.service import Service
from bot.store import Clock, Incident, StoreUnavailable, utc_now
from corpus import Corpus

__all__ = ["TICK_SECONDS", "Watcher"]


TICK_SECONDS = 5.0
_SHORTEST_QUIET = dt.timedelta(seconds=10)
_READY_SECONDS = 0.5
_MOST_OPEN = 500


class Watcher:
    """Follows events and pods; what they are signs of is put into the store, whose replicas share what follows.

    Each replica watches, which only reads; that one of them tells of a sign first is enough for all. ``wake`` is called
    when something was put down. ``trouble`` says what cannot be watched.
    """

    def __init__(
        self,
        service: Service,
        wake: Callable[[], None] = lambda: None,
        *,
        clock: Clock = utc_now,
        tick: float = TICK_SECONDS,
    ) -> None:
        self._service, self._settings = service, service.settings
        self._wake, self._clock, self._tick = wake, clock, tick
        self._told: dict[str, dt.datetime] = {}
        self._followers: list[Follower] = []
        self.quiet = max(dt.timedelta(minutes=self._settings.incident_quiet_minutes), _SHORTEST_QUIET)
        self.clear = dt.timedelta(minutes=self._settings.watch_clear_minutes)

    @property
    def trouble(self) -> tuple[str, ...]:
        """What cannot be watched now, a sentence each."""
        return tuple(follower.trouble for follower in self._followers if follower.trouble)

    async def run(self) -> None:
        """Watch until cancelled. Raises NoCluster where there is no way into a cluster."""
        signs = Signs(await self._corpus(), self._clock)
        settings = self._settings
        async with ClusterWatch.open(settings.kubeconfig, settings.context, settings.watch_namespaces) as watch:
            pods = [
                PodSigns(namespace, signs, dt.timedelta(minutes=settings.watch_stuck_minutes))
                for namespace in settings.watch_namespaces
            ]
            self._followers = [
                *(
                    Follower(watch, resource("events"), namespace, {"type": "Warning"}, EventSigns(namespace, signs))
                    for namespace in settings.watch_namespaces
                ),
                *(
                    Follower(watch, resource("pods"), namespace, {"status.phase": "Pending"}, heard)
                    for namespace, heard in zip(settings.watch_namespaces, pods, strict=True)
                ),
            ]
            async with asyncio.TaskGroup() as tasks:
                for follower in self._followers:
                    tasks.create_task(follower.run())
                tasks.create_task(self._hand_on(signs, pods))

    async def _corpus(self) -> Corpus:
        while True:
            try:
                return self._service.engine.corpus
            except NotReady:
                await asyncio.sleep(_READY_SECONDS)

    async def _hand_on(self, signs: Signs, pods: Sequence[PodSigns]) -> None:
        # What is there already, and what comes in a moment together, is told together.
        await asyncio.wait([asyncio.ensure_future(one.listed.wait()) for one in self._followers], timeout=self._tick)
        while True:
            await asyncio.sleep(self._tick)
            for heard in pods:
                heard.look()
            try:
                await self._tell(signs)
                await self._end(signs)
            except StoreUnavailable as error:  # why, the store itself has logged
                self._service.metrics.store_failures.labels(error.reason).inc()

    async def _tell(self, signs: Signs) -> None:
        now = self._clock()
        for sign in signs:
            told = self._told.get(sign.incident)
            if not sign.changed or (told is not None and now - told < self.quiet):
                continue
            # Of replicas that see the same within a quiet time one puts it down.
            when = int(now.timestamp() // self.quiet.total_seconds())
            await accept(self._service, sign.delivery(), f"{sign.incident} {when}")
            self._service.metrics.alerts.labels("watch").inc(len(sign.alerts))
            self._told[sign.incident] = now
            sign.changed = False
            self._wake()

    async def _end(self, signs: Signs) -> None:
        """Say of incidents that nothing was a sign of for long that they are over."""
        now = self._clock()
        for sign in signs:
            if now - sign.seen_at > self.clear:
                signs.forget(sign)
                self._told.pop(sign.incident, None)
        for incident in await self._service.store.incidents.list("open", _MOST_OPEN):
            if self._is_over(incident, signs.get(incident.key), now):
                over = Delivery(
                    source="watch",
                    incident=incident.key,
                    title=incident.details.get("title", incident.key),
                    alerts=(),
                    complete=False,
                    over=True,
                )
                await accept(self._service, over, f"{incident.key} over {incident.updated_at.timestamp()}")
                self._wake()

    def _is_over(self, incident: Incident, sign: Sign | None, now: dt.datetime) -> bool:
        of_watch = incident.key.startswith("watch ") and bool(incident.fingerprints)
        return of_watch and sign is None and now - incident.updated_at > self.clear
