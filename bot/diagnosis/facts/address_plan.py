"""The ranges that nodes, pods and Services take their addresses from, and whether they get in each other's way."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.diagnosis.facts.cluster_profile import cluster_profile
from bot.diagnosis.facts.eni_config import eni_config
from bot.diagnosis.facts.flannel_config import flannel_config
from bot.diagnosis.facts.kube_proxy_config import kube_proxy_config
from bot.diagnosis.facts.node_routes import route_events
from bot.diagnosis.facts.observed import observed
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pod_subnets import usable_addresses
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.facts.terway_nodes import terway_nodes
from bot.diagnosis.objects import text
from bot.diagnosis.observation import Fact, Observation

__all__ = ["AddressPlan", "Range", "address_plan", "node_share", "overlaps", "subnets_of"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

RangeKind = Literal["node", "pod", "service", "vswitch"]


class Range(Observation):
    """A range of addresses: of a node, of pods, of Services, of a vSwitch that Terway takes pod addresses from."""

    kind: RangeKind
    cidr: str


class AddressPlan(Fact):
    """The ranges as far as they are visible. ``overlaps``: pairs of them that share addresses.

    ``apart`` is filled where the ranges of pods (Flannel), Services and nodes are known and do not.
    ``used_up``: signs that no node can get a share of the pod addresses any more; ``shared_out``: every node has one.
    ``not_within``: nodes whose share lies outside the range that Flannel is configured for. ``above_share``: nodes that
    may run more pods than their share has addresses. ``room``: how many shares the pod range has, and how many of them
    the nodes take that were read.
    """

    ranges: tuple[Range, ...]
    overlaps: tuple[Observation, ...]
    apart: tuple[Observation, ...]
    used_up: tuple[Observation, ...]
    shared_out: tuple[Observation, ...]
    not_within: tuple[Observation, ...]
    above_share: tuple[Observation, ...]
    room: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def _network(cidr: str) -> Network | None:
    try:
        return ipaddress.ip_network(cidr.strip(), strict=False)
    except ValueError:
        return None


def _share(one: str, other: str) -> bool:
    first, second = _network(one), _network(other)
    return first is not None and second is not None and first.version == second.version and first.overlaps(second)


def overlaps(ranges: Sequence[Range], *, pods_apart: bool) -> list[Observation]:
    """Return the ranges that share addresses though they must not.

    Services must be apart from all others. Pods must be apart from nodes only with Flannel (``pods_apart``): Terway's
    pods have addresses of vSwitches, as nodes have.
    """
    found: list[Observation] = []
    for one in ranges:
        for other in ranges:
            bad = (one.kind != "service" and other.kind == "service") or (
                pods_apart and (one.kind, other.kind) == ("node", "pod")
            )
            if bad and _share(one.cidr, other.cidr):
                found.append(one.model_copy(update={"value": f"{one.cidr} shares addresses with {other.cidr}"}))
                found.append(other)
    return list({(one.object, one.field, one.value): one for one in found}.values())


def subnets_of(cluster: str, node: str) -> int | None:
    """Return how many node subnets as large as ``node`` fit into the range ``cluster``; None where either is none."""
    whole, share = _network(cluster), _network(node)
    if whole is None or share is None or whole.version != share.version or share.prefixlen < whole.prefixlen:
        return None
    return int(2 ** (share.prefixlen - whole.prefixlen))


def node_share(cidrs: Iterable[str]) -> str:
    """Return the IPv4 range among a node's podCIDRs; empty when it has none."""
    return next((cidr for cidr in cidrs if usable_addresses(cidr) is not None), "")


class _Ranges:
    """Collects ranges from what can be read, each with where it stands."""

    def __init__(self, read: Partial) -> None:
        self._read = read
        self.found: list[Range] = []

    def add(self, kind: RangeKind, seen: Observation, cidrs: Iterable[str]) -> None:
        self.found += [
            Range(**observed(seen, value=str(network)), kind=kind, cidr=str(network))
            for cidr in cidrs
            if (network := _network(cidr)) is not None
        ]

    async def services(self, *, terway: bool) -> None:
        profile = await self._read(cluster_profile)
        for one in profile.evidence if profile else ():
            if one.field == "data[serviceCIDR]":
                self.add("service", one, profile.service_cidrs if profile else ())
        config = await self._read(eni_config) if terway else None
        if config and config.evidence:
            seen = config.evidence[0].model_copy(update={"field": "data.eni_conf, key service_cidr within"})
            self.add("service", seen, text(config.settings, "service_cidr").split(","))

    async def pods(self) -> None:
        config = await self._read(flannel_config)
        for one in config.settings if config else ():
            if one.key == "Network":
                self.add("pod", one, [one.value])
        proxy = await self._read(kube_proxy_config)
        for conf in proxy.items if proxy else ():
            self.add("pod", conf.model_copy(update={"field": "data[config.conf] clusterCIDR"}), conf.cluster_cidrs)

    async def vswitches(self) -> None:
        reported = await self._read(terway_nodes)
        for node in reported.items if reported else ():
            for eni in node.enis:
                self.add("vswitch", eni, [eni.cidr] if eni.cidr else [])


