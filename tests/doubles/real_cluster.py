"""A real API server that holds a test's cluster: objects loaded through its API, roles granted."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource
from tests.doubles.control_plane import UNSET, ControlPlane, assets, running_control_plane
from tests.doubles.kubeconfig import write_kubeconfig
from tests.doubles.kubernetes_objects import BUILT_IN, kind_of, with_micro_times

__all__ = ["ACKNET", "RealCluster", "real_cluster"]

ACKNET = "system:serviceaccount:acknet:acknet"
"""Who acknet is with the shipped roles."""

_ROLES = Path(__file__).parents[2] / "deploy" / "rbac"
_DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_MADE_BY_SERVER = ("default", "kubernetes")
"""The Service of the API itself."""
_REFUSED = "does not match event.namespace"
"""What older servers say to the newer recorder's events about objects that lie in no namespace."""
_PATIENCE_SECONDS = 90.0
# What the server gives an object when it is made. What of it age brings is put back afterwards.
_SERVERS_OWN = (
    "uid",
    "creationTimestamp",
    "managedFields",
    "generation",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_NOT_TAKEN = (*_SERVERS_OWN, "resourceVersion", "selfLink", "finalizers")
_ADDRESSES = ("clusterIP", "clusterIPs")
"""Of a Service: the server hands them out of its own range, and they are put back afterwards too."""


class RealCluster:
    """What a test has of a control plane: it loads objects, and writes kubeconfigs for those who may read them."""

    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.version = plane.version
        self._loaded: list[tuple[Resource, str | None, str]] = []
        self._spaces: set[str] = set()
        self._definitions: set[Resource] = set()
        self._content, self._left = "", list[Object]()
        self._users = 0

    def load(self, objects: Iterable[Object], crds: Iterable[Resource] = ()) -> list[Object]:
        """Have the cluster hold ``objects`` and serve ``crds`` and their kinds; what it held before is taken away.

        Objects keep the uid, the times, the managers and the addresses that they have. Returns those that a server of
        this version cannot hold. AssertionError tells what it has against another one.
        """
        wanted = list(objects)
        custom = {kind for kind in (*crds, *map(kind_of, wanted)) if kind not in BUILT_IN}
        content = json.dumps([wanted, sorted(kind.qualified for kind in custom)], sort_keys=True)
        if content == self._content:
            return self._left
        self._clear()
        self._define(custom)
        spaces = {space for item in wanted if (space := _place(item)[1])}
        spaces |= {item["metadata"]["name"] for item in wanted if kind_of(item).qualified == "namespaces"}
        for space in sorted(spaces - self._existing_spaces()):
            self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
            self._spaces.add(space)
        served = {kind: self._serves(kind) for kind in set(map(kind_of, wanted))}
        self._left = [item for item in wanted if not (served[kind_of(item)] and self._make(item))]
        self._age(wanted)
        self._content = content
        return self._left

    def kubeconfig(self, directory: Path, *, user: Mapping[str, Any] | None = None, name: str = "config") -> Path:
        """Write a kubeconfig for acknet's service account with the shipped roles, or for another ``user``."""
        user = user if user is not None else {"token": self._token()}
        return write_kubeconfig(directory / name, self.plane.url, user=user, authority=self.plane.authority)

    def user(self, roles: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
        """Return a kubeconfig's user, who may do what ``roles`` (ClusterRole, Role) say and nothing else."""
        self._users += 1
        name = f"reader-{self._users}"
        for number, role in enumerate(roles):
            self._grant(role, f"{name}-{number}", {"kind": "User", "name": name})
        certificate, key = self.plane.client_certificate(name)
        return {"client-certificate": str(certificate), "client-key": str(key)}

    def install(self) -> None:
        """Make acknet's service account, and grant it what ``deploy/rbac`` does."""
        files = [_ROLES / name for name in ("roles.yaml", "bindings.yaml")]
        items = [item for file in files for item in yaml.safe_load_all(file.read_text())]
        for space in {space for item in items if (space := _place(item)[1])} - self._existing_spaces():
            self._ask("POST", "/api/v1/namespaces", {"metadata": {"name": space}})
        for item in items:
            kind, space, _ = _place(item)
            self._ask("POST", kind.path(space), item)
        for item in items:
            if "rules" in item:
                self._await_grant(item, ACKNET)
        space, name = _MADE_BY_SERVER
        path = f"/api/v1/namespaces/{space}/services/{name}"
        _wait(lambda: self.plane.admin.get(path).is_success, "the API's own Service")

    def _token(self) -> str:
        path = "/api/v1/namespaces/acknet/serviceaccounts/acknet/token"
        asked = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": []}}
        return str(self._ask("POST", path, asked)["status"]["token"])

    def _grant(self, role: Mapping[str, Any], name: str, subject: Mapping[str, str]) -> None:
        kind, space, _ = _place(role)
        self._ask("POST", kind.path(space), {**role, "metadata": {"name": name}})
        bound = {
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role["kind"], "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", **subject}],
            "metadata": {"name": name},
        }
        bindings = f"{role['kind'].lower()}bindings"
        where = f"{_RBAC}/namespaces/{space}/{bindings}" if space else f"{_RBAC}/{bindings}"
        self._ask("POST", where, bound)
        self._await_grant(role, subject["name"])

    def _await_grant(self, role: Mapping[str, Any], user: str) -> None:
        """Wait until the server knows of a role: it learns of what is granted from a watch of its own."""
        for rule in role["rules"]:
            for resource, verb in product(rule["resources"], rule["verbs"]):
                plural, _, subresource = resource.partition("/")
                wish = {"group": rule["apiGroups"][0], "resource": plural, "subresource": subresource, "verb": verb}
                wish |= {"namespace": role["metadata"].get("namespace", ""), "name": rule.get("resourceNames", [""])[0]}
                review = {"spec": {"user": user, "resourceAttributes": wish}}
                _wait(partial(self._allows, review), f"{user} to be granted {wish}")

    def _allows(self, review: Mapping[str, Any]) -> bool:
        return bool(self._ask("POST", _REVIEWS, review)["status"]["allowed"])

    # Loading

    def _make(self, item: Object) -> bool:
        """Make an object, with its status; returns whether this version of the server takes it."""
        kind, space, name = _place(item)
        if kind.qualified == "namespaces" or ((space, name) == _MADE_BY_SERVER and kind.qualified == "services"):
            return True
        metadata = {key: value for key, value in item["metadata"].items() if key not in _NOT_TAKEN}
        new = {**with_micro_times(item), "metadata": metadata}
        if _has_address(item):
            new["spec"] = {key: value for key, value in item["spec"].items() if key not in _ADDRESSES}
        path = kind.path(space)
        reply = self.plane.admin.post(path, json=new)
        if _REFUSED in reply.text:
            return False
        if reply.status_code == 409:  # the server makes some itself
            there = self._ask("GET", f"{path}/{name}")
            metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
            made = self._ask("PUT", f"{path}/{name}", new)
        else:
            self._loaded.append((kind, space, name))
            made = _said(reply, f"{kind.qualified} {space}/{name}")
        if "status" in item and self._serves(kind, "/status"):
            self._ask("PUT", f"{path}/{name}/status", {**made, "status": item["status"]})
        return True

    def _age(self, items: Sequence[Object]) -> None:
        """Give objects the uid, times and addresses that they have had for long: only their own server could."""
        wanted = {_identity(item): item for item in items}
        changed = {}
        for key, held in self.plane.stored().items():
            item = wanted.get(_identity(held)) if {"apiVersion", "kind", "metadata"} <= set(held) else None
            if item is not None:
                own = {name: item["metadata"][name] for name in _SERVERS_OWN if name in item["metadata"]}
                changed[key] = {**held, "metadata": {**held["metadata"], **own}}
                if _has_address(item):
                    addresses = {name: item["spec"][name] for name in _ADDRESSES if name in item["spec"]}
                    changed[key]["spec"] = {**held["spec"], **addresses}
        self.plane.store(changed)

    def _define(self, kinds: set[Resource]) -> None:
        for kind in self._definitions - kinds:
            self._ask("DELETE", f"{_DEFINITION}/{kind.plural}.{kind.group}")
        for kind in kinds - self._definitions:
            self._ask("POST", _DEFINITION, _definition(kind))
        for kind in self._definitions ^ kinds:
            _wait(partial(self._is_served, kind, kind in kinds), f"{kind.qualified} to be served, or not any more")
        self._definitions = set(kinds)

    def _clear(self) -> None:
        self._content = ""
        while self._loaded:
            kind, space, name = self._loaded.pop()
            path = f"{kind.path(space)}/{name}"
            reply = self.plane.admin.request("DELETE", path, json={"gracePeriodSeconds": 0})
            assert reply.is_success or reply.status_code == 404, f"DELETE {path}: {reply.text}"
        for space in self._spaces:
            path = f"/api/v1/namespaces/{space}"
            left = self._ask("DELETE", path)
            # No controller empties it and lets it go.
            self._ask("PUT", f"{path}/finalize", {**left, "spec": {"finalizers": []}})
        self._spaces.clear()

    def _existing_spaces(self) -> set[str]:
        return {each["metadata"]["name"] for each in self._ask("GET", "/api/v1/namespaces")["items"]}

    def _serves(self, kind: Resource, subresource: str = "") -> bool:
        path = f"/apis/{kind.api_version}" if kind.group else f"/api/{kind.version}"
        reply = self.plane.admin.get(path)
        if reply.status_code == 404:
            return False
        resources = _said(reply, path)["resources"]
        listed = any(each["name"] == f"{kind.plural}{subresource}" for each in resources)
        return listed and (bool(subresource) or self.plane.admin.get(kind.path()).status_code == 200)

    def _is_served(self, kind: Resource, wanted: bool) -> bool:
        return self._serves(kind) is wanted

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        return _said(self.plane.admin.request(method, path, json=body), f"{method} {path}")


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCluster]:
    """A real API server with acknet's service account in it, where KUBEBUILDER_ASSETS names its binaries."""
    binaries = assets()
    if binaries is None:
        pytest.skip(UNSET)
    with running_control_plane(binaries, tmp_path_factory.mktemp("real-cluster")) as plane:
        cluster = RealCluster(plane)
        cluster.install()
        yield cluster


