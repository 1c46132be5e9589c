"""Deployments and StatefulSets whose pods are placed one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from tests.scenarios.building.identity import pod_suffix, template_hash, uid
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object, PodState, container, deployment, metadata, owner

if TYPE_CHECKING:
    from tests.scenarios.building.cluster import Cluster

__all__ = ["Workload"]


@dataclass
class Workload:
    """A Deployment or StatefulSet; its status counts the pods that were made with ``pod``."""

    cluster: Cluster
    namespace: str
    name: str
    kind: Literal["Deployment", "StatefulSet"]
    age: str
    labels: dict[str, str]
    image: str
    container: str
    port: int
    spec: Mapping[str, Any]
    annotations: Mapping[str, str]
    pods: list[Object] = field(default_factory=list)

    def pod(self, node: Node | None, *, state: PodState = "running", age: str = "6d", **more: Any) -> Object:
        """Add a pod on the node; what Cluster.pod takes may be given too."""
        if self.kind == "StatefulSet":
            name = f"{self.name}-{len(self.pods)}"
            labels = self.labels | {"statefulset.kubernetes.io/pod-name": name}
            made_by = owner("StatefulSet", self.name, self._uid)
        else:
            hashed = template_hash(self.cluster.name, self.namespace, self.name)
            name = (
                f"{self.name}-{hashed}-{pod_suffix(self.cluster.name, self.namespace, self.name, str(len(self.pods)))}"
            )
            labels = self.labels | {"pod-template-hash": hashed}
            set_uid = uid(self.cluster.name, "ReplicaSet", self.namespace, self.name)
            made_by = owner("ReplicaSet", f"{self.name}-{hashed}", set_uid)
        settings: dict[str, Any] = {"labels": labels, "containers": self._containers(), "owners": [made_by]}
        settings |= {"spec": dict(self.spec), "annotations": self.annotations} | more
        made = self.cluster.pod(self.namespace, name, node=node, state=state, age=age, **settings)
        self.pods.append(made)
        return made

    def object(self) -> Object:
        ready = sum(
            any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"]["conditions"])
            for pod in self.pods
        )
        meta = metadata(self.name, self._uid, self.age, namespace=self.namespace, labels=self.labels)
        body = {"containers": self._containers()} | dict(self.spec)
        made = deployment(meta, self.labels, body, replicas=len(self.pods), ready=ready)
        if self.annotations:
            made["spec"]["template"]["metadata"]["annotations"] = dict(self.annotations)
        if self.kind == "StatefulSet":
            made["kind"] = "StatefulSet"
            made["spec"]["serviceName"] = self.name
            made["status"].pop("unavailableReplicas", None)
        return made

    @property
    def _uid(self) -> str:
        return uid(self.cluster.name, self.kind, self.namespace, self.name)

    def _containers(self) -> list[Object]:
        return [container(self.container, self.image, ports=[{"containerPort": self.port, "protocol": "TCP"}])]
