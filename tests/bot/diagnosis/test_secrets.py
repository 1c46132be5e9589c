"""No credential that lies in a cluster leaves acknet: not in a diagnosis, a snapshot, an error or a log."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.kubernetes_api import kubernetes_api
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
ID, SECRET = "LTAI5tPLANTEDplantedPLANTED", "plantedSecretAAAABBBBCCCCDDDDEE"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJwbGFudGVkIjoidHJ1ZSJ9.cGxhbnRlZHNpZ25hdHVyZXBsYW50ZWQ"
PLANTED = (ID, SECRET, JWT)


def poisoned(value: Any) -> Any:
    """Plant credentials wherever text stands that acknet might show."""
    if isinstance(value, dict):
        found = {key: poisoned(item) for key, item in value.items()}
        if found.get("kind") == "ConfigMap" and isinstance(found.get("data"), dict):
            found["data"] = {key: in_body(text) for key, text in found["data"].items()}
            found["data"]["cloud-config.conf"] = f"Global:\n  accessKeyID: {ID}\n  accessKeySecret: {SECRET}\n"
        if "message" in found and isinstance(found["message"], str):
            found["message"] += f" accessKeyId={ID} accessKeySecret={SECRET} Authorization: Bearer {JWT}"
        if "annotations" in found and isinstance(found["annotations"], dict):
            found["annotations"] = found["annotations"] | {"planted": f"token={JWT}"}
        if "image" in found and "name" in found:
            found["env"] = [{"name": "ACCESS_KEY_SECRET", "value": SECRET}, {"name": "ACCESS_KEY_ID", "value": ID}]
        return found
    if isinstance(value, list):
        return [poisoned(item) for item in value]
    return value


def in_body(text: Any) -> Any:
    if not isinstance(text, str) or not text.lstrip().startswith("{"):
        return text
    try:
        body = json.loads(text)
    except ValueError:
        return text
    return json.dumps(body | {"access_key": ID, "access_secret": SECRET, "security_token": JWT})


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("diagnose", "terway-exhausted-log-only"),
        ("diagnose --json", "terway-exhausted-crd-condition"),
        ("snapshot", "terway-eip-still-in-terway"),
    ],
)
def test_planted_credentials_appear_nowhere(command: str, name: str, tmp_path: Path) -> None:
    scenario = load_scenario(SCENARIOS / name)
    objects = [poisoned(as_json(one)) for one in scenario.objects]
    planted_line = f'time="x" level=info msg="got config" access_key={ID} access_secret={SECRET} token: {JWT}\n'
    logs = {key: planted_line + text for key, text in scenario.logs.items()}
    scope = [word for key, value in scenario.data["scope"].items() for word in (f"--{key}", str(value))]
    with kubernetes_api(objects, logs=logs, now=NOW) as api:
        environment = os.environ | {"KUBECONFIG": str(api.kubeconfig(tmp_path)), "ACKNET_LOG_LEVEL": "debug"}
        words = [*command.split(), *([str(tmp_path / "snapshot")] if command == "snapshot" else []), *scope]
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words], env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode in {0, 1}, done.stderr
    written = "".join(path.read_text() for path in (tmp_path / "snapshot").rglob("*") if path.is_file())
    shown = done.stdout + done.stderr + written
    assert len(shown) > 1000
    assert not [secret for secret in PLANTED if secret in shown]
