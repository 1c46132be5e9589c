"""Whether calls to Services pass kube-proxy at all, or are load-balanced by Terway's data path before."""

from __future__ import annotations

from bot.diagnosis.facts.datapaths import DataPath, datapaths
from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.eni_modes import eni_modes
from bot.diagnosis.facts.node_configs import node_configs
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.service_families import service_families
from bot.diagnosis.observation import Fact, Observation

__all__ = ["ServiceBypass", "service_bypass"]


class ServiceBypass(Fact):
    """``all``: every node in question load-balances calls of its pods without kube-proxy; empty where any may not.

    ``pods_only`` is filled the same way, whatever the kind of Service: connections of pods are tracked elsewhere.
    """

    all: tuple[Observation, ...]
    pods_only: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


@fact("service_bypass", ServiceBypass, kubectl="kubectl get nodes.network.alibabacloud.com -o yaml")
async def service_bypass(facts: Facts) -> ServiceBypass:
    """Whether the pods' calls to Services go past kube-proxy (IPVS, iptables, conntrack) on all nodes in question."""
    nothing = ServiceBypass(all=(), pods_only=(), evidence=())
    read = Partial(facts)
    if (await facts(plugin)).name != "terway":
        return nothing
    asked = await read(pods)
    if asked and asked.given and any(pod.host_network for pod in asked.items):
        return nothing
    paths = await facts(datapaths)
    if not paths.items or paths.per_packet_lb_off:
        return nothing
    config, told = await read(eni_config), await read(node_configs)
    modes = await read(eni_modes)
    # A node that may be exclusive has no acceleration, whatever is set.
    undecided = {one.node for one in modes.undecided} if modes else set()
    fresh = {one.node for one in told.items if one.base_stale is False} - undecided if told else set()
    readable = config is not None and not config.invalid
    bypassed = [one for one in paths.items if one.accelerated or (readable and one.node in fresh and _asked(one))]
    if len(bypassed) < len(paths.items):
        return nothing
    services = await read(service_families) if facts.scope.service else None
    # What comes in from outside by a node port is kube-proxy's; a named pod is taken to be the client.
    from_outside = not facts.scope.pod and any(
        one.type in {"NodePort", "LoadBalancer"} for one in (services.items if services else ())
    )
    seen = tuple(bypassed[:4])
    return ServiceBypass(all=() if from_outside else seen, pods_only=seen, evidence=seen)


def _asked(path: DataPath) -> bool:
    """Tell whether a node that read these settings runs an accelerated data path, whichever of the two it is."""
    return path.accelerated is None and path.asked in {"datapathv2", "ipvlan"} and path.may_differ != "ebpf_policy"
