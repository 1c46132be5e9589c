"""Whether kube-proxy serves IPv6 cluster IPs beside IPv4, as far as its release and configuration tell."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.kube_proxy_config import ProxyConfig, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_pods import ProxyPod, kube_proxy_pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation

__all__ = ["ProxyIpv6", "kube_proxy_ipv6", "lacks_ipv6"]


class ProxyIpv6(Fact):
    """``lacks``: what keeps kube-proxy on nodes in question from serving IPv6; ``serves``: all of them do."""

    lacks: tuple[Observation, ...]
    serves: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def lacks_ipv6(pod: ProxyPod, config: ProxyConfig) -> Observation | None:
    """Return what keeps an old kube-proxy from serving both families; from 1.23 on nothing of that kind can.

    The feature gate is off by default before 1.21. A clusterCIDR that names IPv4 only leaves IPv6 out before 1.23.
    """
    version = pod.version or None
    if at_least(version, 1, 23) is not False or pod.stale is not False:
        return None
    field, value = "", ""
    if config.dual_stack_gate is False or (config.dual_stack_gate is None and at_least(version, 1, 21) is False):
        field, value = "featureGates.IPv6DualStack", "not on"
    elif config.cluster_cidrs and not any(":" in cidr for cidr in config.cluster_cidrs):
        field, value = "clusterCIDR", f"{', '.join(config.cluster_cidrs)}: no range of IPv6"
    if not field:
        return None
    numbers = ".".join(map(str, pod.version))
    return Observation(
        object=config.object,
        field=f"{config.field} {field}",
        value=f"{value} (kube-proxy {numbers} on {pod.node})",
        seen_at=config.seen_at,
        kubectl=config.kubectl,
    )


@fact(
    "kube_proxy_ipv6",
    ProxyIpv6,
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml",
)
async def kube_proxy_ipv6(facts: Facts) -> ProxyIpv6:
    """Whether release and configuration let kube-proxy serve IPv6 cluster IPs on the nodes in question."""
    configs, pods = await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods))
    lacks = [seen for pod in pods.items if (config := configs.of(pod.daemon_set)) and (seen := lacks_ipv6(pod, config))]
    serving = [pod for pod in pods.items if at_least(pod.version or None, 1, 23) and not pod.crashing]
    serves = bool(pods.items) and len(serving) == len(pods.items) and not pods.stale and not pods.unknown
    return ProxyIpv6(
        lacks=tuple(lacks[:4]),
        serves=tuple(serving[:4]) if serves else (),
        evidence=tuple(lacks[:4]) or pods.evidence,
    )
