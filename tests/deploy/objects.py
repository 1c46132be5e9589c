"""What Kubernetes' objects have to be, whoever rendered them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import kubernetes_validate

Object = dict[str, Any]
# The oldest version that the chart names and the newest whose schemas are at hand.
VERSIONS = ("1.25", kubernetes_validate.latest_version())
CUSTOM = "monitoring.coreos.com/v1"


def one(objects: Iterable[Object], kind: str, name: str | None = None) -> Object:
    found = [each for each in objects if each["kind"] == kind and name in {None, each["metadata"]["name"]}]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def assert_valid(objects: Iterable[Object]) -> None:
    """Check against Kubernetes' OpenAPI schemas, unknown fields being errors; custom resources have none there."""
    for each in objects:
        if each["apiVersion"] != CUSTOM:
            _validate(json.dumps(each))


@cache  # the schemas are read anew for each object, and most objects are those of the last time
def _validate(text: str) -> None:
    for version in VERSIONS:
        kubernetes_validate.validate(json.loads(text), version, strict=True)


def breaches(pod: Object) -> list[str]:
    """Return what in a pod's spec the Pod Security Standard "restricted" forbids."""
    found = [f"spec.{name}" for name in ("hostNetwork", "hostPID", "hostIPC") if pod.get(name)]
    allowed = {"configMap", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    found += [f"volume {volume['name']}" for volume in pod.get("volumes", ()) if not allowed & volume.keys()]
    shared = pod.get("securityContext", {})
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        context = shared | container.get("securityContext", {})
        if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
            found.append("runAsNonRoot")
        if context.get("seccompProfile", {}).get("type") not in {"RuntimeDefault", "Localhost"}:
            found.append("seccompProfile")
        if context.get("allowPrivilegeEscalation") is not False or context.get("privileged"):
            found.append("allowPrivilegeEscalation")
        capabilities = context.get("capabilities", {})
        if "ALL" not in capabilities.get("drop", ()) or capabilities.get("add"):
            found.append("capabilities")
        found += ["hostPort" for port in container.get("ports", ()) if port.get("hostPort")]
    return found
