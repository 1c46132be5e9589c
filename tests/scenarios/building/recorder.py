"""What is recorded about the objects of a cluster: events of both recorders, in the plugins' own words."""

from __future__ import annotations

from tests.scenarios.building import objects as kube
from tests.scenarios.building.identity import uid
from tests.scenarios.building.messages import alloc_ip, sandbox
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object
from tests.scenarios.building.versions import at_least

__all__ = ["Recorder"]


class Recorder:
    """Keeps the events of the cluster of that name in ``events``; the texts follow plugin, release and runtime."""

    def __init__(self, name: str, *, plugin: str, terway: str, runtime: str) -> None:
        self.name, self.plugin, self.terway, self.runtime = name, plugin, terway, runtime
        self.events: list[Object] = []

    def event(
        self,
        about: Object | Node,
        reason: str,
        message: str,
        *,
        type_: str = "Warning",
        first: str = "6m",
        last: str = "45s",
        count: int = 4,
        component: str = "kubelet",
        host: str | None = None,
        about_uid: str | None = None,
    ) -> Object:
        """Add an event of the old recorder. ``about_uid`` stands in for the object's uid (kubelet uses node names)."""
        involved = self._involved(about, about_uid)
        meta = self._event_meta(involved, reason, message, first)
        made = kube.event(
            meta,
            involved,
            reason,
            message,
            type_=type_,
            first=first,
            last=last,
            count=count,
            component=component,
            host=host,
        )
        self.events.append(made)
        return made

    def series_event(
        self,
        about: Object | Node,
        reason: str,
        message: str,
        *,
        type_: str = "Warning",
        first: str = "6m",
        last: str = "45s",
        count: int = 9,
        controller: str = "terway-controlplane/multi-ip-node",
        action: str = "reconcile",
        about_uid: str | None = None,
    ) -> Object:
        """Add an event of the events.k8s.io recorder (eventTime and series)."""
        involved = self._involved(about, about_uid)
        meta = self._event_meta(involved, reason, message, first)
        made = kube.series_event(
            meta,
            involved,
            reason,
            message,
            type_=type_,
            first=first,
            last=last,
            count=count,
            controller=controller,
            action=action,
        )
        self.events.append(made)
        return made

    def scheduled(self, pod: Object, *, age: str) -> None:
        meta = pod["metadata"]
        self.event(
            pod,
            "Scheduled",
            f"Successfully assigned {meta['namespace']}/{meta['name']} to {pod['spec']['nodeName']}",
            type_="Normal",
            first=age,
            last=age,
            count=1,
            component="default-scheduler",
        )

    def sandbox_failure(
        self,
        pod: Object,
        cause: str,
        *,
        first: str = "6m",
        last: str = "45s",
        count: int = 4,
        prefix: str | None = None,
    ) -> Object:
        """Add kubelet's FailedCreatePodSandBox around the plugin's ``cause``."""
        if prefix is None:
            prefix = "failed to do add; " if self.plugin == "terway" and at_least(self.terway, 1, 6) else ""
        meta = pod["metadata"]
        text = sandbox(
            cause,
            pod=meta["name"],
            namespace=meta["namespace"],
            plugin=self.plugin,
            runtime=self.runtime,
            prefix=prefix,
        )
        host = pod["spec"]["nodeName"]
        return self.event(pod, "FailedCreatePodSandBox", text, first=first, last=last, count=count, host=host)

    def no_address(self, pod: Object, cause: str, *, first: str = "6m", last: str = "45s", count: int = 4) -> None:
        """Add what a pod shows that Terway gives no address: AllocIPFailed and FailedCreatePodSandBox."""
        text = alloc_ip(cause)
        self.event(pod, "AllocIPFailed", text, first=first, last=last, count=count, component="terway-daemon")
        self.sandbox_failure(pod, text, first=first, last=last, count=count)

    def terway_node(self, node: Node) -> Object:
        """The identity of the node's Terway Node resource, to hang events on."""
        return {
            "apiVersion": "network.alibabacloud.com/v1beta1",
            "kind": "Node",
            "metadata": {"name": node.name, "uid": uid(self.name, "TerwayNode", node.name)},
        }

    def _involved(self, about: Object | Node, about_uid: str | None) -> Object:
        found = kube.reference(about.object if isinstance(about, Node) else about)
        return found | ({"uid": about_uid} if about_uid else {})

    def _event_meta(self, involved: Object, reason: str, message: str, age: str) -> Object:
        namespace = involved.get("namespace", "default")
        hashed = uid(self.name, "event", involved["uid"], reason, message, str(len(self.events))).replace("-", "")[:16]
        name = f"{involved['name']}.{hashed}"
        return kube.metadata(name, uid(self.name, "Event", namespace, name), age, namespace=namespace)
