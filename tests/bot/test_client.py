"""The client against acknet's own server and against servers that hang, lie and break off."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bot.client import AsyncClient, Client, ClientError, Tell
from bot.engine import EngineError
from bot.settings import Settings
from bot.web.models import Scope
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def engine() -> StandInEngine:
    return StandInEngine()


@pytest.fixture(scope="module")
def server(engine: StandInEngine) -> Iterator[RunningServer]:
    with running_server(lambda _: engine) as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Iterator[Client]:
    with Client(server.url, timeout=90) as opened:
        yield opened


@dataclass(frozen=True)
class Scripted:
    """A server for a few connections; ``heads`` holds what it was asked."""

    url: str
    heads: list[bytes]


@contextmanager
def answering(*replies: bytes | Callable[[socket.socket], None]) -> Iterator[Scripted]:
    """Serve a connection for each reply, in turn: read the request's head, then send the reply and close."""
    heads: list[bytes] = []

    def serve() -> None:
        for reply in replies:
            connection, _ = listener.accept()
            with connection:
                received = b""
                while b"\r\n\r\n" not in received:
                    received += connection.recv(65536)
                heads.append(received)
                if callable(reply):
                    reply(connection)
                else:
                    connection.sendall(reply)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(65536):
                        pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        thread = threading.Thread(target=serve)
        thread.start()
        host, port = listener.getsockname()
        yield Scripted(f"http://{host}:{port}", heads)
        thread.join(60)


def failure(url: str, **options: Any) -> ClientError:
    """Return the error with which asking ``url`` ends."""
    with Client(url, **({"timeout": 60} | options)) as client, pytest.raises(ClientError) as raised:
        client.ask("why?")
    text = str(raised.value)
    assert text.isprintable()
    assert len(text) <= 501
    return raised.value


def test_a_question_and_its_thread_get_their_answer(client: Client, engine: StandInEngine) -> None:
    reply = client.ask("and for flannel-hairpin?", ["我用 Flannel", "\x00\U0001f642"])

    assert engine.asked[-1] == ["我用 Flannel", "\x00\U0001f642", "and for flannel-hairpin?"]
    assert (reply.outcome, reply.answer.entry) == ("answer", "flannel-hairpin")


def test_a_reply_is_the_servers_object_to_the_last_field(client: Client, server: RunningServer) -> None:
    raw = server.http.post("/v1/ask", json={"question": "flannel-hairpin"}).json()

    reply = client.ask("flannel-hairpin").model_dump(mode="json")
    assert reply.pop("id") != raw.pop("id")
    assert reply == raw


def test_fields_that_a_later_server_adds_are_kept(client: Client, server: RunningServer) -> None:
    raw = server.http.post("/v1/ask", json={"question": "why?"}).json() | {"mood": "sunny"}
    body = json.dumps(raw).encode()
    with answering(OK + b"Content-Length: %d\r\n\r\n" % len(body) + body) as scripted, Client(scripted.url) as other:
        assert other.ask("why?").model_dump(mode="json") == raw


def test_entries_are_listed_and_shown(client: Client, engine: StandInEngine) -> None:
    listed = client.entries()

    assert [one.id for one in listed] == [entry.id for entry in engine.corpus.entries]
    assert client.entry(listed[0].id).title == listed[0].title


def test_calls_share_a_connection_and_run_side_by_side(server: RunningServer) -> None:
    async def ask_all() -> list[str]:
        async with AsyncClient(server.url, timeout=90) as client:
            replies = await asyncio.gather(*(client.ask(f"question {number}") for number in range(10)))
            entry = await client.entry((await client.entries())[0].id)
            return [*(reply.outcome for reply in replies), entry.id]

    assert asyncio.run(ask_all())[:10] == ["answer"] * 10


@pytest.mark.parametrize("entry_id", ["..", ".", "../../healthz", "a b", "a?b#c", "\x00", "\ud800", "节点", "%2e%2e"])
def test_a_strange_id_names_no_other_place(client: Client, entry_id: str) -> None:
    with pytest.raises(ClientError) as raised:
        client.entry(entry_id)

    assert raised.value.status == 404
    assert str(raised.value).isprintable()


