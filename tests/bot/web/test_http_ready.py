"""Health and readiness while the engine is being opened, open, and when it cannot be opened."""

from __future__ import annotations

import threading

import pytest

from bot.engine import EngineError
from bot.settings import Settings
from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server

NEEDS_ENGINE = [
    ("GET", "/readyz", None),
    ("GET", "/v1/entries", None),
    ("GET", "/v1/entries/flannel-hairpin", None),
    ("POST", "/v1/ask", {"question": "why?"}),
]


def test_the_server_lives_at_once_and_is_ready_when_the_index_is_open() -> None:
    built = threading.Event()

    def build(_: Settings) -> StandInEngine:
        assert built.wait(20)
        return StandInEngine()

    with running_server(build, opened=False) as server:
        assert server.http.get("/healthz").status_code == 200
        for method, path, body in NEEDS_ENGINE:
            reply = server.http.request(method, path, json=body)
            assert (reply.status_code, reply.headers["content-type"]) == (503, "application/problem+json")
            assert reply.json()["type"] == "urn:acknet:problem:not-ready"
            assert int(reply.headers["retry-after"]) > 0

        built.set()
        assert server.opening.wait(20)

        ready = server.http.get("/readyz").json()
        assert (ready["status"], ready["index"]) == ("ready", StandInEngine().index_digest)
        assert ready["parts"]["index"] == {"state": "ok", "detail": StandInEngine().index_digest}
        for method, path, body in NEEDS_ENGINE:
            assert server.http.request(method, path, json=body).status_code == 200


def test_an_index_that_cannot_be_opened_is_told_with_its_reason() -> None:
    def fail(_: Settings) -> StandInEngine:
        raise EngineError("the cache directory is not writable;\nset ACKNET_CACHE_DIR")

    with running_server(fail) as server:
        assert server.http.get("/healthz").status_code == 200
        for method, path, body in NEEDS_ENGINE:
            reply = server.http.request(method, path, json=body)
            assert reply.status_code == 503
            assert (
                reply.json()["detail"]
                == "The index cannot be opened: the cache directory is not writable; set ACKNET_CACHE_DIR"
            )
            assert "retry-after" not in reply.headers


def test_an_unexpected_failure_is_told_without_its_inside(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Settings) -> StandInEngine:
        raise MemoryError("at 0xdeadbeef")

    with running_server(fail) as server:
        reply = server.http.get("/readyz")

    assert reply.status_code == 503
    assert "0xdeadbeef" not in reply.text
    assert "0xdeadbeef" in caplog.text


def test_a_server_stops_while_its_index_is_still_being_built() -> None:
    end = threading.Event()

    def build(_: Settings) -> StandInEngine:
        assert end.wait(20)
        return StandInEngine()

    with running_server(build, opened=False) as server:
        assert not server.opening.wait(0)
    assert not server.opening.wait(0)
    end.set()
    assert server.opening.wait(20)
