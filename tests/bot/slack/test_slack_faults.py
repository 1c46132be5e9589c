"""Exactly one visible answer to each question, whatever goes wrong on the way.

``ACKNET_SLACK_SEEDS`` says how many seeds are run in place of a few.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.settings.store_url import StoreUrl
from bot.slack.tasks import answer_key
from bot.store import Store
from tests.doubles.slack import Fault, Message, RateLimits, SlackPlatform, slack_platform
from tests.doubles.slack_bot import slack_settings
from tests.doubles.slack_process import BotProcess

SEEDS = int(os.environ.get("ACKNET_SLACK_SEEDS", "16"))
GROUPS = 8
ENTRY = "terway-vswitch-ip-exhausted"
LAST_STEP = 160
LEASES_END = 1000.0


@pytest.fixture(scope="module")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is migrated; a copy of it saves the time."""
    path = tmp_path_factory.mktemp("store") / "acknet.db"

    async def migrate() -> None:
        async with Store(StoreUrl(f"sqlite:///{path}"), seconds=30) as store:
            await store.check()

    asyncio.run(migrate())
    return path


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackPlatform]:
    with slack_platform(limits=RateLimits(enabled=False)) as running:
        running.user("U1")
        running.user("U2")
        yield running


FAULTS: list[Callable[[str, int], Fault]] = [
    lambda method, times: Fault.rate_limited(method, 0, times),
    lambda method, times: Fault.rate_limited(method, 1, 1),
    lambda method, times: Fault.server_error(method, 503, times),
    lambda method, times: Fault.server_error(method, 500, times, applied=True),
    Fault.reset_before,
    Fault.reset_after,
    lambda method, times: Fault.cut_body(method, 10, times),
    lambda method, times: Fault.slow(method, 0.2, times, applied=True),
    lambda method, times: Fault(method, times, error="internal_error"),
]


class Run:
    """One run by one seed: questions are asked, things go wrong, and in the end all is as it should be."""

    def __init__(self, slack: SlackPlatform, seed: int, store: Path) -> None:
        self.slack, self.chance = slack, random.Random(seed)
        self.channel = f"CF{seed}"
        slack.channel(self.channel, members=["U1", "U2"])
        self.store = StoreUrl(f"sqlite:///{store}")
        self.transport = self.chance.choice(["socket", "socket", "http"])
        self.replicas = 2 if self.transport == "socket" and self.chance.random() < 0.4 else 1
        self.dies = self.chance.random() < 0.7
        self.clock = BotProcess.new_clock()
        self.bots: list[BotProcess] = []
        self.questions: list[Message] = []
        self.begun = len(slack.deliveries)

    def start(self, last: int = 0) -> None:
        settings = slack_settings(self.slack, Path(), self.transport)  # type: ignore[arg-type]
        values = {name: getattr(settings, name) for name in settings.model_fields_set} | {"store_url": self.store}
        bot = BotProcess(values, self.clock, last).start()
        self.bots.append(bot)
        if bot.url:
            self.slack.request_url = bot.url
        else:
            living = sum(each.is_alive for each in self.bots)
            self.wait(lambda: len(self.slack.connections) >= living or not bot.is_alive)

    def wait(self, condition: Callable[[], Any]) -> Any:
        return self.slack.wait_until(condition, timeout=90)

    def spoil(self) -> None:
        """Let something go wrong with what acknet sends."""
        for _ in range(self.chance.randint(0, 3)):
            method = self.chance.choice(["chat.postMessage", "chat.postMessage", "chat.*", "conversations.replies"])
            self.slack.faults.append(self.chance.choice(FAULTS)(method, self.chance.randint(1, 2)))

    def ask(self) -> None:
        for number in range(self.chance.randint(1, 3)):
            if number and self.chance.random() < 0.3:
                self.questions.append(self.slack.mention(self.channel, "U2", f"{ENTRY}?", self.questions[0].ts))
            else:
                self.questions.append(self.slack.mention(self.channel, "U1", f"{ENTRY} {number}?"))
            if self.chance.random() < 0.5:
                self.disturb()

    def disturb(self) -> None:
        """Deliver again, lose acknowledgements, lose connections."""
        match self.chance.randint(0, 3):
            case 0:
                for delivery in self.own_deliveries():
                    self.slack.redeliver(delivery)
            case 1 if self.transport == "socket":
                self.slack.ignore_acks(self.chance.randint(1, 2))
            case 2 if self.transport == "socket":
                self.slack.disconnect("refresh_requested")
            case 3 if self.transport == "socket":
                self.slack.drop_connections()

    def own_deliveries(self) -> list[Any]:
        return [
            each
            for each in self.slack.deliveries[self.begun :]
            if each.event.get("type") == "app_mention" and each.event.get("channel") == self.channel
        ]

    def keys(self) -> Counter[str]:
        """Return how often each message of acknet is there, by its key."""
        shown = self.slack.posted(self.channel)
        return Counter(str((each.metadata or {}).get("event_payload", {}).get("key")) for each in shown)

    async def is_quiet(self) -> bool:
        async with Store(self.store, seconds=30) as store:
            events, outbox = await store.events.depth(), await store.outbox.depth()
            return not (events.waiting or events.leased or outbox.waiting or outbox.leased)

    def settle(self) -> None:
        """Wait until Slack has delivered all and acknet has done all; meanwhile what died is started anew."""
        deadline = time.monotonic() + 120
        while True:
            assert time.monotonic() < deadline, f"{self.transport}, {self.keys()}"
            if any(not each.is_alive for each in self.bots):
                self.bots = [each for each in self.bots if each.is_alive]
                # What the dead have sent Slack takes long before their leases end.
                for _ in range(50):
                    self.slack.now()
                self.clock.value += LEASES_END
            if not self.bots:
                self.start()
            if not all(each.done for each in self.slack.deliveries[self.begun :]):
                # Slack gives up after a few minutes, which do not pass here while nobody listens.
                if self.transport == "http" or self.slack.connections:
                    self.slack.advance(61)
            elif asyncio.run(self.is_quiet()):
                return
            time.sleep(0.05)

    def go(self) -> None:
        try:
            for replica in range(self.replicas):
                self.start(self.chance.randint(1, LAST_STEP) if self.dies and replica == 0 else 0)
            self.spoil()
            self.ask()
            self.settle()
            for delivery in self.own_deliveries():
                self.slack.redeliver(delivery)
            self.settle()
        finally:
            self.slack.faults.clear()
            for bot in self.bots:
                bot.stop()
            self.slack.request_url = None


@pytest.mark.parametrize("group", range(GROUPS))
def test_each_question_has_exactly_one_answer(
    slack: SlackPlatform, tmp_path: Path, fresh_store: Path, group: int
) -> None:
    for seed in range(group, SEEDS, GROUPS):
        store = tmp_path / f"{seed}.db"
        shutil.copy(fresh_store, store)
        run = Run(slack, seed, store)
        run.go()
        keys = run.keys()
        expected = {answer_key(run.channel, question.ts) for question in run.questions}
        assert expected <= set(keys), f"seed {seed}: not answered"
        assert set(keys.values()) == {1}, f"seed {seed}: {keys}"
        assert {key for key in keys if " rest " not in key} == expected, f"seed {seed}: more than was asked"