def test_an_unknown_id_is_told_with_what_comes_close(client: Client) -> None:
    with pytest.raises(ClientError, match="did you mean flannel-hairpin") as raised:
        client.entry("flannel-hairpins")

    assert raised.value.problem is not None
    assert raised.value.problem.closest
    with pytest.raises(ClientError, match="not empty"):
        client.entry("")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda client: client.ask(" "), "question: is blank"),
        (lambda client: client.ask("why?", ["a"] * 101), "thread: List should have at most 100 items"),
        (lambda client: client.ask("half \ud83d"), "lone surrogate"),
    ],
)
def test_what_cannot_be_sent_is_told_before_it_is(client: Client, call: Callable[[Client], object], said: str) -> None:
    with pytest.raises(ClientError, match=said) as raised:
        call(client)

    assert raised.value.status is None


def test_what_the_server_refuses_is_told_in_its_words(client: Client) -> None:
    for extra in ({"diagnose": True}, {"diagnose": True, "scope": Scope(namespace="shop")}):
        with pytest.raises(ClientError, match="no cluster access is configured") as raised:
            client.ask("why?", **extra)
        assert raised.value.status == 422
        assert raised.value.problem is not None
        assert raised.value.problem.type == "urn:acknet:problem:no-cluster-access"


def test_a_crash_of_the_server_is_told_with_its_id(client: Client) -> None:
    with pytest.raises(ClientError, match=r"under request (\w+)\. \(request \1\)") as raised:
        client.ask("CRASH")

    assert raised.value.status == 500


def test_a_server_whose_index_is_not_open_is_told_with_the_reason() -> None:
    def fail(_: Settings) -> StandInEngine:
        raise EngineError("the cache directory is not writable")

    with running_server(fail) as server:
        error = failure(server.url)

    assert error.status == 503
    assert "the cache directory is not writable" in str(error)


def test_a_port_where_nothing_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}"

    error = failure(url)

    assert str(error).startswith(f"cannot reach {url} (")
    assert str(error).endswith("is acknet serve running there?")
    assert error.status is None


ASKED = {"question": "why?"}


def refusal(status: int, *headers: str) -> bytes:
    body = json.dumps({"title": "No", "status": status, "detail": "Not now."}).encode()
    lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


@pytest.fixture(scope="module")
def good(server: RunningServer) -> bytes:
    body = server.http.post("/v1/ask", json=ASKED).content
    return OK + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize("status", [429, 503])
def test_a_question_is_asked_again_when_the_server_says_when(good: bytes, status: int) -> None:
    with answering(refusal(status, "Retry-After: 0"), good) as scripted, Client(scripted.url, 60) as client:
        assert client.ask("why?").outcome == "answer"

    assert len(scripted.heads) == 2


def test_a_question_is_not_asked_for_ever() -> None:
    with answering(*[refusal(503, "Retry-After: 0")] * 3) as scripted:
        assert failure(scripted.url).status == 503

    assert len(scripted.heads) == 3


@pytest.mark.parametrize(
    "reply", [refusal(503), refusal(503, "Retry-After: 3600"), refusal(500, "Retry-After: 0"), refusal(502), b""]
)
def test_a_question_that_may_have_been_worked_on_is_not_asked_again(reply: bytes, good: bytes) -> None:
    with answering(reply) as scripted:
        failure(scripted.url)

    assert len(scripted.heads) == 1


def test_what_changes_nothing_is_asked_again_when_the_reply_breaks_off(server: RunningServer) -> None:
    listed = server.http.get("/v1/entries").content
    reply = OK + b"Content-Length: %d\r\n\r\n" % len(listed) + listed
    with answering(b"", reply[:-9], reply) as scripted, Client(scripted.url, 60) as client:
        assert client.entries()

    assert len(scripted.heads) == 3


