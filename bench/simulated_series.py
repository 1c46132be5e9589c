"""The objects of a simulated cluster that are many and alike, each made from its number alone."""

from __future__ import annotations

import ipaddress
from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from tests.scenarios.building import objects as kube
from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.eni import VSwitch
from tests.scenarios.building.identity import template_hash, uid
from tests.scenarios.building.node_report import node_report
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object
from tests.scenarios.building.settings import SYSTEM

__all__ = ["TERWAY", "App", "Place", "Series", "all_series"]

_NAME = "simulated"
TERWAY = "v1.17.2"
"""Newer than v1.17.0, from which on the Node resource tells the data path; before, it takes one log more."""
_SERVER = "v1.32.1-aliyun.1"
_INSTANCE_TYPE = "ecs.g7.2xlarge"
_PODS_CIDR = "10.64.0.0/12"
_ADDRESSES_OF_A_NODE = 30
_NODES_OF_A_SUBNET = 150
_REPLICAS = 30
_DEPLOYMENTS_OF_A_NAMESPACE = 25
_PODS_OF_A_NAMESPACE = _REPLICAS * _DEPLOYMENTS_OF_A_NAMESPACE
_PENDING_EACH = 1000
"""One pod in so many waits for its image."""
_EVENTS_EACH = 20
"""So many pods, or nodes, an event is about one of."""
_LETTERS = "23456789bcdfghjklmnpqrstvwxz"

_ADD_ONS = {
    "csi-plugin": ("disk-driver-registrar", "csi-plugin", "nas-driver-registrar", "oss-driver-registrar"),
    "logtail-ds": ("logtail",),
    "node-exporter": ("node-exporter", "kube-rbac-proxy"),
}
"""DaemonSets besides Terway and kube-proxy, and their containers."""


def _suffix(number: int) -> str:
    """As the names of pods end; later numbers sort later."""
    letters = ""
    for _ in range(5):
        number, rest = divmod(number, len(_LETTERS))
        letters = _LETTERS[rest] + letters
    return letters


@dataclass(frozen=True)
class Place:
    """Where things are: ``nodes`` in all, of which number ``here`` is in question and the ``others`` are alike."""

    nodes: int
    here: int
    terway: str = TERWAY

    @property
    def others(self) -> int:
        return self.nodes - 1

    @property
    def daemon_sets(self) -> tuple[str, ...]:
        """The DaemonSets that have a pod on every node."""
        return ("kube-proxy-worker", "terway-eniip", *_ADD_ONS)

    def number(self, other: int) -> int:
        """Return the number of a node by that among the others."""
        return other if other < self.here else other + 1

    def daemon(self, daemon_set: str, number: int) -> str:
        """Return the name of the pod of a DaemonSet on another node than the one in question."""
        return f"{daemon_set}-{_suffix(number)}"

    def name(self, number: int) -> str:
        return f"cn-hangzhou.{self.address(number)}"

    def address(self, number: int) -> str:
        # Numbers of three digits sort as text as they do as numbers.
        return f"10.100.{100 + number // _NODES_OF_A_SUBNET}.{100 + number % _NODES_OF_A_SUBNET}"

    def cluster(self) -> Cluster:
        """Start a cluster to which nothing but its vSwitch belongs yet."""
        made = Cluster(_NAME, plugin="terway", terway=self.terway, server=_SERVER)
        made.vswitch(cidr=_PODS_CIDR)
        return made

    def node(self, cluster: Cluster, number: int) -> Node:
        """Add a node with a pod of every DaemonSet."""
        made = cluster.node(self.address(number), instance_type=_INSTANCE_TYPE)
        for name, containers in _ADD_ONS.items():
            image = f"registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/{name}:v1.30.4-a1b2c3d-aliyun"
            more = [kube.container(one, image) for one in containers[1:]]
            for pod in cluster.daemon_set(SYSTEM, name, [made], image, host_network=True):
                pod["spec"]["containers"] += more
        return made


