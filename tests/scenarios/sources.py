"""Runs a scenario through real sources: a live API (the double, or a real server) and a snapshot directory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.rbac import manifests
from bot.diagnosis.reader import Object
from bot.diagnosis.resources import ALLOWED, Resource, of_object
from bot.diagnosis.snapshot.reader import SnapshotReader
from corpus import Corpus
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.real_cluster import RealCluster
from tests.scenarios.loading import Scenario, as_json


def run_live(scenario: Scenario, corpus: Corpus, directory: Path, **served: Any) -> Diagnosis:
    """Diagnose every entry through the API double; ``served`` is what is special about it."""
    logs = {key: text for key, text in scenario.logs.items() if not key[2].endswith(".previous")}
    previous = {
        (namespace, pod, container.removesuffix(".previous")): text
        for (namespace, pod, container), text in scenario.logs.items()
        if container.endswith(".previous")
    }
    usual: dict[str, Any] = {"version": server_version(scenario), "logs": logs, "previous_logs": previous}
    with kubernetes_api(
        [as_json(one) for one in scenario.objects],
        crds=_definitions(scenario),
        forbidden=scenario.forbidden,
        now=scenario.now,
        **(usual | served),
    ) as api:
        return _diagnose_live(scenario, corpus, api.kubeconfig(directory))


def run_real(
    scenario: Scenario, corpus: Corpus, directory: Path, cluster: RealCluster
) -> tuple[Diagnosis, Sequence[Object]]:
    """Diagnose every entry through a real API server, as who has the shipped roles.

    It has no kubelet: logs cannot be read there. Returns too the objects that its version cannot hold.
    """
    left = cluster.load(map(as_json, scenario.objects), _definitions(scenario))
    user = cluster.user(_roles_without(scenario.forbidden)) if scenario.forbidden else None
    diagnosis = _diagnose_live(scenario, corpus, cluster.kubeconfig(directory, user=user))
    return diagnosis, left


def _definitions(scenario: Scenario) -> list[Resource]:
    return [one for one in ALLOWED if one.qualified in (scenario.data.get("crds") or ())]


def _diagnose_live(scenario: Scenario, corpus: Corpus, kubeconfig: Path) -> Diagnosis:
    async def run() -> Diagnosis:
        async with LiveReader.open(kubeconfig) as reader:
            return await diagnose(reader, corpus, scope=scenario.scope, seconds=60)

    return asyncio.run(run())


def _roles_without(forbidden: Collection[str]) -> Iterator[dict[str, Any]]:
    for role in yaml.safe_load_all(manifests()["roles.yaml"]):
        for rule in role["rules"]:
            group = rule["apiGroups"][0]
            rule["resources"] = [
                one
                for one in rule["resources"]
                if (f"{one}.{group}" if group.endswith("alibabacloud.com") else one) not in forbidden
            ]
        yield {**role, "rules": [rule for rule in role["rules"] if rule["resources"]]}


def run_snapshot(scenario: Scenario, corpus: Corpus, directory: Path) -> Diagnosis:
    """Diagnose every entry in a snapshot of the scenario, as kubectl would have written it."""
    write_snapshot_of(scenario, directory)
    reader = SnapshotReader.open(directory)
    return asyncio.run(diagnose(reader, corpus, scope=scenario.scope, seconds=60))


def write_snapshot_of(scenario: Scenario, directory: Path) -> None:
    """Write a scenario as a snapshot."""
    lists: dict[str, list[object]] = {}
    served = []
    for kind in ALLOWED:
        own = [as_json(one) for one in scenario.objects if of_object(one["apiVersion"], one["kind"]) is kind]
        if kind.qualified in scenario.forbidden:
            continue
        if own or not kind.group.endswith("alibabacloud.com"):
            served.append(kind.qualified)
            lists[kind.qualified] = own
    for name, items in lists.items():
        (directory / f"{name}.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    meta = {
        "capturedAt": scenario.now.isoformat(),
        "version": server_version(scenario),
        "served": served,
        "forbidden": sorted(scenario.forbidden),
    }
    (directory / "acknet-snapshot.json").write_text(json.dumps(meta))
    if "pods/log" not in scenario.forbidden:
        for (namespace, pod, container), text in scenario.logs.items():
            path = directory / "logs" / namespace / pod / f"{container}.log"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


def server_version(scenario: Scenario) -> str:
    """Return the version that the scenario's API server has."""
    kubelets = (
        one["status"]["nodeInfo"]["kubeletVersion"]
        for one in scenario.objects
        if one["kind"] == "Node" and one["apiVersion"] == "v1"
    )
    return str(next(kubelets, "v1.32.1-aliyun.1"))
