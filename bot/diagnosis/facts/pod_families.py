"""The address families of the pods in question: the named one, backends of the named Service, some of a namespace."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.dual_stack import dual_stack
from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.events import Event, node_events, pod_events
from bot.diagnosis.facts.node_pods import node_pods
from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import Pod, pod_of, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.service_families import is_ipv6, service_families
from bot.diagnosis.facts.terway_nodes import TerwayNode, terway_nodes
from bot.diagnosis.objects import PARTIAL
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import LogWindow, Unreadable

__all__ = ["Ipv6Obstacles", "PodFamilies", "families_of", "ipv6_obstacles", "pod_families"]

_MAX_LISTED, _MAX_LOGS = 20, 2
_TELLS_ADDRESSES = frozenset({None, "describe"})
"""Forms of a pod that show all its addresses; a table shows one."""
_WINDOW = LogWindow(limit_bytes=96 * 1024)
_NO_DUAL_STACK = re.compile(r"not support (?:k8s )?dual stack|ipv4 and ipv6 count is not equal", re.IGNORECASE)
_NO_IPV6 = re.compile(r"instance is not support (?:multi )?ipv6", re.IGNORECASE)
_RAM = re.compile(r"Forbidden", re.IGNORECASE)
_IPV6 = re.compile(r"ipv6", re.IGNORECASE)


class PodFamilies(Fact):
    """The pods in question by the families of their addresses; ``given``: a pod or a Service was named.

    ``with_ipv6`` have an IPv6 address; ``single`` have addresses, but none of IPv6; ``host_single`` of these are on the
    node's network. ``unaddressed`` have no address at all yet. ``no_ipv6`` says so of all in question, where none has.
    """

    items: tuple[Pod, ...]
    given: bool
    with_ipv6: tuple[Observation, ...]
    single: tuple[Observation, ...]
    host_single: tuple[Observation, ...]
    unaddressed: tuple[Observation, ...]
    no_ipv6: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class Ipv6Obstacles(Fact):
    """Why pods in question got no IPv6 address.

    ``veto``: the instance type of their node forbids it; ``older``: they are older than IPv6 there; ``node_single``:
    they are on the network of a node that has none; ``refused``: Terway may not assign one.
    """

    veto: tuple[Observation, ...]
    older: tuple[Observation, ...]
    node_single: tuple[Observation, ...]
    refused: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def families_of(pod: Pod) -> Observation:
    """Return the pod's addresses as they can be shown."""
    value = ", ".join(pod.ips) or f"none ({pod.seen.value})"
    kubectl = f"kubectl -n {pod.namespace} get pod {pod.name} -o jsonpath='{{.status.podIPs[*].ip}}'"
    return pod.seen.model_copy(update={"field": "status.podIPs", "value": value, "kubectl": kubectl})


def _has_ipv6(pod: Pod) -> bool:
    return any(is_ipv6(ip) for ip in pod.ips)


@fact(
    "pod_families",
    PodFamilies,
    needs=[Needs("pods", "list")],
    kubectl="kubectl get pods -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,IPS:.status.podIPs",
)
async def pod_families(facts: Facts) -> PodFamilies:
    """Which addresses the pods in question have: the named one, backends of the named Service, some of a namespace."""
    found: Sequence[Pod] = ()
    if facts.scope.pod:
        found = (await facts(pods)).items
    elif facts.scope.service:
        found = await _backends(facts)
    elif facts.scope.namespace and not facts.scope.node:
        found = await _listed(facts, facts.scope.namespace, None)
    live = tuple(pod for pod in found if pod.stage != "finished" and pod.annotations.get(PARTIAL) in _TELLS_ADDRESSES)
    hosts = await _dual_nodes(facts) if any(pod.host_network for pod in live) else frozenset()
    single = [pod for pod in live if pod.ips and not _has_ipv6(pod) and not (pod.host_network and pod.node in hosts)]
    dual = [pod for pod in live if _has_ipv6(pod)]
    none = [pod for pod in live if not pod.ips]
    return PodFamilies(
        items=live,
        given=bool(facts.scope.pod or facts.scope.service),
        with_ipv6=tuple(map(families_of, dual)),
        single=tuple(map(families_of, single)),
        host_single=tuple(families_of(pod) for pod in single if pod.host_network),
        unaddressed=tuple(map(families_of, none)),
        no_ipv6=tuple(map(families_of, live)) if len(single) + len(none) == len(live) else (),
        evidence=tuple(map(families_of, live[:6])),
    )


async def _dual_nodes(facts: Facts) -> frozenset[str]:
    """Return nodes in question with IPv6: pods on their network have it too, whatever their own status says."""
    asked = await Partial(facts)(nodes)
    return frozenset(node.name for node in (asked.items if asked else ()) if any(map(is_ipv6, node.internal_ips)))


async def _backends(facts: Facts) -> Sequence[Pod]:
    services = await facts(service_families)
    if len(services.items) != 1 or not services.items[0].selector:
        return ()
    service = services.items[0]
    return await _listed(facts, service.namespace, service.selector)


