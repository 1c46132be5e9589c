"""The bot as it runs: with the real index, busy, without its store, cut off from Slack, told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bot.engine import open_engine
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from tests.bot.slack.conftest import answers_in
from tests.doubles.engine import StandInEngine
from tests.doubles.slack import Message, RateLimits, SlackPlatform, Timings, slack_platform
from tests.doubles.slack_bot import QUICK, Transport, running_bot, slack_settings

ENTRY = "terway-vswitch-ip-exhausted"


@pytest.fixture
def slack() -> Iterator[SlackPlatform]:
    with slack_platform(limits=RateLimits(enabled=False), timings=Timings(ack=30)) as running:
        running.user("U1")
        running.channel("C1", members=["U1"])
        yield running


def answer_to(slack: SlackPlatform, question: Message) -> Message:
    found = slack.wait_until(lambda: answers_in(slack, question.channel, question.ts), timeout=60)
    assert len(found) == 1
    return found[0]


def test_the_real_index_answers_an_error_as_people_paste_it(
    slack: SlackPlatform, tmp_path: Path, transport: Transport, built_cache: Path
) -> None:
    engine = open_engine(Settings(cache_dir=built_cache))
    with running_bot(slack, slack_settings(slack, tmp_path, transport), lambda: engine):
        pasted = slack.mention(
            "C1", "U1", "help!\n```Warning FailedCreatePodSandBox &amp; InvalidVSwitchId.IpNotEnough```"
        )
        first = answer_to(slack, pasted)
        refused = answer_to(slack, slack.mention("C1", "U1", "which pizza is best?"))

    assert "vSwitch" in first.text
    assert any("alibabacloud.com" in url for url, _ in first.links)
    assert refused.links == []


def test_what_is_too_much_is_said_to_be_so_at_once(slack: SlackPlatform, tmp_path: Path) -> None:
    engine = StandInEngine()
    engine.gate.clear()
    with running_bot(
        slack, slack_settings(slack, tmp_path), lambda: engine, tempo=replace(QUICK, waiting=2)
    ) as running:
        questions = [slack.mention("C1", "U1", f"{ENTRY} {number}?") for number in range(16)]
        slack.wait_until(lambda: any("Too many" in each.text for each in slack.posted("C1")), timeout=60)
        engine.gate.set()
        said = [answer_to(slack, question).text for question in questions]

        assert sum("Too many" in text for text in said) >= 1
        assert sum("vSwitch" in text for text in said) >= 8
        figures = running.service.metrics.text().decode()
    assert 'acknet_slack_tasks_total{kind="ask",state="busy"}' in figures


def test_without_its_store_answers_still_go_out(slack: SlackPlatform, tmp_path: Path) -> None:
    (tmp_path / "in-the-way").write_text("a file where a directory should be")
    store = StoreUrl(f"sqlite:///{tmp_path}/in-the-way/acknet.db")
    with running_bot(slack, slack_settings(slack, tmp_path, store_url=store)):
        question = slack.mention("C1", "U1", f"{ENTRY}?")
        answer_to(slack, question)
        (delivery,) = slack.events("app_mention")
        slack.redeliver(delivery).wait(30)
        slack.say("C1", "U1", "and with IPv6?", question.ts)
        slack.wait_until(lambda: len(answers_in(slack, "C1", question.ts)) == 2, timeout=60)


def test_a_connection_that_went_silent_is_replaced(slack: SlackPlatform, tmp_path: Path) -> None:
    with running_bot(slack, slack_settings(slack, tmp_path), tempo=replace(QUICK, ping=0.5)) as running:
        slack.go_silent()
        slack.wait_until(lambda: slack.connections_opened > 1, timeout=60)
        answer_to(slack, slack.mention("C1", "U1", f"{ENTRY}?"))
        assert running.run(running.bot.trouble) is None


def test_without_a_way_to_slack_it_says_so_and_goes_on_trying(slack: SlackPlatform, tmp_path: Path) -> None:
    slack.app.app_scopes = set()
    with running_bot(slack, slack_settings(slack, tmp_path), connected=False) as running:
        slack.wait_until(lambda: running.run(running.bot.trouble), timeout=60)
        assert running.run(running.bot.trouble) == "missing_scope"
        slack.app.app_scopes = {"connections:write"}
        slack.wait_until(lambda: slack.connections, timeout=60)


@contextmanager
def command(slack: SlackPlatform, store: Path) -> Iterator[subprocess.Popen[str]]:
    """Run ``acknet slack`` with the stand-in engine."""
    surroundings = {name: value for name, value in os.environ.items() if not name.upper().endswith("_PROXY")}
    environment = surroundings | {
        "ACKNET_SLACK_BOT_TOKEN": slack.bot_token,
        "ACKNET_SLACK_APP_TOKEN": slack.app_token,
        "ACKNET_SLACK_BASE_URL": slack.base_url.rstrip("/"),
        "ACKNET_STORE_URL": f"sqlite:///{store}",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.doubles.acknet_command", "slack"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        slack.wait_until(lambda: slack.connections or process.poll() is not None, timeout=90)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=60)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_question_survives_the_end_of_the_process(
    slack: SlackPlatform, tmp_path: Path, number: signal.Signals
) -> None:
    store = tmp_path / "acknet.db"
    with command(slack, store) as process:
        answer_to(slack, slack.mention("C1", "U1", f"{ENTRY} first?"))
        questions = [slack.mention("C1", "U1", f"{ENTRY} {number}?") for number in range(5)]
        slack.wait_until(lambda: any(each.attempts for each in slack.events("app_mention")[1:]), timeout=60)
        process.send_signal(number)
        process.wait(60)
        assert process.returncode == (0 if number == signal.SIGTERM else -number)
    with running_bot(slack, slack_settings(slack, tmp_path), tempo=QUICK, ahead=600):
        slack.wait_until(lambda: slack.advance(61) or all(each.done for each in slack.deliveries), timeout=90)
        for question in questions:
            answer_to(slack, question)


def test_without_tokens_the_command_says_what_is_missing() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ACKNET_")}
    done = subprocess.run(
        [sys.executable, "-m", "bot", "slack"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "ACKNET_SLACK_BOT_TOKEN" in done.stderr
    assert len(done.stderr.splitlines()) == 1
