"""What workloads ask of the network plugin: NetworkPolicies, and bandwidth limits of pods."""

from __future__ import annotations

from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import name, namespace
from bot.diagnosis.observation import Fact, Observation

__all__ = ["BandwidthLimits", "NetworkPolicies", "bandwidth_limits", "network_policies"]

_LIMIT = 50
_SHOWN = 5
_BANDWIDTH = ("kubernetes.io/ingress-bandwidth", "kubernetes.io/egress-bandwidth")


class NetworkPolicies(Fact):
    """The NetworkPolicies of all namespaces: how many (at least, if not ``complete``), and some of them."""

    count: int
    complete: bool
    some: tuple[Observation, ...]
    none: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class BandwidthLimits(Fact):
    """Pods in question whose annotations limit their bandwidth."""

    items: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


@fact(
    "network_policies",
    NetworkPolicies,
    needs=[Needs("networkpolicies", "list")],
    kubectl="kubectl get networkpolicy -A",
)
async def network_policies(facts: Facts) -> NetworkPolicies:
    """Whether anybody uses NetworkPolicies, which Flannel does not enforce."""
    listing = await facts.reads.list("networkpolicies", limit=_LIMIT)
    some = tuple(
        Observation(
            object=f"NetworkPolicy {namespace(one)}/{name(one)}",
            field="metadata.name",
            value=name(one),
            kubectl=f"kubectl -n {namespace(one)} get networkpolicy {name(one)} -o yaml",
        )
        for one in listing.items[:_SHOWN]
    )
    seen = Observation(
        object="NetworkPolicies of all namespaces",
        field="items",
        value="(none)",
        kubectl="kubectl get networkpolicy -A",
    )
    none = (seen,) if listing.complete and not some else ()
    return NetworkPolicies(
        count=len(listing.items), complete=listing.complete, some=some, none=none, evidence=some or none
    )


@fact("bandwidth_limits", BandwidthLimits, kubectl="kubectl get pod <pod> -o yaml")
async def bandwidth_limits(facts: Facts) -> BandwidthLimits:
    """Limits of bandwidth that pods in question ask for, which Flannel does not impose."""
    asked = await facts(pods)
    found = tuple(
        pod.seen.model_copy(update={"field": f"metadata.annotations[{key}]", "value": pod.annotations[key]})
        for pod in asked.items
        for key in _BANDWIDTH
        if key in pod.annotations
    )
    return BandwidthLimits(items=found[:6], evidence=found[:6])
