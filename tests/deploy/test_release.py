"""What is published, and that its parts say the same version."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot import __version__
from tests.deploy.helm import CHART, ROOT


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_all_parts_have_one_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    image = re.search(r"^ARG VERSION=(.+)$", (ROOT / "deploy" / "Containerfile").read_text(), re.MULTILINE)
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert image
    assert {__version__, chart["version"], chart["appVersion"], image[1], headings[0]} == {project()["version"]}


def test_everything_beside_the_code_is_packed() -> None:
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packed = {
        path
        for package, patterns in setup["package-data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    present = {
        path
        for package in ("bot", "corpus", "index")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    }
    assert sorted(str(path.relative_to(ROOT)) for path in present - packed) == []
    modules = {path.parent for package in ("bot", "corpus", "index") for path in (ROOT / package).rglob("*.py")}
    assert [str(each) for each in sorted(modules) if not (each / "__init__.py").exists()] == []


def test_kubectl_finds_the_plugin_by_its_name() -> None:
    scripts = project()["scripts"]
    assert scripts["kubectl-acknet"] == scripts["acknet"]


@pytest.mark.packaging
def test_a_release_is_whole_and_its_wheel_answers(tmp_path: Path) -> None:
    out = tmp_path / "dist"
    subprocess.run([ROOT / "deploy" / "release.sh", out], check=True)
    version = project()["version"]
    sums = dict(reversed(line.split("  ")) for line in (out / "SHA256SUMS").read_text().splitlines())
    assert {Path(name).name for name in sums} == {
        f"acknet-{version}-py3-none-any.whl",
        f"acknet-{version}.tar.gz",
        f"acknet-{version}.cdx.json",
        f"acknet-chart-{version}.tgz",
    }
    for name, digest in sums.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest
    materials = json.loads((out / f"acknet-{version}.cdx.json").read_text())
    named = {component["name"] for component in materials["components"]}
    assert {"faiss-cpu", "onnxruntime", "kubernetes"} <= named
    assert "torch" not in named
    with tarfile.open(out / f"acknet-chart-{version}.tgz") as chart:
        assert "acknet/files/roles.yaml" in chart.getnames()
    with zipfile.ZipFile(out / f"acknet-{version}-py3-none-any.whl") as wheel:
        outside = {name.split("/")[0] for name in wheel.namelist()} - {"corpus", "index", "bot"}
    assert outside == {f"acknet-{version}.dist-info"}
