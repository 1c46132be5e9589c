"""A node of a cluster under construction."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.scenarios.building.eni import INSTANCE_TYPES, Eni, InstanceType
from tests.scenarios.building.identity import ago
from tests.scenarios.building.objects import Object, node_condition

__all__ = ["Node", "NodeReport"]

NodeReport = Literal["full", "legacy", "none"]
"""The Terway Node resource: with IPAM data, with metadata and capacity only, or not there."""


@dataclass
class Node:
    """A node and what runs on it; ``object``, ``agent`` and ``proxy`` are plain Kubernetes objects to change at will.

    ``vswitch_options`` (ids), ``flavor`` (slots), ``datapath`` and ``report`` go into the Terway Node resource.
    ``ipv6_quota``: IPv6 addresses per ENI, where they differ from those of IPv4.
    """

    name: str
    address: str
    zone: str
    instance_type: str
    instance_id: str
    object: Object
    agent: Object | None = None
    proxy: Object | None = None
    enis: list[Eni] = field(default_factory=list)
    report: NodeReport = "none"
    vswitch_options: list[str] | None = None
    flavor: int | None = None
    datapath: str | None = None
    synced: str = "22m"
    ipv6_quota: int | None = None
    _given: Iterator[str] | None = None

    @property
    def instance(self) -> InstanceType:
        return INSTANCE_TYPES[self.instance_type]

    def condition(
        self, kind: str, status: str, reason: str, message: str, since: str, beat: str | None = "20s"
    ) -> None:
        """Set a condition of the node, in place of one of that type."""
        conditions = self.object["status"]["conditions"]
        conditions[:] = [one for one in conditions if one["type"] != kind]
        conditions.append(node_condition(kind, status, reason, message, since, beat))

    def taint(self, key: str, effect: str, value: str = "", since: str | None = None) -> None:
        found = {"key": key, "effect": effect} | ({"value": value} if value else {})
        found |= {"timeAdded": ago(since)} if since else {}
        self.object["spec"].setdefault("taints", []).append(found)

    def next_pod_address(self) -> str:
        """The next address of podCIDR, from ``.2`` on (``.1`` is the bridge)."""
        if self._given is None:
            self._given = (str(one) for one in list(ipaddress.ip_network(self.object["spec"]["podCIDR"]).hosts())[1:])
        return next(self._given)
