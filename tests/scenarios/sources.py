"""Runs a scenario through real sources: a live API (the double, over HTTP) and a snapshot directory."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.resources import ALLOWED, of_object
from bot.diagnosis.snapshot.reader import SnapshotReader
from corpus import Corpus
from tests.doubles.kubernetes_api import kubernetes_api
from tests.scenarios.loading import NOW, Scenario, as_json


def run_live(scenario: Scenario, corpus: Corpus, directory: Path) -> Diagnosis:
    """Diagnose every entry through the API double."""
    logs = {key: text for key, text in scenario.logs.items() if not key[2].endswith(".previous")}
    previous = {
        (namespace, pod, container.removesuffix(".previous")): text
        for (namespace, pod, container), text in scenario.logs.items()
        if container.endswith(".previous")
    }
    objects = [as_json(one) for one in scenario.objects]

    async def run(kubeconfig: Path) -> Diagnosis:
        async with LiveReader.open(kubeconfig) as reader:
            return await diagnose(reader, corpus, scope=scenario.scope, seconds=60)

    with kubernetes_api(
        objects,
        logs=logs,
        previous_logs=previous,
        crds=[one for one in ALLOWED if one.qualified in (scenario.data.get("crds") or ())],
        forbidden=scenario.forbidden,
        now=NOW,
        version=server_version(scenario),
    ) as api:
        return asyncio.run(run(api.kubeconfig(directory)))


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
        "capturedAt": NOW.isoformat(),
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
