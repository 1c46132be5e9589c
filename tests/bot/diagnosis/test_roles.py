"""The roles that are shipped: current, sufficient, and nothing in them that is not needed."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.diagnosis.facts.registry import collectors
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.rbac import manifests
from bot.diagnosis.reference import pages
from bot.diagnosis.snapshot.capture import capture
from tests.doubles.kubernetes_api import kubernetes_api
from tests.scenarios.loading import NOW, Scenario, as_json, load_scenario, scenario_directories

ROOT = Path(__file__).parents[3]
SCENARIOS = scenario_directories(ROOT / "tests" / "scenarios")
Role = dict[str, Any]


@cache
def roles() -> Sequence[Role]:
    return tuple(yaml.safe_load_all(manifests()["roles.yaml"]))


def rules() -> Iterator[tuple[int, int, str]]:
    """Each resource of each rule: which role, which rule, which resource."""
    for role, manifest in enumerate(roles()):
        for rule, content in enumerate(manifest["rules"]):
            for resource in content["resources"]:
                yield role, rule, resource


def without(role: int, rule: int, resource: str) -> list[Role]:
    left = copy.deepcopy(list(roles()))
    left[role]["rules"][rule]["resources"].remove(resource)
    if not left[role]["rules"][rule]["resources"]:
        del left[role]["rules"][rule]
    return left


def refused(scenario: Scenario, granted: Sequence[Role], directory: Path) -> set[tuple[str, str]]:
    async def run(kubeconfig: Path) -> set[tuple[str, str]]:
        async with LiveReader.open(kubeconfig) as reader:
            kept = await capture(reader, scope=scenario.scope)
        return {(kind, reason) for kind, reason in kept.refused if reason == "forbidden"}

    objects = [as_json(one) for one in scenario.objects]
    with kubernetes_api(objects, logs=scenario.logs, rbac=granted, now=NOW) as api:
        return asyncio.run(run(api.kubeconfig(directory)))


@pytest.mark.parametrize("name", ["roles.yaml", "bindings.yaml"])
def test_the_shipped_manifests_are_what_the_collectors_declare(name: str) -> None:
    shipped = (ROOT / "deploy" / "rbac" / name).read_text()
    assert shipped == manifests()[name], "run: python -m bot.diagnosis.rbac deploy/rbac"


@pytest.mark.parametrize("name", ["facts.md", "permissions.md"])
def test_the_reference_pages_are_what_the_collectors_declare(name: str) -> None:
    assert (ROOT / "docs" / name).read_text() == pages()[name], "run: python -m bot.diagnosis.reference docs"


def test_every_collector_says_what_it_is_for_and_how_a_person_sees_the_same() -> None:
    for collector in collectors().values():
        assert collector.doc.endswith("."), collector.name
        assert collector.kubectl.startswith("kubectl "), collector.name


def test_nothing_but_reading_what_is_listed_is_granted() -> None:
    for role in roles():
        for rule in role["rules"]:
            assert set(rule["verbs"]) <= {"get", "list"}
            assert not {"*", "secrets", "pods/exec", "pods/attach", "pods/proxy", "nodes/proxy"} & set(
                rule["resources"]
            )
            assert "*" not in rule["apiGroups"]
            if "pods/log" in rule["resources"]:
                assert role["metadata"].get("namespace") == "kube-system"


@pytest.mark.parametrize("directory", SCENARIOS[::29], ids=lambda directory: directory.name)
def test_the_roles_are_enough(directory: Path, tmp_path: Path) -> None:
    assert refused(load_scenario(directory), roles(), tmp_path) == set()


@pytest.mark.parametrize(("role", "rule", "resource"), list(rules()), ids=str)
def test_each_rule_is_needed(role: int, rule: int, resource: str, tmp_path: Path) -> None:
    left = without(role, rule, resource)
    # A few of every kind first; what none of them reads takes a rarer one.
    for number, directory in enumerate([*SCENARIOS[::17], *reversed(SCENARIOS)]):
        scratch = tmp_path / str(number)
        scratch.mkdir()
        if any(kind.startswith(resource) for kind, _ in refused(load_scenario(directory), left, scratch)):
            return
    pytest.fail(f"nothing turned unreadable without {resource}")
