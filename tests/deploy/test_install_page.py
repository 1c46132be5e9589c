"""docs/install.md: what it tells people to write and to type is what chart, kustomize and acknet take."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from bot.cli.app import app
from tests.deploy.conftest import Render
from tests.deploy.helm import ROOT
from tests.deploy.objects import assert_valid

PAGE = (ROOT / "docs" / "install.md").read_text()


def blocks(language: str, first: str = "") -> list[str]:
    """The fenced blocks of a language whose first line is ``first``."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    return [block for block in found if block.startswith(first)]


def merged(values: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """One file of values that grows step by step."""
    both = {name: merged(values[name], more[name]) for name in values.keys() & more if isinstance(more[name], dict)}
    return values | more | both


def test_all_values_are_values_of_the_chart_one_after_the_other(render: Render) -> None:
    values: dict[str, Any] = {}
    steps = blocks("yaml", "# values.yaml\n")
    assert len(steps) > 6
    for step in steps:
        values = merged(values, yaml.safe_load(step))
        assert_valid(render(values))
    assert {each["kind"] for each in render(values)} >= {"Ingress", "ServiceMonitor", "PrometheusRule"}


def test_the_kustomization_builds_beside_the_example(kubectl: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "deploy" / "manifests", tmp_path / "manifests")
    (text,) = blocks("yaml", "# kustomization.yaml\n")
    yours = tmp_path / "manifests" / "yours"
    yours.mkdir()
    (yours / "kustomization.yaml").write_text(text)
    (settings,) = blocks("toml", "# acknet.toml\n")
    (yours / "acknet.toml").write_text(settings)
    done = subprocess.run([kubectl, "kustomize", str(yours)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert_valid(list(yaml.safe_load_all(done.stdout)))


def commands() -> list[list[str]]:
    """What the page has acknet do: the words after its name, in a container, by exec and as kubectl's plugin."""
    lines = [line.split("    #")[0] for block in blocks("bash") for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    words = [shlex.split(line) for line in lines]
    found = []
    for line in words:
        if line[:2] == ["kubectl", "acknet"]:
            found.append(line[2:])
        elif "exec" in line:
            found.append(line[line.index("--") + 2 :])
        elif line[:2] == ["podman", "run"]:
            found.append(line[line.index("$IMAGE:0.1.0") + 1 :])
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_commands_are_commands_of_acknet(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    with command.make_context("acknet", [], resilient_parsing=True) as context:
        while hasattr(command, "commands"):
            assert words[0] in command.commands
            command, words = command.commands[words[0]], words[1:]
        command.make_context("acknet", list(words), parent=context, resilient_parsing=False).close()


def test_files_that_it_names_exist() -> None:
    named = set(re.findall(r"\bdeploy/[\w./-]+[\w]", PAGE)) - {"deploy/manifests/yours"}
    assert named
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
