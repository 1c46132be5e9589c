"""The service behind every surface: answers, looks, and what is remembered of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.look import Look, Scope, SourceError
from bot.opening import EngineOpening, NotReady
from bot.service import Asker, Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import KubernetesApi, kubernetes_api
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[1] / "scenarios" / "terway-exhausted-crd-condition")
ENTRY = "terway-vswitch-ip-exhausted"
ASKER = Asker("http", "team-a", "conversation-1")

T = TypeVar("T")
Use = Callable[[Callable[[Service], Awaitable[T]]], T]


@pytest.fixture(scope="module")
def api() -> Iterator[KubernetesApi]:
    with kubernetes_api([as_json(one) for one in SCENARIO.objects], logs=SCENARIO.logs, now=NOW) as running:
        yield running


@pytest.fixture
def use(tmp_path: Path, api: KubernetesApi) -> Use[Any]:
    """Run steps with a service over the stand-in engine, a store of its own and the scenario's cluster."""
    settings = Settings(kubeconfig=api.kubeconfig(tmp_path), store_url=StoreUrl(f"sqlite:///{tmp_path}/acknet.db"))
    return lambda steps: run(settings, steps)


def run(settings: Settings, steps: Callable[[Service], Awaitable[T]]) -> T:
    async def with_service() -> T:
        opening = EngineOpening(StandInEngine)
        opening.start()
        await asyncio.to_thread(opening.wait)
        service = Service(settings, opening)
        try:
            return await steps(service)
        finally:
            await service.close()

    return asyncio.run(with_service())


def figure(service: Service, name: str, **labels: str) -> float:
    return service.metrics.registry.get_sample_value(name, labels) or 0.0


