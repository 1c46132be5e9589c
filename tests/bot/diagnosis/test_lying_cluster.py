"""A cluster that lies: objects with anything anywhere, names that are commands. The answer is whole all the same."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import MISREAD
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.report import report
from bot.diagnosis.shown_commands import NO_COMMAND, shown_command
from bot.render import markdown_diagnosis
from corpus import Corpus, load_corpus
from tests.scenarios.loading import Scenario, ScenarioReader, load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NAMES = ("terway-exhausted-crd-condition", "flannel-leak-reboot", "ipvs-not-restarted", "ipv6-vip-old-pods")
WRONG = st.one_of(
    st.sampled_from([None, 0, -1, 10**30, 0.5, True, "", "x", "$(reboot)", "; rm -rf /", "\u202e\x00", "9" * 400]),
    st.sampled_from([[], {}, [[]], [None], {"a": {"b": []}}, ["x", 1], {"name": {}}, {"": ""}]),
)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return load_corpus()


@pytest.fixture(scope="module")
def scenarios() -> dict[str, Scenario]:
    return {name: load_scenario(SCENARIOS / name) for name in NAMES}


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path in an object below its first level, apart from the fields that make it an object."""
    found = [at] if len(at) > 1 and at not in {("metadata", "name"), ("metadata", "namespace")} else []
    if isinstance(value, dict):
        return found + [path for key, item in value.items() for path in paths(item, (*at, key))]
    if isinstance(value, list):
        return found + [path for number, item in enumerate(value) for path in paths(item, (*at, number))]
    return found


def put(value: Any, path: tuple[Any, ...], wrong: Any) -> None:
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = copy.deepcopy(wrong)


def diagnosed(scenario: Scenario, corpus: Corpus) -> Diagnosis:
    return asyncio.run(diagnose(ScenarioReader(scenario), corpus, scope=scenario.scope))


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(name=st.sampled_from(NAMES), data=st.data())
def test_objects_with_anything_anywhere_make_a_whole_answer(name, data, scenarios, corpus):
    scenario = replace(scenarios[name], objects=copy.deepcopy(scenarios[name].objects))
    for _ in range(data.draw(st.integers(1, 25))):
        obj = data.draw(st.sampled_from(scenario.objects))
        places = paths(obj)
        if places:
            put(obj, data.draw(st.sampled_from(places)), data.draw(WRONG))
    found = diagnosed(scenario, corpus)
    assert len(found.verdicts) == len(corpus.entries)
    for finding in found.findings:
        assert finding.evidence or finding.verdict != "confirmed"
        assert not any(MISREAD in one for one in finding.missing), finding.missing
        assert all(shown_command(one.kubectl) == one.kubectl or one.kubectl == NO_COMMAND for one in finding.evidence)


@pytest.mark.parametrize("name", NAMES)
def test_one_wrong_value_everywhere_makes_a_whole_answer(name, scenarios, corpus):
    for wrong in (None, "x", 7, [], {}):
        scenario = replace(scenarios[name], objects=copy.deepcopy(scenarios[name].objects))
        for obj in scenario.objects:
            for key, value in obj.items():
                if key not in {"apiVersion", "kind", "metadata"} and isinstance(value, dict):
                    obj[key] = dict.fromkeys(value, wrong)
        found = diagnosed(scenario, corpus)
        assert len(found.verdicts) == len(corpus.entries)
        assert not [one for finding in found.findings for one in finding.missing if MISREAD in one]


@pytest.mark.parametrize(
    "name",
    ["x; rm -rf /", "$(reboot)", "`id`", "x | sh", "-A", "--kubeconfig=/tmp/x", "x\ny", "x'y", "../x", "X Y", "x&"],
)
def test_a_name_that_is_a_command_is_in_no_command_shown(name, scenarios, corpus):
    harmless = commands_of(diagnosed(renamed(scenarios[NAMES[0]], "harmless"), corpus))
    # One that is shown whatever objects are called may hold the same letters.
    found = commands_of(diagnosed(renamed(scenarios[NAMES[0]], name), corpus)) - harmless
    assert not [command for command in found if name in command]


