"""What several Flannel scenarios have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object
from tests.scenarios.building.workloads import Workload

__all__ = [
    "CNI",
    "CONTAINERD_NOT_READY",
    "DOCKER_NOT_READY",
    "ECS",
    "FULL",
    "HAIRPIN",
    "LEAK",
    "NO_ADDRESS",
    "ROUTES",
    "TABLES",
    "TABLES_FOUND",
    "Pair",
    "chain",
    "no_cni",
    "no_route",
    "pair",
    "range_text",
    "route_controller",
    "single",
]

CNI = "flannel-cni-version"
HAIRPIN = "flannel-hairpin"
ECS = "flannel-ecs-unreachable"
ROUTES = "flannel-node-network-unavailable"
TABLES = "flannel-multiple-route-tables"
LEAK = "flannel-ip-leak"
FULL = "flannel-pod-cidr-exhausted"

_NOT_READY = "NetworkReady=false reason:NetworkPluginNotReady message:"
DOCKER_NOT_READY = (
    f"runtime network not ready: {_NOT_READY}docker: network plugin is not ready: cni config uninitialized"
)
CONTAINERD_NOT_READY = (
    f"container runtime network not ready: {_NOT_READY}Network plugin returns error: cni plugin not initialized"
)
TABLES_FOUND = (
    "Reconciling route error: multiple route tables found by vpc id[vpc-bp15w7x2m9d3k8a0q4rtz], length(tables)=3"
)

NO_ADDRESS = "failed to allocate for range 0: no IP addresses available in range set: "


def range_text(first: str, last: str) -> str:
    """host-local's error, without what the runtime puts around it."""
    return f"{NO_ADDRESS}{first}-{last}"


def single(cni_version: str | None = "0.3.1", **delegate: Any) -> Object:
    """cni-conf.json of one plugin, as older clusters have it; leases lie where host-local puts them by default."""
    version = {"cniVersion": cni_version} if cni_version is not None else {}
    return {"name": "cb0", **version, "type": "flannel", "delegate": {"isDefaultGateway": True, **delegate}}


def chain(cni_version: str | None = "0.3.1", *, moved: bool = True, **delegate: Any) -> Object:
    """cni-conf.json with a list of plugins; ``moved``: leases under /var/run."""
    element: Object = {"type": "flannel", "delegate": {"isDefaultGateway": True, **delegate}}
    if moved:
        element |= {
            "dataDir": "/var/run/cni/flannel",
            "ipam": {"type": "host-local", "dataDir": "/var/run/cni/networks"},
        }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}, "externalSetMarkChain": "KUBE-MARK-MASQ"}
    version = {"cniVersion": cni_version} if cni_version is not None else {}
    return {"name": "cb0", **version, "plugins": [element, portmap]}


def no_cni(node: Node, message: str, since: str) -> None:
    """Make the node one that waits for its CNI configuration."""
    node.condition("Ready", "False", "KubeletNotReady", message, since)
    node.taint("node.kubernetes.io/not-ready", "NoSchedule", since=since)


def no_route(node: Node, since: str, message: str = "RouteController failed to create a route") -> None:
    """Make the node one that got no route."""
    node.condition("NetworkUnavailable", "True", "NoRouteCreated", message, since)
    node.taint("node.kubernetes.io/network-unavailable", "NoSchedule", since=since)


def route_controller() -> Object:
    """The object that the cloud controller manager invents to hang its events on."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "route-controller", "namespace": "default", "uid": ""},
    }


@dataclass
class Pair:
    """Two nodes; the workload has a healthy pod on ``other``, ``here`` is where things go wrong."""

    cluster: Cluster
    here: Node
    other: Node
    app: Workload

    def stuck(self, cause: str | None = None, *, age: str = "7m", **more: Any) -> Object:
        """Add a pod on ``here`` that waits for its sandbox, with kubelet's event about ``cause``."""
        made = self.app.pod(self.here, state="creating", age=age)
        self.cluster.scheduled(made, age=age)
        if cause:
            self.cluster.sandbox_failure(made, cause, **more)
        return made

    def fill(self, count: int, *, namespace: str = "batch", name: str = "worker", age: str = "12d") -> list[Object]:
        """Let pods of another workload hold addresses of ``here``."""
        work = self.cluster.deployment(namespace, name)
        return [work.pod(self.here, age=age) for _ in range(count)]


def pair(
    name: str,
    namespace: str = "shop",
    app: str = "web",
    *,
    here: dict[str, Any] | None = None,
    other: dict[str, Any] | None = None,
    first: str = "172.16.4.9",
    second: str = "172.16.4.10",
    **cluster: Any,
) -> Pair:
    """Start a cluster of two nodes; CoreDNS runs on the second. ``here``/``other``: node settings."""
    made = Cluster(f"flannel-{name}", plugin="flannel", **cluster)
    one, two = made.node(first, **(here or {})), made.node(second, **(other or {}))
    made.coredns([two, two])
    return Pair(made, one, two, made.deployment(namespace, app, [two]))
