"""What is heard from a cluster, by what it is a sign of; bounded, whatever happens there."""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.diagnosis.facts.events import FRESH_S, event_of
from bot.diagnosis.objects import at, text, time
from bot.diagnosis.reader import Object
from bot.oncall.delivery import Alert, Delivery, bounded, digest_of
from bot.store import Clock
from corpus import Corpus
from index.normalize import normalize
from index.signatures import SignatureMatcher

__all__ = ["EventSigns", "PodSigns", "Sign", "Signs"]

_MOST_SIGNS = 200
_MOST_ALERTS = 20
_MOST_PENDING = 1000
_CREATING = {"ContainerCreating", "PodInitializing"}
_STUCK = "pods-hang"
_QUESTION = "Pods stay in ContainerCreating and do not start"


@dataclass
class Sign:
    """One trouble in one namespace: who shows it, and when it was seen last.

    ``changed``: something was seen that no delivery has told yet.
    """

    namespace: str
    name: str
    title: str
    seen_at: dt.datetime
    alerts: OrderedDict[str, Alert] = field(default_factory=OrderedDict)
    left_out: int = 0
    changed: bool = True

    @property
    def incident(self) -> str:
        """The name of the incident that it is."""
        return f"watch {self.namespace} {self.name}"

    def add(self, alert: Alert, seen_at: dt.datetime) -> None:
        """Take in what shows the trouble; of more than a few only the number is kept."""
        if alert.fingerprint not in self.alerts and len(self.alerts) >= _MOST_ALERTS:
            self.left_out += 1
        else:
            self.alerts[alert.fingerprint] = alert
        self.seen_at = max(self.seen_at, seen_at)
        self.changed = True

    def delivery(self) -> Delivery:
        """Return what there is to tell of it."""
        return Delivery(
            source="watch",
            incident=self.incident,
            title=self.title,
            alerts=tuple(self.alerts.values()),
            complete=False,
            left_out=self.left_out,
        )


class Signs:
    """The signs of all namespaces, the ones heard of last; older ones make room."""

    def __init__(self, corpus: Corpus, clock: Clock) -> None:
        self._corpus, self.clock = corpus, clock
        self._matcher = SignatureMatcher.of(corpus)
        self._signs: OrderedDict[str, Sign] = OrderedDict()

    def __iter__(self) -> Iterator[Sign]:
        """Yield every sign."""
        return iter(list(self._signs.values()))

    def get(self, incident: str) -> Sign | None:
        """Return the sign that an incident is about."""
        return self._signs.get(incident)

    def forget(self, sign: Sign) -> None:
        """Forget a sign."""
        self._signs.pop(sign.incident, None)

    def entries_in(self, said: str) -> tuple[str, ...]:
        """Return the entries whose literal errors stand in a text."""
        # A look-alike, of which no share stands there, is another error.
        hits = [hit for hit in self._matcher.find(normalize(said)) if hit.share]
        return tuple(dict.fromkeys(entry for hit in hits for entry in hit.entries))

    def see(self, namespace: str, entry: str | None, alert: Alert, seen_at: dt.datetime) -> None:
        """Take in a sign of an ``entry``; None: pods hang, and nothing says why."""
        title = self._corpus[entry].title if entry else "Pods hang while their containers are created"
        name = entry or _STUCK
        sign = self._signs.setdefault(
            f"watch {namespace} {name}", Sign(namespace, name, f"{title} (namespace {namespace})", seen_at)
        )
        sign.add(alert, seen_at)
        self._signs.move_to_end(sign.incident)
        while len(self._signs) > _MOST_SIGNS:
            self._signs.popitem(last=False)

    def explains(self, namespace: str, pod: str) -> bool:
        """Tell whether a pod shows a trouble that is known by an error."""
        return any(
            sign.namespace == namespace and sign.name != _STUCK and alert.labels.get("pod") == pod
            for sign in self._signs.values()
            for alert in sign.alerts.values()
        )


