"""``acknet audit list|verify``."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.doubles.shell import Shell, shell_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with three records, one of which tries to act on the terminal."""
    path = tmp_path / "acknet.db"

    async def fill() -> None:
        async with Store(StoreUrl(f"sqlite:///{path}")) as store:
            for number, question in enumerate(["why?", "\x1b[31mred\nline \u202e", "how?"], 1):
                await store.audit.add(
                    who=f"person-{number % 2}",
                    place="http",
                    action="ask",
                    question=question,
                    read=["pods/web-0"],
                    outcome={"outcome": "answer", "entry": "flannel-hairpin"},
                )

    asyncio.run(fill())
    return path


@pytest.fixture
def shell(tmp_path: Path, file: Path) -> Shell:
    return shell_in(tmp_path, ACKNET_STORE_URL=f"sqlite:///{file}")


def test_records_are_listed_a_line_each_the_newest_first(shell: Shell) -> None:
    done = shell.run("audit", "list")

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr, len(lines)) == (0, "", 3)
    assert [line.split()[0] for line in lines] == ["3", "2", "1"]
    assert all(line.isprintable() for line in lines)
    assert lines[0].endswith("person-1  http  ask  outcome=answer entry=flannel-hairpin  how?")


def test_records_can_be_chosen_and_had_as_json(shell: Shell) -> None:
    found = json.loads(shell.run("audit", "list", "--json", "--who", "person-1", "--limit", "1").stdout)["records"]

    assert [(one["number"], one["question"], one["read"]) for one in found] == [(3, "how?", ["pods/web-0"])]
    assert shell.run("audit", "list", "--since", "2999-01-01").stdout == ""
    assert shell.run("audit", "list", "--since", "soon").returncode == 2


def test_a_log_that_is_whole_is_told_with_its_head(shell: Shell) -> None:
    done = shell.run("audit", "verify")
    found = json.loads(shell.run("audit", "verify", "--json").stdout)

    assert done.returncode == 0
    assert done.stdout == f"3 records, all as they were written; head {found['head']}\n"
    assert (found["records"], found["broken_at"], len(found["head"])) == (3, None, 64)


def test_a_record_that_was_changed_is_named(shell: Shell, file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.execute("UPDATE audit_log SET who = 'nobody' WHERE number = 2")
    connection.close()
    done = shell.run("audit", "verify")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "acknet: the audit log is not as it was written: record 2: it was changed\n"
    as_json = shell.run("audit", "verify", "--json")
    assert (as_json.returncode, json.loads(as_json.stdout)["broken_at"], as_json.stderr) == (2, 2, "")


def test_a_store_that_cannot_be_reached_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = shell_in(tmp_path, ACKNET_STORE_URL=f"sqlite:///{tmp_path}/file/acknet.db").run("audit", "list")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1].startswith("acknet: the audit log cannot be read: ")
    assert "Traceback" not in done.stderr
