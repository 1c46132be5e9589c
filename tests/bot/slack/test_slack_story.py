"""The whole of it as it is run: the real commands and index, a cluster's API, and Slack on the other side."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.slack.blocks import ButtonValue, names
from bot.slack.listeners import SHORTCUT
from bot.slack.part import EVENTS_PATH
from corpus import load_corpus
from tests.bot.slack.conftest import PATIENT
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.slack import Message, RateLimits, SlackPlatform, slack_platform
from tests.doubles.slack_manifest import granted
from tests.scenarios.loading import NOW, as_json, load_scenario

ROOT = Path(__file__).parents[3]
CORPUS = load_corpus()
SCENARIO = load_scenario(ROOT / "tests" / "scenarios" / "terway-exhausted-crd-condition")
SCOPE: dict[str, str] = dict(SCENARIO.data["scope"])
EXHAUSTED = "no free IP addresses"
PATIENCE = 120
"""Seconds: the index is real, and the machine may be busy."""


@dataclass
class Story:
    slack: SlackPlatform
    process: subprocess.Popen[str]

    def answers(self, channel: str, thread: str | None = None, most: int = 1) -> list[Message]:
        def said() -> list[Message]:
            every = self.slack.posted(channel, thread)
            return [each for each in every if not each.text.startswith("The whole answer")]

        self.slack.wait_until(lambda: len(said()) >= most, timeout=PATIENCE)
        return said()

    def ask(self, text: str) -> Message:
        question = self.slack.mention("C1", "U1", text)
        return self.answers("C1", question.ts)[0]


@pytest.fixture(scope="module", params=["socket", "http"])
def story(
    request: pytest.FixtureRequest, built_cache: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("home")
    events, scopes = granted()
    objects = [as_json(one) for one in SCENARIO.objects]
    with (
        slack_platform(limits=RateLimits(enabled=False), timings=PATIENT, events=events, scopes=scopes) as slack,
        kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as api,
    ):
        slack.user("U1")
        slack.user("U2")
        slack.channel("C1", members=["U1", "U2"])
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "ACKNET_CACHE_DIR": str(built_cache),
            "ACKNET_STORE_URL": f"sqlite:///{home}/acknet.db",
            "ACKNET_KUBECONFIG": str(api.kubeconfig(home)),
            "ACKNET_SLACK_BOT_TOKEN": slack.bot_token,
            "ACKNET_SLACK_BASE_URL": slack.base_url.rstrip("/"),
            "ACKNET_SLACK_PROBE": "true",
        }
        if request.param == "socket":
            own["ACKNET_SLACK_APP_TOKEN"] = slack.app_token
            command = ["slack"]
        else:
            own["ACKNET_SLACK_SIGNING_SECRET"] = slack.signing_secret
            command = ["serve", "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", *command],
            cwd=ROOT,
            env=own,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                if request.param == "socket":
                    slack.wait_until(lambda: slack.connections, timeout=PATIENCE)
                else:
                    slack.request_url = f"{line.split()[-1]}{EVENTS_PATH}"
                yield Story(slack, process)
            finally:
                process.kill()


def test_from_a_question_to_what_the_cluster_shows(story: Story) -> None:
    slack = story.slack
    shown = story.ask("my pods stay in ContainerCreating, the log says InvalidVSwitchId.IpNotEnough")
    assert EXHAUSTED in shown.text
    assert {"faq-about-container-networks"} <= {url.rpartition("/")[2] for url, _ in shown.links}

    slack.click(shown, names.RUN_CHECKS, "U2").wait(PATIENCE)
    (modal,) = slack.wait_until(lambda: slack.modals("U2"), timeout=PATIENCE)
    slack.submit(modal, SCOPE).wait(PATIENCE)
    slack.wait_until(lambda: names.ANOTHER_LOOK in slack.message(shown).actions, timeout=PATIENCE)
    result = slack.message(shown)
    assert result.text.startswith("🔴 Confirmed in this cluster")
    assert "vsw-" in result.words
    assert "kubectl get" in result.words

    slack.click(result, names.ANOTHER_LOOK, "U1").wait(PATIENCE)
    slack.click(result, names.FEEDBACK, "U2", result.element(names.FEEDBACK)["positive_button"]["value"]).wait(PATIENCE)
    slack.wait_until(lambda: any("Thank you" in each.words for each in slack.ephemerals("U2", "C1")), timeout=PATIENCE)


def test_chinese_is_answered_and_a_thread_goes_on(story: Story) -> None:
    question = story.slack.mention("C1", "U1", "Pod 一直 ContainerCreating，日志里是 InvalidVSwitchId.IpNotEnough")
    (first, *_) = story.answers("C1", question.ts)
    assert EXHAUSTED in first.text
    story.slack.say("C1", "U2", "the ENI quota of the node is used up, is that it?", question.ts)
    (_, second, *_) = story.answers("C1", question.ts, 2)
    assert second.blocks


def test_not_this_one_but_another_entry_and_nobody_answered(story: Story) -> None:
    slack = story.slack
    shown = story.ask("can't found dev by mac, pod sandbox is not created")
    button = next(action for action in shown.actions if names.EXPLAIN_PATTERN.fullmatch(action))
    wanted = ButtonValue.decode(shown.element(button)["value"]).entry
    slack.click(shown, button, "U2").wait(PATIENCE)
    title = CORPUS[wanted or ""].title
    slack.wait_until(lambda: slack.message(shown).text.startswith(title), timeout=PATIENCE)

    slack.click(slack.message(shown), names.NOBODY_ANSWERED, "U1").wait(PATIENCE)
    slack.wait_until(lambda: any("Kept" in each.words for each in slack.ephemerals("U1", "C1")), timeout=PATIENCE)


def test_not_helpful_asks_why(story: Story) -> None:
    shown = story.ask("which network plugin does my cluster use?")
    value = shown.element(names.FEEDBACK)["negative_button"]["value"]
    story.slack.click(shown, names.FEEDBACK, "U1", value).wait(PATIENCE)
    (modal,) = story.slack.wait_until(lambda: story.slack.modals("U1"), timeout=PATIENCE)
    delivery = story.slack.submit(modal, {"reason": "我问的是模式"}).wait(PATIENCE)
    assert delivery.acked


def test_the_other_ways_in(story: Story) -> None:
    slack = story.slack
    direct = slack.direct_message("U1", "conntrack table full, packets dropped")
    assert "conntrack" in story.answers(direct.channel, direct.ts)[0].text.lower()

    slack.slash("/acknet", "how do I switch from Flannel to Terway?", channel="C1", user="U2").wait(PATIENCE)
    slack.wait_until(lambda: any(each.links for each in slack.ephemerals("U2", "C1")), timeout=PATIENCE)

    log = slack.upload("U2", "cni.log", "Code: InvalidVSwitchId.IpNotEnough\n")
    report = slack.say("C1", "U2", "deploy hangs", files=[log])
    slack.shortcut(SHORTCUT, "U1", report).wait(PATIENCE)
    assert EXHAUSTED in story.answers("C1", report.ts)[0].text

    slack.open_home("U1")
    home = slack.wait_until(lambda: slack.home("U1"), timeout=PATIENCE)
    assert "How to ask" in str(home.blocks)


def test_what_the_faq_does_not_say_is_not_made_up(story: Story) -> None:
    shown = story.ask("what is the best pizza in Hangzhou?")
    assert "The FAQ has no answer to this" in shown.text
    assert shown.links == []


def test_it_ends_in_order_when_it_is_told_to(story: Story) -> None:
    story.process.send_signal(signal.SIGTERM)
    assert story.process.wait(PATIENCE) == 0
    assert len({each.ts for each in story.slack.posted("C1")}) == len(story.slack.posted("C1"))
