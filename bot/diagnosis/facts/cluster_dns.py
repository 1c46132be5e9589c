"""The cluster's DNS as far as it matters to UDP sessions: CoreDNS pods that went away, caches, other UDP Services."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from bot.diagnosis.facts.events import Event, event_of
from bot.diagnosis.facts.nodes import node_of
from bot.diagnosis.facts.plugin import daemon_sets, observed_daemon_set
from bot.diagnosis.facts.pods import Pod, pod_of, seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import items, name, namespace, number, reference, text, time, times_changed
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["DNS_GONE_S", "ClusterDns", "NodeLocalDns", "UdpServices", "cluster_dns", "node_local_dns", "udp_services"]

DNS_GONE_S = 6 * 60
"""IPVS keeps sessions to a backend for five minutes; within these seconds lookups may fail because of it."""

_RECENT_S = 15 * 60
_LABELS = {"k8s-app": "kube-dns"}
_MAX_PODS, _MAX_EVENTS, _MAX_SERVICES = 50, 100, 100
_KUBECTL = "kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide"


class ClusterDns(Fact):
    """What happened to CoreDNS lately.

    ``gone``: signs that a pod of it or its node went away within the last minutes. ``changed``: signs of any change in
    the last quarter of an hour, also of those that take no backend away. ``steady``: the pods, where all are known and
    none changed for so long.
    """

    gone: tuple[Observation, ...]
    changed: tuple[Observation, ...]
    steady: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class NodeLocalDns(Fact):
    """``in_use``: NodeLocal DNSCache runs, so that pods need not reach CoreDNS by UDP through IPVS."""

    in_use: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class UdpServices(Fact):
    """``others``: Services with UDP ports besides the cluster's DNS; ``complete``: there are no more."""

    others: tuple[Observation, ...]
    complete: bool
    evidence: tuple[Observation, ...]


@fact(
    "node_local_dns",
    NodeLocalDns,
    kubectl="kubectl -n kube-system get ds node-local-dns",
)
async def node_local_dns(facts: Facts) -> NodeLocalDns:
    """Whether NodeLocal DNSCache runs."""
    found = (await facts(daemon_sets)).named("node-local-dns")
    running = tuple(observed_daemon_set(one) for one in found if one.ready > 0)
    return NodeLocalDns(in_use=running, evidence=running)


@fact(
    "udp_services",
    UdpServices,
    needs=[Needs("services", "list")],
    kubectl="kubectl get svc -A -o wide",
)
async def udp_services(facts: Facts) -> UdpServices:
    """Services other than the cluster's DNS that use UDP: a short IPVS timeout concerns them too."""
    listing = await facts.reads.list("services", limit=_MAX_SERVICES)
    others = []
    for one in listing.items:
        ports = [text(port, "port") for port in items(one, "spec", "ports") if text(port, "protocol") == "UDP"]
        if ports and not (namespace(one) == "kube-system" and name(one) in {"kube-dns", "node-local-dns"}):
            others.append(
                Observation(
                    object=reference("Service", one),
                    field="spec.ports[].protocol",
                    value=f"UDP on port {', '.join(ports)}: a short UDP timeout concerns its sessions too",
                    kubectl=f"kubectl -n {namespace(one)} get svc {name(one)} -o wide",
                )
            )
    return UdpServices(others=tuple(others[:20]), complete=listing.complete, evidence=tuple(others[:4]))


