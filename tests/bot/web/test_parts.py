"""How the parts of a running acknet are put together: routes, start and stop in order, condition, failures apart."""

from __future__ import annotations

import asyncio
import logging

import pytest
from fastapi import FastAPI

from bot.part import Assembly, Background, Condition, Part
from bot.service import Service
from bot.web.parts import serve_parts
from tests.doubles.engine import StandInEngine
from tests.doubles.server import running_server


class Noting(Part):
    def __init__(self, name: str, notes: list[str]) -> None:
        self.name = name
        self.notes = notes

    def install(self, app: FastAPI) -> None:
        @app.get(f"/{self.name}")
        async def greet() -> str:
            return self.name

    async def start(self) -> None:
        self.notes.append(f"start {self.name}")

    async def stop(self) -> None:
        self.notes.append(f"stop {self.name}")


class Broken(Part):
    name = "broken"

    async def start(self) -> None:
        raise RuntimeError("no start")

    async def stop(self) -> None:
        raise RuntimeError("no stop")


class Odd(Part):
    name = "odd"

    async def condition(self) -> Condition:
        raise RuntimeError("nobody knows")


class Failing(Background):
    """Fails once, then works until it is stopped."""

    name = "failing"

    def __init__(self) -> None:
        self.begun = 0
        self.works = asyncio.Event()
        self.ended = False

    async def work(self) -> None:
        self.begun += 1
        if self.begun == 1:
            raise RuntimeError("the first time")
        self.works.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended = True


def test_a_server_serves_its_parts_and_starts_and_stops_them_in_order() -> None:
    notes: list[str] = []

    def parts(service: Service) -> list[Part]:
        return [*serve_parts(service), Noting("one", notes), Noting("two", notes)]

    with running_server(lambda _: StandInEngine(), parts=parts) as server:
        assert server.http.get("/two").json() == "two"
        assert server.http.get("/readyz").json()["parts"]["one"] == {"state": "ok", "detail": ""}
        assert notes == ["start one", "start two"]

    assert notes == ["start one", "start two", "stop two", "stop one"]


def test_a_part_that_fails_leaves_the_others_alone_and_is_told(caplog: pytest.LogCaptureFixture) -> None:
    notes: list[str] = []

    def parts(service: Service) -> list[Part]:
        return [Broken(), *serve_parts(service), Odd(), Noting("one", notes)]

    with running_server(lambda _: StandInEngine(), parts=parts) as server:
        ready = server.http.get("/readyz")
        assert ready.status_code == 200
        assert {name for name, part in ready.json()["parts"].items() if part["state"] == "failed"} == {"broken", "odd"}
        assert server.http.post("/v1/ask", json={"question": "why?"}).status_code == 200

    assert notes == ["start one", "stop one"]
    assert "broken could not be started" in caplog.text
    assert "broken could not be stopped" in caplog.text


def test_work_that_fails_is_begun_anew_and_ends_when_it_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        part = Failing()
        async with Assembly([part]) as assembly:
            while (await assembly.conditions())["failing"].state != "failed":  # noqa: ASYNC110 (it has no event)
                await asyncio.sleep(0)
            await asyncio.wait_for(part.works.wait(), 30)
            assert (await assembly.conditions())["failing"].state == "ok"
            assert not part.ended
        assert part.ended

    caplog.set_level(logging.ERROR)
    asyncio.run(scenario())
    assert "failing failed; it is begun anew" in caplog.text
