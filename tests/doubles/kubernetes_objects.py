"""What the Kubernetes API double serves: kinds, and objects from a list or made when they are asked for."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import ALLOWED, Resource

__all__ = ["BUILT_IN", "InMemoryObjects", "ObjectSource", "kind_of", "with_micro_times"]


def _kinds(group: str, version: str, namespaced: bool, **kinds: str) -> tuple[Resource, ...]:
    return tuple(Resource(group, version, plural, kind, namespaced) for plural, kind in kinds.items())


BUILT_IN: tuple[Resource, ...] = (
    *_kinds("", "v1", False, nodes="Node", namespaces="Namespace", persistentvolumes="PersistentVolume"),
    *_kinds("", "v1", True, pods="Pod", services="Service", events="Event", configmaps="ConfigMap", secrets="Secret"),
    *_kinds("", "v1", True, endpoints="Endpoints", serviceaccounts="ServiceAccount"),
    *_kinds("apps", "v1", True, daemonsets="DaemonSet", deployments="Deployment", replicasets="ReplicaSet"),
    *_kinds("apps", "v1", True, statefulsets="StatefulSet"),
    *_kinds("batch", "v1", True, jobs="Job", cronjobs="CronJob"),
    *_kinds("discovery.k8s.io", "v1", True, endpointslices="EndpointSlice"),
    *_kinds("networking.k8s.io", "v1", True, networkpolicies="NetworkPolicy", ingresses="Ingress"),
    *_kinds("coordination.k8s.io", "v1", True, leases="Lease"),
    *_kinds("rbac.authorization.k8s.io", "v1", True, roles="Role", rolebindings="RoleBinding"),
    *_kinds("rbac.authorization.k8s.io", "v1", False, clusterroles="ClusterRole"),
    *_kinds("rbac.authorization.k8s.io", "v1", False, clusterrolebindings="ClusterRoleBinding"),
    *_kinds("apiextensions.k8s.io", "v1", False, customresourcedefinitions="CustomResourceDefinition"),
)
"""What every API server serves; groups of custom resources come with their definitions or objects."""


class ObjectSource(Protocol):
    """Where the double's objects come from."""

    @property
    def custom(self) -> Sequence[Resource]:
        """The kinds that are served besides the built-in ones."""
        ...

    def get(self, kind: Resource, namespace: str | None, name: str) -> Object | None:
        """Return one object."""
        ...

    def list(
        self, kind: Resource, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]
    ) -> Iterable[Object]:
        """Return objects by namespace and name; those that lack ``labels`` or ``fields`` may be left out.

        It can be an iterator, of which no more than a page is taken; of a sequence the length is told, too.
        """
        ...


class InMemoryObjects:
    """Serves a list of objects, with every kind that they or ``custom`` belong to."""

    def __init__(self, objects: Iterable[Object] = (), custom: Iterable[Resource] = ()) -> None:
        self._custom = dict.fromkeys(custom)
        self._objects: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
        for each in objects:
            kind, key = self._place(each)
            if key in self._held(kind):
                raise ValueError(f"{kind.kind} {'/'.join(key)} is there twice")
            self.put(each)

    @property
    def custom(self) -> Sequence[Resource]:
        return tuple(self._custom)

    def put(self, item: Object) -> None:
        """Add an object, or replace the one of its name."""
        kind, key = self._place(item)
        if item.get("kind") == "CustomResourceDefinition":
            self._custom.update(dict.fromkeys(_defined(item)))
        if kind not in BUILT_IN:
            self._custom[kind] = None
        kept = copy.deepcopy(dict(with_micro_times(item)))
        kept["metadata"] = {**kept["metadata"], "name": key[1]} | ({"namespace": key[0]} if key[0] else {})
        kept["metadata"].setdefault("resourceVersion", "1")
        self._held(kind)[key] = kept

    def remove(self, item: Object) -> None:
        """Take the object of this kind and name away."""
        kind, key = self._place(item)
        del self._held(kind)[key]

    def get(self, kind: Resource, namespace: str | None, name: str) -> Object | None:
        return self._held(kind).get((namespace or "", name))

    def list(
        self,
        kind: Resource,
        namespace: str | None,
        labels: Mapping[str, str],
        fields: Mapping[str, str],
    ) -> Sequence[Object]:
        held = self._held(kind)
        return [held[key] for key in sorted(held) if namespace is None or key[0] == namespace]

    def _held(self, kind: Resource) -> dict[tuple[str, str], dict[str, Any]]:
        return self._objects.setdefault((kind.group, kind.plural), {})

    def _place(self, item: Object) -> tuple[Resource, tuple[str, str]]:
        kind = kind_of(item, self._custom)
        metadata = item["metadata"]
        return kind, ((metadata.get("namespace") or "default") if kind.namespaced else "", metadata["name"])


def kind_of(item: Object, among: Iterable[Resource] = ()) -> Resource:
    """Return the kind that an object says it is; one that nobody defined is derived from what it says."""
    api_version, kind = item["apiVersion"], item["kind"]
    for known in (*among, *BUILT_IN, *ALLOWED):
        if (known.api_version, known.kind) == (api_version, kind):
            return known
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, f"{kind.lower()}s", kind, "namespace" in item["metadata"])


def with_micro_times(item: Object) -> Object:
    """Return an event with the times that have microseconds as the server writes them, and takes them: with all six."""
    if item["kind"] != "Event":
        return item
    changed = dict(item)
    if when := item.get("eventTime"):
        changed["eventTime"] = _micro(when)
    if when := (item.get("series") or {}).get("lastObservedTime"):
        changed["series"] = {**item["series"], "lastObservedTime": _micro(when)}
    return changed


def _micro(when: str) -> str:
    return re.sub(r"(?:\.(\d+))?Z$", lambda match: f".{(match[1] or '')[:6]:0<6}Z", when)


def _defined(definition: Object) -> Iterable[Resource]:
    spec = definition["spec"]
    for version in spec["versions"]:
        if version.get("served", True):
            names = spec["names"]
            yield Resource(
                spec["group"], version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced"
            )
