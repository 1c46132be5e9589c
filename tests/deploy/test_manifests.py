"""The plain manifests, built by ``kubectl kustomize``."""

from __future__ import annotations

import shutil
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.settings import Settings
from tests.deploy.conftest import Run
from tests.deploy.helm import ROOT, generated, plain, rendered
from tests.deploy.objects import assert_valid, breaches, one

MANIFESTS = ROOT / "deploy" / "manifests"
Kustomize = Callable[[Path], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def kustomize(kubectl: str) -> Kustomize:
    def build(directory: Path) -> list[dict[str, Any]]:
        done = subprocess.run([kubectl, "kustomize", str(directory)], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return list(yaml.safe_load_all(done.stdout))

    return build


def test_what_is_made_from_something_else_is_current(helm: Run) -> None:
    stale = [path for path, text in helm(generated).items() if (ROOT / "deploy" / path).read_text() != text]
    assert stale == [], "run: python deploy/generate.py"


def test_kustomize_builds_what_the_chart_renders(helm: Run, kustomize: Kustomize) -> None:
    charted = helm(plain, helm(rendered, {"image": {"repository": "acknet"}, "existingSecret": "acknet"}))
    built = kustomize(MANIFESTS / "base")
    config = one(built, "ConfigMap")
    name = config["metadata"]["name"]  # ends with a digest of its content
    volumes = one(built, "Deployment")["spec"]["template"]["spec"]["volumes"]
    assert {"name": "settings", "configMap": {"name": name}} in volumes
    charts = one(charted, "ConfigMap")["data"]["acknet.toml"]
    assert tomllib.loads(charts) == tomllib.loads(config["data"]["acknet.toml"])

    def comparable(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
        kept = [each for each in objects if each["kind"] not in {"Namespace", "ConfigMap"}]
        text = yaml.safe_dump(sorted(kept, key=lambda each: (each["kind"], each["metadata"]["name"])))
        return yaml.safe_load(text.replace(name, "acknet"))

    assert comparable(built) == comparable(charted)


def test_an_installation_with_all_components_is_valid_and_restricted(kustomize: Kustomize, tmp_path: Path) -> None:
    copied = tmp_path / "manifests"
    shutil.copytree(MANIFESTS, copied)
    example = copied / "example" / "kustomization.yaml"
    content = yaml.safe_load(example.read_text())
    content["components"] = [f"../components/{each.name}" for each in (MANIFESTS / "components").iterdir()]
    example.write_text(yaml.safe_dump(content))
    objects = kustomize(example.parent)
    assert_valid(objects)
    assert breaches(one(objects, "Deployment")["spec"]["template"]["spec"]) == []
    assert one(objects, "Namespace")["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    assert {each["metadata"]["namespace"] for each in objects if each["kind"] == "Role"} == {
        "kube-system",
        "kube-flannel",
    }
    (slack,) = [
        peer
        for rule in one(objects, "NetworkPolicy")["spec"]["egress"]
        for peer in rule["to"]
        if peer.get("ipBlock", {}).get("cidr") == "0.0.0.0/0"
    ]
    assert "10.0.0.0/8" in slack["ipBlock"]["except"]


def test_the_example_names_its_image_and_settings(kustomize: Kustomize) -> None:
    objects = kustomize(MANIFESTS / "example")
    (container,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example.com/team/acknet:0.1.0"
    assert {"name": "ACKNET_OPEN_METRICS", "value": "true"} in container["env"]
    settings = tomllib.loads(one(objects, "ConfigMap")["data"]["acknet.toml"])
    assert settings == {"log_level": "info", "open_locally": False, "diagnosis_timeout": 20}
    assert Settings(**settings).diagnosis_timeout == 20
