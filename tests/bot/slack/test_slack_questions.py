"""Questions in Slack, by every way in and over both transports, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doubles.slack import SlackPlatform
from tests.doubles.slack_bot import Transport, running_bot, slack_settings

ENTRY = "terway-vswitch-ip-exhausted"
TITLE = "vSwitch"


@pytest.fixture
def slack(slack_platform: SlackPlatform) -> SlackPlatform:
    slack_platform.user("U1")
    slack_platform.user("U2")
    slack_platform.channel("C1", members=["U1", "U2"])
    return slack_platform


@pytest.fixture(params=["socket", "http"])
def transport(request: pytest.FixtureRequest) -> Transport:
    return request.param  # type: ignore[no-any-return]


def test_a_mention_is_answered_once_in_its_thread(slack: SlackPlatform, tmp_path: Path, transport: Transport) -> None:
    with running_bot(slack, slack_settings(slack, tmp_path, transport)):
        question = slack.mention("C1", "U1", f"what about {ENTRY}?")
        (answer, *_) = slack.wait_until(lambda: slack.posted("C1", question.ts), timeout=30)
        slack.wait_until(lambda: all(delivery.done for delivery in slack.deliveries), timeout=30)

    assert TITLE in answer.text
    assert answer.links
    assert len(slack.posted("C1")) == 1
    assert all(delivery.acked for delivery in slack.deliveries)
