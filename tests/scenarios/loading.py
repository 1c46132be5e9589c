"""Reads scenario directories, and runs them as a cluster's API would answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.log_window import log_end
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.objects import text
from bot.diagnosis.reader import Listing, LogWindow, Object, Unreadable
from bot.diagnosis.resources import ALLOWED, LOGS, Resource, of_object
from corpus import Corpus

NOW = dt.datetime(2026, 3, 2, 3, 4, 5, tzinfo=dt.UTC)
_PLACEHOLDER = re.compile(r"\{\{now(?:([+-]\d+)([smhd]))?\}\}")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Scenario:
    """A scenario: objects and logs (namespace, pod, container → text), their times filled in, and what is expected.

    ``now`` is the time that it plays at.
    """

    name: str
    objects: list[dict[str, Any]]
    logs: dict[tuple[str, str, str], str]
    data: dict[str, Any]
    now: dt.datetime = NOW

    @property
    def scope(self) -> Scope:
        return Scope(**{key: str(value) for key, value in (self.data.get("scope") or {}).items()})

    @property
    def expect(self) -> dict[str, list[str]]:
        return self.data["expect"]

    @property
    def ignore(self) -> frozenset[str]:
        return frozenset(self.data.get("ignore") or ())

    @property
    def forbidden(self) -> frozenset[str]:
        return frozenset(self.data.get("forbidden") or ())


def filled(text: str, now: dt.datetime = NOW) -> str:
    """Return ``text`` with its placeholders of times replaced."""

    def at(match: re.Match[str]) -> str:
        ahead = int(match[1]) * _SECONDS[match[2]] if match[1] else 0
        return (now + dt.timedelta(seconds=ahead)).strftime("%Y-%m-%dT%H:%M:%SZ")

    return _PLACEHOLDER.sub(at, text)


def load_scenario(directory: Path, now: dt.datetime = NOW) -> Scenario:
    """Read one scenario directory, with its times filled in for ``now``."""
    documents = yaml.load_all(filled((directory / "cluster.yaml").read_text(), now), Loader=yaml.CSafeLoader)
    logs = {
        (path.parent.parent.name, path.parent.name, path.stem): filled(path.read_text(), now)
        for path in sorted((directory / "logs").rglob("*.log"))
    }
    data = yaml.safe_load((directory / "scenario.yaml").read_text())
    return Scenario(directory.name, [document for document in documents if document], logs, data, now)


def scenario_directories(*roots: Path) -> list[Path]:
    """Return the scenario directories below ``roots``."""
    return sorted(path.parent for root in roots for path in root.glob("*/scenario.yaml"))


class ScenarioReader:
    """Answers as the API of the scenario's cluster would: what is not in it is not there, what is forbidden is."""

    def __init__(self, scenario: Scenario) -> None:
        self.source = f"scenario {scenario.name}"
        self._scenario = scenario
        self._store = ObjectStore("the scenario")
        groups = {str(one.get("apiVersion", "")).rpartition("/")[0] for one in scenario.objects}
        groups |= {name.partition(".")[2] for name in scenario.data.get("crds") or ()}
        for kind in ALLOWED:
            if kind.qualified in scenario.forbidden:
                self._store.refuse(kind.qualified, "forbidden", f"list {kind.qualified}")
            elif kind.group.endswith("alibabacloud.com") and kind.group not in groups:
                self._store.refuse(kind.qualified, "not_served")
            else:
                self._store.hold(kind)
        for one in scenario.objects:
            kind = of_object(str(one.get("apiVersion", "")), str(one.get("kind", "")))
            if kind:
                self._store.add(kind, as_json(one))
        self.requests, self.bytes = 0, 0

    async def now(self) -> dt.datetime:
        return self._scenario.now

    async def version(self) -> str:
        for one in self._scenario.objects:
            if one.get("kind") == "Node" and one.get("apiVersion") == "v1":
                return text(one, "status", "nodeInfo", "kubeletVersion")
        raise Unreadable("get /version", "not_captured")

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        self.requests += 1
        return self._store.get(resource, name, namespace)

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        self.requests += 1
        return self._store.list(resource, namespace=namespace, labels=labels, fields=fields, limit=limit)

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        self.requests += 1
        if LOGS in self._scenario.forbidden:
            raise Unreadable(f"log of {namespace}/{pod}", "forbidden", LOGS)
        found = self._scenario.logs.get((namespace, pod, f"{container}.previous" if window.previous else container))
        return None if found is None else log_end(found, window, self._scenario.now)


def as_json(value: Any) -> Any:
    """Turn what YAML reads as times back into the strings that JSON has."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, dt.datetime) else value


def run(scenario: Scenario, corpus: Corpus) -> Diagnosis:
    """Diagnose every entry in the scenario's scope, without its question."""
    return asyncio.run(diagnose(ScenarioReader(scenario), corpus, scope=scenario.scope))


def wrong_verdicts(scenario: Scenario, diagnosis: Diagnosis) -> dict[str, str]:
    """Return what is not exact: entry → what it is and what it ought to be."""
    wrong = {
        entry: f"{diagnosis.verdicts.get(entry)} instead of {' or '.join(accepted)}"
        for entry, accepted in scenario.expect.items()
        if diagnosis.verdicts.get(entry) not in accepted
    }
    for entry, verdict in diagnosis.verdicts.items():
        if verdict == "confirmed" and entry not in scenario.expect and entry not in scenario.ignore:
            wrong[entry] = "confirmed, which nobody expects"
    return wrong
