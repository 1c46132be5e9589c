"""Objects in the size that a real API server returns them: what no diagnosis looks at costs bytes and time as well.

`tests/scenarios/building` makes objects with the fields that matter. Added here are the others: defaults of the API,
environment, volumes, probes, images of nodes, and ``managedFields``, which list every field of an object once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.scenarios.building.identity import container_id, image_digest
from tests.scenarios.building.objects import Object

__all__ = ["full_object"]

_IMAGES = 50
"""As many as a kubelet lists."""

_SETTINGS = (
    *("APP_ENVIRONMENT", "APP_LOG_LEVEL", "DATABASE_URL", "DATABASE_POOL_SIZE", "CACHE_ADDRESS", "QUEUE_BROKERS"),
    *("HTTP_TIMEOUT_SECONDS", "JAVA_TOOL_OPTIONS", "OTEL_EXPORTER_ENDPOINT", "FEATURE_FLAGS", "REGION", "TZ"),
)
_HOST_PATHS = (
    *("/etc/cni/net.d", "/opt/cni/bin", "/var/lib/cni", "/lib/modules", "/run/xtables.lock", "/etc/localtime"),
    *("/var/run", "/var/log", "/sys/fs/bpf", "/var/lib/kubelet", "/proc", "/etc/kubernetes"),
)
_NODE_PROBLEMS = (
    *("KernelDeadlock", "ReadonlyFilesystem", "NTPProblem", "DockerOffline", "RuntimeOffline", "InodesPressure"),
    *("InstanceExpired", "NodePIDPressure"),
)
_KEYS = ("name", "type", "ip", "mountPath", "containerPort", "uid", "key")
"""What entries of a list are told apart by in managedFields; a list without any of them is one field."""


def full_object(found: Object) -> Object:
    """Return the object with all that an API server would return of it."""
    complete = {"Pod": _pod, "Node": _node, "DaemonSet": _workload, "Deployment": _workload}.get(found["kind"])
    if complete and found["apiVersion"] in {"v1", "apps/v1"}:
        found = complete(found)
    metadata = {"resourceVersion": "48213377", **found["metadata"]}
    metadata.setdefault("managedFields", _managed_fields(found))
    return {**found, "metadata": metadata}


def _pod(found: Object) -> Object:
    system = found["metadata"].get("namespace") == "kube-system"
    statuses = {
        part: [
            {"containerID": f"containerd://{container_id(found['metadata']['uid'], one['name'])}", **one}
            for one in some
        ]
        for part in ("containerStatuses", "initContainerStatuses")
        if (some := found["status"].get(part))
    }
    conditions = found["status"]["conditions"]
    ready = [{**one, "type": "ContainersReady"} for one in conditions if one["type"] == "Ready"]
    status = {**found["status"], **statuses, "qosClass": "Burstable"}
    status["conditions"] = [{"lastProbeTime": None, **one} for one in (*conditions, *ready)]
    if address := found["status"].get("hostIP"):
        status["hostIPs"] = [{"ip": address}]
    metadata = {"generateName": found["metadata"]["name"].rpartition("-")[0] + "-", **found["metadata"]}
    return {**found, "metadata": metadata, "spec": _pod_spec(found["spec"], system=system), "status": status}


def _pod_spec(spec: Mapping[str, Any], *, system: bool) -> Object:
    account: Object = {
        "name": "kube-api-access-x7k2p",
        "projected": {
            "defaultMode": 420,
            "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [
                            {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
                        ]
                    }
                },
            ],
        },
    }
    host: list[Object] = [
        {"name": path.strip("/").replace("/", "-").replace(".", "-"), "hostPath": {"path": path, "type": ""}}
        for path in (_HOST_PATHS if system else ())
    ]
    own = [] if system else [{"name": "config", "configMap": {"name": "app-config", "defaultMode": 420}}]
    mounts = [
        *({"name": one["name"], "mountPath": one["hostPath"]["path"]} for one in host),
        *({"name": one["name"], "mountPath": "/etc/app", "readOnly": True} for one in own),
        {
            "name": account["name"],
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            "readOnly": True,
        },
    ]
    conditions = ["not-ready", "unreachable", *(["memory-pressure", "disk-pressure", "pid-pressure"] if system else [])]
    tolerations = [
        {"key": f"node.kubernetes.io/{one}", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
        for one in conditions
    ]
    completed = {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "serviceAccountName": "default",
        "serviceAccount": "default",
        "securityContext": {},
        "schedulerName": "default-scheduler",
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 2000001000 if system else 0,
        "volumes": [*own, *host, account],
        **spec,
        "tolerations": [*spec.get("tolerations", ()), *tolerations],
    }
    for part in ("containers", "initContainers"):
        if part in spec:
            completed[part] = [_container(one, mounts, system=system) for one in spec[part]]
    return completed


def _container(one: Mapping[str, Any], mounts: Sequence[Object], *, system: bool) -> Object:
    environment: list[Object] = [
        {"name": "NODE_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "spec.nodeName"}}},
        {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
        *(
            {"name": name, "value": f"{name.lower()}.{one['name']}.example.com"}
            for name in _SETTINGS[: 3 if system else 12]
        ),
    ]
    probe = {
        "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
        "initialDelaySeconds": 10,
        "timeoutSeconds": 5,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    return {
        "env": environment,
        "resources": {"limits": {"cpu": "2", "memory": "4Gi"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
        "livenessProbe": probe,
        "readinessProbe": probe,
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "volumeMounts": list(mounts),
        **one,
    }


def _node(found: Object) -> Object:
    name = found["metadata"]["name"]
    since = found["status"]["conditions"][0]["lastTransitionTime"]
    conditions = [
        {
            "type": problem,
            "status": "False",
            "reason": f"No{problem}",
            "message": f"no {problem} on the node",
            "lastTransitionTime": since,
            "lastHeartbeatTime": since,
        }
        for problem in _NODE_PROBLEMS
    ]
    annotations = {
        "csi.volume.kubernetes.io/nodeid": f'{{"diskplugin.csi.alibabacloud.com":"{name}"}}',
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
    }
    return {
        **found,
        "metadata": {**found["metadata"], "annotations": annotations | found["metadata"].get("annotations", {})},
        "status": {
            **found["status"],
            "conditions": [*found["status"]["conditions"], *conditions],
            "images": [_image(number) for number in range(_IMAGES)],
        },
    }


def _image(number: int) -> Object:
    repository = f"registry-cn-hangzhou-vpc.ack.aliyuncs.com/shop/service-{number:02}"
    names = [f"{repository}@sha256:{image_digest(repository)}", f"{repository}:2.{number}.1"]
    return {"names": names, "sizeBytes": 120_000_000 + number}


def _workload(found: Object) -> Object:
    system = found["metadata"].get("namespace") == "kube-system"
    template = found["spec"]["template"]
    spec = {"revisionHistoryLimit": 10, **found["spec"]}
    spec["template"] = {**template, "spec": _pod_spec(template["spec"], system=system)}
    return {**found, "spec": spec}


# managedFields


def _managed_fields(found: Object) -> list[Object]:
    """List the object's fields as the API server does, those of its status as another writer's."""
    metadata = {part: found["metadata"][part] for part in ("labels", "annotations") if part in found["metadata"]}
    wanted = {"metadata": metadata} if metadata else {}
    wanted |= {part: body for part, body in found.items() if part not in {"apiVersion", "kind", "metadata", "status"}}
    entry = {
        "manager": "kube-controller-manager",
        "operation": "Update",
        "apiVersion": found["apiVersion"],
        "time": found["metadata"]["creationTimestamp"],
        "fieldsType": "FieldsV1",
        "fieldsV1": _fields(wanted),
    }
    if "status" not in found:
        return [entry]
    status = {"manager": "kubelet", "fieldsV1": _fields({"status": found["status"]}), "subresource": "status"}
    return [entry, entry | status]


def _fields(value: Any) -> Object:
    if isinstance(value, Mapping):
        return {f"f:{key}": _fields(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(one, Mapping) for one in value):
        return dict(_entries(value))
    return {}


def _entries(some: Sequence[Mapping[str, Any]]) -> Iterable[tuple[str, Object]]:
    keys = [key for key in _KEYS if all(key in one for one in some)]
    for one, key in ((one, key) for key in keys[:1] for one in some):
        yield f'k:{{"{key}":"{one[key]}"}}', {".": {}, **_fields(one)}