class App:
    """The ``count`` pods of applications on the other nodes, dealt out to them in turns."""

    def __init__(self, place: Place, count: int) -> None:
        self.place, self.count = place, count
        if not 0 <= count <= place.others * _ADDRESSES_OF_A_NODE:
            raise ValueError(f"{place.nodes} nodes cannot have {count} pods besides those of DaemonSets")
        self.part = lru_cache(maxsize=1024)(self._part)

    def key(self, number: int) -> tuple[str, str]:
        namespace, deployment = self.owner(number // _REPLICAS)
        return namespace, f"{deployment}-{template_hash(namespace, deployment)}-{_suffix(number % _REPLICAS)}"

    def owner(self, deployment: int) -> tuple[str, str]:
        """Return namespace and name of a Deployment by its number."""
        namespace, at = divmod(deployment, _DEPLOYMENTS_OF_A_NAMESPACE)
        return f"team-{namespace:03}", f"app-{at:02}"

    @property
    def deployments(self) -> int:
        return -(-self.count // _REPLICAS)

    @property
    def namespaces(self) -> int:
        return -(-self.count // _PODS_OF_A_NAMESPACE)

    def on(self, other: int) -> range:
        """Return the numbers of the pods on a node, by its number among the others."""
        return range(other, self.count, self.place.others)

    def waits(self, number: int) -> bool:
        """Whether the pod is in phase Pending."""
        return number % _PENDING_EACH == _PENDING_EACH - 1

    def pod(self, number: int) -> Object:
        (namespace, name), (_, deployment) = self.key(number), self.owner(number // _REPLICAS)
        other, slot = number % self.place.others, number // self.place.others
        hashed = template_hash(namespace, deployment)
        image = f"registry.example.com/{namespace}/{deployment}:2.3.1"
        where = self.place.number(other)
        return kube.pod(
            kube.metadata(
                name,
                uid(_NAME, "Pod", namespace, name),
                "6d",
                namespace=namespace,
                labels={"app": deployment, "pod-template-hash": hashed},
                owners=[kube.owner("ReplicaSet", f"{deployment}-{hashed}", uid(_NAME, namespace, deployment, hashed))],
            ),
            [kube.container("app", image, ports=[{"containerPort": 8080, "protocol": "TCP"}])],
            state="image_pull" if self.waits(number) else "running",
            age="6d",
            since="6d",
            node_name=self.place.name(where),
            host_address=self.place.address(where),
            addresses=[self._address(other, slot)],
        )

    def _address(self, other: int, slot: int) -> str:
        return str(ipaddress.ip_network(_PODS_CIDR)[10 + (other + 1) * _ADDRESSES_OF_A_NODE + slot])

    def _part(self, other: int) -> tuple[Object, Object, dict[str, Object]]:
        """Return a node by its number among the others, Terway's resource of it, and its pods by their DaemonSets."""
        made, number = self.place.cluster(), self.place.number(other)
        node = self.place.node(made, number)
        known = made.vswitch()
        own = VSwitch(known.id, known.zone, known.cidr, None, (other + 1) * _ADDRESSES_OF_A_NODE)
        for app in self.on(other):
            eni = node.enis[-1] if node.enis and not node.enis[-1].full else made.eni(node, own)
            eni.hold(self.pod(app))
        pods: dict[str, Object] = {}
        for pod in made.pods:
            name = next(one["name"] for one in pod["metadata"]["ownerReferences"])
            pod["metadata"]["name"] = self.place.daemon(name, number)
            pods[name] = pod
        return node.object, node_report(made, node), pods


# Series


class Series(ABC):
    """``count`` objects of a kind in the order of their keys (namespace, name); the namespace may be empty."""

    group = ""
    plural = ""

    def __init__(self, apps: App, count: int) -> None:
        self.apps, self.place, self.count = apps, apps.place, count

    @abstractmethod
    def key(self, number: int) -> tuple[str, str]:
        """Return namespace and name of an object."""

    @abstractmethod
    def make(self, number: int) -> Object:
        """Return an object."""

    def among(self, within: range, labels: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[int]:  # noqa: ARG002 (kinds use them)
        """Return the numbers ``within`` of all that have these labels and fields, ascending; others may be too."""
        return within


class _Nodes(Series):
    plural = "nodes"

    def __init__(self, apps: App) -> None:
        super().__init__(apps, apps.place.others)

    def key(self, number: int) -> tuple[str, str]:
        return "", self.place.name(self.place.number(number))

    def make(self, number: int) -> Object:
        return self.apps.part(number)[0]

    def among(self, within: range, labels: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[int]:  # noqa: ARG002
        # They differ in no label but their name: where the first one lacks one, all do.
        return within if within and labels.keys() <= self.make(0)["metadata"]["labels"].keys() else ()


class _TerwayNodes(_Nodes):
    group = "network.alibabacloud.com"

    def make(self, number: int) -> Object:
        return self.apps.part(number)[1]


class _Daemons(Series):
    """The pods of one DaemonSet."""

    plural = "pods"

    def __init__(self, apps: App, daemon_set: str) -> None:
        super().__init__(apps, apps.place.others)
        self.daemon_set = daemon_set

    def key(self, number: int) -> tuple[str, str]:
        return SYSTEM, self.place.daemon(self.daemon_set, self.place.number(number))

    def make(self, number: int) -> Object:
        return self.apps.part(number)[2][self.daemon_set]

    @cached_property
    def _labels(self) -> Mapping[str, str]:
        found: dict[str, str] = self.make(0)["metadata"]["labels"]
        return found

    def among(self, within: range, labels: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[int]:
        if fields.get("status.phase", "Running") != "Running" or (
            labels and not labels.items() <= self._labels.items()
        ):
            return ()
        return [number for number in _on_node(self.place, fields, within) if number in within]


class _Apps(Series):
    plural = "pods"

    def __init__(self, apps: App) -> None:
        super().__init__(apps, apps.count)

    def key(self, number: int) -> tuple[str, str]:
        return self.apps.key(number)

    def make(self, number: int) -> Object:
        return self.apps.pod(number)

    def among(self, within: range, labels: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[int]:
        phase = fields.get("status.phase")
        if labels.keys() - {"app", "pod-template-hash"} or phase not in {None, "Running", "Pending"}:
            return ()
        if "spec.nodeName" in fields:
            others = _on_node(self.place, fields, range(self.place.others))
            return [number for other in others for number in self.apps.on(other) if number in within]
        if phase == "Pending":
            return [number for number in range(_PENDING_EACH - 1, self.count, _PENDING_EACH) if number in within]
        return within


def _on_node(place: Place, fields: Mapping[str, str], otherwise: range) -> range:
    """Return the node that the fields name, by its number among the others; ``otherwise`` where they name none."""
    wanted, others = fields.get("spec.nodeName"), range(place.others)
    if wanted is None:
        return otherwise
    at = bisect_left(others, wanted, key=lambda other: place.name(place.number(other)))
    return others[at : at + 1] if at < place.others and place.name(place.number(at)) == wanted else range(0)


class _Namespaces(Series):
    plural = "namespaces"

    def __init__(self, apps: App) -> None:
        super().__init__(apps, apps.namespaces)

    def key(self, number: int) -> tuple[str, str]:
        return "", f"team-{number:03}"

    def make(self, number: int) -> Object:
        name = self.key(number)[1]
        return kube.namespace(name, uid(_NAME, "Namespace", name), "90d")


class _NetworkPolicies(_Namespaces):
    group, plural = "networking.k8s.io", "networkpolicies"

    def key(self, number: int) -> tuple[str, str]:
        return f"team-{number:03}", "same-namespace"

    def make(self, number: int) -> Object:
        namespace, name = self.key(number)
        meta = kube.metadata(name, uid(_NAME, "NetworkPolicy", namespace), "90d", namespace=namespace)
        spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [{"podSelector": {}}]}]}
        return kube.network_policy(meta, spec)


class _Deployments(Series):
    group, plural = "apps", "deployments"

    def __init__(self, apps: App) -> None:
        super().__init__(apps, apps.deployments)

    def key(self, number: int) -> tuple[str, str]:
        return self.apps.owner(number)

    def pods(self, number: int) -> range:
        return range(number * _REPLICAS, min((number + 1) * _REPLICAS, self.apps.count))

    def meta(self, number: int, kind: str) -> Object:
        namespace, name = self.key(number)
        return kube.metadata(name, uid(_NAME, kind, namespace, name), "90d", namespace=namespace)

    def make(self, number: int) -> Object:
        pod = self.apps.pod(number * _REPLICAS)
        labels = {"app": pod["metadata"]["labels"]["app"]}
        spec = {"containers": pod["spec"]["containers"]}
        count = len(self.pods(number))
        return kube.deployment(self.meta(number, "Deployment"), labels, spec, replicas=count, ready=count)


class _Services(_Deployments):
    group, plural = "", "services"

    def make(self, number: int) -> Object:
        address = str(ipaddress.ip_network("10.96.0.0/16")[2000 + number])
        port = {"name": "http", "port": 80, "targetPort": 8080, "protocol": "TCP"}
        return kube.service(self.meta(number, "Service"), [address], [port], selector={"app": self.key(number)[1]})


class _EndpointSlices(_Deployments):
    group, plural = "discovery.k8s.io", "endpointslices"

    def key(self, number: int) -> tuple[str, str]:
        namespace, name = self.apps.owner(number)
        return namespace, f"{name}-{_suffix(number)}"

    def make(self, number: int) -> Object:
        meta = self.meta(number, "EndpointSlice")
        meta["labels"] = {"kubernetes.io/service-name": self.apps.owner(number)[1]}
        pods = [self.apps.pod(one) for one in self.pods(number)]
        ports = [{"name": "http", "port": 8080, "protocol": "TCP"}]
        return kube.endpoint_slice(meta, ((one, one["status"]["podIP"]) for one in pods), ports)


class _Events(Series):
    """Events about one in so many of another series, every other one a warning."""

    plural = "events"

    def __init__(self, apps: App, about: Series, kind: str) -> None:
        super().__init__(apps, -(-about.count // _EVENTS_EACH))
        self._about, self._kind = about, kind

    def key(self, number: int) -> tuple[str, str]:
        namespace, name = self._about_key(number)
        return namespace or "default", f"{name}.17f3c2a95d0e{number:04x}"

    def make(self, number: int) -> Object:
        namespace, name = self.key(number)
        involved = self._about.make(number * _EVENTS_EACH)
        warns = self._warns(number)
        reason, text = ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503")
        if self._kind == "Node":
            reason, text = ("ImageGCFailed", "failed to garbage collect required amount of images")
        return kube.event(
            kube.metadata(name, uid(_NAME, "Event", namespace, name), "40m", namespace=namespace),
            kube.reference(involved),
            reason if warns else "Pulled",
            text if warns else "Container image is already present on machine",
            type_="Warning" if warns else "Normal",
            first="40m",
            last="8m",
            count=3,
            component="kubelet",
            host=self.place.name(number % self.place.nodes),
        )

    def among(self, within: range, labels: Mapping[str, str], fields: Mapping[str, str]) -> Iterable[int]:
        if labels or fields.get("involvedObject.kind", self._kind) != self._kind:
            return ()
        wanted, name = fields.get("type"), fields.get("involvedObject.name")
        numbers = (one for one in within if wanted in {None, "Warning" if self._warns(one) else "Normal"})
        return (one for one in numbers if name in {None, self._about_key(one)[1]})

    def _about_key(self, number: int) -> tuple[str, str]:
        return self._about.key(number * _EVENTS_EACH)

    def _warns(self, number: int) -> bool:
        return number % 2 == 0


def all_series(apps: App) -> list[Series]:
    """Return every series of a cluster."""
    plain: list[Series] = [kind(apps) for kind in (_Nodes, _TerwayNodes, _Apps, _Namespaces, _NetworkPolicies)]
    plain += [kind(apps) for kind in (_Deployments, _Services, _EndpointSlices)]
    daemons = [_Daemons(apps, name) for name in apps.place.daemon_sets]
    return [*plain, *daemons, _Events(apps, _Apps(apps), "Pod"), _Events(apps, _Nodes(apps), "Node")]
