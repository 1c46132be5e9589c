"""Where the whole of an answer goes that does not fit into a message."""

from __future__ import annotations

from collections.abc import Sequence

from bot.slack.blocks import ButtonValue, names
from bot.slack.blocks.inline import plain, runs_of
from tests.bot.slack.conftest import Live
from tests.doubles.slack import Message

LONG = "flannel-ip-leak"
SHORTENED = "The whole answer is in the reply below"


def rest(live: Live) -> list[Message]:
    return [each for each in live.slack.posted(live.channel) if each.text.startswith("The whole answer")]


def left_out(live: Live, entry: str, shown: Sequence[Message]) -> list[str]:
    """Return what the entry says for all versions and the messages do not."""
    words = "".join("".join(each.words.split()) for each in shown)
    said = [plain(runs_of(one.text)) for part in live.engine.corpus[entry].sections for one in part.walk()]
    gated = [plain(runs_of(one.text)) for one in live.engine.corpus[entry].statements() if one.marker.when]
    return [one for one in said if one not in gated and "".join(one.split()) not in words]


def test_what_did_not_fit_is_said_below_the_answer(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, f"{LONG}?")
    (answer, *_) = live.answers(question.ts)
    live.settle()
    below = rest(live)

    assert SHORTENED in answer.words
    assert left_out(live, LONG, [answer])
    assert left_out(live, LONG, below) == []
    assert {page.thread_ts for page in below} == {answer.thread_ts}
    assert not any(page.actions for page in below)


def test_another_entry_brings_the_whole_of_it_and_all_goes_with_the_question(live: Live) -> None:
    question = live.slack.mention(live.channel, live.user, "terway-mac-not-found?")
    (answer, *_) = live.answers(question.ts)
    live.settle()
    assert rest(live) == []
    (button,) = [
        action
        for action in answer.actions
        if action.startswith(names.EXPLAIN) and ButtonValue.decode(answer.element(action)["value"]).entry == LONG
    ]
    live.slack.click(answer, button, live.user).wait(30)
    live.slack.wait_until(lambda: rest(live), timeout=90)
    live.settle()

    assert SHORTENED in live.slack.message(answer).words
    assert left_out(live, LONG, rest(live)) == []
    live.slack.delete(question)
    live.slack.wait_until(lambda: not live.slack.posted(live.channel), timeout=90)


def test_who_asks_by_command_gets_the_whole_alone(live: Live) -> None:
    live.slack.slash("/acknet", f"{LONG}?", channel=live.channel, user=live.user).wait(30)
    live.slack.wait_until(lambda: len(live.slack.ephemerals(live.user, live.channel)) > 1, timeout=90)
    live.settle()
    answer, *below = live.slack.ephemerals(live.user, live.channel)

    assert SHORTENED in answer.words
    assert left_out(live, LONG, below) == []
    assert live.slack.posted(live.channel) == []
