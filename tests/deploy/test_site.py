"""The pages in docs/ as a site: no link leads nowhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.helm import ROOT


def build(repository: Path, target: Path) -> subprocess.CompletedProcess[str]:
    config = repository / "deploy" / "site" / "mkdocs.yml"
    command = ["-m", "mkdocs", "build", "--strict", "--config-file", str(config), "--site-dir", str(target)]
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)


def copy(target: Path) -> Path:
    """A repository with the pages and nothing else."""
    shutil.copytree(ROOT / "docs", target / "docs")
    shutil.copytree(ROOT / "deploy" / "site", target / "deploy" / "site", ignore=shutil.ignore_patterns("__pycache__"))
    return target


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("site")
    done = build(ROOT, target)
    assert done.returncode == 0, done.stderr
    return target


def test_the_site_builds_without_a_broken_link_and_holds_every_page(site: Path) -> None:
    pages = {path.stem for path in site.glob("*.html")} - {"404"}
    assert pages == {path.stem for path in (ROOT / "docs").glob("*.md")}


def test_nothing_is_fetched_from_elsewhere(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert 'src="http' not in page
    assert 'rel="stylesheet" href="http' not in page


@pytest.mark.parametrize("link", ["nowhere.md", "settings.md#no-such-heading", "../bot/no_such_module.py"])
def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path, link: str) -> None:
    repository = copy(tmp_path / "repository")
    for page in (repository / "docs").glob("*.md"):
        if page.name != "settings.md":
            page.unlink()
    (repository / "docs" / "index.md").write_text(f"# Home\n\n[there]({link})\n")
    done = build(repository, tmp_path / "site")
    assert done.returncode != 0
    assert link.split("#", maxsplit=1)[0] in done.stderr
