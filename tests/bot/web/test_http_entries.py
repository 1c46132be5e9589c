"""GET /v1/entries and GET /v1/entries/{id}."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer


def test_every_entry_is_listed(server: RunningServer, engine: StandInEngine) -> None:
    listed = server.http.get("/v1/entries").json()

    assert listed == {
        "entries": [
            {"id": entry.id, "title": entry.title, "area": entry.area, "kind": entry.kind}
            for entry in engine.corpus.entries
        ]
    }


def walk(statements: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for statement in statements:
        yield statement
        yield from walk(statement["risks"])
        yield from walk(statement["children"])


def test_an_entry_is_shown_whole_and_every_reference_in_it_resolves(
    server: RunningServer, engine: StandInEngine
) -> None:
    for entry in engine.corpus.entries:
        shown = server.http.get(f"/v1/entries/{entry.id}").json()

        assert (shown["id"], shown["title"], shown["kind"]) == (entry.id, entry.title, entry.kind)
        for same in ("asked_as", "signatures", "see_also", "threads"):
            assert shown[same] == [list(item) if isinstance(item, tuple) else item for item in getattr(entry, same)]
        assert [case["claim"] for case in shown["cases"]] == [case.claim for case in entry.cases]
        statements = [
            *walk([statement for section in shown["sections"] for statement in section["statements"]]),
            *walk([shown["tells_apart"], *(difference["advice"] for difference in shown["differs"])]),
        ]
        assert [statement["text"] for statement in statements] == [one.text for one in entry.statements()]
        assert sum(len(statement["code"]) for statement in statements) == sum(
            len(one.code) for one in entry.statements()
        )
        places = {place["id"]: place for place in shown["citations"]}
        notes = {note["id"]: note for note in shown["notes"]}
        for statement in statements:
            assert statement["citations"] or statement["notes"]
            assert places.keys() >= set(statement["citations"])
            assert notes.keys() >= set(statement["notes"])
        assert all(place["heading"] and place["url"].startswith("https://") for place in places.values())


def test_a_version_gate_is_shown_as_it_is_written(server: RunningServer, engine: StandInEngine) -> None:
    entry, gate = next(
        (entry, statement.marker.when[0])
        for entry in engine.corpus.entries
        for statement in entry.statements()
        if statement.marker.when
    )

    assert f'"{gate}"' in server.http.get(f"/v1/entries/{entry.id}").text


def test_an_id_with_a_slip_is_told_what_comes_close(server: RunningServer) -> None:
    reply = server.http.get("/v1/entries/Terway-vswitch-ip-exhaust")

    assert reply.status_code == 404
    assert reply.json()["type"] == "urn:acknet:problem:unknown-entry"
    assert reply.json()["closest"][0] == "terway-vswitch-ip-exhausted"
    assert "did you mean terway-vswitch-ip-exhausted" in reply.json()["detail"]


@pytest.mark.parametrize("strange", ["0", "%00", "%FF%FE", "{{7*7}}", "%1b%5b31m", "x" * 9000])
def test_an_id_like_none_is_a_plain_problem(server: RunningServer, strange: str) -> None:
    reply = server.http.get(f"/v1/entries/{strange}")

    assert reply.status_code == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert "/v1/entries lists them all" in reply.json()["detail"]
    assert reply.json()["detail"].isprintable()
    assert len(reply.content) < 1000


@pytest.mark.parametrize("path", ["../../etc/passwd", "..%2F..%2Fetc%2Fpasswd", "%2e%2e/%2e%2e/healthz", "..", "a%2fb"])
def test_a_path_that_climbs_leads_nowhere(server: RunningServer, path: str) -> None:
    reply = server.send_raw(f"GET /v1/entries/{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())

    assert reply.status == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert b"root:" not in reply.body
