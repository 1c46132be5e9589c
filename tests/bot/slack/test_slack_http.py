"""Slack's events over HTTP, in acknet serve: what is not Slack's goes no further than the door."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from slack_bolt.async_app import AsyncBoltRequest

from bot.slack import bot as slack_bot
from bot.slack.guard import signature_of
from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server
from tests.doubles.slack import RateLimits, SlackPlatform, slack_platform
from tests.doubles.slack_bot import slack_settings

PATH = "/slack/events"
EVENT = {"type": "url_verification", "challenge": "abc", "token": "t"}


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackPlatform]:
    with slack_platform(limits=RateLimits(enabled=False)) as running:
        running.user("U1")
        running.channel("C1", members=["U1"])
        yield running


@pytest.fixture(scope="module")
def server(slack: SlackPlatform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    settings = slack_settings(slack, tmp_path_factory.mktemp("slack"), "http")
    with running_server(lambda _: StandInEngine(), settings) as running:
        slack.request_url = f"{running.url}{PATH}"
        yield running
        slack.request_url = None


@pytest.fixture
def parsed(slack: SlackPlatform, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has reached a parser, but for what Slack itself sends meanwhile."""
    seen: list[str] = []

    class Parser(AsyncBoltRequest):
        def __init__(self, **given: Any) -> None:
            if slack.app.verification_token not in given["body"]:
                seen.append(given["body"])
            super().__init__(**given)

    monkeypatch.setattr(slack_bot, "AsyncBoltRequest", Parser)
    return seen


def send(server: RunningServer, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return server.http.post(PATH, content=body, headers={"content-type": "application/json"} | headers)


def test_the_address_is_verified_and_a_mention_answered(slack: SlackPlatform, server: RunningServer) -> None:
    assert slack.verify(f"{server.url}{PATH}")
    question = slack.mention("C1", "U1", "terway-vswitch-ip-exhausted?")
    assert slack.wait_until(lambda: slack.posted("C1", question.ts), timeout=90)
    assert "/slack" not in server.http.get("/openapi.json").text
    ready = server.http.get("/readyz").json()
    assert ready["parts"]["slack"]["state"] == "ok"
    assert "acknet_slack_tasks_total" in server.http.get("/metrics").text


def bodies() -> dict[str, bytes]:
    return {
        "event": json.dumps(EVENT).encode(),
        "broken": b'{"type": "event_callback", ',
        "bytes": b"\xff\xfe\x00",
        "nothing": b"",
        "huge": b"x" * (1024 * 1024 + 1),
    }


@pytest.mark.parametrize("body", bodies())
@pytest.mark.parametrize(
    ("case", "status"),
    [("unsigned", 401), ("other secret", 401), ("replayed", 401), ("from the future", 401), ("of another body", 401)],
)
def test_what_is_not_signed_now_reaches_no_parser(
    slack: SlackPlatform, server: RunningServer, parsed: list[str], body: str, case: str, status: int
) -> None:
    content = bodies()[body]
    headers = {
        "unsigned": {},
        "other secret": slack.sign(content, secret="b" * 32),
        "replayed": slack.sign(content, timestamp=time.time() - 301),
        "from the future": slack.sign(content, timestamp=time.time() + 400),
        "of another body": slack.sign(b"{}"),
    }[case]
    response = send(server, content, {name: value for name, value in headers.items() if name.startswith("X-")})

    assert response.status_code == (413 if body == "huge" else status)
    assert parsed == []


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Slack-Request-Timestamp": "yesterday"},
        {"X-Slack-Request-Timestamp": "-1"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": "\u0661\u0662".encode().decode("latin-1")},
        {"X-Slack-Signature": "v0=\xe9"},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v1=" + "0" * 64},
    ],
)
def test_a_signature_that_is_none_is_refused(
    slack: SlackPlatform, server: RunningServer, parsed: list[str], headers: dict[str, str]
) -> None:
    body = bodies()["event"]
    signed = {name: value for name, value in slack.sign(body).items() if name.startswith("X-")} | headers
    encoded = {name: value.encode("latin-1") for name, value in signed.items()}
    response = server.http.post(PATH, content=body, headers=encoded)

    assert response.status_code == 401
    assert parsed == []