def test_a_rating_that_may_have_arrived_is_sent_again(server: RunningServer) -> None:
    with answering(b"", b"HTTP/1.1 204 No Content\r\n\r\n") as scripted, Client(scripted.url, 60) as client:
        client.rate("abc", helpful=True)

    assert [head.split()[1] for head in scripted.heads] == [b"/v1/answers/abc/rating"] * 2


def test_an_answer_is_rated_by_its_id(client: Client) -> None:
    answer = client.ask("why?")
    assert answer.id
    client.rate(answer.id, helpful=False, reason="It is about Flannel.")

    with pytest.raises(ClientError, match="No answer has this id") as raised:
        client.rate("nothing", helpful=True)
    assert raised.value.status == 404


def test_a_token_is_sent_and_never_told() -> None:
    with answering(refusal(401)) as scripted:
        error = failure(scripted.url, token="acknet_abc")

    assert b"authorization: bearer acknet_abc\r\n" in scripted.heads[0].lower()
    assert "acknet_abc" not in str(error)
    with pytest.raises(ClientError, match="the token for the server is none") as raised:
        Client("http://127.0.0.1:9", token="a b\r\nX: y")
    assert "a b" not in str(raised.value)


def test_the_stages_of_an_answer_are_told_before_it_comes(client: Client) -> None:
    stages: list[Any] = []
    reply = client.ask("flannel-hairpin", tell=stages.append)

    assert reply.answer.entry == "flannel-hairpin"
    assert stages == [{"stage": "answered"}]


@pytest.mark.parametrize(
    ("question", "extra", "said", "status"),
    [
        ("CRASH", {}, "its log tells more", 500),
        ("why?", {"diagnose": True}, "no cluster access is configured", 422),
    ],
)
def test_what_goes_wrong_while_stages_are_told_is_told_too(
    client: Client, question: str, extra: dict[str, Any], said: str, status: int
) -> None:
    with pytest.raises(ClientError, match=said) as raised:
        client.ask(question, tell=lambda _: None, **extra)

    assert raised.value.status == status


EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("events", "said"),
    [
        (b"", "ended before its result"),
        (b": here\n\nevent: progress\ndata: {}\n\n", "ended before its result"),
        (b"event: progress\ndata: {\n\n", "something else than acknet"),
        (b"event: progress\ndata: 1\n\n", "something else than acknet"),
        (b"event: result\ndata: {}\n\n", "something else than acknet"),
        (b"event: problem\ndata: {}\n\n", "without saying why"),
    ],
    ids=lambda value: ascii(value[:40]),
)
def test_events_that_are_none_are_one_line(events: bytes, said: str) -> None:
    with (
        answering(EVENTS + events) as scripted,
        Client(scripted.url, 60) as client,
        pytest.raises(ClientError, match=said),
    ):
        client.ask("why?", tell=lambda _: None)


def keep_silent(connection: socket.socket) -> None:
    while connection.recv(65536):
        pass


