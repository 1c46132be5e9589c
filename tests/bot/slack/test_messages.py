"""Messages beside the answer: evidence for one person, progress, replies, notices."""

from __future__ import annotations

import re
from textwrap import indent
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answer import Answer
from bot.diagnosis.report import Report
from bot.oncall.notice import Headline
from bot.slack.blocks import Looking, Message, answer_message, evidence_message, notices, reply_messages
from bot.slack.blocks.incident import incident_message, incident_reply
from bot.slack.blocks.text import one_line
from tests.bot.slack.answers import reports, texts
from tests.doubles.slack import mrkdwn
from tests.doubles.slack.blocks import check_blocks, links, mentions, weight, words

FEW = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def assert_only_text(message: Message) -> str:
    """Check that Slack takes ``message`` and that nobody is mentioned and nothing linked; return what it says."""
    blocks = message.payload()["blocks"]
    check_blocks(blocks)
    assert weight(blocks) <= 11_500
    assert mentions(blocks) == links(blocks) == []
    assert 0 < len(message.text) <= 4000
    assert not [*mrkdwn.problems(message.text), *mrkdwn.mentions(message.text), *mrkdwn.links(message.text)]
    return words(blocks)


TITLES = re.compile(r"All that was seen in the cluster(, part \d+ of \d+)?")


@given(reports())
@FEW
def test_evidence_is_taken_whatever_was_seen(report: Report) -> None:
    message = evidence_message(report)
    said = assert_only_text(message)
    pages = [assert_only_text(page) for page in message.more]
    # What is long goes on after the title of the next page.
    all_said = "".join(re.sub(TITLES, "", "".join([said, *pages])).split())
    entries = (*report.confirmed, *report.states, *report.ruled_out, *report.undecided)
    seen = [seen for entry in entries for finding in entry.findings for seen in finding.evidence]
    assert all("".join(one_line(each.value).split())[:1000] in all_said for each in seen)
    left = {entry.title for entry in report.undecided}
    assert all("".join(title.split()) == "" or "Notdecided" in all_said for title in left)


@given(st.dictionaries(texts, st.sampled_from(["reading", "read", "unreadable"]), max_size=60), texts)
@FEW
def test_progress_is_taken_however_far_it_is(facts: dict[str, str], cluster: str) -> None:
    looking = Looking(cluster)
    for name, state in facts.items():
        looking = looking.told({"stage": "probing", "fact": name, "state": state})
    assert looking.facts == facts
    answer = Answer(outcome="no_answer", candidates=(), entry=None, title="None", summary="None.")
    said = assert_only_text(answer_message(answer, answer_id="a", looking=looking))
    assert f"{list(facts.values()).count('read')} fact" in said


def test_other_stages_are_no_progress() -> None:
    looking = Looking("prod", {"events": "read"})
    assert looking.told({"stage": "retrieved", "entries": []}) is looking


@given(texts)
def test_a_reason_is_told_as_text(reason: str) -> None:
    assert_only_text(notices.not_allowed(reason))
    assert_only_text(notices.look_failed(reason))


@given(
    texts, texts, st.sampled_from(["open", "resolved"]), st.none() | texts | st.just("https://alerts.example/a?b=1&c")
)
@FEW
def test_an_incident_is_taken_whatever_its_alerts_say(
    title: str, source: str, state: Literal["open", "resolved"], url: str | None
) -> None:
    headline = Headline(incident=7, state=state, source=source, title=title, firing=2, left_out=1, url=url, looked=())
    blocks = incident_message(headline).payload()["blocks"]
    check_blocks(blocks)
    assert mentions(blocks) == []
    assert {address for address, _ in links(blocks)} <= {"https://alerts.example/a?b=1&c"}
    assert_only_text(incident_reply(title))


@given(st.lists(texts, max_size=12).map("\n\n".join))
@FEW
def test_a_reply_is_taken_whatever_it_says(markdown: str) -> None:
    for message in reply_messages(markdown):
        assert_only_text(message)


def test_a_long_reply_goes_on_in_the_next_message() -> None:
    code = "\n".join(f"line {number} of kubectl output" for number in range(1500))
    step = indent(f"```bash\n{code}\n```", "   ")
    markdown = f"# Title\n\n1. First `step`.\n\n{step}\n\n2. Second.\n\n> **Risk:** wait\n\n- a\n  - b\n"
    messages = reply_messages(markdown)
    assert len(messages) > 3
    said = "\n".join(assert_only_text(message) for message in messages)
    assert all(f"line {number} of" in said for number in range(1500))
    assert "Second." in said
    assert [element["type"] for element in messages[0].payload()["blocks"][1]["elements"][:3]] == [
        "rich_text_section",
        "rich_text_list",
        "rich_text_preformatted",
    ]