async def _listed(facts: Facts, namespace: str, labels: Mapping[str, str] | None) -> Sequence[Pod]:
    now = await facts.reads.now()
    listing = await facts.reads.list("pods", namespace=namespace, labels=labels, limit=_MAX_LISTED)
    return [pod_of(one, now) for one in listing.items]


@fact(
    "ipv6_obstacles",
    Ipv6Obstacles,
    needs=[Needs("pods/log", "get", "kube-system")],
    kubectl="kubectl -n default get events --field-selector involvedObject.kind=Node",
)
async def ipv6_obstacles(facts: Facts) -> Ipv6Obstacles:
    """What the node and its events tell of why a pod on it has no IPv6 address; nothing is read where all have one."""
    asked = await facts(pod_families)
    lacking = [pod for pod in asked.items if pod.ips and not _has_ipv6(pod)] if asked.single else []
    if not lacking:
        return Ipv6Obstacles(veto=(), older=(), node_single=(), refused=(), evidence=())
    read = Partial(facts)
    where = {pod.node for pod in lacking}
    events = await read(node_events)
    about = [one for one in (events.items if events else ()) if one.kind == "Node" and one.name in where]
    complaints = [one for one in about if one.reason == "ConfigError" and _NO_DUAL_STACK.search(one.message)]
    reported = await read(terway_nodes) if await _may_be_terways(facts) else None
    unequal = [seen for node in (reported.items if reported else ()) if node.name in where and (seen := _unequal(node))]
    veto: list[Observation] = [*complaints, *unequal]
    veto += await _logged_veto(facts, read, lacking) if not veto else []
    ours = await read(pod_events) if facts.scope.pod else None
    refused = [one for one in (*about, *(ours.items if ours else ())) if _is_refusal(one)]
    node_single = await _single_nodes(read, [pod for pod in lacking if pod.host_network])
    return Ipv6Obstacles(
        veto=tuple(veto),
        older=tuple(await _older(facts, read, [pod for pod in lacking if not pod.host_network])),
        node_single=tuple(node_single),
        refused=tuple(refused),
        evidence=(*veto, *node_single, *refused),
    )


async def _may_be_terways(facts: Facts) -> bool:
    which = await Partial(facts)(plugin)
    return which is None or which.name != "flannel"


async def _logged_veto(facts: Facts, read: Partial, lacking: Sequence[Pod]) -> list[Observation]:
    """Return what Terway of daemon IPAM says of it in its log, and nowhere else; logs may be kept from us."""
    stack, running = await read(dual_stack), await read(agents)
    if stack is None or stack.stack != "dual" or running is None:
        return []
    found: list[Observation] = []
    for node in list(dict.fromkeys(pod.node for pod in lacking if not pod.host_network))[:_MAX_LOGS]:
        for agent in running.of("terway", node):
            try:
                log = await facts.reads.log(agent.pod, "terway", _WINDOW)
            except Unreadable:
                return found
            told = _NO_IPV6.search(log or "")
            if told:
                found.append(agent.model_copy(update={"field": "log of container terway", "value": told[0]}))
    return found


def _unequal(node: TerwayNode) -> Observation | None:
    ipv4, ipv6 = node.addresses_per_eni, node.ipv6_per_eni
    if ipv4 is None or ipv6 is None or ipv4 == ipv6:
        return None
    value = f"ipv4PerAdapter {ipv4}, ipv6PerAdapter {ipv6}: unless they are equal Terway switches IPv6 off"
    return Observation(
        object=node.object, field="spec.nodeCap", value=value, seen_at=node.seen_at, kubectl=node.kubectl
    )


def _is_refusal(event: Event) -> bool:
    return bool(event.fresh and _RAM.search(event.message) and _IPV6.search(event.message))


async def _single_nodes(read: Partial, hosted: Sequence[Pod]) -> list[Observation]:
    asked = await read(nodes) if hosted else None
    return [
        node.seen.model_copy(
            update={"field": "status.addresses[InternalIP]", "value": ", ".join(node.internal_ips) or "none"}
        )
        for node in (asked.items if asked else ())
        if any(pod.node == node.name for pod in hosted) and not any(is_ipv6(ip) for ip in node.internal_ips)
    ]


async def _older(facts: Facts, read: Partial, lacking: Sequence[Pod]) -> list[Observation]:
    """Return pods without IPv6 that are older than Terway's start or settings, where younger neighbours have it."""
    running = await read(agents)
    config = await read(eni_config) if await _may_be_terways(facts) else None
    neighbours = await read(node_pods) if facts.scope.pod else None
    others = list(neighbours.items) if neighbours else list((await facts(pod_families)).items)
    found: list[Observation] = []
    for pod in lacking:
        started = [one.started_s for one in running.of("terway", pod.node) if one.started_s] if running else []
        since = [*started, *([config.changed_s] if config and config.changed_s else [])]
        age = pod.created_s
        if age is None or not any(age > one for one in since):
            continue
        younger = [
            one
            for one in others
            if not one.host_network and _has_ipv6(one) and one.created_s is not None and one.created_s < age
        ]
        if younger:
            found += [families_of(pod), families_of(younger[0])]
    return found
