"""A scenario and how it is written to its directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.objects import Object

__all__ = [
    "DIRECTORY",
    "FLANNEL_IGNORED",
    "TERWAY_IGNORED",
    "Collection",
    "Scenario",
    "files",
    "scope_of",
    "stale",
    "write",
]

DIRECTORY = Path(__file__).parents[1]

_GENERAL_IGNORED = (
    "choose-plugin",
    "host-port",
    "identify-plugin-and-vswitches",
    "immutable-network-settings",
    "ipv6-cluster-ip-unreachable",
    "ipv6-pod-shows-ipv4",
    "ipv6-service-shows-ipv4",
    "ipvs-scheduler",
    "kube-proxy-modify-config",
    "plan-network",
    "switch-plugin",
    "view-cloud-resources",
)
TERWAY_IGNORED = (
    *_GENERAL_IGNORED,
    "terway-datapath-v2",
    "terway-eni-modes",
    "terway-identify-datapath",
    "terway-identify-eni-mode",
    "terway-in-cluster-loadbalance",
    "terway-ipvs-bypass",
    "terway-pod-capacity",
    "terway-pod-status",
)
"""Entries that describe a state: on any Terway cluster they may truthfully be confirmed."""
FLANNEL_IGNORED = _GENERAL_IGNORED
"""The same on a Flannel cluster, where every Terway entry is ruled out."""

_MARK = "# Made by `python -m tests.scenarios.building`; change it in tests/scenarios/building.\n"


@dataclass
class Scenario:
    """What is asked of a cluster and which verdicts an expert would accept, the ideal one first.

    ``ignore`` None stands for the entries that describe a state, by plugin; those in ``expect`` are never ignored.
    ``also_ignored`` adds to them.
    ``crds`` are the custom resources installed: None stands for those that such a cluster has.
    """

    cluster: Cluster
    title: str
    question: str
    expect: Mapping[str, str | Sequence[str]]
    why: str
    scope: Mapping[str, str] = field(default_factory=dict)
    ignore: Sequence[str] | None = None
    also_ignored: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    snapshot_only: bool = False
    summary: Mapping[str, str] | None = None
    service_cidrs: str | None = None
    crds: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return self.cluster.name

    def description(self) -> dict[str, Any]:
        ignored = self.ignore
        if ignored is None:
            ignored = TERWAY_IGNORED if self.cluster.plugin == "terway" else FLANNEL_IGNORED
        ignored = [*ignored, *self.also_ignored]
        expect = {entry: [one] if isinstance(one, str) else list(one) for entry, one in self.expect.items()}
        found: dict[str, Any] = {
            "title": self.title,
            "question": self.question,
            "scope": dict(self.scope),
            "expect": expect,
            "ignore": sorted({one for one in ignored if one not in self.expect}),
        }
        if self.forbidden:
            found["forbidden"] = list(self.forbidden)
        if self.snapshot_only:
            found["snapshot_only"] = True
        if self.summary:
            found["summary"] = dict(self.summary)
        if self.service_cidrs:
            found["service_cidrs"] = self.service_cidrs
        found["crds"] = list(self._crds())
        return found | {"why": self.why}

    def _crds(self) -> Sequence[str]:
        if self.crds is not None:
            return self.crds
        groups = ("network.alibabacloud.com", "alibabacloud.com")
        objects = self.cluster.objects()
        used = {(one["apiVersion"].split("/")[0], one["kind"]) for one in objects}
        found = [f"{plural}.{group}" for kind, plural, group in _CUSTOM if (group, kind) in used and group in groups]
        if any(one.endswith(".network.alibabacloud.com") for one in found):
            found = [f"{plural}.{group}" for _, plural, group in _CUSTOM if group == "network.alibabacloud.com"] + [
                one for one in found if not one.endswith(".network.alibabacloud.com")
            ]
        return found


class Collection(list[Scenario]):
    """The scenarios of a module; ``add`` decorates the functions that build them."""

    def add(self, build: Callable[[], Scenario]) -> Callable[[], Scenario]:
        self.append(build())
        return build


def scope_of(pod: Object) -> dict[str, str]:
    """The scope of somebody who asks about this pod."""
    return {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}


_CUSTOM = (
    ("Node", "nodes", "network.alibabacloud.com"),
    ("PodENI", "podenis", "network.alibabacloud.com"),
    ("PodNetworking", "podnetworkings", "network.alibabacloud.com"),
    ("NetworkInterface", "networkinterfaces", "network.alibabacloud.com"),
    ("NodeRuntime", "noderuntimes", "network.alibabacloud.com"),
    ("PodEIP", "podeips", "alibabacloud.com"),
    ("PodIPv6GW", "podipv6gws", "alibabacloud.com"),
)


class _Dumper(yaml.CSafeDumper):
    """Short lines for leaves, literal blocks for text of several lines, no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


_Dumper.add_representer(str, _text)


def _dump(documents: Sequence[Any]) -> str:
    return yaml.dump_all(
        documents, Dumper=_Dumper, sort_keys=False, default_flow_style=None, width=160, allow_unicode=True
    )


def files(scenario: Scenario) -> dict[str, str]:
    """Return the text of each file of the scenario's directory by its path there."""
    found = {
        "cluster.yaml": _MARK + _dump(scenario.cluster.objects()),
        "scenario.yaml": _MARK + _dump([scenario.description()]),
    }
    for (namespace, pod, container), text in scenario.cluster.logs.items():
        found[f"logs/{namespace}/{pod}/{container}.log"] = text
    return found


def stale(scenarios: Sequence[Scenario], directory: Path = DIRECTORY) -> list[Path]:
    """Return the directories that were made by this builder and no longer would be."""
    kept = {one.name for one in scenarios}
    return sorted(
        path.parent
        for path in directory.glob("*/scenario.yaml")
        if path.parent.name not in kept and path.read_text(encoding="utf-8").startswith(_MARK)
    )


def write(scenario: Scenario, directory: Path = DIRECTORY) -> bool:
    """Bring the scenario's directory up to date; tell whether anything changed."""
    target, wanted = directory / scenario.name, files(scenario)
    present = {str(path.relative_to(target)): path for path in target.rglob("*") if path.is_file()}
    changed = False
    for relative in present.keys() - wanted.keys():
        present[relative].unlink()
        changed = True
    for relative, text in wanted.items():
        if relative not in present or present[relative].read_text(encoding="utf-8") != text:
            path = target / relative
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed = True
    return changed
