"""The share of the pod addresses that each node has, and who holds them: a full subnet, or addresses that leaked."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.diagnosis.facts.node_pods import node_pods
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.observed import observed
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.sandbox import Failure, sandbox_failures
from bot.diagnosis.observation import Fact, Observation

__all__ = [
    "Level",
    "PodSubnet",
    "PodSubnets",
    "RangeFailure",
    "RangeFailures",
    "is_range_of",
    "level_of",
    "pod_subnets",
    "range_failures",
    "subnet_of",
    "usable_addresses",
]

Level = Literal["full", "between", "roomy", "unknown"]
"""How much of a subnet pods hold: all but two addresses at most; four fifths or less; between these; not known."""

_FULL_BUT = 2
_ROOMY = 0.8
_SECOND_RANGE = re.compile(r"for range 1\b")
_CHURN_S = 3600
_CUT_BYTES = 1000
_UNTOLD = frozenset({"other", "not_initialized"})
_FREED = frozenset({"Succeeded", "Failed"})


RangeVerdict = Literal["full", "leaked", "between", "other_range", "ipv6", "unknown"]


class PodSubnet(Observation):
    """The IPv4 subnet of ``node``: ``usable`` addresses, ``held`` by pods, ``level`` what follows.

    ``short_lived``: pods of Jobs that came to the node within the last hour. ``deleting``: pods that hang in deletion
    and still hold an address. ``pods_fit``: the node takes no more pods than the subnet has addresses, so that the
    scheduler stops before the addresses end; None where not known.
    """

    node: str
    cidr: str
    usable: int
    held: int
    level: Level
    short_lived: int
    deleting: int
    pods_fit: bool | None
    owners: tuple[str, ...]


class PodSubnets(Fact):
    """The subnets of the nodes in question; ``full`` and ``roomy`` are those of that level."""

    items: tuple[PodSubnet, ...]
    full: tuple[PodSubnet, ...]
    roomy: tuple[PodSubnet, ...]
    evidence: tuple[Observation, ...]


class RangeFailure(Observation):
    """A failure to get an address out of the range of ``node``, just now.

    ``verdict``: the subnet is ``full``; addresses have ``leaked``; it lies ``between``; the range is not the node's
    (``other_range``); it is about IPv6; the range or the number of holders is not known. ``not_full``: the subnet
    cannot really be full, for pods hold far fewer addresses or no more pods fit on the node than it has addresses.
    """

    node: str
    verdict: RangeVerdict
    not_full: bool


class RangeFailures(Fact):
    """Failures for want of an address.

    ``no_leak`` is filled where all of them are known to be something else, ``not_full`` where all of them are known to
    come from a subnet that is not full, ``other_causes`` where what holds the pods up is something else altogether.
    """

    items: tuple[RangeFailure, ...]
    full: tuple[RangeFailure, ...]
    leaked: tuple[RangeFailure, ...]
    no_leak: tuple[Observation, ...]
    not_full: tuple[Observation, ...]
    other_causes: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def usable_addresses(cidr: str) -> int | None:
    """Return how many pods an IPv4 subnet has addresses for: all but network, gateway and broadcast address.

    0 where it is too small for the address manager; None where ``cidr`` is no IPv4 network.
    """
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    if network.version != 4:
        return None
    return network.num_addresses - 3 if network.prefixlen <= 30 else 0


def is_range_of(first: str, last: str, cidr: str) -> bool | None:
    """Tell whether ``first``-``last``, as an error prints it, is the whole range of ``cidr``; None if it is no range.

    The range begins with the gateway and so holds one address more than pods can have.
    """
    try:
        low, high = ipaddress.ip_address(first), ipaddress.ip_address(last.rstrip(".:"))
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return None
    return (low, high) == (network.network_address + 1, network.broadcast_address - 1)


def level_of(held: int, usable: int, *, complete: bool) -> Level:
    """Return how full a subnet is; where not all pods were seen, only that it is full can be known."""
    if usable <= 0:
        return "unknown"
    if held >= usable - _FULL_BUT:
        return "full"
    if not complete:
        return "unknown"
    return "roomy" if held <= _ROOMY * usable else "between"


def _holds_address(pod: Pod, network: ipaddress.IPv4Network) -> bool:
    return not pod.host_network and pod.phase not in _FREED and any(_inside(ip, network) for ip in pod.ips)


def _inside(ip: str, network: ipaddress.IPv4Network) -> bool:
    try:
        return ipaddress.ip_address(ip) in network
    except ValueError:
        return False


def subnet_of(node: Node, found: Iterable[Pod], *, complete: bool) -> PodSubnet | None:
    """Return what the node's pods hold of its subnet; None where it has no IPv4 subnet."""
    cidr = next((one for one in node.pod_cidrs if usable_addresses(one) is not None), "")
    usable = usable_addresses(cidr)
    if usable is None:
        return None
    network = ipaddress.IPv4Network(cidr, strict=False)
    here = [pod for pod in found if pod.node == node.name]
    holders = [pod for pod in here if _holds_address(pod, network)]
    own = sum(pod.host_network and pod.phase not in _FREED for pod in here)
    owners = Counter(f"{pod.namespace}/{pod.owner or pod.name}" for pod in holders).most_common(3)
    young_jobs = sum(
        pod.owner.startswith("Job/") and pod.created_s is not None and pod.created_s <= _CHURN_S for pod in here
    )
    top = ", ".join(f"{who} {count}" for who, count in owners)
    return PodSubnet(
        object=f"Node {node.name}",
        field="spec.podCIDR",
        value=f"{cidr}: {len(holders)} of {usable} usable addresses are held by pods" + (f" (most: {top})" * bool(top)),
        kubectl=f"kubectl get pods -A -o wide --field-selector spec.nodeName={node.name}",
        node=node.name,
        cidr=cidr,
        usable=usable,
        held=len(holders),
        level=level_of(len(holders), usable, complete=complete),
        short_lived=young_jobs,
        deleting=sum(pod.deleting for pod in holders),
        pods_fit=None if node.max_pods is None or not complete else node.max_pods - own <= usable,
        owners=tuple(who for who, _ in owners),
    )


