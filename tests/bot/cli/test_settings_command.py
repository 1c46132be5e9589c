"""``acknet settings`` as a process: its table, its JSON, its reference page, and what it refuses."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.settings import load_or_fail
from bot.settings import load_settings, reference

REPOSITORY = Path(__file__).parents[3]
PAGE = REPOSITORY / "docs" / "settings.md"
COMMAND = [sys.executable, "-c", "from bot.cli.app import main; main()", "settings"]


@pytest.fixture
def environment(tmp_path):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ACKNET_", "XDG_", "PYTHONIO"))}
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        kept.pop(name, None)
    return kept | {"HOME": str(tmp_path), "TERM": "xterm-256color", "PYTHONUTF8": "1"}


@pytest.fixture
def run(environment):
    def run_settings(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=REPOSITORY,
            env=environment | variables,
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )

    return run_settings


@pytest.fixture
def run_on_terminal(environment):
    def run_settings(**variables: str) -> str:
        ours, theirs = pty.openpty()
        with subprocess.Popen(
            COMMAND, cwd=REPOSITORY, env=environment | variables, stdin=theirs, stdout=theirs, stderr=theirs
        ) as process:
            os.close(theirs)
            seen = b""
            try:
                while part := os.read(ours, 65536):
                    seen += part
            except OSError:
                pass  # how Linux says that the other end was closed
            finally:
                os.close(ours)
        assert process.returncode == 0
        return seen.decode()

    return run_settings


def rows_of(table: str) -> dict[str, list[str]]:
    rows = [re.split(r"\s{2,}", line.strip()) for line in table.splitlines()]
    assert rows[0] == ["SETTING", "VALUE", "FROM"]
    return {name: rest for name, *rest in rows[1:]}


def test_the_table_shows_every_setting_its_value_and_where_it_came_from(run, tmp_path):
    config = tmp_path / "acknet.toml"
    config.write_text('log_level = "info"\nhost = "::1"')
    done = run("--config", str(config), ACKNET_HOST="::", ACKNET_PORT="0")
    assert (done.returncode, done.stderr) == (0, "")
    rows = rows_of(done.stdout)
    assert list(rows) == [setting.name for setting in reference()]
    assert rows["log_level"] == ["info", f"file {config}"]
    assert rows["host"] == ["::", "environment ACKNET_HOST"]
    assert rows["port"] == ["0", "environment ACKNET_PORT"]
    assert rows["model"] == ["all-MiniLM-L6-v2", "default"]
    assert rows["server"] == ["-", "default"]


def test_the_columns_of_the_table_line_up(run):
    lines = run(ACKNET_MODEL="/srv/" + "m" * 200).stdout.splitlines()
    column = lines[0].index("FROM")
    assert {line[column - 2 : column] for line in lines} == {"  "}
    assert all(line[column:] == line[column:].strip() != "" for line in lines)


def test_a_pipe_gets_plain_text(run):
    assert "\x1b" not in run().stdout


def test_a_terminal_gets_the_same_words_with_what_was_set_in_colour(run, run_on_terminal):
    seen = run_on_terminal(ACKNET_PORT="9000")
    assert re.findall(r"\x1b\[36m(\w+)", seen) == ["port"]
    assert re.sub(r"\x1b\[[0-9;]*m", "", seen).split() == run(ACKNET_PORT="9000").stdout.split()


def test_a_dumb_terminal_gets_plain_text(run_on_terminal):
    assert "\x1b" not in run_on_terminal(TERM="dumb", ACKNET_PORT="9000")


def test_no_color_leaves_no_colour_on_a_terminal(run_on_terminal):
    codes = re.findall(r"\x1b\[([0-9;]*)m", run_on_terminal(NO_COLOR="1", ACKNET_PORT="9000"))
    assert not [code for code in codes for part in code.split(";") if part and int(part) >= 30]


def test_a_value_cannot_write_to_the_terminal_what_it_likes(run, tmp_path):
    config = tmp_path / "acknet.toml"
    config.write_text('corpus_dir = "/a\\u001b[31m\\nport 1"')
    rows = rows_of(run("--config", str(config)).stdout)
    assert rows["corpus_dir"][0] == "/a\\x1b[31m\\nport 1"


def test_a_value_that_is_not_utf_8_can_be_shown(run, environment):
    done = subprocess.run(
        COMMAND, cwd=REPOSITORY, env={**environment, "ACKNET_CACHE_DIR": b"/srv/\xff"}, capture_output=True, check=True
    )
    assert rb"/srv/\udcff" in done.stdout


def test_json_gives_every_setting_with_its_value_source_and_description(run):
    done = run("--json", ACKNET_REQUEST_TIMEOUT="2.5")
    assert (done.returncode, done.stderr) == (0, "")
    shown = {one["name"]: one for one in json.loads(done.stdout)["settings"]}
    assert list(shown) == [setting.name for setting in reference()]
    assert shown["request_timeout"] == {
        "name": "request_timeout",
        "env": "ACKNET_REQUEST_TIMEOUT",
        "value": 2.5,
        "source": "environment ACKNET_REQUEST_TIMEOUT",
        "description": next(one.description for one in reference() if one.name == "request_timeout"),
    }
    assert shown["server"]["value"] is None


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ((), {"ACKNET_PORT": "http"}, "environment ACKNET_PORT: expected a whole number from 0 up to 65535"),
        (
            ("--config", "missing.toml"),
            {},
            "flag --config: expected a TOML file, cannot read missing.toml: No such file or directory",
        ),
        (
            ("--markdown", "--json"),
            {},
            "--markdown prints the reference page, which no other option changes; give it alone",
        ),
    ],
)
def test_what_is_wrong_is_one_line_on_stderr_and_exit_code_2(run, arguments, variables, said):
    done = run(*arguments, **variables)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"acknet: {said}\n")


def test_the_reference_page_in_the_docs_is_current(run):
    page = run("--markdown", ACKNET_PORT="9000").stdout
    assert PAGE.read_text(encoding="utf-8") == page, "run: acknet settings --markdown > docs/settings.md"


def test_the_reference_page_names_every_setting_once():
    page = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"^\| `(\w+)` \| `(ACKNET_\w+)` \|", page, re.MULTILINE)
    assert named == [(setting.name, setting.env) for setting in reference()]


def test_the_example_in_the_reference_page_is_a_file_that_loads(tmp_path, monkeypatch):
    monkeypatch.delenv("ACKNET_CACHE_DIR", raising=False)
    example = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert example is not None
    config = tmp_path / "acknet.toml"
    config.write_text(example[1])
    assert load_settings({"port": 1}, config).cache_dir == Path("/var/cache/acknet")


def test_the_help_names_the_command_without_loading_what_settings_need(environment):
    code = (
        "import sys; sys.argv = ['acknet', '--help']\n"
        "from bot.cli.app import main\n"
        "try: main()\n"
        "except SystemExit: print('loaded:', *sorted(set(sys.modules) & {'pydantic', 'pydantic_settings', 'tomllib'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=True
    )
    assert "settings Show every setting, its value and where it came from." in " ".join(done.stdout.split())
    assert done.stdout.rstrip().endswith("loaded:")


def test_commands_are_told_what_is_wrong_with_a_flag_as_a_usage_failure():
    from bot.cli.console import UsageFailure

    with pytest.raises(UsageFailure, match=r"^flag --port: expected a whole number from 0 up to 65535$"):
        load_or_fail({"port": -1})