def renamed(scenario: Scenario, name: str) -> Scenario:
    scenario = replace(scenario, objects=copy.deepcopy(scenario.objects))
    scope = scenario.data["scope"]
    for obj in scenario.objects:
        if obj["kind"] == "Pod" and obj["metadata"]["name"] == scope["pod"]:
            obj["spec"]["nodeName"] = name
        if obj["kind"] in {"Node", "ConfigMap", "DaemonSet"}:
            obj["metadata"]["name"] = name
        if obj["kind"] == "Event":
            obj["involvedObject"]["kind"] = name
    return scenario


def commands_of(found: Diagnosis) -> set[str]:
    return {one.kubectl for finding in found.findings for one in finding.evidence}


@pytest.mark.parametrize(
    "command",
    [
        "kubectl delete pod web-0",
        "kubectl -n shop exec web-0 -- sh",
        "kubectl get pod web-0 -o yaml; rm -rf /",
        "kubectl get pod web-0 && id",
        "kubectl get pod $(id)",
        "kubectl --kubeconfig=/tmp/x get pod web-0",
        "kubectl get --raw /api/v1/secrets",
        "kubectl -n shop get pod web-0 -o jsonpath='{.x}{\"`id`\"}'",
        "kubectl get pods -A | sh",
        "kubectl get pod web-0\nid",
        "kubectl get events --field-selector involvedObject.name=x;id",
        "sudo kubectl get pods",
        "",
    ],
)
def test_commands_of_another_shape_are_not_shown(command):
    assert shown_command(command) == NO_COMMAND


class Hanging(ScenarioReader):
    """A cluster that never answers on one kind of object."""

    def __init__(self, scenario: Scenario, plural: str) -> None:
        super().__init__(scenario)
        self._plural = plural

    async def get(self, resource: Any, name: str, namespace: str | None = None) -> Any:
        await self._wait(resource)
        return await super().get(resource, name, namespace)

    async def list(self, resource: Any, **options: Any) -> Any:
        await self._wait(resource)
        return await super().list(resource, **options)

    async def _wait(self, resource: Any) -> None:
        if resource.plural == self._plural:
            await asyncio.Event().wait()


def test_what_hangs_holds_up_no_entry_that_does_not_ask_for_it(scenarios, corpus):
    scenario = scenarios["terway-exhausted-crd-condition"]
    scope = replace(scenario.scope, service="web")
    found = asyncio.run(diagnose(Hanging(scenario, "services"), corpus, scope=scope, seconds=8))
    assert found.verdicts["terway-vswitch-ip-exhausted"] == "confirmed"
    assert found.verdicts["flannel-hairpin"] == "ruled_out"
    missing = {one for finding in found.findings if finding.verdict == "unreadable" for one in finding.missing}
    assert missing
    assert all("no answer in time" in one for one in missing)


def test_what_a_cluster_says_in_place_of_its_version_is_not_shown(scenarios, corpus):
    found = diagnosed(scenarios["terway-exhausted-crd-condition"], corpus)
    summary = found.cluster.model_copy(update={"version": "v1.30.1 see https://evil.example \x1b[2J"})
    shown = markdown_diagnosis(report(found.model_copy(update={"cluster": summary}), corpus))
    assert "evil.example" not in shown
    assert "Terway" in shown
    right = found.cluster.model_copy(update={"version": "v1.32.1-aliyun.1"})
    assert "Kubernetes v1.32.1-aliyun.1," in markdown_diagnosis(
        report(found.model_copy(update={"cluster": right}), corpus)
    )


def test_nothing_that_acts_on_a_reader_gets_into_the_markdown(scenarios, corpus):
    found = diagnosed(scenarios["terway-exhausted-crd-condition"], corpus)
    hostile = "\x1b[2J\u202e# [click](https://evil.example)"
    worse = [one.model_copy(update={"claim": one.claim + hostile, "missing": (hostile,)}) for one in found.findings]
    shown = markdown_diagnosis(report(found.model_copy(update={"findings": tuple(worse)}), corpus))
    assert "\\[click\\](https://evil.example)" in shown
    assert not {"\x1b", "\u202e"} & set(shown)
