"""What ack-extend-network-controller did for the public IPv6 access of the pod in question."""

from __future__ import annotations

from collections.abc import Sequence

from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["Ipv6Gateway", "ipv6_gateway", "ipv6_gateway_of"]

RESOURCE = "podipv6gws.alibabacloud.com"
_EGRESS_ONLY = "k8s.aliyun.com/ipv6-egress-only"
_ANNOTATIONS = ("k8s.aliyun.com/ipv6-bandwidth", "k8s.aliyun.com/ipv6-internet-charge-type", _EGRESS_ONLY)


class Ipv6Gateway(Fact):
    """``bandwidth``: the address has public bandwidth; ``egress_only``: only the pod may open connections.

    ``outbound``: one of both is in place, so that the pod may open connections. ``asked`` are annotations that ask for
    it. All empty proves nothing: what was made in the console leaves no trace in the cluster.
    """

    bandwidth: tuple[Observation, ...]
    egress_only: tuple[Observation, ...]
    outbound: tuple[Observation, ...]
    asked: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def ipv6_gateway_of(pod: Pod, found: Object | None) -> Ipv6Gateway:
    """Read a pod's annotations and its PodIPv6GW (None: it has none)."""
    asked = [
        pod.seen.model_copy(update={"field": f"metadata.annotations[{key}]", "value": pod.annotations[key][:40]})
        for key in _ANNOTATIONS
        if key in pod.annotations
    ]

    def seen(field: str) -> list[Observation]:
        value = text(found, *field.split("."))
        if not value or value == "false":
            return []
        return [
            Observation(
                object=f"PodIPv6GW {pod.namespace}/{pod.name}",
                field=field,
                value=value[:80],
                kubectl=f"kubectl -n {pod.namespace} get {RESOURCE} {pod.name} -o yaml",
            )
        ]

    bandwidth = seen("status.ipv6InternetBandwidthID")
    rule = seen("status.ipv6EgressOnlyRuleID")
    wanted = [one for one in asked if _EGRESS_ONLY in one.field and one.value.lower() == "true"]
    egress_only = [*wanted, *seen("spec.egressOnlyRule"), *rule]
    return Ipv6Gateway(
        bandwidth=tuple(bandwidth),
        egress_only=tuple(egress_only),
        outbound=(*bandwidth, *rule),
        asked=tuple(asked),
        evidence=(*asked, *bandwidth, *rule),
    )


@fact(
    "ipv6_gateway",
    Ipv6Gateway,
    needs=[Needs(RESOURCE, "get")],
    kubectl=f"kubectl -n <namespace> get {RESOURCE} <pod> -o yaml",
)
async def ipv6_gateway(facts: Facts) -> Ipv6Gateway:
    """Public bandwidth and egress-only rules of the named pod's IPv6 address, where the cluster manages them."""
    asked: Sequence[Pod] = (await facts(pods)).items if facts.scope.pod else ()
    if len(asked) != 1 or not any(":" in ip for ip in asked[0].ips):
        return Ipv6Gateway(bandwidth=(), egress_only=(), outbound=(), asked=(), evidence=())
    pod = asked[0]
    try:
        found = await facts.reads.get(RESOURCE, pod.name, pod.namespace)
    except Unreadable as error:
        annotated = ipv6_gateway_of(pod, None)
        # Without the component the cluster manages no bandwidth; what the pod itself says stands all the same.
        if error.reason == "not_served" or annotated.egress_only:
            return annotated
        raise
    return ipv6_gateway_of(pod, found)
