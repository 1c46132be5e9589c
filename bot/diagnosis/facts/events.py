"""Events about the pods and nodes in question. They last about an hour: what is there tells, what is not does not."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Iterable

from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import pods, seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, first_text, number, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["FRESH_S", "Event", "Events", "event_of", "node_events", "pod_events"]

FRESH_S = 15 * 60
"""What happened so many seconds ago at most is taken to be still so."""

_LIMIT = 300
_UNSCOPED = 150
_SHOWN = 400


class Event(Observation):
    """Something that happened ``count`` times to the object ``kind`` ``namespace``/``name``.

    ``api_version`` tells Terway's Node resource from the core one, ``age_s`` and ``first_s`` how long ago it happened
    last and first. ``fresh``: at most a quarter of an hour ago.
    """

    kind: str
    namespace: str
    name: str
    uid: str
    api_version: str
    type: str
    reason: str
    message: str
    reporter: str
    count: int
    age_s: int | None
    first_s: int | None
    fresh: bool

    @property
    def of_terway(self) -> bool:
        """Whether it is about an object of Terway's API group."""
        return self.api_version.startswith("network.alibabacloud.com/")


class Events(Fact):
    """Events, the newest first; ``complete`` is False where a limit cut them."""

    items: tuple[Event, ...]
    complete: bool
    evidence: tuple[Observation, ...]


def event_of(found: Object, now: dt.datetime) -> Event:
    """Read an event of either recorder: ``lastTimestamp`` and ``count``, or ``eventTime`` and ``series``."""
    involved = at(found, "involvedObject") or at(found, "regarding")
    times = [
        time(found, *path)
        for path in (
            ("lastTimestamp",),
            ("deprecatedLastTimestamp",),
            ("series", "lastObservedTime"),
            ("eventTime",),
            ("metadata", "creationTimestamp"),
        )
    ]
    last = max((when for when in times if when), default=None)
    first = min(
        (when for when in [time(found, "firstTimestamp"), time(found, "eventTime"), last] if when), default=None
    )
    age = seconds_since(last, now)
    kind, who, where = text(involved, "kind"), text(involved, "name"), text(involved, "namespace")
    reason, message = text(found, "reason"), first_text(found, ("message",), ("note",))
    namespace = where or text(found, "metadata", "namespace") or "default"
    return Event(
        object=f"{kind} {where}/{who}" if where else f"{kind} {who}",
        field=f"event {reason}",
        value=message[:_SHOWN],
        seen_at=last,
        kubectl=f"kubectl -n {namespace} get events"
        f" --field-selector involvedObject.kind={kind},involvedObject.name={who}",
        kind=kind,
        namespace=where,
        name=who,
        uid=text(involved, "uid"),
        api_version=text(involved, "apiVersion"),
        type=text(found, "type"),
        reason=reason,
        message=message,
        reporter=first_text(found, ("source", "component"), ("reportingComponent",), ("reportingController",)),
        count=max(number(found, "count") or 0, number(found, "series", "count") or 0, 1),
        age_s=age,
        first_s=seconds_since(first, now),
        fresh=age is not None and age <= FRESH_S,
    )


def _sorted(found: Iterable[Object], now: dt.datetime) -> list[Event]:
    read = [event_of(one, now) for one in found]
    return sorted(read, key=lambda event: (event.age_s is None, event.age_s or 0, event.object, event.reason))


@fact(
    "pod_events",
    Events,
    needs=[Needs("events", "list")],
    kubectl="kubectl get events -A --field-selector involvedObject.kind=Pod,type=Warning",
)
async def pod_events(facts: Facts) -> Events:
    """Events of the pods in question: all of a named pod, the warnings about pods otherwise.

    Those of an earlier pod of the same name, and of pods on other nodes than the named one, are left out.
    """
    scope = facts.scope
    fields = {"involvedObject.kind": "Pod"}
    namespace = scope.namespace
    if scope.pod:
        fields["involvedObject.name"] = scope.pod
    else:
        fields["type"] = "Warning"
    listing, now, asked = await asyncio.gather(
        facts.reads.list("events", namespace=namespace, fields=fields, limit=_LIMIT if scope.pod else _UNSCOPED),
        facts.reads.now(),
        Partial(facts)(pods),
    )
    found = _sorted(listing.items, now)
    known = asked.items if asked else ()
    uids = {pod.key: pod.uid for pod in known if pod.uid}
    kept = [
        event for event in found if not event.uid or uids.get(f"{event.namespace}/{event.name}", event.uid) == event.uid
    ]
    if scope.node and not scope.pod:
        kept = [event for event in kept if await _on_node(facts, event, scope.node, known_pods=uids)]
    return Events(items=tuple(kept), complete=listing.complete, evidence=tuple(kept[:3]))


async def _on_node(facts: Facts, event: Event, node: str, *, known_pods: dict[str, str]) -> bool:
    from bot.diagnosis.facts.node_pods import node_pods

    if f"{event.namespace}/{event.name}" in known_pods:
        return True
    if node in event.message:
        return True
    return any(pod.key == f"{event.namespace}/{event.name}" for pod in (await facts(node_pods)).items)


@fact(
    "node_events",
    Events,
    needs=[Needs("events", "list", "default")],
    kubectl="kubectl -n default get events",
)
async def node_events(facts: Facts) -> Events:
    """Events of nodes, of Terway's Node resources and of the route controller, all in namespace default.

    The object Event/route-controller is one that the cloud controller invents; `kubectl describe node` does not show
    its events. Where nodes were pointed at, those of other nodes are left out.
    """
    read = Partial(facts)
    now, asked, network = await asyncio.gather(facts.reads.now(), read(nodes), read(plugin))
    if asked:
        names = {node.name for node in asked.items} if asked.given else set()
    else:
        names = {facts.scope.node} if facts.scope.node else set()
    selectors = [{"type": "Warning"}]
    if names and not (facts.scope.node or facts.scope.pod):
        # Others ask for the warnings of all nodes then, which are enough where there are no more.
        warnings = await facts.reads.list("events", namespace="default", fields=selectors[0], limit=_LIMIT)
        if warnings.complete:
            found = [
                event
                for event in _sorted(warnings.items, now)
                if (event.kind == "Node" and event.name in names) or event.name == "route-controller"
            ]
            return Events(items=tuple(found), complete=True, evidence=tuple(found[:3]))
    if names:
        selectors = [{"involvedObject.kind": "Node", "involvedObject.name": who} for who in sorted(names)]
        # Terway's pods need no routes.
        if network is None or network.name != "terway":
            selectors.append({"involvedObject.name": "route-controller"})
    listings = await asyncio.gather(
        *(facts.reads.list("events", namespace="default", fields=fields, limit=_LIMIT) for fields in selectors)
    )
    found = [event for listing in listings for event in _sorted(listing.items, now)]
    complete = all(listing.complete for listing in listings)
    return Events(items=tuple(found), complete=complete, evidence=tuple(found[:3]))
