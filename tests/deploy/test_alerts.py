"""The alert rules and the dashboard, checked by Prometheus' own tool."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.observe.metrics import Metrics
from bot.oncall.alertmanager import AlertmanagerWebhook, read_webhook
from bot.oncall.mapping import entry_of, question_of, scope_of
from bot.settings import Settings
from corpus import load_corpus
from tests.deploy.helm import ROOT

ALERTS = ROOT / "deploy" / "alerts"
DASHBOARD = ROOT / "deploy" / "dashboards" / "acknet.json"
PACKS = ("acknet", "faq")


@pytest.fixture(scope="module")
def promtool() -> Callable[..., str]:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("promtool is not installed; it is part of Debian's package prometheus")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run([tool, *map(str, arguments)], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def rules(pack: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((ALERTS / f"{pack}.rules.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.mark.parametrize("pack", PACKS)
def test_prometheus_takes_the_rules_and_they_fire_as_their_tests_say(promtool: Callable[..., str], pack: str) -> None:
    promtool("check", "rules", ALERTS / f"{pack}.rules.yaml")
    promtool("test", "rules", ALERTS / f"{pack}.test.yaml")


@pytest.mark.parametrize("pack", PACKS)
def test_every_alert_is_seen_firing_and_seen_silent(pack: str) -> None:
    fired: dict[str, set[bool]] = {}
    for each in yaml.safe_load((ALERTS / f"{pack}.test.yaml").read_text())["tests"]:
        for case in each["alert_rule_test"]:
            fired.setdefault(case["alertname"], set()).add(bool(case["exp_alerts"]))
    assert fired == {rule["alert"]: {True, False} for rule in rules(pack)}


@pytest.mark.parametrize("pack", PACKS)
def test_every_alert_says_how_bad_it_is_and_what_it_means(pack: str) -> None:
    for rule in rules(pack):
        assert rule["labels"]["severity"] in {"info", "warning", "critical"}, rule["alert"]
        assert rule["annotations"].keys() >= {"summary", "description"}, rule["alert"]


def test_alerts_of_the_faq_lead_to_entries_that_exist() -> None:
    entries = {entry.id for entry in load_corpus().entries}
    for rule in rules("faq"):
        base, _, entry = rule["annotations"]["runbook_url"].rpartition("/entries/")
        assert base == "https://acknet.example.com"
        assert entry in entries


def test_acknet_looks_where_an_alert_of_the_faq_points_and_at_the_entry_that_it_names() -> None:
    entries = {rule["alert"]: rule["annotations"]["runbook_url"].rpartition("/")[2] for rule in rules("faq")}
    seen = set()
    for each in yaml.safe_load((ALERTS / "faq.test.yaml").read_text())["tests"]:
        for case in each["alert_rule_test"]:
            for fired in case["exp_alerts"]:
                labels = {"alertname": case["alertname"], **fired["exp_labels"]}
                webhook = AlertmanagerWebhook.model_validate(
                    {
                        "version": "4",
                        "groupKey": "{}",
                        "status": "firing",
                        "alerts": [{"status": "firing", "labels": labels, "annotations": fired["exp_annotations"]}],
                    }
                )
                alerts = read_webhook(webhook).alerts
                assert entry_of(alerts) == entries[case["alertname"]]
                assert scope_of(alerts[0], Settings()).node == labels.get("node")
                assert question_of(alerts, Settings())
                seen.add(case["alertname"])
    assert seen == entries.keys()


def test_the_dashboard_asks_prometheus_what_it_understands(promtool: Callable[..., str], tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    expressions = [target["expr"] for panel in panels for target in panel["targets"]]
    recorded = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(expressions)
    ]
    path = tmp_path / "dashboard.rules.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": recorded}]}))
    promtool("check", "rules", path)
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_figures_of_rules_and_dashboard_are_figures_that_acknet_serves() -> None:
    metrics = Metrics()
    served = {
        name
        for family in metrics.registry.collect()
        for name in (family.name, *(family.name + suffix for suffix in ("_total", "_bucket", "_sum", "_count")))
    }
    text = (ALERTS / "acknet.rules.yaml").read_text() + DASHBOARD.read_text()
    used = set(re.findall(r"\backnet_[a-z_]+", text))
    assert used
    assert used <= served
