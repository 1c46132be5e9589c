"""Terway's Node resources: which ENIs and addresses a node has, how many more it may have, what runs on it."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
from collections.abc import Mapping
from typing import Any

from bot.diagnosis.facts.nodes import SURVEYED, nodes
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, items, name, number, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["Eni", "EniCondition", "TerwayNode", "TerwayNodes", "terway_node_of", "terway_nodes"]

RESOURCE = "nodes.network.alibabacloud.com"
_MAX_NAMED = 5


class EniCondition(Observation):
    """A condition of an ENI (``InsufficientIP``, ``OperationErr``), observed ``age_s`` seconds ago."""

    type: str
    message: str
    age_s: int | None


class Eni(Observation):
    """An ENI of a node. ``held`` addresses and prefixes it has, ``idle`` of them belong to no pod and can be given out.

    ``full``: it takes no more addresses (False where the limit is not known). ``pods``: ``namespace/name`` → address;
    ``addresses``: all its addresses. ``cidr`` is the IPv4 range of its vSwitch.
    """

    id: str
    status: str
    type: str
    vswitch: str
    mac: str
    cidr: str
    security_groups: tuple[str, ...]
    held: int
    idle: int
    full: bool
    addresses: tuple[str, ...]
    pods: dict[str, str]
    conditions: tuple[EniCondition, ...]

    def condition(self, kind: str) -> EniCondition | None:
        """Return the condition of that type."""
        return next((one for one in self.conditions if one.type == kind), None)

    @property
    def occupies_slot(self) -> bool:
        """Whether it counts against what the node may have."""
        return self.type != "Primary" and self.status != "Deleting"


class TerwayNode(Observation):
    """What Terway reports of a node; numbers are None where it does not.

    ``usable``: it holds what centralised IPAM reports, so that ENIs and addresses may be counted; of other modes there
    is metadata only, and nothing may be concluded from ENIs that are not there. ``starting``: it will hold it, but does
    not yet. ``slots``: secondary ENIs that the node may have; ``adapters`` counts its primary one too.
    ``vswitches`` and ``security_groups`` are those in effect for new ENIs. ``datapath`` is what runs on the node, empty
    where that is not reported.
    """

    name: str
    usable: bool
    starting: bool
    datapath: str
    zone: str
    instance_type: str
    adapters: int | None
    total_adapters: int | None
    addresses_per_eni: int | None
    ipv6_per_eni: int | None
    prefixes: bool
    slots: int | None
    trunk_or_erdma_slots: int
    vswitches: tuple[str, ...]
    security_groups: tuple[str, ...]
    enis: tuple[Eni, ...]

    @property
    def used_slots(self) -> int:
        """How many ENIs count against ``slots``."""
        return sum(one.occupies_slot for one in self.enis)

    @property
    def free_slots(self) -> int | None:
        """How many more ENIs the node may have; None where that cannot be told."""
        return max(0, self.slots - self.used_slots) if self.usable and self.slots is not None else None

    @property
    def idle(self) -> tuple[Eni, ...]:
        """The ENIs that have an address to give out."""
        return tuple(one for one in self.enis if one.idle)

    def eni_of(self, pod: str, addresses: tuple[str, ...]) -> Eni | None:
        """Return the ENI that serves the pod ``namespace/name`` or holds one of its addresses."""
        wanted = {found for address in addresses if (found := canonical(address))}
        return next((one for one in self.enis if wanted & set(one.addresses)), None) or next(
            (one for one in self.enis if pod in one.pods), None
        )


class TerwayNodes(Fact):
    """Terway's resources of the nodes in question; ``missing`` names the nodes without one.

    ``served``: the cluster has this API at all. ``complete`` is False where there are more than were read.
    """

    items: tuple[TerwayNode, ...]
    missing: tuple[str, ...]
    served: bool
    complete: bool
    evidence: tuple[Observation, ...]

    @property
    def vswitches(self) -> tuple[str, ...]:
        """The vSwitches that new ENIs of these nodes are made in."""
        return tuple(dict.fromkeys(vswitch for one in self.items for vswitch in one.vswitches))

    def named(self, node: str) -> TerwayNode | None:
        """Return that of a node."""
        return next((one for one in self.items if one.name == node), None)

    def usable(self, node: str) -> TerwayNode | None:
        """Return that of a node if ENIs and addresses may be counted in it."""
        found = self.named(node)
        return found if found and found.usable else None


def canonical(address: str) -> str:
    """Return an IP address in its one canonical spelling; empty for what is none."""
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return ""


def terway_node_of(found: Object, now: dt.datetime) -> TerwayNode:
    """Read a Node resource of network.alibabacloud.com."""
    spec, who = at(found, "spec"), name(found)
    interfaces = _mapping(at(found, "status", "networkInterfaces"))
    configured = isinstance(at(spec, "eni"), Mapping)
    synced = time(found, "status", "lastSyncOpenAPITime")
    per_eni = number(spec, "nodeCap", "ipv4PerAdapter")
    flavor = list(items(spec, "flavor"))
    counts = [number(one, "count") or 0 for one in flavor]
    kubectl = f"kubectl get {RESOURCE} {who} -o yaml"
    shared = {"object": f"{RESOURCE} {who}", "seen_at": synced, "kubectl": kubectl}
    enis = tuple(
        _eni(str(eni_id), body, per_eni, now, shared)
        for eni_id, body in sorted(interfaces.items())
        if isinstance(body, Mapping)
    )
    slots = sum(counts) if flavor else None
    usable = configured and bool(enis)
    return TerwayNode(
        object=f"{RESOURCE} {who}",
        field="status.networkInterfaces",
        value=_summary(enis, slots, usable=usable),
        seen_at=synced,
        kubectl=kubectl,
        name=who,
        usable=usable,
        starting=configured and not enis,
        datapath=text(spec, "datapath", "type").lower(),
        zone=text(spec, "nodeMetadata", "zoneID"),
        instance_type=text(spec, "nodeMetadata", "instanceType"),
        adapters=number(spec, "nodeCap", "adapters"),
        total_adapters=number(spec, "nodeCap", "totalAdapters"),
        addresses_per_eni=per_eni,
        ipv6_per_eni=number(spec, "nodeCap", "ipv6PerAdapter"),
        prefixes=at(spec, "eni", "enableIPPrefix") is True,
        slots=slots,
        trunk_or_erdma_slots=sum(
            count
            for one, count in zip(flavor, counts, strict=True)
            if text(one, "networkInterfaceType") == "Trunk"
            or text(one, "networkInterfaceTrafficMode") == "HighPerformance"
        ),
        vswitches=_texts(at(spec, "eni", "vSwitchOptions")),
        security_groups=_texts(at(spec, "eni", "securityGroupIDs")),
        enis=enis,
    )


def _eni(eni_id: str, body: Mapping[str, Any], per_eni: int | None, now: dt.datetime, shared: Mapping[str, Any]) -> Eni:
    holders = {
        found: entry
        for family in ("ipv4", "ipv6")
        for address, entry in _mapping(at(body, family)).items()
        if isinstance(entry, Mapping) and (found := canonical(str(address)))
    }
    first_family = {address: entry for address, entry in holders.items() if "." in address} or holders
    prefixes = len(list(items(body, "ipv4Prefix")))
    held = len(first_family) + prefixes
    usable = text(body, "status") == "InUse" and at(body, "unschedulable") is not True
    idle = sum(text(entry, "status") == "Valid" and not text(entry, "podID") for entry in first_family.values())
    where = f"status.networkInterfaces[{eni_id}]"
    vswitch, status = text(body, "vSwitchID"), text(body, "status")
    conditions = tuple(
        EniCondition(
            object=shared["object"],
            field=f"{where}.conditions[{kind}]",
            value=text(condition, "message")[:400],
            seen_at=time(condition, "observedTime"),
            kubectl=shared["kubectl"],
            type=str(kind),
            message=text(condition, "message"),
            age_s=seconds_since(time(condition, "observedTime"), now),
        )
        for kind, condition in _mapping(at(body, "conditions")).items()
        if isinstance(condition, Mapping)
    )
    return Eni(
        **shared,
        field=where,
        value=f"{status} in {vswitch}: {held} of {per_eni if per_eni is not None else '?'} addresses, "
        f"{idle if usable else 0} idle",
        id=eni_id,
        status=status,
        type=text(body, "networkInterfaceType"),
        vswitch=vswitch,
        mac=text(body, "macAddress").lower(),
        cidr=text(body, "ipv4CIDR"),
        security_groups=_texts(at(body, "securityGroupIDs")),
        held=held,
        idle=idle if usable else 0,
        full=per_eni is not None and held >= per_eni,
        addresses=tuple(holders),
        pods={pod: address for address, entry in holders.items() if (pod := text(entry, "podID"))},
        conditions=conditions,
    )


def _summary(enis: tuple[Eni, ...], slots: int | None, *, usable: bool) -> str:
    if not usable:
        return "nothing reported"
    used = sum(one.occupies_slot for one in enis)
    return f"{used} of {slots if slots is not None else '?'} slots used, {sum(one.idle for one in enis)} idle addresses"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


@fact(
    "terway_nodes",
    TerwayNodes,
    needs=[Needs(RESOURCE, "get"), Needs(RESOURCE, "list")],
    kubectl=f"kubectl get {RESOURCE} -o yaml",
)
async def terway_nodes(facts: Facts) -> TerwayNodes:
    """Terway's own Node resources of the nodes in question: ENIs, addresses, slots, vSwitches, data path."""
    now, asked = await asyncio.gather(facts.reads.now(), facts(nodes))
    wanted = [node.name for node in asked.items][:_MAX_NAMED] if asked.given else []
    objects: list[Object] = []
    served, complete = True, asked.complete
    try:
        if asked.given:
            objects = [one for one in await asyncio.gather(*(facts.reads.get(RESOURCE, who) for who in wanted)) if one]
        else:
            listing = await facts.reads.list(RESOURCE, limit=SURVEYED)
            objects, complete = list(listing.items), listing.complete
    except Unreadable as error:
        # No such API means that Terway reports nothing here, which is an answer.
        if error.reason != "not_served":
            raise
        served = False
    read = tuple(terway_node_of(one, now) for one in objects)
    known = {one.name for one in read}
    return TerwayNodes(
        items=read,
        missing=tuple(who for who in wanted if who not in known),
        served=served,
        complete=complete,
        evidence=read,
    )
