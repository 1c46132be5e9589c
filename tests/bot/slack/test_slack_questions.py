"""Questions in Slack, by every way in and over both transports, and what becomes of them."""

from __future__ import annotations

from tests.bot.slack.conftest import Live
from tests.doubles.slack import Fault

ENTRY = "terway-vswitch-ip-exhausted"
OTHER = "flannel-hairpin"
TITLE = "vSwitch"


def test_a_mention_is_answered_once_in_its_thread(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"what about {ENTRY}?")
    (answer, *_) = live.answers(question.ts)
    live.settle()

    assert TITLE in answer.text
    assert f"https://acknet.example.com/entries/{ENTRY}" in dict(answer.links)
    assert answer.thread_ts == question.ts
    assert not answer.unfurl_links
    assert len(live.said()) == 1
    assert all(delivery.acked for delivery in live.slack.deliveries)
    assert live.engine.asked[-1] == [f"what about {ENTRY}?"]


def test_a_direct_message_is_answered_with_a_status_meanwhile(live: Live) -> None:
    question = live.slack.direct_message(live.user, f"{ENTRY} & <none>")
    live.channel = question.channel
    (answer, *_) = live.answers(question.ts)

    assert TITLE in answer.text
    assert live.engine.asked[-1] == [f"{ENTRY} & <none>"]
    assert any(
        thread == (question.channel, question.ts) for thread, text in live.slack._workspace.agents.status_history
    )
    assert live.slack.status(question) is None


def test_a_thread_goes_on_without_a_mention(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    live.answers(question.ts)
    live.settle()
    live.slack.say(live.channel, live.other, "and with Terway 1.8?", question.ts)
    live.answers(question.ts, 2)

    assert live.engine.asked[-1] == [f"{ENTRY}?", "and with Terway 1.8?"]


def test_what_people_say_to_each_other_is_left_alone(live: Live) -> None:
    talk = live.slack.say(live.channel, live.user, "lunch?")
    live.slack.say(live.channel, live.other, "yes", talk.ts)
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    live.answers(question.ts)
    live.slack.say(live.channel, live.user, f"<@{live.other}> have you seen this?", question.ts, raw=True)
    live.slack.say(live.channel, "U3", "deployed build 7", question.ts)
    live.settle()

    assert len(live.said()) == 1


def test_in_a_thread_of_others_a_mention_is_asked_with_what_they_said(live: Live) -> None:
    report = live.slack.say(live.channel, live.other, "InvalidVSwitchId.IpNotEnough on node 7")
    live.slack.mention(live.channel, live.user, f"{ENTRY}?", report.ts)
    live.answers(report.ts)

    assert live.engine.asked[-1] == ["InvalidVSwitchId.IpNotEnough on node 7", f"{ENTRY}?"]


def test_a_mention_without_words_asks_what_the_thread_asks(live: Live) -> None:
    report = live.slack.say(live.channel, live.other, f"{ENTRY} again")
    live.slack.mention(live.channel, live.user, "", report.ts)
    (answer, *_) = live.answers(report.ts)

    assert TITLE in answer.text
    assert live.engine.asked[-1] == [f"{ENTRY} again"]


def test_a_mention_with_nothing_to_answer_says_how_to_ask(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, "")
    (answer, *_) = live.answers(question.ts)

    assert "paste the error" in answer.text


def test_a_snippet_is_part_of_the_question(live: Live) -> None:
    log = live.slack.upload(live.user, "cni.log", "error: InvalidVSwitchId.IpNotEnough\n")
    picture = live.slack.upload(live.user, "shot.png", b"\x89PNG", snippet=False)
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?", files=[log, picture])
    live.answers(question.ts)

    assert live.engine.asked[-1] == [f"{ENTRY}?\n\nerror: InvalidVSwitchId.IpNotEnough\n"]


def test_a_changed_question_changes_its_answer(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    (before, *_) = live.answers(question.ts)
    live.settle()
    live.slack.edit(question, f"<@{live.slack.bot_user}> {OTHER}?")
    live.slack.wait_until(lambda: live.slack.message(before).text != before.text, timeout=90)
    live.settle()

    after = live.slack.message(before)
    assert live.engine.corpus[OTHER].title in after.text
    assert len(live.said()) == 1


def test_a_deleted_question_takes_its_answer_along(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    live.answers(question.ts)
    live.settle()
    live.slack.delete(question)
    live.slack.wait_until(lambda: not live.slack.posted(live.channel), timeout=90)


def test_a_command_is_answered_to_who_typed_it_alone(live: Live) -> None:
    live.slack.slash("/acknet", f"{ENTRY}?", channel=live.channel, user=live.user).wait(30)
    shown = live.slack.wait_until(lambda: live.slack.ephemerals(live.user, live.channel), timeout=90)

    assert TITLE in shown[-1].text
    assert live.said() == []


def test_a_command_without_words_says_how_to_ask(live: Live) -> None:
    delivery = live.slack.slash("/acknet", "", channel=live.channel, user=live.user).wait(30)

    assert "paste the error" in delivery.answer["text"]


def test_the_shortcut_explains_a_message_in_its_thread(live: Live) -> None:
    log = live.slack.upload(live.other, "cni.log", "error: no IP left")
    report = live.slack.say(live.channel, live.other, f"{ENTRY} again", files=[log])
    live.slack.shortcut("acknet.explain_error", live.user, report).wait(30)
    (answer, *_) = live.answers(report.ts)

    assert TITLE in answer.text
    assert live.engine.asked[-1] == [f"{ENTRY} again\n\nerror: no IP left"]


def test_where_acknet_cannot_write_the_shortcut_answers_who_chose_it(live: Live) -> None:
    live.slack.channel("COUT", members=["U1", "U2"], app=False)
    report = live.slack.say("COUT", live.other, f"{ENTRY} again")
    live.slack.shortcut("acknet.explain_error", live.user, report).wait(30)
    shown = live.slack.wait_until(lambda: live.slack.ephemerals(live.user, "COUT"), timeout=90)

    assert TITLE in shown[-1].text


def test_home_says_how_to_ask_and_what_was_asked_most(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    live.answers(question.ts)
    live.settle()
    live.slack.open_home(live.user)
    home = live.slack.wait_until(lambda: live.slack.home(live.user), timeout=90)

    assert "How to ask" in str(home.blocks)
    assert live.engine.corpus[ENTRY].title in str(home.blocks)


def test_the_messages_tab_suggests_what_to_ask(live: Live) -> None:
    live.slack.open_home(live.user, "messages")
    prompts = live.slack.wait_until(lambda: live.slack.suggested_prompts(live.user), timeout=90)

    assert len(prompts.prompts) == 4


def test_an_error_is_said_without_what_it_was(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, "CRASH password=hunter2")
    (answer, *_) = live.answers(question.ts)

    assert "went wrong" in answer.text
    assert "hunter2" not in answer.text


def test_what_a_proxy_answers_in_place_of_slack_is_not_taken_for_its_word(live: Live) -> None:
    page = b"<html><h1>Blocked by policy</h1></html>"
    faults = [Fault(called, status=403, body=page) for called in ("chat.postMessage", "response_url")]
    live.slack.faults += faults
    question = live.slack.mention(live.channel, live.user, f"{ENTRY}?")
    live.slack.slash("/acknet", f"{OTHER}?", channel=live.channel, user=live.user).wait(30)
    live.answers(question.ts)
    live.slack.wait_until(lambda: live.slack.ephemerals(live.user, live.channel), timeout=90)
    live.settle()

    assert len(live.said()) == 1
    assert [fault.times for fault in faults] == [0, 0]