def drip(head: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.sendall(head)
        connection.settimeout(0.05)
        while True:
            try:
                if connection.recv(65536) == b"":
                    return
            except TimeoutError:
                try:
                    connection.sendall(b"x")
                except OSError:
                    return
            except OSError:
                return

    return serve


@pytest.mark.parametrize(
    "reply",
    [keep_silent, drip(b""), drip(b"HTTP/1.1 200 OK\r\nX-"), drip(OK + b"Content-Length: 100000\r\n\r\n")],
    ids=["silent", "drips", "drips its head", "drips its body"],
)
def test_a_server_that_does_not_come_to_an_end_is_left_in_time(reply: Callable[[socket.socket], None]) -> None:
    with answering(reply) as scripted:
        error = failure(scripted.url, timeout=0.4)

    assert str(error) == f"{scripted.url} did not reply within 0.4 s"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"", "broke off or is not HTTP"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "broke off or is not HTTP"),
        (b"HTTP/1.1 200 O", "broke off or is not HTTP"),
        (b"HTTP/1.1 999999 OK\r\n\r\n", "broke off or is not HTTP"),
        (OK + b'Content-Length: 500\r\n\r\n{"outcome": "ans', "broke off or is not HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{", "broke off or is not HTTP"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", "broke off or is not HTTP"),
        (OK + b"Content-Length: 2\r\n\r\n{}", "something else than acknet"),
        (OK + b"Content-Length: 0\r\n\r\n", "something else than acknet"),
        (OK + b"Content-Length: 11\r\n\r\n<html>\xff\x00\x1b[m", "something else than acknet"),
        (OK + b"Content-Length: 5000\r\n\r\n" + b"[" * 5000, "something else than acknet"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "something else than acknet"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b", "a packed reply"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 6\r\n\r\n<html>", "replied 502 Bad Gateway without saying why"),
        (b"HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\n[]", "replied 404 without saying why"),
        (b"HTTP/1.1 500 \x1b[2J\r\nContent-Length: 0\r\n\r\n", ""),
        (
            b"HTTP/1.1 302 Found\r\nLocation: https://b.example/\r\nContent-Length: 0\r\n\r\n",
            "redirects to https://b.exa",
        ),
        (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "without saying why"),
    ],
    ids=lambda value: ascii(value[-24:]),
)
def test_a_reply_that_is_none_is_one_line(reply: bytes, said: str) -> None:
    with answering(reply) as scripted:
        assert said in str(failure(scripted.url))


def test_what_a_server_says_cannot_act_on_the_terminal() -> None:
    problem = {
        "title": "Bad",
        "status": 400,
        "detail": "line one\nline two\r\x1b]0;owned\x07\x9b31m \u202eevil " + "long " * 500,
        "errors": [{"detail": "a\x1b[2J", "pointer": "#/\x1b[H"}],
    }
    body = json.dumps(problem).encode()
    with answering(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body) as scripted:
        error = failure(scripted.url)

    assert str(error).startswith("line one line two ]0;owned")
    assert error.status == 400


@pytest.mark.parametrize(
    ("head", "tell"),
    [(OK + b"Content-Length: 99999999999\r\n\r\n", None), (EVENTS + b"event: result\ndata: ", lambda _: None)],
    ids=["reply", "event"],
)
def test_a_reply_without_end_is_cut(head: bytes, tell: Tell | None) -> None:
    def pour(connection: socket.socket) -> None:
        connection.sendall(head)
        try:
            while True:
                connection.sendall(b"x" * 65536)
        except OSError:
            return

    with (
        answering(pour) as scripted,
        Client(scripted.url, 20, max_reply_bytes=1_000_000) as client,
        pytest.raises(ClientError, match="replied with more than 1000000 bytes"),
    ):
        client.ask("why?", tell=tell)


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
def test_no_proxy_is_asked_for_a_server_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, server: RunningServer, variable: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{closed.getsockname()[1]}")
    with Client(server.url, timeout=90) as client:
        assert client.entries()


def test_a_proxy_is_asked_for_a_server_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with answering(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        assert failure("http://acknet.example:8080").status == 407


def test_a_proxy_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://127.0.0.1:70")

    with pytest.raises(ClientError, match="the proxy that the environment names cannot be used"):
        Client("http://acknet.example:8080")


NO_ADDRESSES = """
acknet 127.0.0.1:8080 ftp://a file:///etc/passwd http:// http://a:b http://a:0 http://a:99999 http://a?b http://a#b
http://u:p@a http://[::1 http://xn--\u0661.example http://\x00
"""


@pytest.mark.parametrize("url", ["", "http://a b", *NO_ADDRESSES.split()])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ClientError) as raised:
        Client(url)

    assert str(raised.value).isprintable()


def test_a_server_may_live_below_a_path() -> None:
    with answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n") as scripted:
        failure(f"{scripted.url}/tools/acknet/")

    assert scripted.heads[0].startswith(b"POST /tools/acknet/v1/ask HTTP/1.1\r\n")
