"""What the shell says to whoever types something that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.doubles.shell import shell_in


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("bogus", "acknet: No such command 'bogus'; see: acknet --help\n"),
        ("ask --bogus", "acknet: No such option: --bogus; see: acknet ask --help\n"),
        ("corpus show", "acknet: Missing argument 'ID'; see: acknet corpus show --help\n"),
    ],
)
def test_wrong_use_ends_with_2_and_one_line_that_says_what_to_do(tmp_path: Path, typed: str, says: str) -> None:
    done = shell_in(tmp_path).run(*typed.split())
    assert (done.returncode, done.stdout, done.stderr) == (2, "", says)


def test_a_command_that_takes_another_one_shows_its_help(tmp_path: Path) -> None:
    done = shell_in(tmp_path).run("index")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: acknet index ")
    assert "build" in done.stderr


@pytest.mark.parametrize("group", ["", "audit", "corpus", "index", "questions", "token"])
def test_the_help_says_what_each_command_is_for_without_being_cut_off(tmp_path: Path, group: str) -> None:
    help_of = shell_in(tmp_path, COLUMNS="80").run(*group.split(), "--help").stdout
    commands = re.findall(r"^  ([a-z]+)  +(\S.*)$", help_of.partition("Commands:")[2], re.MULTILINE)
    assert commands
    assert [name for name, purpose in commands if not purpose.endswith(".")] == []
    assert "..." not in help_of.partition("Commands:")[2]
