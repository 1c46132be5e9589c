"""Pods that ask for a port of their node, and whether the network plugin gives it to them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.events import pod_events
from bot.diagnosis.facts.flannel_config import flannel_cluster, flannel_config
from bot.diagnosis.facts.flannel_pods import FlannelPod, FlannelPods, flannel_pods
from bot.diagnosis.facts.node_pods import PODS_OF_A_NODE
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import pod_of, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import at, items, labels, namespace, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = [
    "FlannelHostPorts",
    "HostPortPod",
    "HostPorts",
    "TerwayHostPorts",
    "conflicts",
    "flannel_host_ports",
    "host_port_pod_of",
    "host_ports",
    "terway_host_ports",
]

_PODS_OF_A_NAMESPACE = 200
_DAEMON_SETS = 500
_SHOWN_SETS = 2
_PODS_OF_A_DAEMON_SET = 20
_ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 (compared, not listened on)
_FREE_PORTS = "free ports"
_PROXY_REPLACED = "k8s.aliyun.com/no-kube-proxy"

Claim = tuple[str, int, str]
"""Protocol, port and address of the node that a container asks for."""


class HostPortPod(Observation):
    """A pod with ports of its node; a pod on the node's own network, whose ports mirror themselves, is none.

    ``waits_for_port``: the scheduler finds no node where they are free.
    """

    pod: str
    node: str
    started_s: int | None
    claims: tuple[Claim, ...]
    waits_for_port: bool


class HostPorts(Fact):
    """The pods with ports of their node, as far as the question points: of a pod, node, namespace, or by DaemonSets.

    ``conflicts``: pods that want the same port of the same node, or find none where it is free.
    """

    items: tuple[HostPortPod, ...]
    conflicts: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class FlannelHostPorts(Fact):
    """Whether Flannel gives pods their ports: ``supported`` for all pods in question, ``older`` are pods from before.

    ``lacking``: what the configuration or Flannel's version lacks.
    """

    supported: tuple[Observation, ...]
    older: tuple[Observation, ...]
    lacking: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class TerwayHostPorts(Fact):
    """``unsupported``: pods whose ports Terway does not serve. ``chained``: portmap is in its plugin chain."""

    unsupported: tuple[Observation, ...]
    chained: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def _claims(spec: object) -> tuple[Claim, ...]:
    return tuple(
        sorted(
            {
                (text(port, "protocol") or "TCP", number, text(port, "hostIP"))
                for group in ("containers", "initContainers")
                for container in items(spec, group)
                for port in items(container, "ports")
                if isinstance(number := at(port, "hostPort"), int) and number > 0
            }
        )
    )


def host_port_pod_of(found: Object, started_s: int | None) -> HostPortPod | None:
    """Read a pod; None where it asks for no port of its node or is on the node's own network anyway."""
    spec = at(found, "spec")
    claims = () if at(spec, "hostNetwork") is True else _claims(spec)
    if not claims or text(found, "status", "phase") in {"Succeeded", "Failed"}:
        return None
    who = f"{namespace(found)}/{text(found, 'metadata', 'name')}"
    messages = [
        text(one, "message")
        for one in items(found, "status", "conditions")
        if text(one, "type") == "PodScheduled" and text(one, "status") == "False"
    ]
    return HostPortPod(
        object=f"Pod {who}",
        field="spec.containers[].ports[].hostPort",
        value=", ".join(f"{port}/{protocol}" for protocol, port, _ in claims),
        kubectl=f"kubectl -n {namespace(found)} get pod {text(found, 'metadata', 'name')} -o yaml",
        pod=who,
        node=text(spec, "nodeName"),
        started_s=started_s,
        claims=claims,
        waits_for_port=any(_FREE_PORTS in message for message in messages),
    )


def _clash(one: Claim, other: Claim) -> bool:
    addresses = {one[2], other[2]}
    return one[:2] == other[:2] and (len(addresses) == 1 or bool(addresses & _ANY_ADDRESS))


def conflicts(found: Sequence[HostPortPod]) -> list[Observation]:
    """Return the pods that find no free port and those that share one on a node."""
    seen: list[Observation] = [
        one.model_copy(update={"field": "status.conditions[PodScheduled]", "value": f"no node has free: {one.value}"})
        for one in found
        if one.waits_for_port
    ]
    for one, other in itertools.combinations([pod for pod in found if pod.node], 2):
        if one.node == other.node and any(_clash(*pair) for pair in itertools.product(one.claims, other.claims)):
            seen += [one, other]
    return seen


