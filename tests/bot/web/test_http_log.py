"""Request ids, and what the log holds of a request."""

from __future__ import annotations

import logging

import pytest

from tests.doubles.server import RunningServer

SECRET = "LTAI-hunter2"


def wait_for_the_log(server: RunningServer) -> None:
    """A reply goes out before its line is written, and both before the reply to the next request."""
    server.http.get("/healthz")


@pytest.mark.parametrize("given", ["a", "0f3a.B_c-9", "x" * 64])
def test_a_harmless_request_id_is_taken_over(server: RunningServer, given: str) -> None:
    assert server.http.get("/healthz", headers={"X-Request-Id": given}).headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a;b", "<script>", "a\tb", "é"])
def test_another_request_id_is_replaced(server: RunningServer, given: str) -> None:
    reply = server.http.get("/nope", headers={"X-Request-Id": given.encode()})

    assert reply.headers["x-request-id"] not in {given, ""}
    assert reply.json()["request_id"] == reply.headers["x-request-id"]


def test_two_requests_have_two_ids(server: RunningServer) -> None:
    ids = {server.http.get("/healthz").headers["x-request-id"] for _ in range(3)}

    assert len(ids) == 3


def test_two_ids_in_one_request_are_none(server: RunningServer) -> None:
    reply = server.send_raw(
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: one\r\nX-Request-Id: two\r\n\r\n"
    )

    assert reply.headers["x-request-id"] not in {"one", "two", "one, two"}


def test_no_text_of_a_request_is_in_the_log(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    bodies = [
        b'{"question": "%s"}',
        b'{"question": "CRASH %s"}',
        b'{"question": 1, "%s": 2}',
        b'{"question": "%s',
        b'{"question": "\xff %s"}',
        b'{"question": "%s", "diagnose": true}',
    ]
    statuses = []
    for body in bodies:
        reply = server.http.post(
            f"/v1/ask?{SECRET}",
            content=body.replace(b"%s", SECRET.encode()),
            headers={"Content-Type": "application/json", "X-Request-Id": "seen"},
        )
        statuses.append(reply.status_code)
    wait_for_the_log(server)

    assert statuses == [200, 500, 422, 400, 400, 422]
    ours = [record.getMessage() for record in caplog.records if record.name.startswith(("acknet", "uvicorn"))]
    assert sum("request seen" in line for line in ours) >= len(bodies)
    assert not [line for line in ours if SECRET in line]
    assert not [record for record in caplog.records if record.name.startswith("acknet") and record.exc_info]


def test_the_log_tells_of_a_crash_where_it_happened(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    server.http.post("/v1/ask", json={"question": "CRASH"}, headers={"X-Request-Id": "case-9"})
    wait_for_the_log(server)

    (line,) = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "request case-9 failed: builtins.RuntimeError" in line
    assert "in ask" in line


def test_a_hostile_path_is_one_plain_line_in_the_log(server: RunningServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    server.http.get("/a%0Ab%1B%5B31m" + "c" * 5000)
    wait_for_the_log(server)

    (line,) = [
        record.getMessage()
        for record in caplog.records
        if "404" in record.getMessage() and record.name == "acknet.http"
    ]
    assert line.isprintable()
    assert len(line) < 400
