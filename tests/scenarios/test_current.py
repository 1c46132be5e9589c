"""The committed scenario directories are what the builder makes of their descriptions, and make sense in themselves."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from pathlib import Path

import pytest
import yaml

from tests.scenarios.building.collected import scenarios
from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import DIRECTORY, Scenario, files, stale

SCENARIOS = scenarios()
VERDICTS = {"confirmed", "ruled_out", "open", "unreadable", "by_hand"}
ENTRIES = {path.stem for path in (DIRECTORY.parents[1] / "corpus" / "entries").glob("*/*.md")}
EVENT_BYTES = 1024

each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)


@each
def test_a_committed_scenario_is_what_the_builder_makes(scenario: Scenario) -> None:
    directory = DIRECTORY / scenario.name
    committed = {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    assert committed == files(scenario), "run `python -m tests.scenarios.building`"


def test_no_directory_is_left_of_a_scenario_that_is_gone() -> None:
    left: list[Path] = stale(SCENARIOS)
    assert left == [], "run `python -m tests.scenarios.building`"


@each
def test_a_scenario_expects_known_verdicts_on_known_entries(scenario: Scenario) -> None:
    described = scenario.description()
    assert described["expect"]
    assert set(described["expect"]) | set(described["ignore"]) <= ENTRIES
    for accepted in described["expect"].values():
        assert accepted
        assert set(accepted) <= VERDICTS


@each
def test_what_a_scenario_asks_about_is_in_its_cluster(scenario: Scenario) -> None:
    objects = scenario.cluster.objects()
    names = {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects}
    namespace = scenario.scope.get("namespace")
    assert namespace is None or ("Namespace", None, namespace) in names
    for kind, scoped in (("Pod", namespace), ("Node", None), ("Service", namespace)):
        name = scenario.scope.get(kind.lower())
        assert name is None or (kind, scoped, name) in names


@each
def test_an_event_is_as_long_and_as_placed_as_an_api_server_keeps_it(scenario: Scenario) -> None:
    for one in scenario.cluster.events:
        assert len(one["message"].encode()) <= EVENT_BYTES
        assert one["metadata"]["namespace"] == one["involvedObject"].get("namespace", "default")


@each
def test_nothing_happens_to_a_pod_before_it_exists(scenario: Scenario) -> None:
    pods = {one["metadata"]["uid"]: one for one in scenario.cluster.objects() if one["kind"] == "Pod"}
    for one in scenario.cluster.events:
        pod = pods.get(one["involvedObject"]["uid"])
        if pod:
            first = one["eventTime"] or one["firstTimestamp"]
            assert _age(first) <= _age(pod["metadata"]["creationTimestamp"]), one["message"]
    for pod in pods.values():
        started = pod["status"].get("startTime")
        assert started is None or _age(started) <= _age(pod["metadata"]["creationTimestamp"])


@each
def test_a_pod_is_no_older_than_its_node(scenario: Scenario) -> None:
    objects = scenario.cluster.objects()
    nodes = {one["metadata"]["name"]: one for one in objects if _is(one, "v1", "Node")}
    for one in objects:
        if one["kind"] == "Pod" and "nodeName" in one["spec"]:
            node = nodes[one["spec"]["nodeName"]]
            name = one["metadata"]["name"]
            assert _age(one["metadata"]["creationTimestamp"]) <= _age(node["metadata"]["creationTimestamp"]), name


@each
def test_an_address_belongs_to_one_pod(scenario: Scenario) -> None:
    seen: dict[str, str] = {}
    for one in scenario.cluster.objects():
        if one["kind"] == "Pod" and not one["spec"].get("hostNetwork"):
            for held in one["status"].get("podIPs", []):
                assert held["ip"] not in seen, f"{one['metadata']['name']} and {seen[held['ip']]}"
                seen[held["ip"]] = one["metadata"]["name"]


@each
def test_a_reported_eni_has_addresses_of_its_vswitch_and_knows_its_pods(scenario: Scenario) -> None:
    objects = scenario.cluster.objects()
    nodes = {held["address"] for one in objects if _is(one, "v1", "Node") for held in one["status"]["addresses"]}
    pods = {
        (held["ip"], f"{one['metadata']['namespace']}/{one['metadata']['name']}")
        for one in objects
        if one["kind"] == "Pod"
        for held in one["status"].get("podIPs", [])
    }
    for one in objects:
        if not _is(one, "network.alibabacloud.com/v1beta1", "Node"):
            continue
        for eni in one.get("status", {}).get("networkInterfaces", {}).values():
            network = ipaddress.ip_network(eni["ipv4CIDR"])
            for ip, entry in eni.get("ipv4", {}).items():
                assert ipaddress.ip_address(ip) in network
                assert ip not in nodes
                assert "podID" not in entry or (ip, entry["podID"]) in pods


def test_scenarios_are_plain_yaml() -> None:
    for scenario in SCENARIOS:
        text = (DIRECTORY / scenario.name / "cluster.yaml").read_text(encoding="utf-8")
        filled = re.sub(r"\{\{now[^}]*\}\}", "2026-03-02T03:04:05Z", text)
        assert all(isinstance(one, dict) for one in yaml.load_all(filled, Loader=yaml.CSafeLoader))


def _is(one: Object, api_version: str, kind: str) -> bool:
    return (one["apiVersion"], one["kind"]) == (api_version, kind)


def _age(placeholder: str) -> dt.timedelta:
    span = re.fullmatch(r"\{\{now(?:-(\d+)([smhd]))?\}\}", placeholder)
    assert span, placeholder
    unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[span[2] or "s"]
    return dt.timedelta(**{unit: int(span[1] or 0)})