def test_an_answer_is_kept_audited_and_counted(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        given = await service.ask(["earlier", f"{ENTRY}?"], ASKER)
        kept = await service.kept(given.id)
        return (
            given,
            kept,
            await service.store.audit.list(),
            figure(service, "acknet_asks_total", surface="http", outcome="answer"),
        )

    given, kept, (record,), counted = use(steps)
    assert given.answer.entry == kept.entry == ENTRY
    assert (kept.turns, kept.surface, kept.who, kept.place) == (
        ("earlier", f"{ENTRY}?"),
        "http",
        "team-a",
        "conversation-1",
    )
    assert (record.who, record.action, record.question) == ("team-a", "ask", f"{ENTRY}?")
    assert record.outcome["answer"] == given.id
    assert counted == 1


def test_answers_of_a_conversation_are_found_in_order(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        ids = [(await service.ask([f"{number}"], ASKER)).id for number in range(3)]
        for one in ids:
            await service.kept(one)
        return ids, await service.conversation("conversation-1"), await service.conversation("elsewhere")

    ids, here, elsewhere = use(steps)
    assert sorted(one.id for one in here) == sorted(ids)
    assert elsewhere == ()


def test_a_look_tells_its_stages_and_is_audited_with_what_was_read(use: Use[Any]) -> None:
    told: list[Mapping[str, Any]] = []

    async def steps(service: Service) -> Any:
        scope = Scope(**SCENARIO.data["scope"])
        given = await service.ask([f"{ENTRY}?"], ASKER, look=Look(scope), tell=told.append)
        kept = await service.kept(given.id)
        return given, kept, await service.store.audit.list(), service.metrics.text().decode()

    given, kept, records, figures = use(steps)
    assert given.answer.diagnosis is not None
    assert [stage["stage"] for stage in told if stage["stage"] != "probing"] == ["retrieved", "answered"]
    assert any(stage.get("state") == "read" for stage in told)
    assert kept.scope == dict(SCENARIO.data["scope"])
    look = next(record for record in records if record.action == "look")
    assert look.read
    assert look.outcome["verdicts"][ENTRY] == "confirmed"
    assert 'acknet_verdicts_total{source="context",verdict="confirmed"} 1.0' in figures


def test_what_is_near_in_meaning_is_found_without_a_trace(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        return await service.nearest(f"{ENTRY}?"), await service.store.audit.list()

    (first, *_), records = use(steps)
    assert (first.id, records) == (ENTRY, ())


def test_another_entry_can_be_explained(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        return (await service.explain("flannel-hairpin", ["x"], ASKER)).answer.entry

    assert use(steps) == "flannel-hairpin"


def test_a_bad_rating_makes_an_open_question(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        given = await service.ask([f"{ENTRY}?"], ASKER)
        assert await service.rate(given.id, ASKER, helpful=False, reason="other plugin")
        return await service.store.questions.list(), await service.store.feedback.of(given.id)

    (question,), (said,) = use(steps)
    assert (question.cause, question.text) == ("badly_rated", f"{ENTRY}?")
    assert (said.who, said.helpful, said.reason) == ("team-a", False, "other plugin")


def test_a_question_that_nobody_answered_is_kept(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        given = await service.ask(["x"], ASKER)
        return (
            await service.nobody_answered(given.id),
            await service.nobody_answered("unknown"),
            [one.cause for one in await service.store.questions.list()],
        )

    assert use(steps) == (True, False, ["nobody_answered"])


def test_a_store_that_cannot_be_used_stops_no_answer_and_is_counted(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    async def steps(service: Service) -> Any:
        given = await service.ask([f"{ENTRY}?"], ASKER)
        kept = await service.kept(given.id)
        rated = await service.rate(given.id, ASKER, helpful=True)
        return given.answer.entry, kept, rated, service.metrics.text().decode()

    entry, kept, rated, figures = run(Settings(store_url=StoreUrl(f"sqlite:///{blocked}/acknet.db")), steps)
    assert (entry, kept, rated) == (ENTRY, None, False)
    assert "acknet_store_failures_total{" in figures


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the store as long as it takes: machines that test are busy."""
    monkeypatch.setattr("bot.service.Store", partial(Store, seconds=60))
    monkeypatch.setattr("bot.records._WRITTEN_SECONDS", 60)


@pytest.mark.usefixtures("patient")
def test_an_answer_is_written_down_before_it_goes_out(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        given = await service.ask(["REFUSE"], ASKER)
        # Another replica, to which the rating may come after this one has died.
        async with Store(service.settings.store_url, seconds=60) as store:
            kept = await store.answers.get(given.id)
            await service.kept(given.id)  # what else is recorded of it
            return kept, await store.audit.list(), await store.questions.list()

    kept, records, questions = use(steps)
    assert kept.turns == ("REFUSE",)
    assert [record.action for record in records] == ["ask"]
    assert [question.text for question in questions] == ["REFUSE"]


@pytest.mark.usefixtures("patient")
def test_a_store_that_is_slow_does_not_hold_answers_up(
    use: Use[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.records._WRITTEN_SECONDS", 0.01)

    async def steps(service: Service) -> Any:
        await service.store.open()
        with closing(sqlite3.connect(tmp_path / "acknet.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            given = [await service.ask([f"{ENTRY}?"], ASKER) for _ in range(3)]
            found = other.execute("SELECT count(*) FROM answers").fetchone()
            other.execute("ROLLBACK")
        return [one.answer.entry for one in given], found, [await service.kept(one.id) for one in given]

    entries, while_locked, kept = use(steps)
    assert (entries, while_locked) == ([ENTRY] * 3, (0,))
    assert [one.entry for one in kept] == [ENTRY] * 3


def test_what_is_not_recorded_is_counted_one_by_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")

    async def steps(service: Service) -> Any:
        given = await service.ask(["REFUSE"], ASKER)
        await service.kept(given.id)
        return figure(service, "acknet_store_failures_total", reason="unreachable")

    counted = run(Settings(store_url=StoreUrl(f"sqlite:///{blocked}/acknet.db")), steps)
    assert counted >= 3
    for name in ("answers.keep", "audit.add", "questions.add"):
        assert f"{name} was not done" in caplog.text


def test_a_cluster_that_the_settings_do_not_name_is_not_looked_into(use: Use[Any]) -> None:
    async def steps(service: Service) -> Any:
        with pytest.raises(SourceError, match="no cluster of this name"):
            await service.ask([f"{ENTRY}?"], ASKER, look=Look(cluster="someone-elses"))
        return figure(service, "acknet_ask_failures_total", surface="http", reason="SourceError")

    assert use(steps) == 1


def test_without_leave_to_look_only_a_paste_is_looked_into(use: Use[Any], api: KubernetesApi) -> None:
    async def steps(service: Service) -> None:
        before = len(api.requests)
        with pytest.raises(SourceError, match="may not be looked into"):
            await service.ask([f"{ENTRY}?"], ASKER, look=Look(live=False))
        assert len(api.requests) == before

    use(steps)


def test_nothing_is_answered_before_the_index_is_open(tmp_path: Path) -> None:
    async def steps() -> None:
        service = Service(Settings(store_url=StoreUrl(f"sqlite:///{tmp_path}/a.db")), EngineOpening(StandInEngine))
        with pytest.raises(NotReady):
            await service.ask(["x"], ASKER)
        await service.close()

    asyncio.run(steps())
