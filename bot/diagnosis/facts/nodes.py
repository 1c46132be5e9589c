"""The nodes that the question is about: conditions, taints, addresses, versions."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence

from bot.diagnosis.facts.pods import pods, seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import PARTIAL, at, items, labels, name, number, text, texts, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable
from corpus import parse_version

__all__ = ["SURVEYED", "Condition", "Node", "Nodes", "named_only", "node_of", "nodes"]

SURVEYED = 20
"""So many nodes are read where none is in question, and so many pods of each agent: enough to see what is common.

They are large, 10 to 20 KB each. The same number everywhere, so that all is seen of the same small clusters.
"""

_MAX_NAMED = 5


class Condition(Fact):
    """A condition of a node; ``age_s`` is how long it has been so."""

    type: str
    status: str
    reason: str
    message: str
    age_s: int | None
    seen: Observation


class Node(Fact):
    """A node. Versions are leading numbers, empty when not known; ``pod_cidrs`` may be empty with Terway.

    ``max_pods`` is ``status.allocatable.pods``; ``cpus`` whole cores of ``status.capacity.cpu``.
    """

    name: str
    provider_id: str
    zone: str
    instance_type: str
    labels: dict[str, str]
    annotations: dict[str, str]
    taints: tuple[str, ...]
    internal_ips: tuple[str, ...]
    pod_cidrs: tuple[str, ...]
    kubelet: tuple[int, ...]
    kernel: tuple[int, ...]
    cpus: int
    max_pods: int | None
    extended: dict[str, str]
    created_s: int | None
    deleting: bool
    unschedulable: bool
    conditions: tuple[Condition, ...]
    seen: Observation

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of that type."""
        return next((one for one in self.conditions if one.type == kind), None)


class Nodes(Fact):
    """The nodes in question: the named one, those of the pods in question, else the first of all.

    ``given`` tells that they were pointed at; ``missing`` names those that are not there; ``complete`` that there are
    no others where none was pointed at.
    """

    items: tuple[Node, ...]
    given: bool
    missing: tuple[str, ...]
    complete: bool
    evidence: tuple[Observation, ...]

    @property
    def only(self) -> str:
        """The name of the one node that was pointed at; empty where there are more or none."""
        return self.items[0].name if self.given and len(self.items) == 1 else ""


def node_of(found: Object, now: dt.datetime) -> Node:
    """Read a node object."""
    spec, status, who = at(found, "spec"), at(found, "status"), name(found)
    cidrs = texts(spec, "podCIDRs") or [text(spec, "podCIDR")]
    cpu = text(status, "capacity", "cpu")
    allocatable = labels(status, "allocatable")
    conditions = tuple(
        Condition(
            type=text(one, "type"),
            status=text(one, "status"),
            reason=text(one, "reason"),
            message=text(one, "message"),
            age_s=seconds_since(time(one, "lastTransitionTime"), now),
            seen=Observation(
                object=f"Node {who}",
                field=f"status.conditions[{text(one, 'type')}]",
                value=f"{text(one, 'status')} {text(one, 'reason')}: {text(one, 'message')}"[:300],
                seen_at=time(one, "lastTransitionTime"),
                kubectl=f"kubectl describe node {who}",
            ),
        )
        for one in items(status, "conditions")
    )
    return Node(
        name=who,
        provider_id=text(spec, "providerID"),
        zone=labels(found).get("topology.kubernetes.io/zone", ""),
        instance_type=labels(found).get("node.kubernetes.io/instance-type", ""),
        labels=labels(found),
        annotations=labels(found, "metadata", "annotations"),
        taints=tuple(text(one, "key") for one in items(spec, "taints")),
        internal_ips=tuple(
            text(one, "address") for one in items(status, "addresses") if text(one, "type") == "InternalIP"
        ),
        pod_cidrs=tuple(cidr for cidr in cidrs if cidr),
        kubelet=parse_version(text(status, "nodeInfo", "kubeletVersion")) or (),
        kernel=parse_version(text(status, "nodeInfo", "kernelVersion")) or (),
        cpus=int(cpu)
        if cpu.isdecimal()
        else int(cpu[:-1]) // 1000
        if cpu[:-1].isdecimal() and cpu.endswith("m")
        else 0,
        max_pods=number(status, "allocatable", "pods"),
        extended={key: value for key, value in allocatable.items() if "/" in key},
        created_s=seconds_since(time(found, "metadata", "creationTimestamp"), now),
        deleting=bool(text(found, "metadata", "deletionTimestamp")),
        unschedulable=at(spec, "unschedulable") is True,
        conditions=conditions,
        seen=Observation(
            object=f"Node {who}",
            field="metadata.name",
            value=who,
            seen_at=time(found, "metadata", "creationTimestamp"),
            kubectl=f"kubectl get node {who} -o yaml",
        ),
    )


def named_only(names: Sequence[str]) -> Nodes:
    """Return nodes of which nothing but the names is known."""
    epoch = dt.datetime.fromtimestamp(0, dt.UTC)
    found = [{"metadata": {"name": who, "annotations": {PARTIAL: "named"}}} for who in names]
    read = tuple(node_of(one, epoch) for one in found)
    return Nodes(items=read, given=True, missing=(), complete=False, evidence=())


@fact(
    "nodes",
    Nodes,
    needs=[Needs("nodes", "get"), Needs("nodes", "list")],
    kubectl="kubectl get nodes -o wide",
)
async def nodes(facts: Facts) -> Nodes:
    """The nodes in question, with conditions, taints, addresses and versions."""
    wanted = [facts.scope.node] if facts.scope.node else []
    if not wanted:
        try:
            found_pods = await facts(pods)
        except Unreadable:
            if facts.scope.pod:
                raise
        else:
            # A pod that runs on a node of its own is only in question when it was named.
            asked = found_pods.items if found_pods.given else found_pods.stuck
            wanted = list(dict.fromkeys(pod.node for pod in asked if pod.node))
    if wanted:
        named = wanted[:_MAX_NAMED]
        objects = await asyncio.gather(*(facts.reads.get("nodes", who) for who in named))
        found = [one for one in objects if one]
        missing = tuple(who for who, one in zip(named, objects, strict=True) if not one)
        complete = len(wanted) <= _MAX_NAMED
    else:
        listing = await facts.reads.list("nodes", limit=SURVEYED)
        found, missing, complete = list(listing.items), (), listing.complete
    now = await facts.reads.now()
    read = tuple(node_of(one, now) for one in found)
    return Nodes(
        items=read,
        given=bool(wanted),
        missing=missing,
        complete=complete,
        evidence=tuple(node.seen for node in read),
    )
