"""Whether the cluster gives pods and Services addresses of both families."""

from __future__ import annotations

from typing import Literal

from bot.diagnosis.facts.cluster_profile import cluster_profile
from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.kube_proxy_config import kube_proxy_config
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.service_families import is_ipv6, service_families, service_family_of
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Unreadable

__all__ = ["ClusterStack", "DualStack", "dual_stack"]

_PROFILE = "ack-cluster-profile"


class ClusterStack(Observation):
    """A field that tells whether the cluster has both families; ``both`` False: it tells that it has one."""

    both: bool


class DualStack(Fact):
    """``dual`` or ``single`` by the strongest field that tells, ``unknown`` where none does; ``signs``: all that tell.

    ``is_dual`` and ``is_single`` hold the fields that decided.
    """

    stack: Literal["dual", "single", "unknown"]
    signs: tuple[ClusterStack, ...]
    is_dual: tuple[ClusterStack, ...]
    is_single: tuple[ClusterStack, ...]
    evidence: tuple[Observation, ...]


def _sign(found: Observation, *, both: bool) -> ClusterStack:
    return ClusterStack(**dict(found), both=both)


def _told(what: str, field: str, value: str, kubectl: str, *, both: bool) -> ClusterStack:
    return ClusterStack(object=what, field=field, value=value, kubectl=kubectl, both=both)


@fact(
    "dual_stack",
    DualStack,
    needs=[
        Needs("configmaps", "get", "kube-system", (_PROFILE,)),
        Needs("services", "get", "default", ("kubernetes",)),
    ],
    kubectl=f"kubectl -n kube-system get cm {_PROFILE} -o yaml",
)
async def dual_stack(facts: Facts) -> DualStack:
    """Whether the cluster is dual stack; fields are asked by their strength, until one decides.

    The API server's own Service is stronger than all of them but those that were asked about. It is not read where what
    ACK noted down and what the network plugin reads say the same.
    """
    read = Partial(facts)
    unread: list[Unreadable] = []
    found = await _of_asked(facts, read)
    if not found:
        try:
            found = await _agreed(facts, read)
        except Unreadable:
            found = []
    for ask in (_of_api_service, _of_profile, _of_terway, _of_nodes, _of_kube_proxy) if not found else ():
        try:
            found += await ask(facts, read)
        except Unreadable as error:
            unread.append(error)
        if found:
            break
    if not found:
        if unread:
            raise unread[0]
        read.require()
    both = tuple(sign for sign in found if sign.both)
    return DualStack(
        stack="dual" if both else "single" if found else "unknown",
        signs=tuple(found),
        is_dual=both,
        is_single=() if both else tuple(found),
        evidence=tuple(found),
    )


async def _of_asked(facts: Facts, read: Partial) -> list[ClusterStack]:
    """Two addresses of what was named prove it; one proves nothing, as Services stay as they were created."""
    services = await read(service_families) if facts.scope.service else None
    asked = await read(pods) if facts.scope.pod else None
    found = [_sign(one, both=True) for one in (services.both if services else ())]
    for pod in asked.items if asked else ():
        families = {is_ipv6(ip) for ip in pod.ips}
        if families >= {True, False}:
            shown = pod.seen.model_copy(update={"field": "status.podIPs", "value": ", ".join(pod.ips)})
            found.append(_sign(shown, both=True))
    return found


async def _agreed(facts: Facts, read: Partial) -> list[ClusterStack]:
    """Return what the profile says where it names the stack, and the plugin's own settings say the same."""
    profile = await facts(cluster_profile)
    if not profile.ip_stack:
        return []
    noted = await _of_profile(facts, read)
    own = await _of_terway(facts, read) or await _of_nodes(facts, read)
    return noted if own and all(one.both is noted[0].both for one in own) else []


async def _of_api_service(facts: Facts, _read: Partial) -> list[ClusterStack]:
    """Two cluster IPs prove it, one proves nothing."""
    api = await facts.reads.get("services", "kubernetes", "default")
    family = service_family_of(api) if api else None
    return [_sign(family, both=True)] if family and family.has_ipv4 and family.has_ipv6 else []


async def _of_profile(facts: Facts, _read: Partial) -> list[ClusterStack]:
    profile = await facts.reads.get("configmaps", _PROFILE, "kube-system")
    stack, cidrs = text(profile, "data", "ipStack"), text(profile, "data", "serviceCIDR")
    if not stack and not cidrs:
        return []
    value = f"ipStack {stack or 'not set'}, serviceCIDR {cidrs or 'not set'}"
    kubectl = f"kubectl -n kube-system get cm {_PROFILE} -o yaml"
    both = stack.lower() == "dual" or "," in cidrs
    return [_told(f"ConfigMap kube-system/{_PROFILE}", "data", value, kubectl, both=both)]


async def _of_terway(_facts: Facts, read: Partial) -> list[ClusterStack]:
    which = await read(plugin)
    if which is None or which.name != "terway":
        return []
    config = await read(eni_config)
    if config is None or not config.present or config.invalid:
        return []
    stack = text(config.settings, "ip_stack") or text(config.chain, "ip_stack")
    kubectl = "kubectl -n kube-system get cm eni-config -o yaml"
    value = f"ip_stack {stack or 'not set, so ipv4'}"
    return [_told("ConfigMap kube-system/eni-config", "data", value, kubectl, both=stack.lower() == "dual")]


async def _of_nodes(_facts: Facts, read: Partial) -> list[ClusterStack]:
    """Both families in podCIDRs, or of node addresses; only Flannel's podCIDRs tell that there is one."""
    asked, which = await read(surveyed_nodes), await read(plugin)
    found = []
    for node in asked.items if asked else ():
        families = {":" in cidr for cidr in node.pod_cidrs}
        addresses = {is_ipv6(ip) for ip in node.internal_ips}
        kubectl = f"kubectl get node {node.name} -o yaml"
        if len(families) == 2 or (families and which is not None and which.name == "flannel"):
            value = ", ".join(node.pod_cidrs)
            found.append(_told(f"Node {node.name}", "spec.podCIDRs", value, kubectl, both=len(families) == 2))
        elif addresses >= {True, False}:
            value = ", ".join(node.internal_ips)
            found.append(_told(f"Node {node.name}", "status.addresses", value, kubectl, both=True))
    return ([one for one in found if one.both] or found)[:2]


async def _of_kube_proxy(_facts: Facts, read: Partial) -> list[ClusterStack]:
    configs = await read(kube_proxy_config)
    return [
        _told(one.object, f"{one.field} clusterCIDR", ", ".join(one.cluster_cidrs), one.kubectl, both=True)
        for one in (configs.items if configs else ())
        if len({":" in cidr for cidr in one.cluster_cidrs}) == 2
    ]
