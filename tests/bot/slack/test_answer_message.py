"""Messages with answers: whatever an answer holds, Slack takes the message and people get what matters.

``ACKNET_SLACK_EXAMPLES=10000 python -m pytest tests/bot/slack/test_answer_message.py`` tries more of them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.answer import Answer, AnswerStatement
from bot.render import markdown_answer
from bot.slack.blocks import ButtonValue, Looking, answer_message, names
from bot.slack.blocks.inline import plain, runs_of
from bot.slack.blocks.text import clean
from bot.slack.blocks.withhold import without_evidence
from tests.bot.slack.answers import answers
from tests.doubles.slack import mrkdwn
from tests.doubles.slack.blocks import check_blocks, links, mentions, weight, words

EXAMPLES = int(os.environ.get("ACKNET_SLACK_EXAMPLES", "200"))
SLOW_IS_FINE = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def elements(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield buttons and what is like them."""
    for block in blocks:
        if block["type"] in ("actions", "context_actions"):
            yield from block["elements"]


def said_by(statements: tuple[AnswerStatement, ...]) -> Iterator[str]:
    for statement in statements:
        yield plain(runs_of(statement.text))
        yield from (clean(code.text).strip("\n") for code in statement.code)
        yield from said_by(statement.risks)
        yield from said_by(statement.children)


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(answers(), st.booleans(), st.booleans(), st.none() | st.just(Looking("prod", {"pods": "read"})))
@SLOW_IS_FINE
def test_slack_takes_every_answer_with_its_sources_verdicts_and_buttons(
    answer: Answer, may_probe: bool, evidence: bool, looking: Looking | None
) -> None:
    message = answer_message(answer, answer_id="a-1", may_probe=may_probe, evidence=evidence, looking=looking)
    payload = json.loads(json.dumps(message.payload(), ensure_ascii=False).encode())
    blocks = payload["blocks"]
    check_blocks(blocks)
    assert weight(blocks) <= 11_500

    assert 0 < len(message.text) <= 4000
    assert not [*mrkdwn.problems(message.text), *mrkdwn.mentions(message.text), *mrkdwn.links(message.text)]

    cited = {source.url for source in (*answer.citations, *answer.note_sources)}
    assert mentions(blocks) == []
    assert {url for url, _ in links(blocks)} == cited
    assert len(links(blocks)) == len(answer.citations) + len(answer.note_sources)
    said = words(blocks)
    assert all(f"[{source.label}]" in said for source in (*answer.citations, *answer.note_sources))

    found = {one["action_id"]: one for one in elements(blocks)}
    assert found[names.FEEDBACK]["type"] == "feedback_buttons"
    for part, helpful in (("positive_button", True), ("negative_button", False)):
        assert ButtonValue.decode(found[names.FEEDBACK][part]["value"]) == ButtonValue(answer="a-1", helpful=helpful)
    assert ButtonValue.decode(found[names.NOBODY_ANSWERED]["value"]) == ButtonValue(answer="a-1")
    again = names.ANOTHER_LOOK if answer.diagnosis else names.RUN_CHECKS
    assert (again in found) == (may_probe and looking is None)

    if answer.diagnosis:
        for sign, entries in (("🔴", answer.diagnosis.confirmed), ("🟢", answer.diagnosis.ruled_out)):
            assert (sign in said) or not any(entry.findings or sign == "🟢" for entry in entries)

    shown = answer if evidence else without_evidence(answer)
    if message.overflow is None:
        told = squeezed(said)
        everything = [one for section in shown.sections for one in said_by(section.statements)]
        assert [one for one in everything if squeezed(one) not in told] == []
    else:
        assert message.overflow == markdown_answer(shown)