def _place(item: Object) -> tuple[Resource, str | None, str]:
    kind, metadata = kind_of(item), item["metadata"]
    return kind, (metadata.get("namespace") or "default") if kind.namespaced else None, metadata["name"]


def _has_address(item: Object) -> bool:
    return kind_of(item).qualified == "services" and item.get("spec", {}).get("clusterIP", "None") not in ("", "None")


def _identity(item: Object) -> tuple[str, str, str, str]:
    """Return what an object is, whatever version of its kind it is kept in."""
    metadata = item["metadata"]
    return item["apiVersion"].rpartition("/")[0], item["kind"], metadata.get("namespace", ""), metadata.get("name", "")


def _definition(kind: Resource) -> dict[str, Any]:
    anything = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": kind.version, "served": True, "storage": True, "schema": anything}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "names": {"plural": kind.plural, "singular": kind.kind.lower(), "kind": kind.kind},
            "versions": [{**version, "subresources": {"status": {}}}],
        },
    }


def _said(reply: httpx.Response, what: str) -> dict[str, Any]:
    assert reply.is_success, f"{what}: {reply.status_code} {reply.text}"
    return dict(reply.json())


def _wait(condition: Callable[[], bool], what: str) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, f"waited in vain for {what}"
        time.sleep(0.02)
