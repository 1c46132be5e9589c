"""What several Terway scenarios have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.eni import Eni
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object
from tests.scenarios.building.workloads import Workload

__all__ = [
    "EXHAUSTED",
    "MAC",
    "NOT_NETWORK",
    "NO_MAC",
    "OUTSIDE",
    "QUOTA",
    "TIMEOUT",
    "UNKNOWN_QUOTA",
    "Pair",
    "Verdicts",
    "pair",
]

Verdicts = dict[str, str | list[str]]

EXHAUSTED = "terway-vswitch-ip-exhausted"
QUOTA = "terway-eni-quota-reached"
MAC = "terway-mac-not-found"
OUTSIDE = "terway-pod-ip-outside-vswitch"

NO_MAC: Verdicts = {MAC: ["ruled_out", "open"]}
"""Nothing in sight names a missing device."""

UNKNOWN_QUOTA: str | list[str] = ["open", "ruled_out", "by_hand"]
"""Without a Terway Node resource that holds IPAM data, ENIs cannot be counted."""

TIMEOUT = "allocate IP timeout"
"""All that a pod's event says of centralised IPAM before v1.17.1."""

NOT_NETWORK: Verdicts = {EXHAUSTED: "ruled_out", QUOTA: "ruled_out", **NO_MAC}
"""The pod waits for something else than its network."""


@dataclass
class Pair:
    """Two nodes; the workload has a healthy pod on ``other``, ``here`` is where things go wrong."""

    cluster: Cluster
    here: Node
    other: Node
    app: Workload

    def stuck(self, age: str = "7m", **more: Any) -> Object:
        """Add a pod on ``here`` that waits for its sandbox, with the event that it was scheduled."""
        made = self.app.pod(self.here, state="creating", age=age, **more)
        self.cluster.scheduled(made, age=age)
        return made

    def fill(self, eni: Eni, *, count: int | None = None, age: str = "12d") -> None:
        """Let pods of another workload hold addresses of the ENI, all that it has by default."""
        room = eni.size - len(eni.held) - eni.idle
        work = self.cluster.deployment("batch", f"worker-{len(self.here.enis)}")
        for _ in range(room if count is None else count):
            work.pod(self.here, age=age, eni=eni)


def pair(
    name: str,
    namespace: str,
    app: str,
    *,
    here: dict[str, Any] | None = None,
    other: dict[str, Any] | None = None,
    first: str = "192.168.0.11",
    second: str = "192.168.0.12",
    cidr: str | None = None,
    **cluster: Any,
) -> Pair:
    """Start a cluster of two nodes in one zone; CoreDNS runs on the second. ``here``/``other``: node settings.

    ``cidr`` is the range of the pods' vSwitch.
    """
    made = Cluster(f"terway-{name}", plugin="terway", **cluster)
    one = made.node(first, **(here or {}))
    two = made.node(second, **(other or {}))
    if cidr:
        made.vswitch(two.zone, cidr=cidr)
    made.coredns([two, two])
    return Pair(made, one, two, made.deployment(namespace, app, [two]))