async def _objects(facts: Facts) -> Iterable[Object]:
    scope, reads = facts.scope, facts.reads
    if scope.pod and scope.namespace:
        found = await reads.get("pods", scope.pod, scope.namespace)
        return [found] if found else []
    if scope.pod:
        return (await reads.list("pods", fields={"metadata.name": scope.pod}, limit=_SHOWN_SETS)).items
    if scope.node:
        return (await reads.list("pods", fields={"spec.nodeName": scope.node}, limit=PODS_OF_A_NODE)).items
    if scope.namespace:
        return (await reads.list("pods", namespace=scope.namespace, limit=_PODS_OF_A_NAMESPACE)).items
    objects: list[Object] = []
    sets = [one for one in (await reads.list("daemonsets", limit=_DAEMON_SETS)).items if _template_claims(one)]
    for one in sets[:_SHOWN_SETS]:
        selector = labels(one, "spec", "selector", "matchLabels")
        if selector:
            listing = await reads.list("pods", namespace=namespace(one), labels=selector, limit=_PODS_OF_A_DAEMON_SET)
            objects += listing.items
    return objects


def _template_claims(found: Mapping[str, Any]) -> bool:
    spec = at(found, "spec", "template", "spec")
    return at(spec, "hostNetwork") is not True and bool(_claims(spec))


@fact(
    "host_ports",
    HostPorts,
    needs=[Needs("pods", "get"), Needs("pods", "list"), Needs("daemonsets", "list")],
    kubectl="kubectl get pods -A -o yaml | grep -B30 hostPort",
)
async def host_ports(facts: Facts) -> HostPorts:
    """Pods that ask for ports of their node, and conflicts between them."""
    now = await facts.reads.now()
    objects = await _objects(facts)
    found = tuple(pod for one in objects if (pod := host_port_pod_of(one, pod_of(one, now).started_s)))
    clashes = conflicts(found)
    asked = await facts(pods)
    known = {one.pod for one in found}
    clashes += [
        pod.seen.model_copy(update={"field": "status.conditions[PodScheduled]", "value": pod.scheduling[:300]})
        for pod in asked.items
        if pod.host_ports and pod.key not in known and _FREE_PORTS in pod.scheduling
    ]
    events = await Partial(facts)(pod_events)
    clashes += [
        event for event in (events.items if events else ()) if event.reason == "HostPortConflict" and event.fresh
    ]
    return HostPorts(items=found[:20], conflicts=tuple(clashes[:8]), evidence=tuple(clashes[:8]) or found[:4])


def _older(pod: HostPortPod, agent: FlannelPod | None) -> bool | None:
    if agent is None or agent.started_s is None or pod.started_s is None:
        return None
    return pod.started_s >= agent.started_s


def _serves(agent: FlannelPod | None) -> bool:
    return agent is not None and agent.host_ports == "yes" and agent.applied != "no"


def _supported(found: HostPorts, agents: FlannelPods) -> bool:
    running = [one for one in found.items if one.node]
    if not running:
        return agents.complete and bool(agents.items) and all(map(_serves, agents.items))
    return all(_serves(agents.on(one.node)) and _older(one, agents.on(one.node)) is False for one in running)


@fact("flannel_host_ports", FlannelHostPorts, kubectl="kubectl -n kube-system get cm kube-flannel-cfg -o yaml")
async def flannel_host_ports(facts: Facts) -> FlannelHostPorts:
    """Whether Flannel's plugin chain, version and the age of its pods let hostPort work."""
    if not (await facts(flannel_cluster)).certain:
        return FlannelHostPorts(supported=(), older=(), lacking=(), evidence=())
    found, config, agents = await facts(host_ports), await facts(flannel_config), await facts(flannel_pods)
    setting = tuple(one for one in config.settings if one.key == "portmap")
    usable = config.present and config.valid and config.cni.shape != "none"
    lacking: tuple[Observation, ...] = setting if usable and not config.cni.portmap else ()
    lacking += tuple(one for one in agents.items if one.host_ports == "no")[:4]
    older = tuple(one for one in found.items if _older(one, agents.on(one.node)))
    supported: tuple[Observation, ...] = ()
    if usable and config.cni.portmap and _supported(found, agents):
        supported = (*setting, *agents.items[:2], *found.items[:4])
    return FlannelHostPorts(supported=supported, older=older, lacking=lacking, evidence=setting)


@fact(
    "terway_host_ports",
    TerwayHostPorts,
    kubectl="kubectl -n kube-system get cm eni-config -o jsonpath='{.data.10-terway\\.conflist}'",
)
async def terway_host_ports(facts: Facts) -> TerwayHostPorts:
    """Pods whose hostPort does nothing, as Terway has no portmap in its chain unless somebody put it there."""
    if (await facts(plugin)).name != "terway":
        return TerwayHostPorts(unsupported=(), chained=(), evidence=())
    found, config, asked = await facts(host_ports), await facts(eni_config), await facts(surveyed_nodes)
    chained = config.evidence[:1] if "portmap" in config.chain_plugins else ()
    proxied = {node.name for node in asked.items if node.labels.get(_PROXY_REPLACED, "").lower() != "true"}
    unsupported = () if chained else tuple(one for one in found.items if one.node in proxied)
    return TerwayHostPorts(unsupported=unsupported[:6], chained=chained, evidence=unsupported[:4] or chained)
