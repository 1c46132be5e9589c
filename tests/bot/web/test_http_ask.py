"""POST /v1/ask as the contract has it."""

from __future__ import annotations

import json
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import httpx
import pytest
from pydantic import BaseModel

from bot.settings import Settings
from bot.web.models import AskReply
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server

QUESTION = {"question": "tell me about flannel-hairpin"}


def unknown_fields(model: object) -> set[str]:
    """Return the fields that a reply holds beyond those its model names, however deep."""
    if isinstance(model, BaseModel):
        found = set(model.model_extra or ())
        return found.union(*(unknown_fields(getattr(model, name)) for name in type(model).model_fields))
    if isinstance(model, tuple):
        return set().union(*map(unknown_fields, model))
    return set()


def test_the_reply_is_the_object_of_the_contract_and_nothing_else(server: RunningServer) -> None:
    reply = server.http.post("/v1/ask", json=QUESTION)

    assert reply.status_code == 200
    assert reply.headers["content-type"] == "application/json"
    parsed = AskReply.model_validate_json(reply.content, strict=True)
    assert unknown_fields(parsed) == set()
    assert (parsed.outcome, parsed.answer.entry, parsed.diagnosis) == ("answer", "flannel-hairpin", None)
    assert parsed.entries[0].id == "flannel-hairpin"
    assert len(parsed.entries) >= 5
    assert {cited.entry for cited in parsed.citations} == {"flannel-hairpin"}


def test_the_engine_gets_the_thread_oldest_first_and_the_question_last(
    server: RunningServer, engine: StandInEngine
) -> None:
    server.http.post("/v1/ask", json={"question": "and now?", "thread": ["first", "第二"]})

    assert engine.asked[-1] == ["first", "第二", "and now?"]


@pytest.mark.parametrize("rest", [{}, {"thread": None}, {"thread": []}, {"diagnose": False}, {"scope": None}])
def test_what_is_optional_may_be_left_out_or_empty(server: RunningServer, rest: dict[str, object]) -> None:
    assert server.http.post("/v1/ask", json=QUESTION | rest).status_code == 200


def test_any_text_reaches_the_engine_as_it_is(server: RunningServer, engine: StandInEngine) -> None:
    text = "<b>&amp; \x00\x1b[31m {{ 1 + 1 }} 🙈 \u202e \\ud800 " + "节点" * 1000

    assert server.http.post("/v1/ask", json={"question": text}).status_code == 200
    assert engine.asked[-1] == [text]


@pytest.mark.parametrize("rest", [{}, {"scope": {"namespace": "shop"}}])
def test_a_diagnosis_is_refused_where_no_cluster_is_configured(server: RunningServer, rest: dict[str, object]) -> None:
    reply = server.http.post("/v1/ask", json=QUESTION | {"diagnose": True} | rest)

    assert reply.status_code == 422
    assert reply.json()["type"] == "urn:acknet:problem:no-cluster-access"
    assert "no cluster access is configured" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"#/question"}),
        ([], {"#"}),
        ("text", {"#"}),
        (None, {"#"}),
        ({"question": None}, {"#/question"}),
        ({"question": 7}, {"#/question"}),
        ({"question": ["a"]}, {"#/question"}),
        ({"question": ""}, {"#/question"}),
        ({"question": " \n\t\u3000"}, {"#/question"}),
        ({"question": "a", "thread": "b"}, {"#/thread"}),
        ({"question": "a", "thread": ["b", 1, None]}, {"#/thread/1", "#/thread/2"}),
        ({"question": "a", "thread": ["b"] * 101}, {"#/thread"}),
        ({"question": "a", "diagnose": "yes"}, {"#/diagnose"}),
        ({"question": "a", "diagnose": 1}, {"#/diagnose"}),
        ({"question": "a", "scope": []}, {"#/scope"}),
        ({"question": "a", "scope": {"pod": 1, "zone": "b"}}, {"#/scope/pod", "#/scope/zone"}),
        ({"question": 1, "Question": "a", "a/b~ü": 1}, {"#/question", "#/Question", "#/a~1b~0%C3%BC"}),
        ({f"field-{number}": 1 for number in range(50_000)}, {"#"}),
    ],
)
def test_a_request_of_another_form_is_refused_with_what_is_wrong_where(
    server: RunningServer, engine: StandInEngine, body: object, wrong: set[str]
) -> None:
    asked = len(engine.asked)

    reply = server.http.post("/v1/ask", content=json.dumps(body), headers={"Content-Type": "application/json"})

    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["status"] == 422
    assert {error["pointer"] for error in problem["errors"]} == wrong
    assert all(error["detail"] for error in problem["errors"])
    assert len(engine.asked) == asked


def test_of_many_wrong_things_the_first_are_listed(server: RunningServer) -> None:
    reply = server.http.post("/v1/ask", json={"question": "a", "thread": [0] * 60})

    assert reply.json()["detail"] == "60 things are wrong with the request; the first ones are listed."
    assert len(reply.json()["errors"]) == 20


def test_a_question_in_work_holds_up_nothing_else() -> None:
    engine = StandInEngine()
    engine.gate.clear()
    with running_server(lambda _: engine) as server, ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, f"{server.url}/v1/ask", json=QUESTION, timeout=90)
        assert engine.entered.acquire(timeout=90)

        assert server.http.get("/healthz").status_code == 200
        assert not slow.done()

        engine.gate.set()
        assert slow.result(20).status_code == 200


def test_what_is_too_much_to_wait_is_told_when_to_come_back() -> None:
    engine = StandInEngine()
    engine.gate.clear()
    with running_server(lambda _: engine, threads=1, waiting=1) as server, ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(httpx.post, f"{server.url}/v1/ask", json=QUESTION, timeout=90) for _ in range(3)]

        refused, held = wait(asked, timeout=90, return_when=FIRST_COMPLETED)
        engine.gate.set()

        assert [future.result().status_code for future in refused] == [503]
        reply = refused.pop().result()
        assert reply.headers["retry-after"] == "1"
        assert reply.json()["type"] == "urn:acknet:problem:overloaded"
        assert [future.result(20).status_code for future in held] == [200, 200]
        # The places are free again.
        assert server.http.post("/v1/ask", json=QUESTION).status_code == 200


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    engine = StandInEngine()
    engine.gate.clear()
    with running_server(lambda _: engine, Settings(request_timeout=0.2), threads=1) as server:
        reply = server.http.post("/v1/ask", json=QUESTION)
        engine.gate.set()

    assert reply.status_code == 503
    assert "within 0.2 s" in reply.json()["detail"]
    assert reply.headers["retry-after"] == "1"


def test_a_crash_shows_nothing_but_an_id_to_quote(server: RunningServer) -> None:
    reply = server.http.post("/v1/ask", json={"question": "CRASH hunter2"}, headers={"X-Request-Id": "case-7"})

    assert reply.status_code == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json() == {
        "type": "urn:acknet:problem:internal-error",
        "title": "acknet failed",
        "status": 500,
        "detail": "acknet could not serve this request; its log tells more under request case-7.",
        "request_id": "case-7",
    }
