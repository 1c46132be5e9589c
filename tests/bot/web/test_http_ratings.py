"""``POST /v1/answers/{id}/rating``, and that answers and ratings are remembered."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.settings.tokens import ApiToken
from bot.store import Store
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server

KNOWN, TOKEN = ApiToken.new("ci", ["ask"])


@pytest.fixture
def url(tmp_path: Path) -> StoreUrl:
    return StoreUrl(f"sqlite:///{tmp_path / 'acknet.db'}")


@pytest.fixture
def remembering(url: StoreUrl) -> Iterator[RunningServer]:
    with running_server(lambda _: StandInEngine(), Settings(store_url=url, api_tokens=[KNOWN])) as running:
        yield running


def test_a_rating_is_kept_with_who_gave_it_and_a_later_one_replaces_it(
    remembering: RunningServer, url: StoreUrl
) -> None:
    answer = remembering.http.post("/v1/ask", json={"question": "why is that?"}).json()
    path = f"/v1/answers/{answer['id']}/rating"
    asked: list[tuple[dict[str, Any], dict[str, str]]] = [
        ({"helpful": True}, {}),
        ({"helpful": False, "reason": "It is about Flannel."}, {}),
        ({"helpful": True}, {"Authorization": f"Bearer {TOKEN}"}),
    ]
    for body, headers in asked:
        reply = remembering.http.post(path, json=body, headers=headers)
        assert (reply.status_code, reply.content) == (204, b"")

    async def kept() -> tuple[set[tuple[str, bool, str]], list[str]]:
        async with Store(url) as store:
            said = await store.feedback.of(answer["id"])
            questions = await store.questions.list()
            return {(one.who, one.helpful, one.reason) for one in said}, [one.cause for one in questions]

    said, causes = asyncio.run(kept())
    assert said == {("local", False, "It is about Flannel."), ("ci", True, "")}
    assert causes == ["badly_rated"]
    assert 'acknet_ratings_total{helpful="true"} 2.0' in remembering.http.get("/metrics").text


def test_what_cannot_be_rated_is_refused(remembering: RunningServer) -> None:
    unknown = remembering.http.post("/v1/answers/nothing/rating", json={"helpful": True})
    assert (unknown.status_code, unknown.json()["type"]) == (404, "urn:acknet:problem:unknown-answer")

    answer = remembering.http.post("/v1/ask", json={"question": "why?"}).json()
    for body in ({}, {"helpful": "yes"}, {"helpful": True, "mood": 1}, {"helpful": True, "reason": "x" * 3001}):
        assert remembering.http.post(f"/v1/answers/{answer['id']}/rating", json=body).status_code == 422


def test_answers_go_on_without_a_store_and_ratings_say_that_they_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = Settings(store_url=StoreUrl(f"sqlite:///{tmp_path / 'file' / 'acknet.db'}"))
    with running_server(lambda _: StandInEngine(), settings) as server:
        answer = server.http.post("/v1/ask", json={"question": "why?"})
        assert answer.status_code == 200
        rated = server.http.post(f"/v1/answers/{answer.json()['id']}/rating", json={"helpful": True})
        assert (rated.status_code, rated.json()["type"]) == (503, "urn:acknet:problem:not-remembered")
        assert rated.headers["retry-after"]
        assert str(tmp_path) not in rated.text

        ready = server.http.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["parts"]["store"]["state"] == "failed"
        assert str(tmp_path) not in ready.text
