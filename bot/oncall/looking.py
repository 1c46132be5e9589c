"""Looks of on call: one for a place, however many alerts point there at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.diagnosis.models import Diagnosis, Finding
from bot.look import Look, Scope, SourceError
from bot.oncall.delivery import Delivery
from bot.oncall.mapping import entry_of, question_of
from bot.oncall.notice import Looked
from bot.oncall.places import Place
from bot.service import Answered, Asker, Service

__all__ = ["Looking", "Recheck", "Seen"]

_KNOWN_SECONDS = 60.0
_ELSEWHERE = "the alert is of a cluster that may not be looked into"
_NOT_LOOKED = "looking failed before; the answer comes without it"


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of looking into a place: in short, and the answer."""

    place: Place
    looked: Looked
    given: Answered


@dataclass(frozen=True, slots=True)
class Recheck:
    """What came of looking again: the findings that are still ``confirmed``, and why some could not be read."""

    confirmed: tuple[Finding, ...]
    unread: tuple[str, ...]


class Looking:
    """Looks into places, answers what their alerts ask, and looks again before an incident is closed."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: dict[str, asyncio.Task[Diagnosis]] = {}

    async def answer(self, place: Place, delivery: Delivery, asker: Asker, *, look: bool = True) -> Seen:
        """Return what the cluster shows in ``place`` and what the FAQ says of it; without ``look`` the latter only.

        Raises NotReady, Overloaded.
        """
        question = question_of(place.alerts, self._service.settings) or delivery.title
        everything, unread = await self._found(place, asker) if look else (None, _NOT_LOOKED)
        found = await self._relevant(everything, question) if everything else None
        given = await self._service.ask([question], asker, found=found)
        confirmed = self._faults(found, given) if found else []
        entry = self._entry(place, given, confirmed)
        if entry is not None and entry != given.answer.entry:
            given = await self._service.explain(entry, [question], asker, found)
        answer = given.answer
        scope = place.scope
        said = {"namespace": scope.namespace, "pod": scope.pod, "node": scope.node, "service": scope.service}
        looked = Looked(
            place=place.name,
            cluster=place.cluster,
            scope={name: text for name, text in said.items() if text},
            alerts=len(place.alerts),
            entry=answer.entry,
            title=answer.title if answer.entry else "",
            confirmed=tuple([answer.entry] if answer.entry in confirmed else []),
            unread=unread,
        )
        return Seen(place, looked, given)

    async def again(self, looked: Sequence[Looked], asker: Asker) -> Recheck:
        """Look anew for what was confirmed in these places. Raises NotReady, Overloaded."""
        corpus = self._service.engine.corpus
        confirmed: list[Finding] = []
        unread: list[str] = []
        for one in looked:
            entries = [corpus[entry] for entry in one.confirmed if entry in corpus]
            if not entries:
                continue
            try:
                look = Look(Scope(**one.scope), cluster=one.cluster)
                found = await self._service.diagnose(asker, look, entries=entries)
            except SourceError as error:
                unread.append(f"{one.place}: {error.public}")
                continue
            confirmed += [finding for finding in found.findings if finding.verdict == "confirmed"]
            unread += [
                f"{one.place}: {missing}"
                for finding in found.findings
                if finding.verdict == "unreadable" and found.verdicts[finding.entry] == "unreadable"
                for missing in finding.missing[:1]
            ]
        return Recheck(tuple(confirmed), tuple(dict.fromkeys(unread)))

    async def _found(self, place: Place, asker: Asker) -> tuple[Diagnosis | None, str]:
        if not place.known:
            return None, _ELSEWHERE
        task = self._running.get(place.key)
        if task is None:
            look = Look(place.scope, cluster=place.cluster)
            # At everything: what an alert says seldom tells which entry it is, and one look then does for all alerts.
            task = asyncio.create_task(self._service.diagnose(asker, look))
            self._running[place.key] = task
            task.add_done_callback(lambda done: self._keep(place.key, done))
        try:
            return await asyncio.shield(task), ""
        except SourceError as error:
            return None, error.public

    def _keep(self, key: str, done: asyncio.Task[Diagnosis]) -> None:
        """Have what was found known for a while; a failure is forgotten at once."""
        if done.cancelled() or done.exception() is not None:
            self._running.pop(key, None)
        else:
            asyncio.get_running_loop().call_later(_KNOWN_SECONDS, self._running.pop, key, None)

    async def _relevant(self, found: Diagnosis, question: str) -> Diagnosis:
        """Return of a look at everything what may explain an alert.

        That is what comes close to the question, and every confirmed fault that shows in nodes or events. Some faults
        are confirmed by how a cluster is set up: that nobody has IPv6 addresses, say, raises no alarm.
        """
        engine = self._service.engine
        suspects = [entry.id for entry in await asyncio.to_thread(engine.suspects, [question])]
        faults = set(self._confirmed(found))
        alarming = {finding.entry for finding in found.findings if finding.entry in faults and _alarms(finding)}
        kept = (set(suspects) - faults) | set(suspects[:1]) | alarming
        return found.model_copy(
            update={
                "verdicts": {entry: verdict for entry, verdict in found.verdicts.items() if entry in kept},
                "findings": tuple(finding for finding in found.findings if finding.entry in kept),
            }
        )

    def _confirmed(self, found: Diagnosis) -> list[str]:
        corpus = self._service.engine.corpus
        return [entry for entry in found.of("confirmed") if corpus[entry].kind == "symptom"]

    def _faults(self, found: Diagnosis, given: Answered) -> list[str]:
        """Return the entries about faults that are confirmed, those that come closest to the question first."""
        ranks = {candidate.id: rank for rank, candidate in enumerate(given.answer.candidates)}
        return sorted(self._confirmed(found), key=lambda entry: ranks.get(entry, len(ranks)))

    def _entry(self, place: Place, given: Answered, confirmed: Sequence[str]) -> str | None:
        """Return the entry that is to answer in place of the one that was found; None: leave it as it is."""
        named = entry_of(place.alerts)
        if named is not None and named in self._service.engine.corpus and (not confirmed or named in confirmed):
            return named
        if not confirmed or given.answer.entry in confirmed:
            return None
        # What is wrong somewhere in a cluster does not answer an alert that points nowhere and that the FAQ knows
        # nothing about.
        if place.scope == Scope() and given.answer.outcome == "no_answer":
            return None
        return confirmed[0]


def _alarms(finding: Finding) -> bool:
    """Tell whether what was seen is something that happened, or the state of a node."""
    return finding.verdict == "confirmed" and any(
        seen.field.startswith("event ") or seen.object.lower().startswith("node") for seen in finding.evidence
    )
