"""Evidence that no message holds: it follows whole, and where others read along for the asker alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack.blocks import names
from tests.bot.slack.conftest import EVENTS, SCOPES, Live
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.slack import Message, RateLimits, slack_platform
from tests.doubles.slack_bot import running_bot, slack_settings
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "terway-mode-exclusive-cluster")
ENTRY = "terway-identify-eni-mode"
PROOFS = 12
CUT = "and 9 more"
"""What the verdict says below the first three of those that prove it."""
GUEST = "U8"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("slack")
    objects = [as_json(one) for one in SCENARIO.objects]
    (node, *_) = [one for one in objects if one["kind"] == "Node"]
    objects += [json.loads(json.dumps(node).replace(node["metadata"]["name"], f"node-{n}")) for n in range(20)]
    with (
        slack_platform(limits=RateLimits(enabled=False), events=EVENTS, scopes=SCOPES) as slack,
        kubernetes_api(objects, logs=SCENARIO.logs, now=NOW) as api,
    ):
        for user in ("U1", "U2"):
            slack.user(user)
        slack.user(GUEST, guest=True)
        settings = slack_settings(
            slack, directory, kubeconfig=api.kubeconfig(directory), diagnosis_timeout=300, slack_probe=True
        )
        engine = StandInEngine()
        with running_bot(slack, settings, lambda: engine) as running:
            yield Live(slack, running, engine, "")


def look(live: Live, channel: str, **others: Any) -> tuple[Message, list[str]]:
    """Have the cluster looked into from a channel; return the answer as it is then, and what proves it."""
    live.channel = channel
    live.slack.channel(channel, **({"members": ["U1", "U2"]} | others))
    question = live.slack.mention(channel, "U1", f"{ENTRY}?")
    shown = live.answers(question.ts)[0]
    live.slack.click(shown, names.RUN_CHECKS, "U1").wait(30)
    (modal,) = live.slack.wait_until(lambda: live.slack.modals("U1"), timeout=90)
    live.slack.submit(modal).wait(30)
    live.slack.wait_until(lambda: names.ANOTHER_LOOK in live.slack.message(shown).actions, timeout=90)
    live.settle()
    audit = live.running.run(live.running.service.store.audit.list)
    (read,) = [one.read for one in audit if one.action == "look" and channel in one.place]
    return live.slack.message(shown), list(read)


def test_among_members_it_follows_in_the_thread(shared: Live) -> None:
    result, read = look(shared, "COPEN")
    below = [each for each in shared.slack.posted("COPEN") if each.ts != result.ts]
    words = "".join(each.words for each in below)

    assert CUT in result.words
    assert "all of it follows below" in result.words
    assert len([one for one in read if one in words]) >= PROOFS
    assert len([one for one in read if one in result.words]) < PROOFS
    assert {each.thread_ts for each in below} == {result.thread_ts}
    assert shared.slack.ephemerals("U1", "COPEN") == []


@pytest.mark.parametrize(
    ("channel", "others"), [("CSHARED", {"shared": True}), ("CGUEST", {"members": ["U1", "U2", GUEST]})]
)
def test_where_others_read_along_it_follows_for_the_asker_alone(
    shared: Live, channel: str, others: dict[str, Any]
) -> None:
    result, read = look(shared, channel, **others)
    public = "".join(each.words for each in shared.slack.posted(channel))
    first, *more = shared.slack.ephemerals("U1", channel)
    words = "".join(each.words for each in more)

    assert "So here" in result.text
    assert [one for one in read if one in public] == []
    assert "Only you see this." in first.words
    assert CUT in first.words
    assert "all of it follows below" in first.words
    assert len([one for one in read if one in words]) >= PROOFS
    assert len([one for one in read if one in first.words]) < PROOFS
    assert CUT not in words
    assert len({each.words for each in more}) == len(more)
    assert {each.thread_ts for each in (first, *more)} == {result.thread_ts}
    for other in ("U2", GUEST):
        assert shared.slack.ephemerals(other, channel) == []
