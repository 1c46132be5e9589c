"""The steps of the Containerfile, taken on this machine, and what they make, run as it runs in a container.

They install packages from a registry and take minutes: ``pytest -m packaging tests/deploy``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters

from tests.deploy.helm import ROOT

BUILD = ROOT / "deploy" / "image" / "build.sh"

pytestmark = pytest.mark.packaging


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with wheels, env and index as the image has them."""
    place = tmp_path_factory.mktemp("image")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACKNET_")}
    python = place / "bin"
    python.mkdir()
    (python / "python3").symlink_to(os.path.realpath(sys.executable))
    environment["PATH"] = f"{python}:{environment['PATH']}"
    for step in (
        ["wheel", ROOT, place / "wheels"],
        ["environment", place / "wheels", place / "env"],
        ["index", place / "wheels", place / "index"],
        ["check", place / "env", place / "index"],
    ):
        subprocess.run([BUILD, *step], env=environment, check=True)
    for path in [place, *place.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return place


def surroundings(made: Path, state: Path) -> dict[str, str]:
    """The variables that the image sets."""
    return {
        "PATH": f"{made}/env/bin:/usr/bin:/bin",
        "HOME": str(state),
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_MMAP_THRESHOLD_": "8388608",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "ACKNET_CACHE_DIR": str(made / "index"),
        "ACKNET_STORE_URL": f"sqlite:///{state}/acknet.db",
    }


@contextmanager
def served(made: Path, state: Path) -> Iterator[tuple[str, int]]:
    """Serve as the image does: with no rights to write to what was made. Root has them unless it gives them up."""
    setpriv = shutil.which("setpriv")
    powerless = [setpriv, "--bounding-set=-all", "--inh-caps=-all"] if os.getuid() == 0 and setpriv else []
    with subprocess.Popen(
        [*powerless, f"{made}/env/bin/acknet", "serve", "--port", "0"],
        env=surroundings(made, state),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            yield line.split()[-1], process.pid
        finally:
            process.terminate()
            assert process.wait(60) == 0


def until_ready(url: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=60):
                return
        except urllib.error.HTTPError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def installed(*directories: Path) -> int:
    """Bytes of all files."""
    return sum(
        path.stat().st_size
        for directory in directories
        for path in directory.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def test_it_is_small_and_has_no_torch(made: Path) -> None:
    assert installed(made / "env", made / "index") <= 400e6
    names = {path.name for path in (made / "env").rglob("site-packages/*")}
    assert not names & {"torch", "transformers", "sentence_transformers", "scipy", "sklearn"}


def test_it_answers_where_it_may_write_nothing_within_the_memory_that_it_says(
    made: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    state = tmp_path_factory.mktemp("state")
    with served(made, state) as (url, pid):
        until_ready(url)
        for _ in range(100):
            request = urllib.request.Request(
                f"{url}/v1/ask",
                json.dumps({"question": "nf_conntrack: table full, dropping packet"}).encode(),
                {"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(request, timeout=60) as response:
                answer = json.load(response)
        assert answer["answer"]["entry"] == "conntrack-table-full"
        status = Path(f"/proc/{pid}/status").read_text()
        peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
        assert peak <= 300e6
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_other_agents_can_ask_what_is_in_it(made: Path, tmp_path: Path) -> None:
    command = StdioServerParameters(
        command=f"{made}/env/bin/acknet", args=["mcp"], cwd=tmp_path, env=surroundings(made, tmp_path)
    )

    async def ask() -> object:
        async with Client(command) as client:
            called = await client.call_tool("ask", {"question": "nf_conntrack: table full, dropping packet"})
        return called.structured_content

    answer = asyncio.run(ask())
    assert isinstance(answer, dict)
    assert answer["answer"]["entry"] == "conntrack-table-full"


def test_what_serves_can_use_postgresql_and_no_model_hub(made: Path) -> None:
    python = made / "env" / "bin" / "python"
    done = subprocess.run(
        [python, "-B", "-c", "import sqlalchemy.dialects.postgresql.psycopg, psycopg, bot.slack.bot, bot.mcp.server"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_whatever_serving_takes_is_there_for_both_architectures(made: Path, tmp_path: Path) -> None:
    (wheel,) = (made / "wheels").glob("acknet-*.whl")

    def versions(machine: str) -> dict[str, str]:
        platforms = [f"--platform={tag}_{machine}" for tag in ("manylinux_2_28", "manylinux_2_27", "manylinux2014")]
        report = tmp_path / f"{machine}.json"
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"),
                *("--target", tmp_path / "nowhere", "--only-binary=:all:", "--python-version", "3.11", *platforms),
                *("--report", report, f"{wheel}[postgres,mcp,milvus,otel]"),
            ],
            check=True,
        )
        found = json.loads(report.read_text())["install"]
        return {each["metadata"]["name"]: each["metadata"]["version"] for each in found}

    assert versions("aarch64") == versions("x86_64")