@fact(
    "address_plan", AddressPlan, kubectl="kubectl get nodes -o wide; kubectl -n kube-system get cm ack-cluster-profile"
)
async def address_plan(facts: Facts) -> AddressPlan:
    """The ranges of nodes, pods and Services as far as the cluster shows them, and what is wrong between them."""
    asked, which = await facts(surveyed_nodes), await facts(plugin)
    read = Partial(facts)
    flannel = which.name == "flannel"
    ranges = _Ranges(read)
    await ranges.services(terway=not flannel)
    if flannel:
        await ranges.pods()
    else:
        await ranges.vswitches()
    for node in asked.items:
        seen = node.seen.model_copy(update={"field": "status.addresses[InternalIP]", "seen_at": None})
        ranges.add("node", seen, node.internal_ips)
        if flannel:
            ranges.add("pod", seen.model_copy(update={"field": "spec.podCIDR"}), node.pod_cidrs)
    found = _unique(ranges.found)
    clashes = overlaps(found, pods_apart=flannel)
    kinds = {one.kind for one in found}
    wanted = {"node", "service", "pod"} if flannel else {"node", "service"}
    summary = [one for one in found if one.kind in {"service", "pod", "vswitch"}][:6]
    config = await read(flannel_config) if flannel else None
    network = config.network if config else ""
    events = await read(route_events) if flannel else None
    without = [node for node in asked.items if not node.pod_cidrs]
    no_cidr = [one for one in (events.no_cidr if events else ()) if one.fresh]
    shares = [(node, node_share(node.pod_cidrs)) for node in asked.items]
    room = _room(network, [cidr for _, cidr in shares if cidr], complete=asked.complete)
    return AddressPlan(
        ranges=tuple(found[:40]),
        overlaps=tuple(clashes[:8]),
        apart=tuple(summary) if not clashes and kinds >= wanted and asked.complete else (),
        used_up=tuple(one for one in no_cidr if any(one.name == node.name for node in without)),
        shared_out=tuple(
            node.seen.model_copy(update={"field": "spec.podCIDR", "value": cidr}) for node, cidr in shares[:4]
        )
        if shares and asked.complete and not without
        else (),
        not_within=tuple(
            node.seen.model_copy(update={"field": "spec.podCIDR", "value": f"{cidr}, not within {network}"})
            for node, cidr in shares
            if cidr and _network(network) and not _share(cidr, network)
        )[:6],
        above_share=tuple(
            node.seen.model_copy(
                update={
                    "field": "status.allocatable.pods",
                    "value": f"{node.max_pods}; {cidr} has {usable_addresses(cidr)} usable addresses",
                }
            )
            for node, cidr in shares
            if cidr and node.max_pods is not None and node.max_pods > (usable_addresses(cidr) or 0)
        )[:6],
        room=room,
        evidence=(*summary, *room) or asked.evidence[:4],
    )


def _room(network: str, shares: Sequence[str], *, complete: bool) -> tuple[Observation, ...]:
    whole = subnets_of(network, shares[0]) if shares else None
    if whole is None:
        return ()
    taken = f"{len(shares)} taken" if complete else f"at least {len(shares)} taken"
    seen = Observation(
        object="ConfigMap kube-flannel-cfg",
        field="data[net-conf.json] Network",
        value=f"{network} has {whole} shares as large as {shares[0]}, {taken}",
        kubectl="kubectl get nodes -o custom-columns=NODE:.metadata.name,CIDR:.spec.podCIDR",
    )
    return (seen,)


def _unique(found: Iterable[Range]) -> list[Range]:
    """Leave out ranges that are named a second time; one within another of its kind is kept, nodes have their own."""
    return list({(one.kind, one.cidr): one for one in reversed(list(found))}.values())[::-1]
