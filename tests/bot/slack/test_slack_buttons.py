"""What people do with an answer in Slack: look into a cluster, another entry, say how it was."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.slack.blocks import names
from tests.bot.slack.conftest import EVENTS, PATIENT, SCOPES, Live
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import Fault, KubernetesApi, kubernetes_api
from tests.doubles.slack import Message, RateLimits, slack_platform
from tests.doubles.slack_bot import Transport, running_bot, slack_settings
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[2] / "scenarios" / "terway-exhausted-crd-condition")
SCOPE: dict[str, str] = dict(SCENARIO.data["scope"])
ENTRY = "terway-vswitch-ip-exhausted"
STRANGER, GUEST, MEMBER, ONCALL = "U7", "U8", "U5", "U6"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def api() -> Iterator[KubernetesApi]:
    with kubernetes_api([as_json(one) for one in SCENARIO.objects], logs=SCENARIO.logs, now=NOW) as running:
        yield running


@pytest.fixture(scope="module")
def _looking(transport: Transport, api: KubernetesApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    directory = tmp_path_factory.mktemp("slack")
    with slack_platform(limits=RateLimits(enabled=False), timings=PATIENT, events=EVENTS, scopes=SCOPES) as slack:
        for user in ("U1", "U2", MEMBER, ONCALL):
            slack.user(user)
        slack.user(STRANGER, team_id="T0OTHER")
        slack.user(GUEST, guest=True)
        slack.usergroup("S1", "oncall", [ONCALL])
        slack.channel("COFF", members=["U1"])
        engine = StandInEngine()
        settings = slack_settings(
            slack,
            directory,
            transport,
            kubeconfig=api.kubeconfig(directory),
            diagnosis_timeout=300,
            slack_probe=True,
            slack_probe_users=("U1", GUEST),
            slack_probe_groups=("S1",),
            slack_probe_channels=("direct", *(f"CL{number}" for number in range(1, 100))),
            slack_probe_namespaces=(SCOPE["namespace"],),
        )
        with running_bot(slack, settings, lambda: engine) as running:
            yield Live(slack, running, engine, "")


@pytest.fixture
def live(_looking: Live) -> Live:
    channel = f"CL{next(_numbers)}"
    _looking.slack.channel(channel, members=["U1", "U2", MEMBER, ONCALL])
    return Live(_looking.slack, _looking.running, _looking.engine, channel)


def answer(live: Live, text: str = f"{ENTRY}?") -> Message:
    question = live.slack.mention(live.channel, live.user, text)
    return live.answers(question.ts)[0]


def ask_for_checks(live: Live, shown: Message, user: str = "U1") -> Any:
    live.slack.click(shown, names.RUN_CHECKS, user).wait(30)
    (modal,) = live.slack.wait_until(lambda: live.slack.modals(user), timeout=90)
    return modal


def looked(live: Live, shown: Message) -> Message:
    live.slack.wait_until(lambda: names.ANOTHER_LOOK in live.slack.message(shown).actions, timeout=90)
    live.settle()
    return live.slack.message(shown)


def whispered(live: Live, user: str, most: int = 1) -> list[str]:
    live.slack.wait_until(lambda: len(live.slack.ephemerals(user, live.channel)) >= most, timeout=90)
    return [each.words for each in live.slack.ephemerals(user, live.channel)]


def rate(live: Live, shown: Message, button: str) -> None:
    live.slack.click(shown, names.FEEDBACK, "U2", shown.element(names.FEEDBACK)[button]["value"]).wait(30)


def is_stoppable(live: Live, shown: Message) -> bool:
    """Tell whether Slack shows the stop button in the thread."""
    session = live.slack.session(shown)
    return session is not None and session.status == "processing"


def audit(live: Live) -> Any:
    return live.running.run(live.running.service.store.audit.list)


def test_a_look_asks_where_shows_progress_and_ends_in_the_same_message(live: Live) -> None:
    shown = answer(live)
    modal = ask_for_checks(live, shown)
    live.slack.submit(modal, SCOPE).wait(30)
    result = looked(live, shown)

    assert "Confirmed in this cluster" in result.text
    assert any("Looking" in str(revision["blocks"]) for revision in result.revisions)
    assert len(live.said()) == 1
    assert live.slack.modals("U1") == []
    (look,) = [one for one in audit(live) if one.action == "look" and live.channel in one.place]
    assert (look.who, look.place) == ("U1", f"slack {live.channel}/{shown.thread_ts}")
    assert look.read
    assert look.outcome["scope"] == SCOPE


def test_a_look_can_be_run_again_without_asking_where(live: Live) -> None:
    shown = answer(live)
    live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
    looked(live, shown)
    live.slack.click(shown, names.ANOTHER_LOOK, "U1").wait(30)
    live.slack.wait_until(
        lambda: len([one for one in audit(live) if one.action == "look" and live.channel in one.place]) == 2, timeout=90
    )
    live.settle()

    assert "Confirmed" in live.slack.message(shown).text
    assert live.slack.modals("U1") == []


def test_the_whole_of_what_a_look_found_is_said_once_however_often_it_is_run(live: Live) -> None:
    shown = answer(live)
    before = len(live.slack.posted(live.channel))
    live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
    looked(live, shown)
    live.settle()
    whole = [each for each in live.slack.posted(live.channel) if each.text.startswith("The whole answer")]
    assert "The whole answer is in the reply below" in live.slack.message(shown).words
    assert any("What the cluster shows" in each.words and "Confirmed" in each.words for each in whole)
    after = len(live.slack.posted(live.channel))
    assert after > before
    live.slack.click(shown, names.ANOTHER_LOOK, "U1").wait(30)
    live.settle()

    assert len(live.slack.posted(live.channel)) == after


def test_what_the_thread_tells_is_not_asked(live: Live) -> None:
    pasted = f"{ENTRY}\nName: {SCOPE['pod']}\nNamespace: {SCOPE['namespace']}\nNode: n1\nStatus: Pending\nIP:\n"
    shown = answer(live, f"```{pasted}```")
    live.slack.click(shown, names.RUN_CHECKS, "U1").wait(30)
    told = live.slack.wait_until(
        lambda: live.slack.modals("U1") or names.ANOTHER_LOOK in live.slack.message(shown).actions, timeout=90
    )

    assert told is True


def test_a_name_that_cannot_be_one_is_refused_in_the_form(live: Live) -> None:
    modal = ask_for_checks(live, answer(live))
    delivery = live.slack.submit(modal, {"namespace": "No Such; rm -rf", "pod": "web-1"}).wait(30)
    elsewhere = live.slack.submit(modal, {"namespace": "kube-system", "pod": "web-1"}).wait(30)
    live.slack.close_modal(modal)

    assert set(delivery.errors) == {"namespace"}
    assert "may be asked about" in elsewhere.errors["namespace"]


@pytest.mark.parametrize(("user", "may"), [(ONCALL, True), (MEMBER, False), ("U2", False)])
def test_only_those_who_may_have_a_cluster_looked_into(live: Live, user: str, may: bool) -> None:
    shown = answer(live)
    live.slack.click(shown, names.RUN_CHECKS, user).wait(30)

    if may:
        (modal,) = live.slack.wait_until(lambda: live.slack.modals(user), timeout=90)
        live.slack.close_modal(modal)
    else:
        assert "not among those" in whispered(live, user)[0]
        assert live.slack.modals(user) == []


def test_a_stranger_may_not_and_a_guest_only_by_name(live: Live) -> None:
    live.slack.channel(live.channel, members=["U1", STRANGER, GUEST], shared=True)
    shown = answer(live)
    live.slack.click(shown, names.RUN_CHECKS, STRANGER).wait(30)
    assert "No look" in whispered(live, STRANGER)[0]
    modal = ask_for_checks(live, shown, GUEST)
    live.slack.close_modal(modal)


def test_from_other_channels_nothing_is_looked_into(live: Live) -> None:
    live.channel = "COFF"
    shown = answer(live)

    assert names.RUN_CHECKS not in shown.actions


@pytest.mark.parametrize("others", [{"shared": True}, {"members": ["U1", GUEST]}])
def test_where_others_read_along_what_was_seen_goes_to_the_asker_alone(live: Live, others: dict[str, Any]) -> None:
    live.slack.channel(live.channel, **({"members": ["U1", "U2"]} | others))
    shown = answer(live)
    live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
    result = looked(live, shown)
    private = whispered(live, "U1")[-1]

    assert "Confirmed" in result.text
    (look,) = [one for one in audit(live) if one.action == "look" and live.channel in one.place]
    assert any(seen in private for seen in look.read)
    assert not any(seen in result.words for seen in look.read)
    assert live.slack.ephemerals("U2", live.channel) == []


def test_the_stop_button_ends_a_look_and_the_answer_stays_as_it_was(live: Live, api: KubernetesApi) -> None:
    shown = answer(live)
    hanging = Fault(hang=True)
    api.faults.append(hanging)
    try:
        live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
        live.slack.wait_until(lambda: is_stoppable(live, shown), timeout=90)
        live.slack.wait_until(lambda: "Looking" in live.slack.message(shown).words, timeout=90)
        live.slack.press_stop(shown, "U2")
        live.slack.wait_until(lambda: "was stopped" in live.slack.message(shown).words, timeout=90)
        live.settle()
    finally:
        api.faults.remove(hanging)
    stopped = live.slack.message(shown)

    assert stopped.text == shown.text
    assert names.RUN_CHECKS in stopped.actions
    live.slack.wait_until(lambda: not is_stoppable(live, shown), timeout=90)
    here = [one for one in audit(live) if live.channel in one.place and one.action in ("look", "stop")]
    assert [(one.action, one.who) for one in sorted(here, key=lambda one: one.action)] == [
        ("look", "U1"),
        ("stop", "U2"),
    ]
    (look,) = [one for one in here if one.action == "look"]
    assert look.outcome["stopped"] is True
    assert look.outcome["scope"] == SCOPE

    live.slack.submit(ask_for_checks(live, stopped), SCOPE).wait(30)
    assert "Confirmed" in looked(live, shown).text


def test_a_look_that_another_copy_of_acknet_was_told_to_stop_ends(live: Live, api: KubernetesApi) -> None:
    shown = answer(live)
    place = f"slack {live.channel}/{shown.thread_ts}"
    hanging = Fault(hang=True)
    api.faults.append(hanging)
    try:
        live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
        live.slack.wait_until(lambda: "Looking" in live.slack.message(shown).words, timeout=90)
        live.slack.wait_until(lambda: is_stoppable(live, shown), timeout=90)
        live.running.run(lambda: live.running.service.store.audit.add(who="U2", place=place, action="stop"))
        live.slack.wait_until(lambda: "was stopped" in live.slack.message(shown).words, timeout=90)
    finally:
        api.faults.remove(hanging)


def test_an_answer_that_one_person_sees_can_be_looked_into(live: Live) -> None:
    live.slack.slash("/acknet", f"{ENTRY}?", channel=live.channel, user="U1").wait(30)
    shown, *_ = live.slack.wait_until(lambda: live.slack.ephemerals("U1", live.channel), timeout=90)
    live.slack.submit(ask_for_checks(live, shown), SCOPE).wait(30)
    live.slack.wait_until(lambda: "Confirmed" in live.slack.ephemerals("U1", live.channel)[0].text, timeout=90)

    others = live.slack.ephemerals("U1", live.channel)[1:]
    assert all(each.text.startswith("The whole answer") for each in others)


def test_another_entry_takes_the_place_of_the_answer(live: Live) -> None:
    shown = answer(live)
    other = next(each for each in shown.actions if each.startswith(names.EXPLAIN))
    live.slack.click(shown, other, "U2").wait(30)
    live.slack.wait_until(lambda: live.slack.message(shown).text != shown.text, timeout=90)

    changed = live.slack.message(shown)
    assert "In place of" in changed.words
    assert len(live.said()) == 1


def test_helpful_is_kept_and_thanked_for(live: Live) -> None:
    shown = answer(live)
    live.settle()
    rate(live, shown, "positive_button")

    assert "Thank you" in whispered(live, "U2")[0]
    (given,) = live.running.run(lambda: live.running.service.conversation(f"{live.channel}/{shown.thread_ts}"))
    (said,) = live.running.run(lambda: live.running.service.store.feedback.of(given.id))
    assert (said.who, said.helpful) == ("U2", True)


def test_not_helpful_asks_why_and_makes_an_open_question(live: Live) -> None:
    shown = answer(live, f"{ENTRY} {live.channel}")
    live.settle()
    rate(live, shown, "negative_button")
    (modal,) = live.slack.wait_until(lambda: live.slack.modals("U2"), timeout=90)
    live.slack.submit(modal, {"reason": "it is about Flannel"}).wait(30)

    async def said() -> Any:
        (given,) = await live.running.service.conversation(f"{live.channel}/{shown.thread_ts}")
        return await live.running.service.store.feedback.of(given.id)

    live.slack.wait_until(lambda: [one.reason for one in live.running.run(said)] == ["it is about Flannel"], timeout=90)
    kept = live.running.run(lambda: live.running.service.store.questions.list(cause="badly_rated"))
    assert f"{ENTRY} {live.channel}" in [one.text for one in kept]


def test_a_question_that_nobody_answered_is_kept(live: Live) -> None:
    shown = answer(live, f"{ENTRY} {live.channel}")
    live.settle()
    live.slack.click(shown, names.NOBODY_ANSWERED, "U2").wait(30)

    assert "Kept" in whispered(live, "U2")[0]
    kept = live.running.run(lambda: live.running.service.store.questions.list(cause="nobody_answered"))
    assert f"{ENTRY} {live.channel}" in [one.text for one in kept]
