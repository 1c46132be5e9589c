from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.doubles.engine import StandInEngine
from tests.doubles.slack import Message, RateLimits, SlackPlatform, Timings, slack_platform
from tests.doubles.slack_bot import RunningBot, Transport, running_bot, slack_settings
from tests.doubles.slack_manifest import granted

EVENTS, SCOPES = granted()
PATIENT = Timings(ack=30, trigger=60)
"""Slack waits three seconds for either; a busy machine may stand still for as long."""
_numbers = itertools.count(1)


def answers_in(slack: SlackPlatform, channel: str, thread_ts: str | None = None) -> list[Message]:
    return [each for each in slack.posted(channel, thread_ts) if not each.text.startswith("The whole answer")]


@dataclass
class Live:
    """A bot over one transport, and a channel that only this test uses."""

    slack: SlackPlatform
    running: RunningBot
    engine: StandInEngine
    channel: str
    user: str = "U1"
    other: str = "U2"

    def answers(self, thread_ts: str | None = None, most: int = 1) -> list[Message]:
        """Wait for as many messages of acknet in the channel as that."""
        self.slack.wait_until(lambda: len(self.said(thread_ts)) >= most, timeout=90)
        return self.said(thread_ts)

    def said(self, thread_ts: str | None = None) -> list[Message]:
        """Return what acknet said in the channel, without the whole of answers that had to be shortened."""
        return answers_in(self.slack, self.channel, thread_ts)

    def settle(self) -> None:
        """Wait until all that happened was taken, worked on and said."""
        slack, service = self.slack, self.running.service

        async def is_quiet() -> bool:
            events, outbox = await service.store.events.depth(), await service.store.outbox.depth()
            return not (events.waiting or events.leased or outbox.waiting or outbox.leased)

        slack.wait_until(lambda: all(each.done for each in slack.deliveries) and self.running.run(is_quiet), timeout=90)


@pytest.fixture(scope="module", autouse=True)
def _no_proxy() -> Iterator[None]:
    """The SDK takes a proxy from the environment even for loopback."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module", params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def _live(transport: Transport, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with slack_platform(limits=RateLimits(enabled=False), timings=PATIENT, events=EVENTS, scopes=SCOPES) as slack:
        for user in ("U1", "U2"):
            slack.user(user)
        slack.user("U3", bot=True)
        engine = StandInEngine()
        directory = tmp_path_factory.mktemp("slack")
        settings = slack_settings(slack, directory, transport, public_url="https://acknet.example.com")
        with running_bot(slack, settings, lambda: engine) as running:
            yield Live(slack, running, engine, "")


@pytest.fixture
def live(_live: Live) -> Live:
    channel = f"C{next(_numbers)}"
    _live.slack.channel(channel, members=["U1", "U2", "U3"])
    return Live(_live.slack, _live.running, _live.engine, channel)
