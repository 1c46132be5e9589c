"""``acknet slack --check``: what it says of a workspace that is well and of one that is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bot.slack.check import EVENTS, SCOPES
from tests.doubles.slack import SlackPlatform, slack_platform
from tests.doubles.slack_manifest import MANIFEST, granted

TOKENS = {"ACKNET_SLACK_BOT_TOKEN": "xoxb-other", "ACKNET_SLACK_APP_TOKEN": "xapp-other"}


def check(slack: SlackPlatform, **environment: str) -> tuple[int, list[str], str]:
    """Run the command; return its exit code, its lines, and what it says at the end."""
    given = {
        "ACKNET_SLACK_BOT_TOKEN": slack.bot_token,
        "ACKNET_SLACK_APP_TOKEN": slack.app_token,
        "ACKNET_SLACK_BASE_URL": slack.base_url.rstrip("/"),
        **environment,
    }
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1"} | {k: v for k, v in given.items() if v}
    command = [sys.executable, "-m", "bot", "slack", "--check"]
    done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines(), done.stderr


def wrong(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith("WRONG")]


def test_an_app_made_from_the_manifest_is_well() -> None:
    events, scopes = granted()
    with slack_platform(events=events, scopes=scopes) as slack:
        slack.user("U1")
        slack.channel("C1", members=["U1"])
        slack.usergroup("S1", "oncall", ["U1"])
        code, lines, _ = check(
            slack,
            ACKNET_SLACK_PROBE="true",
            ACKNET_SLACK_PROBE_CHANNELS="C1,direct",
            ACKNET_SLACK_PROBE_USERS="U1",
            ACKNET_SLACK_PROBE_GROUPS="S1",
        )
    assert (code, wrong(lines)) == (0, [])
    assert any("every scope" in line for line in lines)
    assert any("Socket Mode" in line for line in lines)
    assert slack.bot_token not in "".join(lines)


def test_what_is_needed_is_what_the_manifest_grants() -> None:
    events, scopes = granted(yaml.safe_load(MANIFEST.read_text()))
    assert scopes == SCOPES.keys()
    assert events == set(EVENTS)


def test_scopes_that_are_missing_or_too_many_are_named() -> None:
    _, scopes = granted()
    with slack_platform(scopes={*scopes, "channels:manage"} - {"files:read", "commands"}) as slack:
        code, lines, said = check(slack)
    assert code == 2
    assert [line.split()[3] for line in wrong(lines)] == ["commands", "files:read"]
    assert any("channels:manage" in line and line.startswith("note") for line in lines)
    assert "docs/slack.md" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_that_is_not_slacks_is_told_by_its_name(name: str) -> None:
    with slack_platform() as slack:
        code, lines, _ = check(slack, **{name: TOKENS[name]})
    assert code == 2
    assert [line.split()[1] for line in wrong(lines)] == [f"{name}:"], lines
    assert TOKENS[name] not in "".join(lines)


def test_an_app_token_without_its_scope_says_which() -> None:
    with slack_platform() as slack:
        slack.app.app_scopes = set()
        _, lines, _ = check(slack)
    assert "connections:write" in wrong(lines)[0]


def test_whom_settings_name_and_slack_does_not_know_is_told() -> None:
    with slack_platform() as slack:
        slack.user("U1")
        slack.channel("C1", members=["U1"], app=False)
        code, lines, _ = check(
            slack,
            ACKNET_SLACK_PROBE="true",
            ACKNET_SLACK_PROBE_CHANNELS="C1,CNONE",
            ACKNET_SLACK_PROBE_USERS="UNONE",
            ACKNET_SLACK_PROBE_GROUPS="SNONE",
        )
    assert code == 2
    assert [next(one for one in ("C1", "CNONE", "UNONE", "SNONE") if one in line) for line in wrong(lines)] == [
        "C1",
        "CNONE",
        "UNONE",
        "SNONE",
    ]


def test_without_any_way_for_events_it_says_so(tmp_path: Path) -> None:
    with slack_platform() as slack:
        code, lines, _ = check(slack, ACKNET_SLACK_BOT_TOKEN="", ACKNET_SLACK_APP_TOKEN="")
        signed = check(slack, ACKNET_SLACK_APP_TOKEN="", ACKNET_SLACK_SIGNING_SECRET=slack.signing_secret)
    assert code == 2
    assert len(wrong(lines)) == 2
    assert signed[0] == 0


def test_a_slack_that_is_not_reached_is_told_apart_from_a_wrong_token() -> None:
    with slack_platform() as slack:
        gone = slack.base_url.rstrip("/")
    code, lines, _ = check(slack, ACKNET_SLACK_BASE_URL=gone)
    assert code == 2
    assert all("not reached" in line for line in wrong(lines))


def test_an_address_at_which_slack_is_not_is_told_as_that() -> None:
    with slack_platform() as slack:
        code, lines, said = check(slack, ACKNET_SLACK_BASE_URL=f"{slack.url}/elsewhere")
    assert code == 2
    assert [line for line in wrong(lines) if "not Slack's API" not in line] == []
    assert len(wrong(lines)) == 2
    assert "Traceback" not in said
