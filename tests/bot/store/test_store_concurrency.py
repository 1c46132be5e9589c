"""Several processes on one store: what one claims no other gets, and what one drops another takes up."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import RetryPolicy, Store

ROOT = Path(__file__).parents[3]
HOUR = dt.timedelta(hours=1)


@contextmanager
def processes(action: str, *arguments: str, number: int):
    """Processes of ``processes.py`` that are ready to begin."""
    command = [sys.executable, "-m", "tests.bot.store.processes", action, *arguments]
    with ExitStack() as stack:
        everyone = []
        for _ in range(number):
            one = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            everyone.append(stack.enter_context(one))
            stack.callback(one.kill)
        for one in everyone:
            assert one.stdout.readline() == "ready\n"
        yield everyone


def begin(everyone: list[subprocess.Popen[str]]) -> None:
    for one in everyone:
        one.stdin.write("\n")
        one.stdin.flush()


def on_store(url: str, steps, **options):
    async def run():
        async with Store(StoreUrl(url), seconds=30, **options) as store:
            return await steps(store)

    return asyncio.run(run())


def test_of_two_processes_each_event_goes_to_one(new_url):
    url = new_url()
    with processes("mark", url, "200", number=2) as both:
        begin(both)
        won = [Counter(each.stdout.read().split()) for each in both]
        assert [each.wait() for each in both] == [0, 0]
    claims = won[0] + won[1]
    assert set(claims) == {f"Ev{number}" for number in range(200)}
    assert set(claims.values()) == {1}
    assert all(won)


def test_processes_that_open_a_new_store_at_once_all_get_it(new_url):
    url = new_url()
    with processes("open_store", url, number=3) as everyone:
        begin(everyone)
        assert [each.wait() for each in everyone] == [0, 0, 0]
    assert on_store(url, lambda store: store.questions.list()) == ()


def test_a_claim_that_was_killed_before_its_commit_was_never_made(new_url):
    url = new_url()
    with processes("hang_in_commit", url, number=1) as (victim,):
        begin([victim])
        assert victim.stdout.readline() == "in the middle\n"
        victim.kill()
        victim.wait()
        held = on_store(url, lambda store: store.events.mark("Ev1", lease=HOUR))
    assert held.attempt == 1


def test_the_claim_of_a_killed_process_is_taken_over_when_it_expires(new_url):
    url = new_url()
    with processes("hang_with_claim", url, number=1) as (victim,):
        begin([victim])
        assert victim.stdout.readline() == "in the middle\n"
        victim.kill()
        victim.wait()

    while not (taken := on_store(url, lambda store: store.events.claim(lease=HOUR))):
        time.sleep(0.05)
    (held,) = taken
    assert (held.attempt, held.payload) == (2, {"text": "a question"})


@pytest.mark.parametrize("seed", range(2))
def test_what_killed_senders_leave_behind_is_sent_by_others(new_url, tmp_path, seed):
    url, sent = new_url(), tmp_path / "sent"
    chance = random.Random(seed)
    sent.touch()
    patient = {"retries": RetryPolicy(attempts=50)}

    async def put(store):
        for number in range(60):
            await store.outbox.enqueue(f"m{number}", {})

    on_store(url, put, **patient)
    with processes("send", url, str(sent), number=4) as senders:
        begin(senders)
        for sender in senders:
            time.sleep(chance.uniform(0.0, 0.1))
            sender.kill()

    async def finish(store):
        while (depth := await store.outbox.depth()).waiting + depth.leased:
            for held in await store.outbox.claim(lease=HOUR, limit=10):
                with sent.open("a") as file:
                    file.write(f"{held.key} {held.attempt}\n")
                assert await store.outbox.sent(held, "1.1")
            await asyncio.sleep(0.02)
        return [(await store.outbox.get(f"m{number}")).state for number in range(60)]

    assert on_store(url, finish, **patient) == ["done"] * 60
    lines = sent.read_text().split("\n")[:-1]
    # Who sends a message again can tell, by the attempt, that it may be there already.
    assert len(lines) == len(set(lines))
    assert {line.split()[0] for line in lines} == {f"m{number}" for number in range(60)}
