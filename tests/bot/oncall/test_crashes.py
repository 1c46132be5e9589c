"""What was accepted is worked on, and said once, whatever is killed when."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.oncall import alertmanager as alertmanager_webhook
from bot.oncall.alertmanager import AlertmanagerWebhook
from bot.oncall.responder import Responder, accept
from bot.opening import EngineOpening
from bot.service import Service
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.store import Store
from bot.store.database import Database
from tests.bot.oncall.payloads import alert, alertmanager, resolved
from tests.contracts.store_ground import Clock
from tests.doubles.engine import StandInEngine
from tests.doubles.webhook_receiver import WebhookReceiver

ROOT = Path(__file__).parents[3]
LEASE = dt.timedelta(seconds=30)
TROUBLED = alert(namespace="ml", pod="trainer-2swx89qmk-b2sww")
OTHERS = [alert("Other", namespace="default", pod="gone"), alert("Other", namespace="default", pod="gone-too")]
DELIVERIES = [
    alertmanager(TROUBLED, group="a"),
    alertmanager(*OTHERS, group="b"),
    alertmanager(TROUBLED, group="a"),
    alertmanager(*resolved(OTHERS), group="b"),
    alertmanager(*resolved([TROUBLED]), group="a"),
    alertmanager(*OTHERS, group="b"),
    alertmanager(*resolved(OTHERS), group="b"),
]


class Killed(BaseException):
    """Ends everything at once, as SIGKILL does."""


class Killer:
    """Kills just before or just after the writes of on call to the store whose numbers it is given."""

    def __init__(self, at: frozenset[int]) -> None:
        self.at, self.writes = at, 0

    @contextmanager
    def lurking(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        write = Database.write

        async def deadly(database: Database, name: str, work: Any) -> Any:
            if not name.startswith(("alert.", "incidents.", "notice.")):
                return await write(database, name, work)
            self.writes += 1
            if self.writes in self.at and self.writes % 2:
                raise Killed
            result = await write(database, name, work)
            if self.writes in self.at and not self.writes % 2:
                raise Killed
            return result

        with monkeypatch.context() as patched:
            patched.setattr(Database, "write", deadly)
            yield


def accepted(settings: Settings) -> None:
    async def run() -> None:
        service = Service(settings, EngineOpening(StandInEngine))
        for number, webhook in enumerate(DELIVERIES):
            delivery = alertmanager_webhook.read_webhook(AlertmanagerWebhook.model_validate(webhook))
            await accept(service, delivery, f"delivery {number}")
        await service.close()

    asyncio.run(run())


async def work(settings: Settings, clock: Clock) -> bool:
    """Do all the work there is, as one process; tell whether it lived to the end."""
    opening = EngineOpening(StandInEngine)
    opening.start()
    await asyncio.to_thread(opening.wait)
    store = Store(settings.store_url, seconds=30, clock=clock)
    service = Service(settings, opening, store=store)
    responder = Responder(service, ["here"], clock)
    try:
        while leases := await store.alerts.claim(lease=LEASE):
            await responder.respond(leases[0])
            await store.alerts.done(leases[0])
    except Killed:
        return False
    finally:
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await store.close()
    return True


async def said(settings: Settings, clock: Clock) -> list[tuple[str, str]]:
    """Kind and incident of all notices, in their order."""
    async with Store(settings.store_url, seconds=30, clock=clock) as store:
        found = []
        while leases := await store.notices.claim(lease=LEASE):
            notice = leases[0].payload["notice"]
            found.append((notice["kind"], notice["headline"]["title"]))
            await store.notices.done(leases[0])
        return found


def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, killer: Killer) -> tuple[list[tuple[str, str]], int]:
    accepted(settings)
    clock, deaths = Clock(), 0
    clock.now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    with killer.lurking(monkeypatch):
        while not asyncio.run(work(settings, clock)):
            deaths += 1
            clock.advance(LEASE)
    return asyncio.run(said(settings, clock)), deaths


def test_whoever_is_killed_when_the_same_is_said_once(settings, monkeypatch, tmp_path):
    killer = Killer(frozenset())
    expected, deaths = run(settings(store_url=f"sqlite:///{tmp_path}/whole.db"), monkeypatch, killer)
    assert deaths == 0
    assert Counter(expected) == {
        ("opened", "KubePodNotReady"): 1,
        ("answered", "KubePodNotReady"): 1,
        ("still_confirmed", "KubePodNotReady"): 1,
        ("opened", "Other"): 1,
        ("answered", "Other"): 1,
        ("resolved", "Other"): 2,
        ("reopened", "Other"): 1,
    }
    for seed in range(6):
        chance = random.Random(seed)
        points = frozenset(chance.sample(range(1, killer.writes + 1), 4))
        found, deaths = run(settings(store_url=f"sqlite:///{tmp_path}/killed-{seed}.db"), monkeypatch, Killer(points))
        assert deaths, points
        assert Counter(found) == Counter(expected), f"killed at the writes {sorted(points)}"
        for title in ("KubePodNotReady", "Other"):
            in_order = [kind for kind, about in expected if about == title]
            assert [kind for kind, about in found if about == title] == in_order


@contextmanager
def killable(url: str, receiver: WebhookReceiver) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bot.oncall.processes", url, receiver.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address, "the server did not start"
        with httpx.Client(base_url=address, timeout=90, trust_env=False) as http:
            yield process, http
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_server_that_is_killed_loses_no_alert_and_says_nothing_twice(seed, tmp_path, receiver):
    chance = random.Random(seed)
    url = f"sqlite:///{tmp_path}/acknet.db"
    groups = [f"group-{number}" for number in range(12)]
    taken = []
    for start in range(0, len(groups), 4):
        with killable(url, receiver) as (process, http):
            enough = len(receiver.notices) + chance.randrange(6)
            for group in groups[start : start + 4]:
                one = alertmanager(alert(namespace="default", pod=group), group=group)
                if http.post("/v1/alerts/alertmanager", json=one).status_code == 202:
                    taken.append(group)
            receiver.wait(lambda notices, enough=enough: len(notices) >= enough)
            process.send_signal(signal.SIGKILL)
    assert taken == groups
    with killable(url, receiver) as (process, _):
        receiver.wait(lambda notices: [one["kind"] for one in notices].count("answered") >= len(groups))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    kinds = Counter((one["incident"]["id"], one["kind"]) for one in receiver.notices)
    assert Counter(kinds.values()) == {1: 2 * len(groups)}
    keys = Counter(post.headers["idempotency-key"] for post in receiver.posts)
    # Whether a post that a kill cut off arrived, nobody can know; it comes again under the key that it had.
    assert sum(number - 1 for number in keys.values()) <= 4 * 3


def test_two_replicas_share_the_work_of_a_postgresql(postgres, serve, receiver):
    url = postgres.new_database()
    with serve(store_url=url) as one, serve(store_url=url) as other:
        for number in range(8):
            for server in (one, other):
                webhook = alertmanager(alert("Other", namespace="default", pod="gone"), group=f"group-{number}")
                assert server.http.post("/v1/alerts/alertmanager", json=webhook).status_code == 202
        receiver.wait(lambda notices: [notice["kind"] for notice in notices].count("answered") >= 8)
    assert Counter(receiver.kinds) == {"opened": 8, "answered": 8}
    assert len(receiver.posts) == 16


def test_three_replicas_behind_a_postgresql_that_are_killed_in_turn_lose_and_double_nothing(postgres, receiver):
    url = postgres.new_database()
    rated = []
    with ExitStack() as running:

        def another() -> tuple[subprocess.Popen[str], httpx.Client]:
            return running.enter_context(killable(url, receiver))

        replicas = [another() for _ in range(3)]
        for turn in range(3):
            for number, (_, http) in enumerate(replicas):
                pod = f"pod-{turn}-{number}"
                webhook = alertmanager(alert(namespace="default", pod=pod), group=pod)
                assert http.post("/v1/alerts/alertmanager", json=webhook).status_code == 202
            process, http = replicas.pop(0)
            asked = http.post("/v1/ask", json={"question": "why is that?"}).json()["id"]
            # An answer goes out before it is kept; a rating waits for that.
            assert http.post(f"/v1/answers/{asked}/rating", json={"helpful": True}).status_code == 204
            process.kill()  # with alerts that it has just taken, or is working on
            process.wait()
            for _, left in replicas:
                assert left.post(f"/v1/answers/{asked}/rating", json={"helpful": False}).status_code == 204
            rated.append(asked)
            replicas.append(another())
        receiver.wait(lambda notices: [one["kind"] for one in notices].count("answered") >= 9)
        for process, _ in replicas:
            process.send_signal(signal.SIGTERM)
        assert [process.wait(60) for process, _ in replicas] == [0, 0, 0]
    kinds = Counter((one["incident"]["id"], one["kind"]) for one in receiver.notices)
    assert len({incident for incident, _ in kinds}) == 9
    assert Counter(kinds.values()) == {1: 2 * 9}

    async def ratings() -> list[list[bool]]:
        async with Store(StoreUrl(url)) as store:
            return [[one.helpful for one in await store.feedback.of(answer)] for answer in rated]

    assert asyncio.run(ratings()) == [[False]] * 3
