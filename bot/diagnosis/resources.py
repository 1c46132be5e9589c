"""What acknet may read in a cluster: this list and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["ALLOWED", "LOGS", "Resource", "of_object", "resource"]


_TERWAY = "network.alibabacloud.com"
_EXTEND = "alibabacloud.com"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object as the Kubernetes API serves it.

    ``group`` is empty for the core API. ``plural`` is the path's and RBAC's name, ``kind`` that of a single object.
    """

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """As objects say it: ``v1``, ``apps/v1``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """As kubectl tells kinds of one name apart: ``nodes``, ``daemonsets``, ``nodes.network.alibabacloud.com``.

        Kubernetes' own kinds go by their plural alone.
        """
        return f"{self.plural}.{self.group}" if self.group.endswith(_EXTEND) else self.plural

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Return the path below the server's address; the parts are not escaped."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        scope = f"/namespaces/{namespace}" if namespace else ""
        return f"{root}{scope}/{self.plural}" + (f"/{name}" if name else "")


def _core(plural: str, kind: str, *, namespaced: bool = True) -> Resource:
    return Resource("", "v1", plural, kind, namespaced)


ALLOWED: tuple[Resource, ...] = (
    _core("nodes", "Node", namespaced=False),
    _core("namespaces", "Namespace", namespaced=False),
    _core("pods", "Pod"),
    _core("services", "Service"),
    _core("events", "Event"),
    _core("configmaps", "ConfigMap"),
    Resource("apps", "v1", "daemonsets", "DaemonSet", namespaced=True),
    Resource("apps", "v1", "deployments", "Deployment", namespaced=True),
    Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", namespaced=True),
    Resource("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", namespaced=True),
    Resource(_TERWAY, "v1beta1", "nodes", "Node", namespaced=False),
    Resource(_TERWAY, "v1beta1", "podenis", "PodENI", namespaced=True),
    Resource(_TERWAY, "v1beta1", "podnetworkings", "PodNetworking", namespaced=False),
    Resource(_EXTEND, "v1beta1", "podeips", "PodEIP", namespaced=True),
    Resource(_EXTEND, "v1beta1", "podipv6gws", "PodIPv6GW", namespaced=True),
)

LOGS = "pods/log"
"""RBAC's name of the one subresource that is read, by GET, in kube-system only."""

_BY_NAME = {allowed.qualified: allowed for allowed in ALLOWED}


def resource(qualified: str) -> Resource:
    """Return the allowed resource of that qualified name; raise KeyError for any other."""
    return _BY_NAME[qualified]


def of_object(api_version: str, kind: str, among: Iterable[Resource] = ALLOWED) -> Resource | None:
    """Return the allowed resource that an object with these fields belongs to, whatever the version in its group."""
    group = api_version.rpartition("/")[0]
    return next((allowed for allowed in among if (allowed.group, allowed.kind) == (group, kind)), None)
