"""What ``acknet ask`` asks: words, stdin and the turns of a thread, as they arrive at a server."""

from __future__ import annotations

import json
import os

import pytest

from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server
from tests.doubles.shell import shell_in

MEGABYTE = 1_000_000


@pytest.fixture(scope="module")
def engine():
    return StandInEngine()


@pytest.fixture(scope="module")
def url(engine):
    with running_server(lambda _: engine) as running:
        yield running.url


@pytest.fixture
def shell(tmp_path, url):
    return shell_in(tmp_path, ACKNET_SERVER=url)


@pytest.fixture
def asked(shell, engine):
    """Ask, and return the turns that arrived."""

    def ask(*arguments: str | bytes, stdin: bytes = b"") -> list[str]:
        engine.asked.clear()
        done = shell.run("ask", *arguments, stdin=stdin)
        assert (done.returncode, done.stderr) == (0, "")
        [turns] = engine.asked
        return turns

    return ask


@pytest.fixture
def refused(shell, engine):
    """Ask, and return the one line that says why it cannot be asked."""

    def ask(*arguments: str, stdin: bytes = b"") -> str:
        engine.asked.clear()
        done = shell.run("ask", *arguments, stdin=stdin)
        assert (done.returncode, done.stdout, engine.asked) == (2, "", [])
        [line] = done.stderr.splitlines()
        assert line.startswith("acknet: ")
        return line.removeprefix("acknet: ")

    return ask


def test_words_are_joined(asked):
    assert asked("why", "do pods", "get no IP?") == ["why do pods get no IP?"]


def test_words_that_look_like_options_follow_two_dashes(asked):
    assert asked("--", "--vm", "is gone") == ["--vm is gone"]


def test_without_words_stdin_asks(asked):
    assert asked(stdin="为什么 Pod\n没有 IP？\n".encode()) == ["为什么 Pod\n没有 IP？\n"]


def test_with_words_stdin_is_left_alone(asked):
    assert asked("why", stdin=b"other") == ["why"]


@pytest.mark.parametrize(
    ("data", "question"),
    [
        pytest.param(b"\xff pod \xc3", "� pod �", id="not UTF-8"),
        pytest.param(b"\xef\xbb\xbfpod", "pod", id="UTF-8 with a byte order mark"),
        pytest.param("pod 没有".encode("utf-16"), "pod 没有", id="UTF-16, as PowerShell redirects"),
        pytest.param(b"pod\0\x1b[31m\r\n", "pod\0\x1b[31m\r\n", id="NUL and escapes"),
        pytest.param(b"pod " * (MEGABYTE // 4), "pod " * (MEGABYTE // 4), id="a megabyte"),
        pytest.param("🔥".encode(), "🔥", id="an emoji"),
    ],
)
def test_whatever_is_pasted_can_be_asked(asked, data, question):
    assert asked(stdin=data) == [question]


def test_words_that_are_not_utf_8_can_be_asked(asked):
    assert asked(b"pod \xff") == ["pod �"]


@pytest.mark.parametrize(
    "thread",
    [
        pytest.param('["We run Terway.", "Pods hang.\\nAll of them."]', id="JSON"),
        pytest.param("We run Terway.\n\nPods hang.\nAll of them.\n", id="text"),
        pytest.param("\n\nWe run Terway.\n \t\r\n\r\nPods hang.\r\nAll of them.", id="text with more blank lines"),
        pytest.param('\ufeff ["We run Terway.", " ", "Pods hang.\\nAll of them."]', id="JSON with a blank turn"),
    ],
)
def test_a_thread_is_said_before_the_question_oldest_turn_first(asked, tmp_path, thread):
    file = tmp_path / "thread"
    file.write_text(thread, encoding="utf-8", newline="")
    assert asked("--thread", str(file), "and now?") == ["We run Terway.", "Pods hang.\nAll of them.", "and now?"]


def test_a_thread_may_come_from_stdin(asked):
    assert asked("--thread", "-", "and now?", stdin=b"We run Terway.") == ["We run Terway.", "and now?"]


def test_a_text_that_begins_with_a_bracket_is_no_json(asked, tmp_path):
    file = tmp_path / "log"
    file.write_text("[12:00:01] pod failed")
    assert asked("--thread", str(file), "why?") == ["[12:00:01] pod failed", "why?"]


def test_an_empty_thread_says_nothing(asked, tmp_path):
    (tmp_path / "empty").touch()
    assert asked("--thread", str(tmp_path / "empty"), "why?") == ["why?"]


@pytest.mark.parametrize("words", [[], [""], [" ", "\t"]])
def test_a_blank_question_is_not_asked(refused, words):
    assert refused(*words, stdin=b" \n").startswith("the question is blank; write the question behind the command")


def test_more_than_four_megabytes_are_not_asked(refused):
    assert refused(stdin=b"x" * (4 * 1024 * 1024 + 1)) == (
        "stdin: more than 4 MB; keep the lines around what went wrong"
    )


@pytest.mark.parametrize("thread", ['["a", 1]', "[[]]", "[null]"])
def test_a_json_thread_of_something_else_is_refused(refused, tmp_path, thread):
    file = tmp_path / "thread.json"
    file.write_text(thread)
    said = refused("--thread", str(file), "why?")
    assert said == f"--thread {file}: expected a JSON list of strings, the oldest turn first"


def test_a_thread_that_cannot_be_read_is_refused(refused, tmp_path):
    said = refused("--thread", str(tmp_path / "missing"), "why?")
    assert said == (
        f"--thread {tmp_path}/missing: cannot be read: No such file or directory; name a file with the earlier turns"
    )
    assert "Is a directory" in refused("--thread", str(tmp_path), "why?")


def test_stdin_cannot_be_thread_and_question(refused):
    assert refused("--thread", "-", stdin=b"why?") == (
        "stdin cannot hold the question and --thread - at once; write the question as words"
    )


@pytest.mark.parametrize(("arguments", "missing"), [([], "the question"), (["--thread", "-", "why?"], "--thread -")])
def test_a_terminal_is_not_waited_for(shell, arguments, missing):
    shown = shell.on_terminal("ask", *arguments)
    assert shown.returncode == 2
    assert shown.text.startswith(
        f"acknet: {missing} is missing; write the question behind the command, as in: acknet ask"
    )
    assert shown.text.count("\n") == 1


def test_a_closed_stdin_asks_nothing(shell):
    with shell.popen("ask", stdout=-1, stderr=-1, preexec_fn=lambda: os.close(0)) as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (2, b"")
    assert error.startswith(b"acknet: the question is missing; ")


def test_the_turns_of_a_json_thread_may_hold_anything(asked, tmp_path):
    turns = ["\x1b]0;title\x07", "[1]", "a\n\nb", "x" * MEGABYTE]
    (tmp_path / "thread").write_text(json.dumps(turns))
    assert asked("--thread", str(tmp_path / "thread"), "why?") == [*turns, "why?"]
