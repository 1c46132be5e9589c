"""The permissions that acknet needs, as roles; ``python -m bot.diagnosis.rbac DIR [NAMESPACE…]`` writes them.

Those of the collectors, and for each NAMESPACE that of watching it, into a file of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.diagnosis.facts.registry import Needs, collectors
from bot.diagnosis.live.gate import WATCHED
from bot.diagnosis.resources import LOGS, resource

__all__ = ["cluster_role", "manifests", "roles", "watch_roles"]

_NAME = "acknet-reader"
_WATCHER = "acknet-watcher"
_NAMESPACE = "acknet"
_HEADER = "# Written by python -m bot.diagnosis.rbac from what the collectors of facts declare; do not edit.\n"

Rule = dict[str, Any]


def _all_needs() -> list[Needs]:
    return [need for collector in collectors().values() for need in collector.needs]


def cluster_role(needs: Iterable[Needs]) -> Rule:
    """Return the ClusterRole for what is needed in all namespaces or outside of any."""
    return _role("ClusterRole", [need for need in needs if need.namespace is None])


def roles(needs: Iterable[Needs]) -> list[Rule]:
    """Return a Role for each namespace in which more is needed than the ClusterRole allows everywhere."""
    asked = list(needs)
    everywhere = {(need.resource, need.verb) for need in asked if need.namespace is None and not need.names}
    left = [need for need in asked if need.namespace and (need.resource, need.verb) not in everywhere]
    return [
        _role("Role", [need for need in left if need.namespace == namespace], namespace)
        for namespace in sorted({need.namespace for need in left if need.namespace})
    ]


def watch_roles(namespaces: Iterable[str]) -> list[Rule]:
    """Return for each namespace a Role that adds watching it to the ClusterRole, which lets it be listed."""
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": _WATCHER, "namespace": namespace},
            "rules": [{"apiGroups": [""], "resources": sorted(WATCHED), "verbs": ["watch"]}],
        }
        for namespace in namespaces
    ]


def manifests() -> dict[str, str]:
    """Return the manifests by file name: roles, service account and bindings."""
    needs = _all_needs()
    bound = [cluster_role(needs), *roles(needs)]
    bindings = _bindings(bound)
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "acknet", "namespace": _NAMESPACE},
    }
    return {
        "roles.yaml": _dump(bound),
        "bindings.yaml": _dump([account, *bindings]),
    }


def _bindings(bound: Iterable[Rule]) -> list[Rule]:
    subject = {"kind": "ServiceAccount", "name": "acknet", "namespace": _NAMESPACE}
    return [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": f"{role['kind']}Binding",
            "metadata": dict(role["metadata"]),
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": role["kind"],
                "name": role["metadata"]["name"],
            },
            "subjects": [subject],
        }
        for role in bound
    ]


def _role(kind: str, needs: Iterable[Needs], namespace: str | None = None) -> Rule:
    metadata = {"name": _NAME} | ({"namespace": namespace} if namespace else {})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": _rules(needs),
    }


def _rules(needs: Iterable[Needs]) -> list[Rule]:
    """Return a rule for each group, set of verbs and set of names; nobody gets a name's rule who may have all."""
    verbs: dict[tuple[str, str], set[str]] = {}
    named: dict[tuple[str, str], set[str]] = {}
    for need in needs:
        kind = ("", LOGS) if need.resource == LOGS else (resource(need.resource).group, resource(need.resource).plural)
        if need.names and need.verb == "get":
            named.setdefault(kind, set()).update(need.names)
        else:
            verbs.setdefault(kind, set()).add(need.verb)
    grouped: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for (group, plural), found in verbs.items():
        grouped.setdefault((group, tuple(sorted(found))), []).append(plural)
    rules: list[Rule] = [
        {"apiGroups": [group], "resources": sorted(plurals), "verbs": list(found)}
        for (group, found), plurals in sorted(grouped.items())
    ]
    rules += [
        {"apiGroups": [group], "resources": [plural], "resourceNames": sorted(names), "verbs": ["get"]}
        for (group, plural), names in sorted(named.items())
        if "get" not in verbs.get((group, plural), ())
    ]
    return rules


def _dump(documents: Iterable[Rule]) -> str:
    return _HEADER + yaml.safe_dump_all(documents, sort_keys=False, width=120)


def main(directory: Path, watched: Sequence[str] = ()) -> None:
    """Write the manifests into ``directory``, and what it takes to watch the namespaces ``watched``."""
    directory.mkdir(parents=True, exist_ok=True)
    if watched:
        added = watch_roles(watched)
        (directory / "watch.yaml").write_text(_dump([*added, *_bindings(added)]), encoding="utf-8")
    for name, text in manifests().items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "deploy/rbac"), sys.argv[2:])
