"""Nothing that comes over the wire brings the server down, holds it up or gets anything but a problem."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import httpx
import pytest

from bot.settings import Settings
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, read_reply, running_server

JSON = {"Content-Type": "application/json"}
ASK = b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def impatient() -> Iterator[RunningServer]:
    """Take quick requests only."""
    with running_server(lambda _: StandInEngine(), Settings(request_timeout=0.3)) as running:
        yield running


@pytest.fixture(scope="module")
def narrow() -> Iterator[RunningServer]:
    """Take small requests only."""
    with running_server(lambda _: StandInEngine(), Settings(max_body_bytes=2000)) as running:
        yield running


def assert_problem(reply: httpx.Response, status: int) -> None:
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"].isprintable()
    assert problem["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"question=why",
        b'{"question": "why?"} {}',
        b'{"question": "\xff\xfe"}',
        b'{"question": "\xed\xa0\x80"}',
        b'{"question": "\\ud83d"}',
        b'{"question": "\x00"}',
        b'{"question": NaN}',
        b'{"question": ' + b"9" * 100_000 + b"}",
        b"[" * 500_000,
        b'{"question":' * 100_000,
        b'{"scope":' + b"[" * 1000 + b"]" * 1000 + b"}",
        '{"question": "why?"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"question": "why?"}',
    ],
    ids=lambda body: ascii(body[:24]),
)
def test_a_body_that_is_no_json_is_a_400(server: RunningServer, body: bytes) -> None:
    reply = server.http.post("/v1/ask", content=body, headers=JSON)

    assert_problem(reply, 400)
    assert reply.json()["type"] == "urn:acknet:problem:not-json"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=a"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/jsonp"},
        {"Content-Type": ";;=,"},
        JSON | {"Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_a_body_that_is_not_declared_as_json_is_a_415(server: RunningServer, headers: dict[str, str]) -> None:
    request = server.http.build_request("POST", "/v1/ask", content=b'{"question": "why?"}')
    request.headers.update(headers)

    assert_problem(server.http.send(request), 415)


def test_a_content_type_of_strange_bytes_is_a_415(server: RunningServer) -> None:
    reply = server.send_raw(
        b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: \xff\xfe\r\nContent-Length: 2\r\n\r\n{}"
    )

    assert reply.status == 415


@pytest.mark.parametrize("value", ["application/json; charset=UTF-8", "Application/JSON"])
def test_json_may_be_declared_with_its_charset(server: RunningServer, value: str) -> None:
    reply = server.http.post("/v1/ask", content=b'{"question": "why?"}', headers={"Content-Type": value})

    assert reply.status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/ask", "POST"),
        ("PUT", "/v1/ask", "POST"),
        ("DELETE", "/v1/entries", "GET, HEAD"),
        ("OPTIONS", "/v1/ask", "POST"),
        ("TRACE", "/healthz", "GET, HEAD"),
        ("BREW", "/readyz", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
    ],
)
def test_another_method_is_a_405_that_says_which_are_allowed(
    server: RunningServer, method: str, path: str, allowed: str
) -> None:
    reply = server.http.request(method, path)

    assert_problem(reply, 405)
    assert reply.headers["allow"] == allowed


@pytest.mark.parametrize("path", ["/v1", "/v2/ask", "/v1/ask/", "/v1/entries/", "/docs", "//evil.example/", "/%00"])
def test_another_path_is_a_404_and_never_a_redirect(server: RunningServer, path: str) -> None:
    assert_problem(server.http.get(f"{server.url}{path}"), 404)


def test_head_is_get_without_the_body(server: RunningServer) -> None:
    head, get = server.http.head("/v1/entries"), server.http.get("/v1/entries")

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]
    assert server.http.head("/v1/ask").status_code == 405


def test_ten_megabytes_are_a_413(server: RunningServer) -> None:
    body = json.dumps({"question": "a" * 10_000_000})

    assert_problem(server.http.post("/v1/ask", content=body, headers=JSON), 413)


def test_ten_megabytes_without_a_length_are_a_413(server: RunningServer) -> None:
    chunks = (b"a" * 100_000 for _ in range(100))

    assert_problem(server.http.post("/v1/ask", content=chunks, headers=JSON), 413)


def test_a_megabyte_is_answered(server: RunningServer) -> None:
    assert server.http.post("/v1/ask", json={"question": "日志 " * 250_000}).status_code == 200


def test_a_body_declared_too_large_is_refused_before_it_is_sent(server: RunningServer) -> None:
    reply = server.send_raw(ASK + b"Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")

    assert reply.status == 413
    assert reply.headers["connection"] == "close"


def test_the_limit_counts_what_comes_and_not_what_is_declared(narrow: RunningServer) -> None:
    at_limit = b'{"question":"' + b"a" * (2000 - 15) + b'"}'
    assert len(at_limit) == 2000

    assert narrow.http.post("/v1/ask", content=at_limit, headers=JSON).status_code == 200
    assert_problem(narrow.http.post("/v1/ask", content=at_limit + b" ", headers=JSON), 413)
    assert_problem(narrow.http.post("/v1/ask", content=iter([at_limit, b" "]), headers=JSON), 413)


def test_a_length_that_lies_low_cuts_the_body_and_closes(server: RunningServer) -> None:
    with server.connection() as connection:
        connection.sendall(ASK + b'Content-Length: 5\r\n\r\n{"question": "why?"}\r\n\r\n')
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.count(b"HTTP/1.1 400 ") == received.count(b"application/problem+json") == 2


def test_a_length_that_lies_high_leaves_the_server_to_others(server: RunningServer) -> None:
    with server.connection() as connection:
        connection.sendall(ASK + b'Content-Length: 500\r\n\r\n{"question": "why?"}')
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(65536) == b""

    assert server.http.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40,
        b"GARBAGE\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nA\x00B: c\r\n\r\n",
        ASK + b"Content-Length: -1\r\n\r\n",
        ASK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ASK + b"Content-Length: 9" + b"9" * 5000 + b"\r\n\r\n",
        ASK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    ],
    ids=lambda data: ascii(data[-24:]),
)
def test_what_is_not_http_is_a_problem_and_the_end_of_the_connection(
    server: RunningServer, request_bytes: bytes
) -> None:
    with server.connection() as connection:
        connection.sendall(request_bytes)
        reply = read_reply(connection)
        assert connection.recv(65536) == b""

    assert 400 <= reply.status < 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert json.loads(reply.body)["status"] == reply.status
    assert server.http.get("/healthz").status_code == 200


@pytest.mark.parametrize("size", [b"zz\r\n", b"-5\r\n", b"ffffffffffffffffffffffff\r\n"])
def test_broken_chunks_end_the_connection(server: RunningServer, size: bytes) -> None:
    reply = server.send_raw(ASK + b"Transfer-Encoding: chunked\r\n\r\n" + size + b'{"a":1}\r\n0\r\n\r\n')

    assert reply.status == 400
    assert reply.headers["content-type"] == "application/problem+json"


def test_a_body_that_does_not_come_is_a_408(impatient: RunningServer) -> None:
    reply = impatient.send_raw(ASK + b'Content-Length: 100\r\n\r\n{"question"')

    assert (reply.status, reply.headers["content-type"]) == (408, "application/problem+json")
    assert reply.headers["connection"] == "close"
    assert json.loads(reply.body)["detail"] == "The body has to be there within 0.3 s."


@pytest.mark.parametrize("head", [b"", b"POST /v1/ask HT", ASK])
def test_a_head_that_does_not_end_is_dropped(impatient: RunningServer, head: bytes) -> None:
    with impatient.connection() as connection:
        connection.sendall(head)
        assert connection.recv(65536) == b""


def test_a_second_head_that_does_not_end_is_dropped_too(impatient: RunningServer) -> None:
    with impatient.connection() as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert read_reply(connection).status == 200
        connection.sendall(b"GET /heal")
        assert connection.recv(65536) == b""


def test_pipelined_requests_are_answered_in_turn(server: RunningServer) -> None:
    with server.connection() as connection:
        connection.sendall(
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
            b"GET /nope HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        received = b"".join(iter(lambda: connection.recv(65536), b""))

    assert received.index(b"HTTP/1.1 200 ") < received.index(b"HTTP/1.1 404 ")


def test_nothing_names_the_server_or_lets_other_origins_in(server: RunningServer) -> None:
    reply = server.http.get("/healthz", headers={"Origin": "https://evil.example"})

    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control")]
    assert reply.headers["x-content-type-options"] == "nosniff"
