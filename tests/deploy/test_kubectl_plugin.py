"""``kubectl acknet …``: kubectl runs the command that is called kubectl-acknet."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deploy.helm import ROOT

Plugin = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def kubectl_acknet(kubectl: str, tmp_path: Path) -> Plugin:
    plugin = tmp_path / "kubectl-acknet"  # what the installation writes, for this Python and this source
    plugin.write_text(f"#!{sys.executable}\nfrom bot.cli import main\nmain()\n")
    plugin.chmod(0o755)
    own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    return lambda *words: subprocess.run(
        [kubectl, "acknet", *words], env=os.environ | own, capture_output=True, text=True, check=False
    )


def test_words_and_options_reach_acknet_as_they_were_typed(kubectl_acknet: Plugin) -> None:
    done = kubectl_acknet("corpus", "show", "conntrack-table-full", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert '"conntrack-table-full"' in done.stdout


def test_its_exit_code_and_its_one_line_of_failure_are_acknets(kubectl_acknet: Plugin) -> None:
    done = kubectl_acknet("corpus", "show", "no-such-entry")
    assert done.returncode == 2
    assert done.stderr.startswith("acknet: ")


def test_help_names_the_command_as_it_was_typed(kubectl_acknet: Plugin) -> None:
    assert kubectl_acknet("ask", "--help").stdout.splitlines()[0].startswith("Usage: kubectl acknet ask")
