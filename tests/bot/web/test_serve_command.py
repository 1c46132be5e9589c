"""``acknet serve`` as a process."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from bot.web.access import is_loopback

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.doubles.acknet_command", "serve"]


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ACKNET_", "XDG_"))}
    return kept | {"HOME": str(home), "PYTHONWARNINGS": "error"} | more


@contextmanager
def serving(home: Path, *arguments: str, **more: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run the command and yield it with the line it prints when it is ready."""
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(home, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline()
        finally:
            process.kill()


def without_store(errors: str) -> str:
    """Return what was logged but for the store, which says so when the disk of a busy machine is slow."""
    return "".join(line for line in errors.splitlines(keepends=True) if " store: " not in line)


def run(home: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env=environment(home, **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_answers_there_and_stops_on_a_signal(tmp_path: Path, number: signal.Signals) -> None:
    with serving(tmp_path, "--port", "0") as (process, line):
        match = re.fullmatch(r"acknet is ready at (http://127\.0\.0\.1:[1-9]\d*)\n", line)
        assert match
        assert httpx.get(f"{match[1]}/healthz", trust_env=False).status_code == 200

        process.send_signal(number)
        rest, errors = process.communicate(timeout=90)

    assert (process.returncode, rest, without_store(errors)) == (0, "", "")


def test_it_stops_at_once_while_the_index_is_being_built(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0", STAND_IN="builds-for-ever") as (process, line):
        url = line.split()[-1]
        assert httpx.get(f"{url}/readyz", trust_env=False).status_code == 503

        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=90)

    assert (process.returncode, without_store(errors)) == (0, "")


def test_a_request_under_way_is_answered_before_it_stops(tmp_path: Path) -> None:
    head = b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with serving(tmp_path, "--port", "0") as (process, line):
        host, _, port = line.split()[-1].removeprefix("http://").rpartition(":")
        with socket.create_connection((host, int(port)), timeout=90) as connection:
            connection.sendall(head)
            # The server asks for the body: the request is under way.
            assert connection.recv(65536).startswith(b"HTTP/1.1 100 ")
            process.send_signal(signal.SIGTERM)
            connection.sendall(b"{}")
            received = b"".join(iter(lambda: connection.recv(65536), b""))
        process.communicate(timeout=90)

    assert received.startswith(b"HTTP/1.1 200 OK")
    assert process.returncode == 0


def log_of(home: Path, **more: str) -> str:
    """Return what the server logs of three requests, one of which it fails at."""
    with serving(home, "--port", "0", ACKNET_LOG_LEVEL="info", **more) as (process, line):
        url = line.split()[-1]
        with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
            http.get("/healthz", headers={"X-Request-Id": "first"})
            end = time.monotonic() + 60
            while http.get("/readyz").status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.02)
            crash = {"question": "CRASH LTAI5tAbCdEfGhIjKlMnOp"}
            assert http.post("/v1/ask", json=crash, headers={"X-Request-Id": "third"}).status_code == 500
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=60)
    assert (process.returncode, rest) == (0, "")
    assert "LTAI" not in errors
    return errors


def test_the_log_goes_to_stderr_for_people(tmp_path: Path) -> None:
    errors = log_of(tmp_path)

    assert re.search(r"^\S+ \[info +\] GET /healthz: 200, .* request first +\[acknet\.http\]", errors, re.MULTILINE)
    assert "request third failed: builtins.RuntimeError at" in errors
    assert "\x1b" not in errors


def test_the_log_can_be_json_with_the_request_on_every_line_of_it(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in log_of(tmp_path, ACKNET_LOG_FORMAT="json").splitlines()]

    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in lines)
    first = next(line for line in lines if line.get("request_id") == "first")
    assert (first["http"]["method"], first["http"]["path"], first["http"]["status"]) == ("GET", "/healthz", 200)
    assert {line["level"] for line in lines if line.get("request_id") == "third"} == {"info", "error"}
    assert any(line["logger"].startswith("uvicorn") for line in lines)


def test_settings_name_the_address_and_flags_overrule_them(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0", ACKNET_HOST="localhost", ACKNET_PORT="1") as (_, line):
        assert re.fullmatch(r"acknet is ready at http://(127\.0\.0\.1|\[::1\]):[1-9]\d+\n", line)


def test_an_address_that_others_reach_without_a_token_is_warned_of(tmp_path: Path) -> None:
    with serving(tmp_path, "--port", "0", STAND_IN="elsewhere") as (process, line):
        assert line.startswith("acknet is ready at http://192.0.2.1:")
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=90)

    assert process.returncode == 0
    assert re.fullmatch(
        r"acknet: warning: http://192\.0\.2\.1:\d+ is open .* refused: there is no token .*\n", without_store(errors)
    )


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run(tmp_path, "--port", str(port))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"acknet: cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "choose another with --host or --port\n"
    )


@pytest.mark.parametrize("host", ["203.0.113.7", "2001:db8::7", "a..b", "x" * 300])
def test_a_host_that_is_not_this_machine_is_one_line(tmp_path: Path, host: str) -> None:
    done = run(tmp_path, "--host", host, "--port", "0")

    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"acknet: cannot listen on .*; choose another with --host or --port\n", done.stderr)


@pytest.mark.parametrize("arguments", [["--port", "65536"], ["--port", "-1"], ["--port", "http"], ["--host", ""]])
def test_an_address_that_is_none_is_wrong_use(tmp_path: Path, arguments: list[str]) -> None:
    done = run(tmp_path, *arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert arguments[0] in done.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_only_this_machine_reaches_a_loopback_address(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.1", "fe80::1%eth0", "2001:db8::1", "::ffff:10.0.0.1"])
def test_others_reach_every_other_address(address: str) -> None:
    assert not is_loopback(address)