def test_two_signatures_are_none(slack: SlackPlatform, server: RunningServer, parsed: list[str]) -> None:
    body = bodies()["event"]
    signed = [(name, value) for name, value in slack.sign(body).items() if name.startswith("X-")]
    response = server.http.post(PATH, content=body, headers=[*signed, ("X-Slack-Signature", "v0=1")])

    assert response.status_code == 401
    assert parsed == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"a": "\xc3"}'])
def test_signed_bytes_that_are_no_text_reach_no_parser(
    slack: SlackPlatform, server: RunningServer, parsed: list[str], body: bytes
) -> None:
    assert send(server, body, slack.sign(body)).status_code == 400
    assert parsed == []


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[1, 2]",
        b"null",
        b"7",
        b'"text"',
        b"payload=%7B",
        b"payload=[]",
        b"",
        b'{"type": "event_callback"}',
        b'{"type": "event_callback", "event": []}',
        b'{"type": "event_callback", "event": {"type": "message"}}',
        pytest.param(b'{"a":' * 50_000, id="deep"),
    ],
)
def test_signed_nonsense_is_answered_without_an_error(slack: SlackPlatform, server: RunningServer, body: bytes) -> None:
    response = send(server, body, slack.sign(body))

    assert 200 <= response.status_code < 500
    assert "Traceback" not in response.text


def test_only_posts_are_taken(server: RunningServer) -> None:
    assert server.http.get(PATH).status_code == 405
    assert server.http.put(PATH, content=b"{}").status_code == 405


def test_a_body_without_end_is_cut_off(slack: SlackPlatform, server: RunningServer, parsed: list[str]) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65536

    headers = {"X-Slack-Request-Timestamp": str(int(time.time())), "X-Slack-Signature": "v0=1"}
    try:
        status = server.http.post(PATH, content=endless(), headers=headers).status_code
    except httpx.WriteError:  # it hung up before all was sent
        status = 413
    assert status == 413
    assert parsed == []


def test_events_that_nobody_listens_to_are_acknowledged(slack: SlackPlatform, server: RunningServer) -> None:
    body = json.dumps(
        {
            "type": "event_callback",
            "team_id": slack.team.id,
            "event": {"type": "channel_rename", "channel": {"id": "C1"}},
            "event_id": "Ev1",
        }
    ).encode()
    assert send(server, body, slack.sign(body)).status_code == 200


def test_a_click_that_no_button_of_acknet_makes_is_acknowledged(slack: SlackPlatform, server: RunningServer) -> None:
    payload = {
        "type": "block_actions",
        "team": {"id": slack.team.id},
        "user": {"id": "U1"},
        "actions": [{"type": "button", "action_id": "acknet.feedback", "value": "{}", "action_ts": "1"}],
        "channel": {"id": "C1"},
        "container": {"type": "message", "message_ts": "1.0", "channel_id": "C1"},
        "trigger_id": "1",
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    headers = slack.sign(body) | {"content-type": "application/x-www-form-urlencoded"}
    assert send(server, body, headers).status_code == 200


def test_the_signature_is_that_of_slacks_documentation() -> None:
    secret, timestamp = "8f742231b10e8888abcd99yyyzzz85a5", b"1531420618"
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    expected = b"v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
    assert signature_of(secret, timestamp, body) == expected


def test_without_a_signing_secret_there_is_nothing_to_post_to(slack: SlackPlatform, tmp_path: Path) -> None:
    with running_server(lambda _: StandInEngine(), slack_settings(slack, tmp_path)) as running:
        assert running.http.post(PATH, content=b"{}").status_code in (401, 404, 405)
