"""Works on what senders of alerts said: opens incidents, has places looked into, closes what is over.

Whatever stops it in the middle, the next one begins anew with the same delivery: each step can be repeated, and each
notice has a key that the same step makes again.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from bot.diagnosis.models import Finding
from bot.oncall.delivery import Delivery
from bot.oncall.looking import Looking, Seen
from bot.oncall.notice import Notice, NoticeKind, headline, look_note, looks
from bot.oncall.places import new_places
from bot.service import Asker, Service
from bot.store import Clock, Incident, Lease, utc_now

__all__ = ["Responder", "accept"]

_LOOKS_UP_TO = 5
"""A delivery that was taken more often without coming to its end is answered without a look."""

_FIRST_PAUSE = dt.timedelta(minutes=5)
_LONGEST_PAUSE = dt.timedelta(hours=6)
_MOST_ROUNDS = 16
_SHOWN = 4


async def accept(service: Service, delivery: Delivery, key: str) -> None:
    """Put a delivery down to be worked on; ``key`` tells it from all others. Raises StoreUnavailable."""
    await service.store.alerts.enqueue(key, {"delivery": delivery.model_dump(mode="json")}, lane=delivery.incident)


class Responder:
    """Works on deliveries; ``places`` are the names of where notices go, each of which gets every one."""

    def __init__(self, service: Service, places: Sequence[str], clock: Clock = utc_now) -> None:
        self._service = service
        self._store = service.store
        self._places = tuple(places)
        self._looking = Looking(service)
        self._clock = clock
        self._quiet = dt.timedelta(minutes=service.settings.incident_quiet_minutes)

    async def respond(self, held: Lease) -> None:
        """Do what the delivery asks for. Raises StoreUnavailable, NotReady, Overloaded."""
        if "recheck" in held.payload:
            await self._recheck(held.payload["recheck"], held.payload["round"])
            return
        delivery = Delivery.model_validate(held.payload["delivery"])
        if delivery.firing and not delivery.over:
            await self._fire(delivery, held)
        else:
            await self._settle(delivery)

    # What fires

    async def _fire(self, delivery: Delivery, held: Lease) -> None:
        await self._reopen(delivery, held)
        firing = {alert.fingerprint for alert in delivery.firing}
        incident = (await self._store.incidents.open(delivery.incident, scope={}, fingerprints=firing)).incident
        over = {alert.fingerprint for alert in delivery.settled}
        if gone := (incident.fingerprints if delivery.complete else over) - firing:
            await self._store.incidents.settle(incident.id, gone)
        said = {"title": delivery.title, "source": delivery.source, "url": delivery.url, "left_out": delivery.left_out}
        incident = await self._note(incident, said)
        begun = bool(incident.details.get("told"))
        if not begun:
            await self._say(incident, "opened", "", headline(incident).text)
            incident = await self._note(incident, {"told": True})
        answered = await self._look(incident, delivery, held)
        if begun and not answered and self._was_quiet(incident):
            await self._say(incident, "updated", held.key, headline(incident).text)
        await self._store.incidents.speak(incident.id, quiet=self._quiet)

    async def _reopen(self, delivery: Delivery, held: Lease) -> None:
        """Say that an incident comes back, before it does: afterwards nobody could tell."""
        last = await self._store.incidents.find(delivery.incident)
        if last is None or last.state == "open" or not self._is_quiet(last):
            return
        await self._say(last, "reopened", held.key, "It is back: alerts fire again.", state="open")
        await self._note(last, {"times": _times(last) + 1})

    async def _look(self, incident: Incident, delivery: Delivery, held: Lease) -> bool:
        """Look into the places that are new, say what was seen; tell whether there was one."""
        known = looks(incident)
        places = new_places(delivery.firing, self._service.settings, known)
        asker = Asker(
            "watch" if delivery.source == "watch" else "alert", who=delivery.source, place=f"incident {incident.id}"
        )
        look = held.attempt <= _LOOKS_UP_TO
        results = await asyncio.gather(
            *(self._looking.answer(place, delivery, asker, look=look) for place in places), return_exceptions=True
        )
        seen = [result for result in results if isinstance(result, Seen)]
        notes: dict[str, Any] = {}
        for one in seen:
            notes |= look_note(one.place.key, one.looked)
        if seen:
            await self._tell_seen(replace(incident, details={**incident.details, **notes}), known.values(), seen, held)
            await self._note(incident, notes)
            await self._keep_verdicts(incident, seen)
        for result in results:
            if isinstance(result, BaseException):
                raise result
        return bool(seen)

    async def _tell_seen(self, incident: Incident, known: Any, seen: Sequence[Seen], held: Lease) -> None:
        told = {one.entry for one in known}
        answers: dict[str | None, list[Seen]] = {}
        for one in sorted(seen, key=lambda one: not one.looked.confirmed):
            answers.setdefault(one.looked.entry, []).append(one)
        for entry, group in answers.items():
            if entry in told:
                # The thread holds that answer already.
                await self._say(incident, "updated", f"{held.key} {entry}", _where(group))
                continue
            first = group[0]
            await self._say(incident, "answered", f"{entry or first.given.answer.outcome}", _where(group), given=first)

    async def _keep_verdicts(self, incident: Incident, seen: Sequence[Seen]) -> None:
        verdicts = dict(incident.verdicts)
        for one in seen:
            report = one.given.answer.diagnosis
            for entry, verdict in (report.diagnosis.verdicts if report else {}).items():
                # One place where it is so is enough.
                verdicts[entry] = verdict if verdicts.get(entry) != "confirmed" else "confirmed"
        if verdicts:
            await self._store.incidents.diagnosed(incident.id, verdicts)

    # What is over

    async def _settle(self, delivery: Delivery) -> None:
        incident = await self._store.incidents.find(delivery.incident)
        if incident is None or incident.state == "resolved":
            return
        gone = incident.fingerprints if delivery.over else {alert.fingerprint for alert in delivery.settled}
        left = await self._store.incidents.settle(incident.id, gone)
        if left is not None and not left.fingerprints:
            await self._close(left, 0)

    async def _recheck(self, number: int, done: int) -> None:
        incident = await self._store.incidents.get(number)
        if incident is not None and incident.state == "open" and not incident.fingerprints:
            await self._close(incident, done)

    async def _close(self, incident: Incident, done: int) -> None:
        """Close an incident for which nothing fires, unless the cluster still shows what was confirmed."""
        known = looks(incident).values()
        asker = Asker("alert", who=incident.details.get("source", ""), place=f"incident {incident.id}")
        found = await self._looking.again([one for one in known if one.confirmed], asker)
        if found.confirmed:
            if not done:
                await self._say(incident, "still_confirmed", str(_times(incident)), _still(found.confirmed))
            if done < _MOST_ROUNDS:
                await self._store.alerts.enqueue(
                    f"recheck {incident.id} {_times(incident)} {done + 1}",
                    {"recheck": incident.id, "round": done + 1},
                    not_before=self._clock() + min(_FIRST_PAUSE * (1 << done), _LONGEST_PAUSE),
                )
            return
        text = _over(any(one.confirmed for one in known), found.unread)
        await self._say(incident, "resolved", str(_times(incident)), text, state="resolved")
        await self._store.incidents.speak(incident.id, quiet=self._quiet)
        await self._store.incidents.resolve(incident.id)

    # What both need

    async def _say(
        self,
        incident: Incident,
        kind: NoticeKind,
        which: str,
        text: str,
        *,
        given: Seen | None = None,
        state: Literal["open", "resolved"] | None = None,
    ) -> None:
        """Put a notice down for every place that is told; the same one again is none."""
        thread = f"incident-{incident.id}"
        notice = Notice(
            key=f"{thread} {kind} {which}".strip(),
            thread=thread,
            kind=kind,
            text=text,
            headline=headline(incident, state),
            answer_id=given.given.id if given else None,
            answer=given.given.answer if given else None,
        )
        content = notice.model_dump(mode="json")
        for place in self._places:
            await self._store.notices.enqueue(
                f"{place} {notice.key}", {"place": place, "notice": content}, lane=f"{place} {thread}"
            )

    async def _note(self, incident: Incident, details: Mapping[str, Any]) -> Incident:
        # None only when it was pruned meanwhile.
        return await self._store.incidents.note(incident.id, details) or incident

    def _is_quiet(self, incident: Incident) -> bool:
        return incident.quiet_until is not None and incident.quiet_until > self._clock()

    def _was_quiet(self, incident: Incident) -> bool:
        return incident.quiet_until is not None and incident.quiet_until <= self._clock()


def _times(incident: Incident) -> int:
    """Return how often the incident was opened."""
    return int(incident.details.get("times", 1))


def _where(group: Sequence[Seen]) -> str:
    first = group[0].looked
    names = [one.looked.place for one in group]
    more = f" and {len(names) - _SHOWN} more places" if len(names) > _SHOWN else ""
    said = f"Looked into {', '.join(names[:_SHOWN])}{more}: "
    if first.confirmed:
        return f"{said}confirmed: {first.title}."
    unread = f" Nothing was looked into: {first.unread}." if first.unread else ""
    answered = f"the closest answer of the FAQ is: {first.title}." if first.entry else "the FAQ does not settle it."
    return (
        f"{said}nothing is confirmed; {answered}{unread}"
        if not unread
        else f"{', '.join(names[:_SHOWN])}: {answered}{unread}"
    )


def _still(confirmed: Sequence[Finding]) -> str:
    lines = ["The alerts are resolved, but looking again still confirms:"]
    for finding in confirmed[:_SHOWN]:
        seen = finding.evidence[0] if finding.evidence else None
        proof = f" {seen.object}, {seen.field}: {seen.value}" if seen else ""
        lines.append(f"- {finding.claim}{proof}")
    return "\n".join([*lines, "The incident stays open and is looked at again."])


def _over(was_confirmed: bool, unread: Sequence[str]) -> str:
    if unread:
        return "\n".join(
            [
                "The alerts are resolved. What had been confirmed could not be looked at again:",
                *map("- {}".format, unread),
            ]
        )
    if was_confirmed:
        return "The alerts are resolved, and looking again no longer shows what had been confirmed."
    return "The alerts are resolved. Nothing had been confirmed, so there was nothing to look at again."