@fact(
    "cluster_dns",
    ClusterDns,
    needs=[
        Needs("pods", "list", "kube-system"),
        Needs("deployments", "get", "kube-system", ("coredns",)),
        Needs("events", "list", "kube-system"),
        Needs("nodes", "get"),
    ],
    kubectl=_KUBECTL,
)
async def cluster_dns(facts: Facts) -> ClusterDns:
    """CoreDNS pods that were replaced, stopped or lost their node lately, or that have been there unchanged."""
    now, listing, deployment = await asyncio.gather(
        facts.reads.now(),
        facts.reads.list("pods", namespace="kube-system", labels=_LABELS, limit=_MAX_PODS),
        facts.reads.get("deployments", "coredns", "kube-system"),
    )
    read = [pod_of(one, now) for one in listing.items]
    live = [(one, found) for one, found in zip(read, listing.items, strict=True) if one.phase not in _ENDED]
    rolled_s = seconds_since(times_changed(deployment), now) if deployment else None
    age_s = seconds_since(time(deployment, "metadata", "creationTimestamp"), now) if deployment else None

    gone = [_seen(one, "status", "is being deleted") for one, _ in live if one.deleting]
    new = [one for one, _ in live if one.created_s is not None and one.created_s <= _RECENT_S]
    pods = [one for one, _ in live]
    grown = bool(new) and _same_revision(pods) and (_scaled(pods, deployment, rolled_s) or await _scaled_up(facts))
    replaced = [] if grown else new
    if age_s is None or age_s > _RECENT_S:
        gone += [
            _seen(one, "metadata.creationTimestamp", f"created {one.created_s} s ago in place of another pod")
            for one in replaced
            if (one.created_s or 0) <= DNS_GONE_S
        ]
    stopped = await _stopped(facts, {one.name for one, _ in live if not one.deleting})
    gone += [event for event in stopped if (event.age_s or 0) <= DNS_GONE_S]
    for pod, _ in live:
        if not pod.ready and pod.node and (lost := await _lost_node(facts, pod.node)):
            gone.append(lost)
    restarted = [seen for pod, found in live if (seen := _restarted(pod, found, now))]
    changed = [
        *gone,
        *(_seen(one, "metadata.creationTimestamp", f"created {one.created_s} s ago") for one in new),
        *(event for event in stopped if event not in gone),
        *restarted,
    ]
    rolled_lately = rolled_s is not None and rolled_s <= _RECENT_S
    known = listing.complete and bool(live) and all(one.created_s is not None for one, _ in live)
    steady = [
        _seen(one, "status.startTime", f"has run for {_span(one.created_s)}")
        for one, _ in live
        if known and not changed and not rolled_lately and one.ready
    ]
    return ClusterDns(
        gone=tuple(gone),
        changed=tuple(changed),
        steady=tuple(steady) if len(steady) == len(live) else (),
        evidence=tuple(one.seen for one, _ in live),
    )


_ENDED = frozenset({"Succeeded", "Failed"})


def _seen(pod: Pod, field: str, value: str) -> Observation:
    return pod.seen.model_copy(update={"field": field, "value": value})


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "an unknown time"
    return f"{seconds // 86400} days" if seconds >= 86400 else f"{seconds // 60} minutes"


def _same_revision(live: Sequence[Pod]) -> bool:
    """Tell whether old and new pods are of one revision, so that the new ones may have been added to the old ones."""
    revisions = {pod.labels.get("pod-template-hash", "") for pod in live}
    return len(revisions) == 1 and any(pod.created_s is not None and pod.created_s > _RECENT_S for pod in live)


def _scaled(live: Sequence[Pod], deployment: Object | None, rolled_s: int | None) -> bool:
    """Tell whether the Deployment was changed as lately and has as many pods as it wants."""
    changed = rolled_s is not None and rolled_s <= _RECENT_S
    return changed and number(deployment, "spec", "replicas") == len(live)


async def _scaled_up(facts: Facts) -> bool:
    """Tell whether events say that the Deployment got more pods lately and none was taken away."""
    now = await facts.reads.now()
    fields = {"involvedObject.kind": "Deployment", "involvedObject.name": "coredns"}
    try:
        listing = await facts.reads.list("events", namespace="kube-system", fields=fields, limit=_MAX_EVENTS)
    except Unreadable:
        return False
    told = [
        event.message
        for one in listing.items
        if (event := event_of(one, now)).reason == "ScalingReplicaSet" and (event.age_s or 0) <= _RECENT_S
    ]
    return any("Scaled up" in one for one in told) and not any("Scaled down" in one for one in told)


def _restarted(pod: Pod, found: Object, now: dt.datetime) -> Observation | None:
    """Return that a container of the pod ended lately; its address stays, so its sessions may go on."""
    for status in items(found, "status", "containerStatuses"):
        ended = seconds_since(time(status, "lastState", "terminated", "finishedAt"), now)
        if ended is not None and ended <= _RECENT_S:
            return _seen(pod, "status.containerStatuses[].lastState.terminated", f"ended {ended} s ago and restarted")
    return None


async def _stopped(facts: Facts, live: set[str]) -> list[Event]:
    """Return recent events of CoreDNS pods being stopped; none where events cannot be read, which proves nothing."""
    now = await facts.reads.now()
    try:
        listing = await facts.reads.list(
            "events", namespace="kube-system", fields={"reason": "Killing"}, limit=_MAX_EVENTS
        )
    except Unreadable:
        return []
    read = [event_of(one, now) for one in listing.items]
    return [
        event
        for event in read
        if event.name.startswith("coredns")
        and event.name not in live
        and event.age_s is not None
        and event.age_s <= _RECENT_S
    ]


async def _lost_node(facts: Facts, who: str) -> Observation | None:
    """Return that a node stopped being ready within the last minutes, or is not there any more."""
    now = await facts.reads.now()
    found = await facts.reads.get("nodes", who)
    if found is None:
        return Observation(object=f"Node {who}", field="metadata.name", value="is gone", kubectl="kubectl get nodes")
    ready = node_of(found, now).condition("Ready")
    if ready and ready.status != "True" and ready.age_s is not None and ready.age_s <= DNS_GONE_S:
        return ready.seen
    return None
