"""Who may do what at the Kubernetes API double: the rules of roles, and single permissions taken away."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.doubles.kubernetes_objects import BUILT_IN

__all__ = ["Permissions", "Wish"]

_GROUPS = frozenset(kind.group for kind in BUILT_IN)
# What every server's role system:discovery lets everyone get.
_DISCOVERY = re.compile(r"/(?:api|apis|openapi)(?:/.*)?|/(?:healthz|livez|readyz|version/?)")


@dataclass(frozen=True)
class Wish:
    """What a request asks to do; ``resource`` holds a subresource too (``pods/log``), ``path`` one that is no resource.

    ``name`` is empty for a list, ``namespace`` for the whole cluster.
    """

    verb: str
    group: str = ""
    resource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def names(self) -> frozenset[str]:
        """What it is called where something is forbidden; kinds that come with Kubernetes need no group."""
        if self.path:
            return frozenset({self.path})
        built_in = {self.resource} if self.group in _GROUPS else set()
        return frozenset(built_in | {f"{self.resource}.{self.group}"})


class Permissions:
    """Grants what ``roles`` (ClusterRole, and Role for its own namespace) say; everything without them.

    ``forbidden`` takes away: ``events``, ``pods/log``, ``nodes.network.alibabacloud.com`` every verb of them,
    ``list pods`` one verb, ``/version`` a path.
    """

    def __init__(self, roles: Iterable[Mapping[str, Any]] | None = None, forbidden: Iterable[str] = ()) -> None:
        self._rules = None if roles is None else [*_rules(roles)]
        self._forbidden = frozenset(forbidden)

    def grant(self, wish: Wish) -> bool:
        """Tell whether ``wish`` is granted."""
        if self._forbidden & (wish.names | {f"{wish.verb} {name}" for name in wish.names}):
            return False
        if self._rules is None:
            return True
        if wish.path:
            return wish.verb == "get" and bool(_DISCOVERY.fullmatch(wish.path))
        return any(namespace in ("", wish.namespace) and _covers(rule, wish) for namespace, rule in self._rules)


def _rules(roles: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    for role in roles:
        if role.get("kind") in ("ClusterRole", "Role"):
            namespace = role["metadata"].get("namespace", "default") if role["kind"] == "Role" else ""
            yield from ((namespace, rule) for rule in role.get("rules") or ())


def _covers(rule: Mapping[str, Any], wish: Wish) -> bool:
    names = rule.get("resourceNames")
    return (
        _holds(rule.get("verbs", ()), wish.verb)
        and _holds(rule.get("apiGroups", ()), wish.group)
        and _holds(rule.get("resources", ()), wish.resource)
        and (not names or wish.name in names)
    )


def _holds(values: Iterable[str], value: str) -> bool:
    return bool({"*", value} & set(values))