@fact(
    "pod_subnets",
    PodSubnets,
    needs=[Needs("pods", "list")],
    kubectl="kubectl get pods -A -o wide --field-selector spec.nodeName=<node>",
)
async def pod_subnets(facts: Facts) -> PodSubnets:
    """How full the pod subnets of the nodes in question are (Flannel: podCIDR)."""
    asked, here = await facts(nodes), await facts(node_pods)
    found = tuple(
        subnet
        for node in asked.items
        if node.name in here.nodes and (subnet := subnet_of(node, here.items, complete=here.complete))
    )
    return PodSubnets(
        items=found,
        full=tuple(one for one in found if one.level == "full"),
        roomy=tuple(one for one in found if one.level == "roomy"),
        evidence=found,
    )


def _verdict(failure: Failure, subnet: PodSubnet | None) -> RangeVerdict:
    if ":" in failure.first or (not failure.first and _SECOND_RANGE.search(failure.message)):
        return "ipv6"
    if subnet is None:
        return "unknown"
    matches = is_range_of(failure.first, failure.last, subnet.cidr) if failure.first else None
    if matches is False and _is_cut_off(failure):
        matches = None
    if matches is False:
        return "other_range"
    if subnet.level == "full":
        return "full"
    if subnet.level == "roomy":
        return "leaked" if matches else "unknown"
    return "between" if subnet.level == "between" else "unknown"


def _is_cut_off(failure: Failure) -> bool:
    """Tell whether the last address may have lost its end: events are cut at 1024 bytes."""
    return len(failure.message.encode()) >= _CUT_BYTES and failure.message.endswith(failure.last)


def _range_failure(failure: Failure, subnet: PodSubnet | None) -> RangeFailure:
    verdict = _verdict(failure, subnet)
    scheduler_first = verdict == "between" and subnet is not None and subnet.pods_fit is True
    roomy = verdict != "ipv6" and subnet is not None and subnet.level == "roomy"
    return RangeFailure(
        **observed(failure),
        node=subnet.node if subnet else failure.node,
        verdict=verdict,
        not_full=roomy or scheduler_first or verdict == "other_range",
    )


def _subnet_for(failure: Failure, subnets: Sequence[PodSubnet]) -> PodSubnet | None:
    """Return the subnet of the node that the failed pod is on; where the pod is gone, the one that the range names."""
    if failure.node:
        return next((one for one in subnets if one.node == failure.node), None)
    return next((one for one in subnets if is_range_of(failure.first, failure.last, one.cidr)), None)


@fact("range_failures", RangeFailures, kubectl="kubectl describe pod <pod>")
async def range_failures(facts: Facts) -> RangeFailures:
    """Whether pods that get no address find a full subnet or one whose addresses leaked."""
    failures, subnets, asked = await facts(sandbox_failures), await facts(pod_subnets), await facts(pods)
    started = {pod.key for pod in (await facts(node_pods)).items if pod.stage not in {"creating", "unknown"}}
    current = [one for one in failures.current if one.pod not in started]
    found = tuple(
        _range_failure(one, _subnet_for(one, subnets.items)) for one in current if one.code == "range_exhausted"
    )
    by_node = {one.node: one for one in subnets.items}
    seen = tuple(by_node[node] for node in dict.fromkeys(one.node for one in found) if node in by_node)
    decided = (*found[:4], *seen)
    other: tuple[Observation, ...] = ()
    if current and all(one.code not in _UNTOLD for one in current) and not found:
        other = tuple(current[:4])
    elif asked.given and not current:
        other = failures.elsewhere[:4]
    return RangeFailures(
        items=found,
        full=tuple(one for one in found if one.verdict == "full"),
        leaked=tuple(one for one in found if one.verdict == "leaked"),
        no_leak=decided if found and all(one.verdict in {"full", "other_range"} for one in found) else (),
        not_full=decided if found and all(one.not_full for one in found) else (),
        other_causes=other,
        evidence=decided,
    )
