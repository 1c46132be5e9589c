"""NetworkPolicies that keep IPv6 from the pods in question because they name IPv4 ranges only."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.eni_modes import eni_modes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pod_families import pod_families
from bot.diagnosis.facts.pods import Pod
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, items, labels, name, namespace, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["Ipv6Policies", "ipv6_policies", "reach", "selects"]

_MAX_POLICIES = 100
_INTERNET = ipaddress.ip_network("2000::/3")

Direction = Literal["ingress", "egress"]
Reach = Literal["all", "ipv6", "pods", "ipv4", "none"]
"""What the policies that isolate a pod leave open: everything; some IPv6 range; pods only, beside IPv4 ranges perhaps;
IPv4 ranges only; nothing."""


class Ipv6Policies(Fact):
    """NetworkPolicies that matter to IPv6 of the pods in question.

    ``ingress_ipv4_only``: they let in IPv4 ranges and nothing else, and are enforced; ``egress_no_ipv6``: they let out
    to no public IPv6 range, and are enforced. ``ingress_free`` and ``egress_free`` show that none does so.
    ``not_enforced``: why the network plugin pays no heed to policies that are there.
    """

    ingress_ipv4_only: tuple[Observation, ...]
    egress_no_ipv6: tuple[Observation, ...]
    ingress_free: tuple[Observation, ...]
    egress_free: tuple[Observation, ...]
    not_enforced: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def selects(policy: Object, pod: Pod) -> bool:
    """Tell whether a policy's podSelector matches the pod."""
    if namespace(policy) != pod.namespace:
        return False
    selector = at(policy, "spec", "podSelector")
    if any(pod.labels.get(key) != value for key, value in labels(selector, "matchLabels").items()):
        return False
    return all(_matches(one, pod.labels) for one in items(selector, "matchExpressions"))


def _matches(expression: Mapping[str, Any], have: Mapping[str, str]) -> bool:
    value = have.get(text(expression, "key"))
    listed = at(expression, "values")
    values = listed if isinstance(listed, list) else []
    match text(expression, "operator"):
        case "In":
            return value is not None and value in values
        case "NotIn":
            return value is None or value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case _:
            return False


def _isolates(policy: Object, direction: Direction) -> bool:
    types = at(policy, "spec", "policyTypes")
    if isinstance(types, list) and types:
        return direction.capitalize() in types
    return direction == "ingress" or bool(at(policy, "spec", "egress"))


def reach(policies: Sequence[Object], direction: Direction) -> Reach | None:
    """Return what is left open by all policies that select a pod together; None where none isolates it so."""
    isolating = [one for one in policies if _isolates(one, direction)]
    if not isolating:
        return None
    peers = [peer for policy in isolating for peer in _peers(policy, direction)]
    for kind in ("all", "ipv6", "pods", "ipv4"):
        if kind in peers:
            return kind
    return "none"


def _peers(policy: Object, direction: Direction) -> Iterator[Reach]:
    for rule in items(policy, "spec", direction):
        peers = list(items(rule, "from" if direction == "ingress" else "to"))
        if not peers:
            yield "all"
        for peer in peers:
            yield _peer(peer, direction)


def _peer(peer: Mapping[str, Any], direction: Direction) -> Reach:
    cidr = text(peer, "ipBlock", "cidr")
    if not cidr:
        return "pods"
    try:
        network = ipaddress.ip_network(cidr, strict=False)
    except ValueError:
        return "all"
    if isinstance(network, ipaddress.IPv4Network):
        return "ipv4"
    # A private range lets nobody out to the internet.
    return "ipv6" if direction == "ingress" or network.overlaps(_INTERNET) else "pods"


@fact(
    "ipv6_policies",
    Ipv6Policies,
    needs=[Needs("networkpolicies", "list")],
    kubectl="kubectl -n <namespace> get networkpolicy -o yaml",
)
async def ipv6_policies(facts: Facts) -> Ipv6Policies:
    """NetworkPolicies that select the pods in question and name no IPv6 range, and whether they are enforced."""
    asked = await facts(pod_families)
    named = asked.items if asked.given else ()
    concerned = [pod for pod in named if any(":" in ip for ip in pod.ips) and not pod.host_network]
    found: dict[Direction, list[Observation]] = {"ingress": [], "egress": []}
    selecting: list[Observation] = []
    complete = bool(concerned)
    for where in sorted({pod.namespace for pod in concerned}):
        listing = await facts.reads.list("networkpolicies", namespace=where, limit=_MAX_POLICIES)
        complete = complete and listing.complete
        for pod in concerned:
            chosen = [one for one in listing.items if pod.namespace == where and selects(one, pod)]
            selecting += [_seen(one, pod, "selects") for one in chosen]
            # A policy that was not read may allow what the others do not.
            for direction in ("ingress", "egress") if listing.complete else ():
                if reach(chosen, direction) in _CLOSED[direction]:
                    found[direction] += [
                        _seen(one, pod, _DOES[direction]) for one in chosen if _isolates(one, direction)
                    ]
    enforced, why = await _enforced(facts) if selecting else (None, [])
    free = tuple(selecting[:4]) or tuple(asked.with_ipv6[:4])
    return Ipv6Policies(
        ingress_ipv4_only=tuple(found["ingress"]) if enforced else (),
        egress_no_ipv6=tuple(found["egress"]) if enforced else (),
        ingress_free=free if complete and not found["ingress"] else (),
        egress_free=free if complete and not found["egress"] else (),
        not_enforced=tuple(why),
        evidence=tuple(selecting),
    )


_CLOSED: Mapping[Direction, frozenset[Reach]] = {
    "ingress": frozenset({"ipv4"}),
    "egress": frozenset({"ipv4", "pods", "none"}),
}
_DOES: Mapping[Direction, str] = {
    "ingress": "lets in IPv4 ranges only to",
    "egress": "lets out to no IPv6 range on the internet",
}


def _seen(policy: Object, pod: Pod, does: str) -> Observation:
    where = namespace(policy)
    return Observation(
        object=f"NetworkPolicy {where}/{name(policy)}",
        field="spec",
        value=f"{does} {pod.key}",
        kubectl=f"kubectl -n {where} get networkpolicy {name(policy)} -o yaml",
    )


async def _enforced(facts: Facts) -> tuple[bool | None, list[Observation]]:
    """Tell whether policies have effect, and if not, why; Flannel has none, Terway's may be switched off."""
    read = Partial(facts)
    which = await read(plugin)
    if which is None or which.name in {"none", "both"}:
        return None, []
    if which.name == "flannel":
        return False, list(which.evidence)
    modes, config, running = await read(eni_modes), await read(eni_config), await read(agents)
    if modes and modes.exclusive and not modes.shared and not modes.undecided:
        return False, list(modes.exclusive[:2])
    if config is None:
        return None, []
    if config.policy_off:
        return False, list(config.policy_off)
    # Rules of an agent that does not run may be missing or left behind.
    healthy = running is not None and not any("policy" in one.not_ready for one in running.of("terway"))
    return (True, []) if config.policy_on and modes and not modes.exclusive and healthy else (None, [])
