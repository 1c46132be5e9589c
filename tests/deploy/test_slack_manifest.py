"""The manifests of the Slack app: what Slack takes, what the bot needs, and nothing more."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.slack.home import PROMPTS
from bot.slack.listeners import COMMAND, SHORTCUT
from bot.slack.part import EVENTS_PATH
from tests.doubles.slack_manifest import MANIFEST, granted

HTTP = MANIFEST.with_name("manifest-http.yaml")
_EVENT_SCOPES = {
    "agent_session_stopped": None,
    "app_home_opened": None,
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


@pytest.fixture(params=[MANIFEST, HTTP], ids=lambda path: path.stem)
def manifest(request: pytest.FixtureRequest) -> Any:
    return read(request.param)


def test_its_texts_are_as_long_as_slack_takes_them(manifest: Any) -> None:
    shown, features = manifest["display_information"], manifest["features"]
    assert 0 < len(shown["name"]) <= 35
    assert 0 < len(shown["description"]) <= 140
    assert 174 <= len(shown["long_description"]) <= 4000
    assert 0 < len(features["agent_view"]["agent_description"]) <= 300
    assert len(features["agent_view"]["suggested_prompts"]) <= 4
    assert all(len(one["name"]) <= 24 and len(one["description"]) <= 150 for one in features["shortcuts"])
    assert re.fullmatch(r"#[0-9a-f]{6}", shown["background_color"])


def test_it_names_what_the_bot_listens_to(manifest: Any) -> None:
    features = manifest["features"]
    assert [one["command"] for one in features["slash_commands"]] == [COMMAND]
    assert [one["callback_id"] for one in features["shortcuts"]] == [SHORTCUT]
    prompts = [(one["title"], one["message"]) for one in features["agent_view"]["suggested_prompts"]]
    assert tuple(prompts) == PROMPTS
    assert "assistant_view" not in features


def test_each_event_has_the_scope_it_needs_and_people_can_write_to_the_app(manifest: Any) -> None:
    events, scopes = granted(manifest)
    assert events == _EVENT_SCOPES.keys()
    assert {scope for scope in _EVENT_SCOPES.values() if scope} <= scopes
    assert manifest["features"]["app_home"]["messages_tab_enabled"]
    assert not manifest["features"]["app_home"]["messages_tab_read_only_enabled"]
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_the_two_differ_only_in_how_events_come() -> None:
    socket, http = read(MANIFEST), read(HTTP)
    url = f"https://acknet.example.com{EVENTS_PATH}"
    assert http["settings"].pop("socket_mode_enabled") is False
    assert socket["settings"].pop("socket_mode_enabled") is True
    assert http["settings"]["event_subscriptions"].pop("request_url") == url
    assert http["settings"]["interactivity"].pop("request_url") == url
    assert http["features"]["slash_commands"][0].pop("url") == url
    assert http == socket


@pytest.mark.parametrize("path", [MANIFEST, HTTP], ids=lambda path: path.stem)
def test_every_scope_says_what_it_is_for(path: Path) -> None:
    lines = [line for line in path.read_text().splitlines() if re.match(r"\s+- [a-z_]+:?[a-z_]* #", line)]
    _, scopes = granted(read(path))
    assert len(lines) == len(scopes)
    assert all(re.search(r"# \S+", line) for line in lines)
