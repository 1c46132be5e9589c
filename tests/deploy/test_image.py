"""The container image, as far as it can be looked at without building it; test_image_steps.py takes its steps."""

from __future__ import annotations

import asyncio
import importlib.util
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.helm import CHART, ROOT

CONTAINERFILE = ROOT / "deploy" / "Containerfile"
IMAGE = ROOT / "deploy" / "image"


@pytest.fixture(scope="module")
def instructions() -> list[tuple[str, str]]:
    """The instructions of the Containerfile: what they are called, and what follows, on one line."""
    text = re.sub(r"\\\n\s*", "", CONTAINERFILE.read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


@pytest.fixture
def final(instructions: list[tuple[str, str]]) -> dict[str, list[str]]:
    """What the last stage says, by instruction."""
    start = max(number for number, (name, _) in enumerate(instructions) if name == "FROM")
    found: dict[str, list[str]] = {}
    for name, rest in instructions[start:]:
        found.setdefault(name, []).append(rest)
    return found


@pytest.fixture(scope="module")
def steps() -> set[str]:
    return set(re.findall(r"^#   build\.sh (\w+)", (IMAGE / "build.sh").read_text(), re.MULTILINE))


def test_hadolint_has_nothing_to_say() -> None:
    tool = shutil.which("hadolint") or shutil.which("hadolint", path=Path(sys.executable).parent)
    if tool is None:
        pytest.skip("hadolint is not installed: there is no wheel for this machine")
    done = subprocess.run([tool, str(CONTAINERFILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_steps_that_are_tested_are_those_that_are_taken(
    instructions: list[tuple[str, str]], steps: set[str]
) -> None:
    runs = [rest for name, rest in instructions if name == "RUN"]
    taken = [match[1] for run in runs if (match := re.fullmatch(r"\S*image/build\.sh (\w+)( /[a-z/]+)+", run))]
    assert set(taken) == steps
    compiles, *others = [run for run in runs if "build.sh" not in run]
    assert compiles.startswith("python -m compileall ")
    assert others == ["install --directory --owner=65532 --group=65532 --mode=0750 /var/lib/acknet"]


def test_what_is_compiled_of_python_is_what_acknet_may_import(final: dict[str, list[str]], tmp_path: Path) -> None:
    (command,) = [run for run in final["RUN"] if "compileall" in run]
    library = Path(sysconfig.get_path("stdlib"))
    copied = tmp_path / "python"
    for name in ("json", "email", "idlelib", "lib2to3"):
        if (library / name).is_dir():
            shutil.copytree(library / name, copied / name, ignore=shutil.ignore_patterns("__pycache__"))
    there = re.sub(r"\$\(.*\)", str(copied), command).replace("python ", f"{shlex.quote(sys.executable)} ", 1)
    subprocess.run(["/bin/sh", "-c", there], check=True)
    compiled = {path.relative_to(copied).parts[0] for path in copied.rglob("*.pyc")}
    assert compiled == {"json", "email"}


def test_a_step_that_is_none_is_refused() -> None:
    done = subprocess.run([IMAGE / "build.sh", "fly"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "build.sh: no step fly\n")


def test_what_serves_takes_nothing_from_where_the_index_is_built(final: dict[str, list[str]]) -> None:
    copied = {rest.split(" ")[-1]: rest for rest in final["COPY"]}
    assert copied == {
        "/opt/acknet/env": "--from=environment /opt/acknet/env /opt/acknet/env",
        "/opt/acknet/index": "--from=index /opt/acknet/index /opt/acknet/index",
        "/opt/acknet/health.py": "deploy/image/health.py /opt/acknet/health.py",
    }


def test_the_image_runs_as_the_chart_runs_it(final: dict[str, list[str]]) -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    deployment = (CHART / "templates" / "deployment.yaml").read_text()
    assert final["USER"] == ["65532:65532"]
    assert "runAsUser: 65532" in deployment
    assert final["EXPOSE"] == ["8080"]
    assert "containerPort: 8080" in deployment
    (volume,) = final["VOLUME"]
    assert f"mountPath: {volume}\n" in deployment
    variables = dict(part.split("=", 1) for rest in final["ENV"] for part in rest.split(" ") if part)
    assert variables["ACKNET_STORE_URL"].startswith(f"sqlite:///{volume}/")
    assert variables["HOME"] == volume
    assert not variables.keys() & {f"ACKNET_{name.upper()}" for name in values["settings"]}


def test_it_names_its_version_and_licence(final: dict[str, list[str]]) -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"VERSION={package['version']}" in final["ARG"]
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', " ".join(final["LABEL"])))
    assert labels["licenses"] == package["license"]
    assert labels.keys() == {"title", "description", "version", "revision", "created", "licenses"}


def test_the_context_holds_what_the_steps_read_and_nothing_else() -> None:
    ignore = CONTAINERFILE.with_name("Containerfile.dockerignore").read_text().splitlines()
    assert ignore[1] == "*"
    kept = {line.removeprefix("!") for line in ignore if line.startswith("!")}
    read = re.search(r"for name in (.+); do\n\s+cp -R", (IMAGE / "build.sh").read_text())
    assert read
    assert kept == {*read[1].split(), "deploy/image"}
    assert all((ROOT / name).exists() for name in kept)


def test_imports_are_found_within_functions_too() -> None:
    source = "import a.b\ndef f():\n    from c.d import e\n    from . import f\n"
    assert list(used().imported(source)) == [("a.b", None), ("c.d", "e")]


def test_packages_are_compiled_without_docstrings_and_do_what_they_did() -> None:
    source = b"""'Words.'
from __future__ import annotations
def f():
    'Words.'
async def g():
    'Words.'
    1 / 0
"""
    module: dict[str, Any] = {}
    exec(used().without_docstrings(source, "made.py"), module)
    assert [module.get("__doc__"), module["f"].__doc__, module["g"].__doc__, module["f"]()] == [None] * 4
    with pytest.raises(ZeroDivisionError) as caught:
        asyncio.run(module["g"]())
    assert caught.traceback[-1].lineno == 6


def used() -> Any:
    """The module that the steps run as a program."""
    spec = importlib.util.spec_from_file_location("used", IMAGE / "used.py")
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def served() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def health() -> Callable[[int], int]:
    def run(port: int) -> int:
        return subprocess.run(
            [sys.executable, IMAGE / "health.py"], env={"ACKNET_PORT": str(port)}, check=False
        ).returncode

    return run


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_says_what_the_server_says(
    served: HTTPServer, health: Callable[[int], int], status: int, code: int
) -> None:
    served.status = status  # type: ignore[attr-defined]
    assert health(served.server_port) == code


def test_the_health_check_fails_where_nobody_listens(health: Callable[[int], int]) -> None:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        port = server.server_port
    assert health(port) == 1
