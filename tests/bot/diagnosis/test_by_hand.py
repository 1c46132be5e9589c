"""Where to look by hand is said with the names that were read, and with words where none were."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from bot.diagnosis.facts.registry import collectors
from corpus import load_corpus
from corpus.by_hand import filled, place_error, places
from tests.scenarios.loading import Scenario, load_scenario, run

SCENARIOS = Path(__file__).parents[2] / "scenarios"
CORPUS = load_corpus()


def by_hand(scenario: Scenario, entry: str, case: str) -> str:
    found = run(scenario, CORPUS).findings
    return next(one.by_hand or "" for one in found if (one.entry, one.case) == (entry, case))


def test_the_vswitches_and_the_node_in_question_are_named():
    scenario = load_scenario(SCENARIOS / "terway-exhausted-detail-without-crs")
    told = by_hand(scenario, "terway-vswitch-ip-exhausted", "private-ip-quota")
    assert "available IPs of vsw-" in told
    assert "{{" not in told
    told = by_hand(scenario, "terway-vswitch-ip-exhausted", "node-config-overrides")
    node = next(one["spec"]["nodeName"] for one in scenario.objects if one["metadata"]["name"] == scenario.scope.pod)
    assert f"kubectl get node {node} -L terway-config" in told


def test_words_stand_where_nothing_was_read():
    scenario = load_scenario(SCENARIOS / "terway-exhausted-detail-without-crs")
    nothing = replace(scenario, objects=[one for one in scenario.objects if one["kind"] == "DaemonSet"])
    told = by_hand(nothing, "terway-vswitch-ip-exhausted", "node-config-overrides")
    assert "kubectl get node <node> -L terway-config" in told


def test_a_name_that_is_no_name_is_not_filled_in():
    scenario = load_scenario(SCENARIOS / "terway-exhausted-detail-without-crs")
    lying = replace(scenario, objects=copy.deepcopy(scenario.objects))
    for one in lying.objects:
        if one["metadata"]["name"] == "eni-config":
            one["data"]["eni_conf"] = one["data"]["eni_conf"].replace("vsw-", "`reboot` vsw-")
    told = by_hand(lying, "terway-vswitch-ip-exhausted", "private-ip-quota")
    assert "reboot" not in told


@pytest.mark.parametrize("entry", CORPUS.entries, ids=lambda entry: entry.id)
def test_every_place_names_a_field_of_a_fact(entry):
    for case in entry.cases:
        for fact, field in places(case.by_hand or ""):
            model = collectors()[fact].model
            assert field in model.model_fields or isinstance(getattr(model, field, None), property), (
                case.id,
                fact,
                field,
            )
        assert "{{" not in (case.look() or "")


def test_the_first_field_that_was_read_counts_and_many_names_are_counted():
    text = 'read {{ a.x or b.y or "them" }}.'
    assert filled(text) == "read them."
    assert filled(text, lambda fact, _: ["vsw-1", "vsw-1"] if fact == "b" else []) == "read vsw-1."
    assert filled(text, lambda *_: [f"n{number}" for number in range(10)]).endswith("n7 and 2 more.")


@pytest.mark.parametrize("text", ["{{ a.b }}", '{{ a.b | join(", ") }}', '{{ a or "b" }}', 'x {{ a.b or "c"', "c }}"])
def test_a_place_written_otherwise_is_a_mistake(text):
    assert place_error(text)
    assert place_error('{{ a.b or "c" }}') is None
