"""What makes no difference to a cluster makes none to the verdicts; what takes knowledge away turns none round."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bot.diagnosis.models import Diagnosis
from corpus import Corpus, load_corpus
from tests.scenarios.loading import Scenario, load_scenario, run, scenario_directories

EVERY = 41
DIRECTORIES = scenario_directories(Path(__file__).parent)[::EVERY]
Vary = Callable[[Scenario], None]
DIGEST = f"@sha256:{'ab' * 32}"


@cache
def corpus() -> Corpus:
    return load_corpus()


@cache
def usual(directory: Path) -> Diagnosis:
    return run(load_scenario(directory), corpus())


def varied(directory: Path, vary: Vary) -> Diagnosis:
    scenario = load_scenario(directory)
    scenario = replace(scenario, objects=copy.deepcopy(scenario.objects), logs=dict(scenario.logs))
    vary(scenario)
    return run(scenario, corpus())


def of_kind(scenario: Scenario, *kinds: str) -> Iterator[dict[str, Any]]:
    return (one for one in scenario.objects if one["kind"] in kinds)


def containers(scenario: Scenario) -> Iterator[dict[str, Any]]:
    for one in of_kind(scenario, "Pod", "DaemonSet", "Deployment"):
        spec = one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
        for group in ("containers", "initContainers"):
            yield from spec.get(group) or ()


def newer_recorder(scenario: Scenario) -> None:
    """Events come from the recorder that writes eventTime and series."""
    for event in of_kind(scenario, "Event"):
        last, first = event.pop("lastTimestamp", None), event.pop("firstTimestamp", None)
        if last is None:
            continue
        count = event.pop("count", None) or 1
        event["eventTime"] = first or last
        if count > 1:
            event["series"] = {"count": count, "lastObservedTime": last}
        event["reportingComponent"] = (event.pop("source", None) or {}).get("component", "")


def other_registry(scenario: Scenario) -> None:
    """Images come from a registry with a port, and have a digest behind their tag."""
    for container in containers(scenario):
        if "@" not in container["image"]:
            container["image"] = re.sub(r"^[^/]+/", "registry.internal:5000/", container["image"]) + DIGEST


def other_order(scenario: Scenario) -> None:
    """The containers of pods come in another order."""
    for one in of_kind(scenario, "Pod", "DaemonSet"):
        spec = one["spec"] if one["kind"] == "Pod" else one["spec"]["template"]["spec"]
        spec.get("containers", []).reverse()
        (one.get("status") or {}).get("containerStatuses", []).reverse()


def same_names_elsewhere(scenario: Scenario) -> None:
    """Another namespace has pods and Services of the same names."""
    for one in [*of_kind(scenario, "Pod", "Service")]:
        if one["metadata"]["namespace"] in {"kube-system", "default"}:
            continue
        twin = copy.deepcopy(one)
        twin["metadata"] |= {"namespace": "zz-elsewhere", "uid": f"elsewhere-{one['metadata'].get('uid')}"}
        if twin["kind"] == "Pod":
            twin["spec"].pop("nodeName", None)
            twin["status"] = {"phase": "Succeeded"}
        else:
            twin["spec"] |= {"clusterIP": "None", "clusterIPs": ["None"]}
        scenario.objects.append(twin)


def carriage_returns(scenario: Scenario) -> None:
    """ConfigMaps were edited on Windows."""
    for one in of_kind(scenario, "ConfigMap"):
        for key in ("config.conf", "Corefile"):
            if isinstance(text := (one.get("data") or {}).get(key), str):
                one["data"][key] = text.replace("\n", "\r\n")


def digests_alone(scenario: Scenario) -> None:
    """Images have a digest and no tag, so that no version is known."""
    for container in containers(scenario):
        container["image"] = re.sub(r":[^/:@]*$", "", container["image"].partition("@")[0]) + DIGEST


def no_managed_fields(scenario: Scenario) -> None:
    """Nothing tells when an object was last changed."""
    for one in scenario.objects:
        one["metadata"].pop("managedFields", None)


def no_logs(scenario: Scenario) -> None:
    """The logs were rotated away."""
    scenario.logs.clear()


def of_former_pods(scenario: Scenario) -> None:
    """All events of pods are about earlier ones of the same names."""
    for event in of_kind(scenario, "Event"):
        if event["involvedObject"].get("kind") == "Pod":
            event["involvedObject"]["uid"] = "00000000-former"


@pytest.mark.parametrize(
    "vary",
    [newer_recorder, other_registry, other_order, same_names_elsewhere, carriage_returns],
    ids=lambda vary: vary.__name__,
)
def test_what_changes_nothing_changes_no_verdict(vary: Vary) -> None:
    for directory in DIRECTORIES:
        assert varied(directory, vary).verdicts == usual(directory).verdicts, directory.name


@pytest.mark.parametrize(
    "vary", [digests_alone, no_managed_fields, no_logs, of_former_pods], ids=lambda vary: vary.__name__
)
def test_what_takes_knowledge_away_confirms_nothing_that_was_ruled_out(vary: Vary) -> None:
    for directory in DIRECTORIES:
        before, after = usual(directory).verdicts, varied(directory, vary).verdicts
        turned = {
            entry: f"{before[entry]}, now {verdict}"
            for entry, verdict in after.items()
            if {before[entry], verdict} == {"confirmed", "ruled_out"}
        }
        assert turned == {}, directory.name