class EventSigns:
    """Hears the Warning events of a namespace."""

    def __init__(self, namespace: str, signs: Signs) -> None:
        self._namespace, self._signs = namespace, signs

    def begin(self) -> None:
        """Nothing is kept of events but signs."""

    def is_there(self, item: Object) -> None:
        """Take in an event that holds a known error and is fresh."""
        now = self._signs.clock()
        event = event_of(item, now)
        if event.age_s is None or event.age_s > FRESH_S:
            return
        entries = self._signs.entries_in(event.message)
        if not entries:
            return
        where = {"Pod": {"namespace": event.namespace, "pod": event.name}, "Node": {"node": event.name}}
        labels = {"alertname": event.reason, **where.get(event.kind, {"namespace": event.namespace})}
        alert = Alert(
            fingerprint=digest_of({**labels, "uid": event.uid}),
            firing=True,
            labels=bounded(labels),
            annotations=bounded({"summary": event.message, "runbook_url": f"/entries/{entries[0]}"}),
        )
        self._signs.see(self._namespace, entries[0], alert, now - dt.timedelta(seconds=max(event.age_s, 0)))

    def is_gone(self, item: Object) -> None:
        """That an event was deleted says nothing."""


class PodSigns:
    """Hears the pending pods of a namespace, and knows which of them hang."""

    def __init__(self, namespace: str, signs: Signs, patience: dt.timedelta) -> None:
        self._namespace, self._signs, self._patience = namespace, signs, patience
        self._pending: dict[str, tuple[dt.datetime, str]] = {}
        self.overlooked = 0

    def begin(self) -> None:
        """Forget the pods that were there."""
        self._pending.clear()
        self.overlooked = 0

    def is_there(self, item: Object) -> None:
        """Take in a pod; one that waits for its containers on a node may hang."""
        name = text(item, "metadata", "name")
        since = _scheduled_at(item)
        if since is None or not _waits(item):
            self._pending.pop(name, None)
        elif name in self._pending or len(self._pending) < _MOST_PENDING:
            self._pending[name] = since, text(item, "spec", "nodeName")
        else:
            self.overlooked += 1

    def is_gone(self, item: Object) -> None:
        """A pod is gone, or no longer pending."""
        self._pending.pop(text(item, "metadata", "name"), None)

    def look(self) -> None:
        """Take those that have been waiting for too long, and that no known error explains, for a sign."""
        now = self._signs.clock()
        for name, (since, node) in list(self._pending.items()):
            if now - since < self._patience or self._signs.explains(self._namespace, name):
                continue
            labels = {"alertname": "PodHangs", "namespace": self._namespace, "pod": name, "node": node}
            alert = Alert(
                fingerprint=digest_of(labels),
                firing=True,
                labels=bounded(labels),
                annotations={"acknet_question": _QUESTION},
            )
            self._signs.see(self._namespace, None, alert, now)


def _scheduled_at(pod: Object) -> dt.datetime | None:
    """Return since when a pod is on its node; None: it is on none, or is being deleted."""
    if not text(pod, "spec", "nodeName") or at(pod, "metadata", "deletionTimestamp"):
        return None
    conditions = at(pod, "status", "conditions")
    found = [
        time(one, "lastTransitionTime")
        for one in (conditions if isinstance(conditions, list) else [])
        if isinstance(one, dict) and one.get("type") == "PodScheduled" and one.get("status") == "True"
    ]
    return next((when for when in found if when), None) or time(pod, "metadata", "creationTimestamp")


def _waits(pod: Object) -> bool:
    """Tell whether no container has begun, for none of the reasons that the network has no part in."""
    statuses = [
        one
        for key in ("initContainerStatuses", "containerStatuses")
        for one in (at(pod, "status", key) or [])
        if isinstance(one, dict)
    ]
    return all(text(one, "state", "waiting", "reason") in _CREATING for one in statuses)
