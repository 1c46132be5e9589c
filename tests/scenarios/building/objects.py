"""Kubernetes objects as the API server returns them, one function a kind; nothing here knows of a plugin."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from tests.scenarios.building.identity import ago, image_digest

__all__ = [
    "Object",
    "PodState",
    "config_map",
    "container",
    "daemon_set",
    "deployment",
    "endpoint_slice",
    "event",
    "json_text",
    "metadata",
    "namespace",
    "network_policy",
    "node",
    "node_condition",
    "owner",
    "pod",
    "reference",
    "series_event",
    "service",
]

Object = dict[str, Any]

PodState = Literal[
    "running", "not_ready", "creating", "image_pull", "unscheduled", "init_failing", "crashing", "completed"
]
"""``creating``: scheduled and waiting for its sandbox; ``image_pull``: sandbox done, image missing."""

_PHASES = dict.fromkeys(("running", "not_ready", "crashing"), "Running") | {"completed": "Succeeded"}


def json_text(body: Mapping[str, Any] | str) -> str:
    """JSON as people keep it in ConfigMaps; text passes unchanged (for bodies that are not valid JSON)."""
    return body if isinstance(body, str) else json.dumps(body, indent=2) + "\n"


def metadata(
    name: str,
    uid: str,
    age: str,
    *,
    namespace: str | None = None,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    owners: Sequence[Object] = (),
) -> Object:
    meta: Object = {"name": name}
    if namespace:
        meta["namespace"] = namespace
    meta |= {"uid": uid, "creationTimestamp": ago(age)}
    if labels:
        meta["labels"] = dict(labels)
    if annotations:
        meta["annotations"] = dict(annotations)
    if owners:
        meta["ownerReferences"] = list(owners)
    return meta


def owner(kind: str, name: str, uid: str, api_version: str = "apps/v1") -> Object:
    return {
        "apiVersion": api_version,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def reference(of: Object) -> Object:
    """The involvedObject or targetRef that points to an object."""
    meta = of["metadata"]
    found = {"kind": of["kind"], "name": meta["name"], "apiVersion": of["apiVersion"], "uid": meta["uid"]}
    return found | ({"namespace": meta["namespace"]} if "namespace" in meta else {})


def namespace(name: str, uid: str, age: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": metadata(name, uid, age, labels={"kubernetes.io/metadata.name": name}),
        "status": {"phase": "Active"},
    }


def config_map(meta: Object, data: Mapping[str, str], changed: str | None, manager: str) -> Object:
    """``changed`` says when its data were last written; None leaves managedFields out."""
    if changed:
        fields: Object = {".": {}} | {f"f:{key}": {} for key in data}
        meta = meta | {
            "managedFields": [
                {
                    "apiVersion": "v1",
                    "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": fields},
                    "manager": manager,
                    "operation": "Update",
                    "time": ago(changed),
                }
            ]
        }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": dict(data)}


def node_condition(kind: str, status: str, reason: str, message: str, since: str, beat: str | None = "20s") -> Object:
    found = {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": ago(since)}
    return found | ({"lastHeartbeatTime": ago(beat)} if beat else {})


def node(
    meta: Object,
    *,
    address: str,
    provider_id: str,
    cores: int,
    memory: str,
    pods: int,
    conditions: Sequence[Object],
    info: Mapping[str, str],
    pod_cidrs: Sequence[str] = (),
) -> Object:
    spec: Object = {"podCIDR": pod_cidrs[0], "podCIDRs": list(pod_cidrs)} if pod_cidrs else {}
    resources = {"cpu": str(cores), "memory": memory, "pods": str(pods), "ephemeral-storage": "123722704Ki"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": meta,
        "spec": spec | {"providerID": provider_id},
        "status": {
            "addresses": [
                {"type": "InternalIP", "address": address},
                {"type": "Hostname", "address": meta["name"]},
            ],
            "capacity": dict(resources),
            "allocatable": dict(resources),
            "conditions": list(conditions),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": dict(info),
        },
    }


def container(name: str, image: str, **more: Any) -> Object:
    return {"name": name, "image": image} | more


def pod(
    meta: Object,
    containers: Sequence[Object],
    *,
    state: PodState,
    age: str,
    since: str,
    node_name: str | None,
    host_address: str | None,
    addresses: Sequence[str] = (),
    host_network: bool = False,
    init_containers: Sequence[Object] = (),
    restarts: int = 0,
    message: str = "",
    spec: Mapping[str, Any] | None = None,
) -> Object:
    """``since`` says when the pod came into its state; ``message`` goes with unscheduled and image_pull."""
    scheduled = state != "unscheduled"
    status: Object = {
        "phase": _PHASES.get(state, "Pending"),
        "conditions": _pod_conditions(state, age, since, message, containers),
    }
    if scheduled:
        status |= {"hostIP": host_address, "startTime": ago(age)}
        if addresses:
            status |= {"podIP": addresses[0], "podIPs": [{"ip": address} for address in addresses]}
        if init_containers:
            status["initContainerStatuses"] = [_init_status(one, state, age) for one in init_containers]
        status["containerStatuses"] = [_container_status(one, state, since, restarts, message) for one in containers]
    body: Object = {"nodeName": node_name} if scheduled else {}
    if host_network:
        body["hostNetwork"] = True
    if init_containers:
        body["initContainers"] = list(init_containers)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": body | {"containers": list(containers), "dnsPolicy": "ClusterFirst"} | dict(spec or {}),
        "status": status,
    }


def _pod_conditions(state: PodState, age: str, since: str, message: str, containers: Sequence[Object]) -> list[Object]:
    if state == "unscheduled":
        return [_pod_condition("PodScheduled", "False", age, "Unschedulable", message)]
    ready, reason, text = "True", "", ""
    if state == "completed":
        ready, reason = "False", "PodCompleted"
    elif state != "running":
        names = " ".join(one["name"] for one in containers)
        ready, reason, text = "False", "ContainersNotReady", f"containers with unready status: [{names}]"
    initialized = "False" if state == "init_failing" else "True"
    return [
        _pod_condition("Initialized", initialized, age),
        _pod_condition("Ready", ready, since, reason, text),
        _pod_condition("PodScheduled", "True", age),
    ]


def _pod_condition(kind: str, status: str, since: str, reason: str = "", message: str = "") -> Object:
    found = {"type": kind, "status": status, "lastTransitionTime": ago(since)}
    return found | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def _init_status(one: Object, state: PodState, age: str) -> Object:
    if state == "init_failing":
        return _status(one, _BACK_OFF, ready=False, restarts=9, before=_ended("4m", 1))
    if state == "creating":
        return _status(one, {"waiting": {"reason": "PodInitializing"}}, ready=False, image_id="")
    return _status(one, {"terminated": _ended(age)}, ready=True)


def _container_status(one: Object, state: PodState, since: str, restarts: int, message: str) -> Object:
    if state in _WAITING:
        waiting = {"reason": _WAITING[state]}
        if state == "image_pull":
            waiting["message"] = message or f'Back-off pulling image "{one["image"]}"'
        return _status(one, {"waiting": waiting}, ready=False, started=False, restarts=restarts, image_id="")
    if state == "completed":
        return _status(one, {"terminated": _ended(since)}, ready=False, started=False, restarts=restarts)
    if state == "crashing":
        return _status(one, _BACK_OFF, ready=False, started=False, restarts=restarts or 12, before=_ended("3m", 1))
    running = {"running": {"startedAt": ago(since)}}
    before = _ended(since, 1) if restarts else None
    return _status(one, running, ready=state == "running", started=True, restarts=restarts, before=before)


_WAITING = {"creating": "ContainerCreating", "init_failing": "PodInitializing", "image_pull": "ImagePullBackOff"}
_BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}


def _ended(since: str, code: int = 0) -> Object:
    reason = "Error" if code else "Completed"
    return {"exitCode": code, "reason": reason, "startedAt": ago(since), "finishedAt": ago(since)}


def _status(
    one: Object,
    state: Object,
    *,
    ready: bool,
    started: bool | None = None,
    restarts: int = 0,
    image_id: str | None = None,
    before: Object | None = None,
) -> Object:
    found: Object = {"name": one["name"], "image": one["image"]}
    found["imageID"] = _image_id(one["image"]) if image_id is None else image_id
    found |= {"ready": ready} | ({} if started is None else {"started": started})
    found |= {"restartCount": restarts, "state": state}
    return found | ({"lastState": {"terminated": before}} if before else {})


def _image_id(image: str) -> str:
    return image if "@sha256:" in image else f"sha256:{image_digest(image)}"


def daemon_set(
    meta: Object,
    selector: Mapping[str, str],
    pod_spec: Mapping[str, Any],
    *,
    desired: int,
    ready: int,
    updated: int | None = None,
    strategy: str = "RollingUpdate",
    generation: int = 1,
    observed: int | None = None,
) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": meta | {"generation": generation},
        "spec": {
            "selector": {"matchLabels": dict(selector)},
            "updateStrategy": {"type": strategy}
            | ({"rollingUpdate": {"maxUnavailable": "20%", "maxSurge": 0}} if strategy == "RollingUpdate" else {}),
            "template": {"metadata": {"labels": dict(selector)}, "spec": dict(pod_spec)},
        },
        "status": {
            "currentNumberScheduled": desired,
            "desiredNumberScheduled": desired,
            "numberMisscheduled": 0,
            "numberReady": ready,
            "numberAvailable": ready,
            "updatedNumberScheduled": desired if updated is None else updated,
            "observedGeneration": generation if observed is None else observed,
        },
    }


def deployment(
    meta: Object, selector: Mapping[str, str], pod_spec: Mapping[str, Any], *, replicas: int, ready: int
) -> Object:
    status = {"replicas": replicas, "updatedReplicas": replicas, "observedGeneration": 1}
    if ready:
        status |= {"readyReplicas": ready, "availableReplicas": ready}
    if ready < replicas:
        status["unavailableReplicas"] = replicas - ready
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta | {"generation": 1},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": dict(selector)},
            "template": {"metadata": {"labels": dict(selector)}, "spec": dict(pod_spec)},
        },
        "status": status,
    }


def service(
    meta: Object,
    cluster_ips: Sequence[str],
    ports: Sequence[Object],
    *,
    selector: Mapping[str, str] | None = None,
    type_: str = "ClusterIP",
    policy: str | None = "SingleStack",
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
) -> Object:
    """``policy`` None leaves ipFamilyPolicy and ipFamilies out, as clusters before dual stack do."""
    body: Object = {"type": type_, "clusterIP": cluster_ips[0], "clusterIPs": list(cluster_ips)}
    if policy:
        families = ["IPv6" if ":" in address else "IPv4" for address in cluster_ips if address != "None"]
        body |= {"ipFamilyPolicy": policy, "ipFamilies": families or ["IPv4"]}
    body |= {"sessionAffinity": "None", "ports": list(ports)}
    if selector:
        body["selector"] = dict(selector)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": body | dict(spec or {}),
        "status": dict(status or {"loadBalancer": {}}),
    }


def endpoint_slice(
    meta: Object, pods: Iterable[tuple[Object, str]], ports: Sequence[Object], family: str = "IPv4"
) -> Object:
    """``pods`` are pairs of a Pod and its address of that family."""
    endpoints = []
    for one, address in pods:
        ready = any(c["type"] == "Ready" and c["status"] == "True" for c in one["status"]["conditions"])
        meta_of_pod = one["metadata"]
        endpoints.append(
            {
                "addresses": [address],
                "conditions": {"ready": ready, "serving": ready, "terminating": False},
                "nodeName": one["spec"]["nodeName"],
                "targetRef": {
                    "kind": "Pod",
                    "namespace": meta_of_pod["namespace"],
                    "name": meta_of_pod["name"],
                    "uid": meta_of_pod["uid"],
                },
            }
        )
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta,
        "addressType": family,
        "endpoints": endpoints,
        "ports": [{key: one[key] for key in ("name", "port", "protocol") if key in one} for one in ports],
    }


def network_policy(meta: Object, spec: Mapping[str, Any]) -> Object:
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": dict(spec)}


def event(
    meta: Object,
    involved: Object,
    reason: str,
    message: str,
    *,
    type_: str,
    first: str,
    last: str,
    count: int,
    component: str,
    host: str | None,
) -> Object:
    """An event of the old recorder: firstTimestamp, lastTimestamp, count, source."""
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta,
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": type_,
        "count": count,
        "firstTimestamp": ago(first),
        "lastTimestamp": ago(last),
        "source": {"component": component} | ({"host": host} if host else {}),
        "reportingComponent": component,
        "reportingInstance": host or "",
        "eventTime": None,
    }


def series_event(
    meta: Object,
    involved: Object,
    reason: str,
    message: str,
    *,
    type_: str,
    first: str,
    last: str,
    count: int,
    controller: str,
    action: str,
) -> Object:
    """An event of the events.k8s.io recorder read through core/v1: eventTime and series, no lastTimestamp."""
    found = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": meta,
        "involvedObject": involved,
        "reason": reason,
        "message": message,
        "type": type_,
        "eventTime": ago(first),
        "action": action,
        "reportingComponent": controller,
        "reportingInstance": f"{controller}-terway-controlplane-7c9f5d6b8c-2xkqp",
        "firstTimestamp": None,
        "lastTimestamp": None,
        "source": {},
    }
    return found | ({"series": {"count": count, "lastObservedTime": ago(last)}} if count > 1 else {})
