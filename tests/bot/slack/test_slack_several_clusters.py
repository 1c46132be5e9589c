"""Looks from Slack where the settings name several clusters: one is chosen, and only of those that are allowed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.slack.blocks import names
from tests.bot.slack.conftest import EVENTS, SCOPES, Live
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import KubernetesApi, kubernetes_api
from tests.doubles.slack import Message, RateLimits, slack_platform
from tests.doubles.slack_bot import running_bot, slack_settings
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "terway-exhausted-crd-condition")
SCOPE: dict[str, str] = dict(SCENARIO.data["scope"])
ENTRY = "terway-vswitch-ip-exhausted"
CLUSTERS = ("prod", "stage", "secret")


@dataclass
class Fleet:
    live: Live
    apis: dict[str, KubernetesApi]

    def looks(self) -> list[Any]:
        """Return what the audit log says of looks, oldest first."""
        kept = self.live.running.run(self.live.running.service.store.audit.list)
        return sorted((one for one in kept if one.action == "look"), key=lambda one: one.at)

    def read_from(self) -> set[str]:
        return {name for name, api in self.apis.items() if api.requests}

    def choose(self, shown: Message, cluster: str) -> None:
        """Ask for a look and choose a cluster in the form."""
        self.live.slack.click(shown, names.RUN_CHECKS, "U1").wait(30)
        (modal,) = self.live.slack.wait_until(lambda: self.live.slack.modals("U1"), timeout=90)
        self.live.slack.submit(modal, SCOPE | {names.FIELD_CLUSTER: cluster}).wait(30)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """A bot that may look into prod, where addresses have run out, and into empty stage, but not into secret."""
    objects = [as_json(one) for one in SCENARIO.objects]
    with (
        slack_platform(limits=RateLimits(enabled=False), events=EVENTS, scopes=SCOPES) as slack,
        kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as prod,
        kubernetes_api([], now=NOW) as stage,
        kubernetes_api(objects, now=NOW) as secret,
    ):
        slack.user("U1")
        slack.channel("C1", members=["U1"])
        apis = dict(zip(CLUSTERS, (prod, stage, secret), strict=True))
        settings = slack_settings(
            slack,
            tmp_path,
            kubeconfig=kubeconfig_of(apis, tmp_path),
            context="prod",
            clusters=CLUSTERS[1:],
            diagnosis_timeout=300,
            slack_probe=True,
            slack_probe_clusters=("default", "stage"),
            slack_probe_namespaces=(f"prod/{SCOPE['namespace']}", f"stage/{SCOPE['namespace']}", "stage/web"),
        )
        engine = StandInEngine()
        with running_bot(slack, settings, lambda: engine) as running:
            yield Fleet(Live(slack, running, engine, "C1"), apis)


def kubeconfig_of(apis: dict[str, KubernetesApi], directory: Path) -> Path:
    """Write one file with a context for each."""
    merged: dict[str, Any] = {}
    for name, api in apis.items():
        written = yaml.safe_load(api.kubeconfig(directory, context=name, name=name).read_text())
        (written["clusters"][0]["name"], written["users"][0]["name"]) = (name, name)
        written["contexts"][0]["context"] = {"cluster": name, "user": name}
        for part in ("clusters", "users", "contexts"):
            merged.setdefault(part, []).extend(written[part])
        merged = {**written, **merged, "current-context": "secret"}
    path = directory / "kubeconfig"
    path.write_text(yaml.safe_dump(merged))
    return path


def test_one_is_chosen_looked_into_and_named_in_the_audit_log(fleet: Fleet) -> None:
    slack, live = fleet.live.slack, fleet.live
    question = slack.mention("C1", "U1", f"{ENTRY}?")
    shown = live.answers(question.ts)[0]
    slack.click(shown, names.RUN_CHECKS, "U1").wait(30)
    (modal,) = slack.wait_until(lambda: slack.modals("U1"), timeout=90)
    (choice,) = [block for block in modal.blocks if block["block_id"] == names.FIELD_CLUSTER]
    offered = [option["value"] for option in choice["element"]["options"]]
    elsewhere = slack.submit(modal, {"namespace": "web", "pod": "web-1", names.FIELD_CLUSTER: "prod"}).wait(30)
    slack.close_modal(modal)
    assert offered == ["prod", "stage"]
    assert SCOPE["namespace"] in elsewhere.errors["namespace"]
    assert fleet.read_from() == set()

    fleet.choose(shown, "stage")
    slack.wait_until(lambda: len(fleet.looks()) == 1, timeout=90)
    live.settle()
    assert fleet.read_from() == {"stage"}
    assert "Confirmed" not in slack.message(shown).text

    fleet.apis["stage"].requests.clear()
    slack.click(slack.message(shown), names.ANOTHER_LOOK, "U1").wait(30)
    slack.wait_until(lambda: len(fleet.looks()) == 2, timeout=90)
    live.settle()
    assert fleet.read_from() == {"stage"}
    assert slack.modals("U1") == []

    again = live.answers(slack.mention("C1", "U1", f"{ENTRY}!").ts)[0]
    fleet.choose(again, "prod")
    slack.wait_until(lambda: "Confirmed" in slack.message(again).text, timeout=90)
    live.settle()
    slack.click(slack.message(again), names.ANOTHER_LOOK, "U1").wait(30)
    slack.wait_until(lambda: len(fleet.looks()) == 4, timeout=90)
    live.settle()

    assert fleet.read_from() == {"stage", "prod"}
    assert [one.outcome["scope"]["cluster"] for one in fleet.looks()] == ["stage", "stage", "prod", "prod"]
    assert slack.modals("U1") == []
    assert "prod" in slack.message(again).words
