"""vSwitches, network interfaces and the Terway Node resource that reports them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from tests.scenarios.building.identity import ago, mac_address
from tests.scenarios.building.objects import Object

__all__ = ["INSTANCE_TYPES", "Address", "Eni", "InstanceType", "VSwitch"]


@dataclass(frozen=True)
class InstanceType:
    """What an ECS instance type offers; ``adapters`` includes the primary ENI."""

    adapters: int
    addresses: int
    cores: int
    memory: str


INSTANCE_TYPES = {
    "ecs.g7.xlarge": InstanceType(4, 10, 4, "16Gi"),
    "ecs.g7.2xlarge": InstanceType(4, 15, 8, "32Gi"),
    "ecs.c7.large": InstanceType(3, 6, 2, "4Gi"),
    # So small that two full interfaces take four pods.
    "ecs.t6-c1m2.large": InstanceType(3, 2, 2, "4Gi"),
    "ecs.t6-c1m1.large": InstanceType(2, 2, 2, "2Gi"),
}


@dataclass
class VSwitch:
    """A vSwitch; gives out its addresses from ``.10`` on."""

    id: str
    zone: str
    cidr: str
    cidr6: str | None = None
    _taken: int = 0

    def next_addresses(self) -> list[str]:
        """The next address, with its IPv6 one where the vSwitch has a range for it."""
        networks = [self.cidr, self.cidr6] if self.cidr6 else [self.cidr]
        found = [str(ipaddress.ip_network(network)[10 + self._taken]) for network in networks]
        self._taken += 1
        return found


@dataclass
class Address:
    addresses: list[str]
    pod: Object | None
    status: str = "Valid"


@dataclass
class Eni:
    """A network interface of a node.

    ``insufficient`` is the age of its condition InsufficientIP, ``operation_error`` age and text of OperationErr;
    ``idle`` addresses are Valid and belong to no pod.
    """

    id: str
    vswitch: VSwitch
    security_groups: list[str]
    size: int
    idle: int = 0
    status: str = "InUse"
    type: Literal["Secondary", "Trunk", "Member"] = "Secondary"
    insufficient: str | None = None
    operation_error: tuple[str, str] | None = None
    unschedulable: bool = False
    held: list[Address] = field(default_factory=list)

    @property
    def mac(self) -> str:
        return mac_address(self.id)

    @property
    def full(self) -> bool:
        return len(self.held) + self.idle >= self.size

    def hold(self, pod: Object | None, status: str = "Valid") -> list[str]:
        """Give the pod (or nobody) the next address of the vSwitch."""
        self.held.append(Address(self.vswitch.next_addresses(), pod, status))
        return self.held[-1].addresses

    def reported(self) -> Object:
        """As status.networkInterfaces of the Terway Node resource shows it."""
        for _ in range(self.idle):
            self.hold(None)
        self.idle = 0
        held = [one for one in self.held if one.addresses]
        found: Object = {
            "id": self.id,
            "status": self.status,
            "macAddress": self.mac,
            "vSwitchID": self.vswitch.id,
            "securityGroupIDs": list(self.security_groups),
            "networkInterfaceType": self.type,
            "networkInterfaceTrafficMode": "Standard",
        }
        if held:
            found["primaryIPAddress"] = held[0].addresses[0]
            found["ipv4"] = dict(self._entries(held, 0))
        found["ipv4CIDR"] = self.vswitch.cidr
        if self.vswitch.cidr6:
            found["ipv6"] = dict(self._entries(held, 1))
            found["ipv6CIDR"] = self.vswitch.cidr6
        if self.unschedulable:
            found["unschedulable"] = True
        conditions: Object = {}
        if self.insufficient:
            message = f"{self.vswitch.id} ip is not enough"
            conditions["InsufficientIP"] = {"observedTime": ago(self.insufficient), "message": message}
        if self.operation_error:
            since, message = self.operation_error
            conditions["OperationErr"] = {"observedTime": ago(since), "message": message}
        return found | ({"conditions": conditions} if conditions else {})

    @staticmethod
    def _entries(held: list[Address], family: int) -> Iterator[tuple[str, Object]]:
        for index, one in enumerate(held):
            if family >= len(one.addresses):
                continue
            ip = one.addresses[family]
            entry: Object = {"ip": ip, "primary": index == 0 and family == 0, "status": one.status}
            if one.pod:
                meta = one.pod["metadata"]
                entry |= {"podID": f"{meta['namespace']}/{meta['name']}", "podUID": meta["uid"]}
            yield ip, entry
