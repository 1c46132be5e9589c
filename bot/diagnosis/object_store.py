"""Objects held in memory that answer get and list as the Kubernetes API does; behind every reader that is offline."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.diagnosis.reader import Listing, Object, Reason, Unreadable
from bot.diagnosis.resources import LOGS, Resource

__all__ = ["ObjectStore", "check_fields"]

_ANY_KIND = frozenset({"metadata.name", "metadata.namespace"})
_INVOLVED = ("kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath")
_BY_KIND = {
    "pods": frozenset({"spec.nodeName", "status.phase"}),
    "namespaces": frozenset({"status.phase"}),
    "events": frozenset({"reason", "type", *(f"involvedObject.{field}" for field in _INVOLVED)}),
}
"""Which fields the API server selects by, besides an object's name and namespace (it refuses all others)."""


def check_fields(resource: Resource, fields: Mapping[str, str]) -> None:
    """Raise ValueError for a field that the API server cannot select objects of this kind by."""
    unknown = fields.keys() - _ANY_KIND - _BY_KIND.get(resource.qualified, frozenset())
    if unknown:
        raise ValueError(f"{resource.qualified} cannot be selected by {', '.join(sorted(unknown))}")


class ObjectStore:
    """Tells "it is not there" from "it was not captured", which proves nothing.

    ``holder`` names the store in messages: ``the snapshot``. A kind that was never added, held or refused is not
    captured. Objects of a namespaced kind whose namespace nobody knows (a table without it) count for every namespace.
    """

    def __init__(self, holder: str) -> None:
        self._holder = holder
        self._objects: dict[str, dict[tuple[str, str], Object]] = {}
        self._sorted: dict[str, Sequence[Object]] = {}
        self._namespaces: dict[str, set[str] | None] = {}
        self._refused: dict[str, tuple[Reason, str]] = {}
        self._in_part: set[str] = set()
        self._all_in_part = False

    def __len__(self) -> int:
        return sum(map(len, self._objects.values()))

    def add(self, resource: Resource, obj: Object) -> None:
        """Take in an object, in place of one of the same name; it has ``metadata.name``."""
        metadata = obj["metadata"]
        key = (_text(metadata.get("namespace")) if resource.namespaced else "", metadata["name"])
        self._objects.setdefault(resource.qualified, {})[key] = obj
        self._sorted.pop(resource.qualified, None)

    def hold(self, resource: Resource, namespace: str | None = None) -> None:
        """State that all objects of the kind are here, in a namespace or (None) everywhere, even if there are none."""
        name = resource.qualified
        if namespace is None:
            self._namespaces[name] = None
        elif self._namespaces.get(name, ()) is not None:
            held = self._namespaces.setdefault(name, set())
            assert held is not None
            held.add(namespace)

    def hold_in_part(self, resource: Resource | None = None) -> None:
        """State that objects of the kind (None: of every kind) may be missing here, so that absence proves nothing."""
        if resource is None:
            self._all_in_part = True
        else:
            self._in_part.add(resource.qualified)
            self._namespaces.setdefault(resource.qualified, None)

    def refuse(self, qualified: str, reason: Reason, detail: str = "") -> None:
        """State why a kind (or ``pods/log``) could not be captured; it stays unreadable whatever is added."""
        self._refused[qualified] = (reason, detail)

    def knows(self, resource: Resource) -> bool:
        """Whether anything was stated or added about the kind, be it that it could not be captured."""
        return self.holds(resource) or resource.qualified in self._refused

    def holds(self, resource: Resource) -> bool:
        """Whether anything is known about the kind, be it that there are no objects."""
        name = resource.qualified
        return name not in self._refused and (name in self._objects or name in self._namespaces)

    def objects(self) -> Iterator[Object]:
        """All objects, in no particular order."""
        for objects in self._objects.values():
            yield from objects.values()

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """As Reader.get."""
        _check_scope(resource, namespace, required=True)
        what = f"get {resource.qualified} {f'{namespace}/' if namespace else ''}{name}"
        self._check_held(what, resource, namespace)
        objects = self._objects.get(resource.qualified, {})
        found = objects.get((namespace or "", name), objects.get(("", name)))
        if found is None and self._is_in_part(resource):
            raise Unreadable(what, "not_captured", f"{self._holder} holds only a part of all {resource.qualified}")
        return found

    def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """As Reader.list, ordered by namespace and name as the API server's lists are.

        Raises ValueError for a field that the API server cannot select by.
        """
        _check_scope(resource, namespace, required=False)
        check_fields(resource, fields or {})
        if limit < 1:
            raise ValueError("a list is limited to at least one object")
        where = f" in namespace {namespace}" if namespace else ""
        self._check_held(f"list {resource.qualified}{where}", resource, namespace)
        matching = (obj for obj in self._in_order(resource) if _matches(obj, namespace, labels or {}, fields or {}))
        items = [*itertools.islice(matching, limit)]
        if next(matching, None) is not None:
            return Listing(items, complete=False)
        somewhere_only = namespace is None and self._namespaces.get(resource.qualified) is not None
        return Listing(items, complete=not (somewhere_only or self._is_in_part(resource)))

    def check_logs(self, what: str) -> None:
        """Raise Unreadable where it is known that no logs could be captured."""
        self._check_refused(what, LOGS)

    def _in_order(self, resource: Resource) -> Sequence[Object]:
        name = resource.qualified
        if name not in self._sorted:
            objects = self._objects.get(name, {})
            self._sorted[name] = [objects[key] for key in sorted(objects)]
        return self._sorted[name]

    def _is_in_part(self, resource: Resource) -> bool:
        return self._all_in_part or resource.qualified in self._in_part

    def _check_refused(self, what: str, qualified: str) -> None:
        if qualified in self._refused:
            reason, detail = self._refused[qualified]
            raise Unreadable(what, reason, detail)

    def _check_held(self, what: str, resource: Resource, namespace: str | None) -> None:
        name = resource.qualified
        self._check_refused(what, name)
        if not self.holds(resource):
            raise Unreadable(what, "not_captured", f"{self._holder} holds no {name}")
        namespaces = self._namespaces.get(name)
        if namespace is not None and namespaces is not None and namespace not in namespaces:
            raise Unreadable(what, "not_captured", f"{self._holder} holds no {name} of namespace {namespace}")


def _check_scope(resource: Resource, namespace: str | None, *, required: bool) -> None:
    if namespace is not None and not resource.namespaced:
        raise ValueError(f"{resource.qualified} have no namespace")
    if namespace is None and resource.namespaced and required:
        raise ValueError(f"{resource.qualified} are in a namespace")


def _matches(obj: Object, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    if namespace is not None and _field(obj, "metadata.namespace") not in (namespace, ""):
        return False
    held = obj["metadata"].get("labels")
    if labels and not (isinstance(held, Mapping) and all(held.get(key) == value for key, value in labels.items())):
        return False
    return all(_field(obj, path) == value for path, value in fields.items())


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
