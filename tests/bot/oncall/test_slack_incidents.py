"""Incidents in Slack: one thread each, as a real server and the Slack double have it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bot.oncall.conftest import objects
from tests.bot.oncall.payloads import alert, alertmanager, resolved
from tests.doubles.slack import Fault, RateLimits, SlackPlatform, slack_platform

WHERE = {"namespace": "ml", "pod": "trainer-2swx89qmk-b2sww"}


@pytest.fixture
def slack() -> Iterator[SlackPlatform]:
    with pytest.MonkeyPatch.context() as patch, slack_platform(limits=RateLimits(enabled=False)) as running:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
            patch.delenv(name, raising=False)
        running.channel("C0INCIDENT", members=["U1"])
        yield running


@pytest.fixture
def in_slack(slack: SlackPlatform) -> dict[str, object]:
    return {
        "slack_bot_token": slack.bot_token,
        "slack_signing_secret": slack.signing_secret,
        "slack_base_url": slack.base_url.rstrip("/"),
        "incident_channel": "C0INCIDENT",
        "incident_webhook_url": None,
    }


def roots(slack: SlackPlatform) -> list:
    return [message for message in slack.posted("C0INCIDENT") if not message.is_reply]


def replies(slack: SlackPlatform) -> list:
    return [message for message in slack.posted("C0INCIDENT") if message.is_reply]


def post(server, *alerts, **more) -> None:
    assert server.http.post("/v1/alerts/alertmanager", json=alertmanager(*alerts, **more)).status_code == 202


def test_an_incident_is_one_thread_whose_first_message_tells_how_it_is(serve, slack, in_slack, api):
    one = alert(summary="<!channel> *down* <http://evil.example|x>", **WHERE)
    with serve(**in_slack) as server:
        post(server, one)
        post(server, one)
        slack.wait_until(lambda: any("confirmed:" in root.text for root in roots(slack)), timeout=60)
        (root,) = roots(slack)
        assert "OPEN: KubePodNotReady" in root.text
        said = replies(slack)
        assert {reply.thread_ts for reply in said} == {root.ts}
        assert any(reply.text.startswith("Looked into ml/trainer") for reply in said)
        api.source = objects("terway-exhausted-recovered")
        post(server, *resolved([one]))
        slack.wait_until(lambda: "RESOLVED" in roots(slack)[0].text, timeout=60)
        assert len(roots(slack)) == 1
        assert any("no longer shows" in reply.text for reply in replies(slack))


def test_two_incidents_are_two_threads(serve, slack, in_slack):
    with serve(**in_slack) as server:
        for group in ("a", "b"):
            post(server, alert(**WHERE), group=group)
        slack.wait_until(lambda: sum("confirmed:" in root.text for root in roots(slack)) == 2, timeout=60)
    assert len({reply.thread_ts for reply in replies(slack)}) == 2


def test_a_first_message_that_slack_took_without_saying_so_is_found_again(serve, slack, in_slack):
    slack.faults.append(Fault.reset_after("chat.postMessage"))
    with serve(**in_slack) as server:
        post(server, alert(**WHERE))
        slack.wait_until(lambda: any("confirmed:" in root.text for root in roots(slack)), timeout=60)
    assert len(roots(slack)) == 1
