"""The block oracle of the Slack double: what it takes and what it refuses, in Slack's words."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models import blocks as sdk

from tests.doubles.slack.blocks import check_blocks, check_view, links, mentions, weight
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.mrkdwn import problems
from tests.doubles.slack.typed import rich_text_of, typed

Blocks = list[dict[str, Any]]


def plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(text), **more}


def button(text: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain(text), **more}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def rich(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": list(elements)}]}


def table(rows: int, columns: int) -> dict[str, Any]:
    return {"type": "table", "rows": [[{"type": "raw_text", "text": "x"}] * columns] * rows}


def select(options: int) -> dict[str, Any]:
    return {"type": "static_select", "options": [{"text": plain("x"), "value": str(n)} for n in range(options)]}


FEEDBACK = {
    "type": "feedback_buttons",
    "action_id": "feedback",
    "positive_button": {"text": plain("Helpful"), "value": "yes"},
    "negative_button": {"text": plain("Not helpful"), "value": "no"},
}


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 3000)],
        [{"type": "section", "fields": [mrkdwn("x" * 1000)] * 10}],
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "context", "elements": [mrkdwn("x")] * 10}],
        [actions(*[button(action_id=str(n)) for n in range(25)])],
        [actions(button("x" * 75, value="v" * 2000, url="https://example.com/" + "u" * 2980))],
        [actions({**select(100), "placeholder": plain("x" * 150), "action_id": "a"})],
        [{"type": "context_actions", "elements": [FEEDBACK]}],
        [rich({"type": "text", "text": "<@U1> & *stars*", "style": {"bold": True}})],
        [{"type": "rich_text", "elements": [{"type": "rich_text_preformatted", "elements": []}]}],
        [table(100, 1)],
        [table(1, 20)],
        [{"type": "markdown", "text": "x" * 11_900}],
        [{"type": "divider"}] * 50,
        [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "x" * 2000}],
    ],
)
def test_blocks_at_their_limits_are_taken(blocks: Blocks) -> None:
    check_blocks(blocks)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        (
            [{"type": "section", "fields": [mrkdwn("x")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            [{"type": "section", "fields": [mrkdwn("x" * 2001)]}],
            "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]",
        ),
        ([section(), {"type": "nope"}], "unsupported type: nope [json-pointer:/blocks/1]"),
        ([{"text": plain("x")}], "missing required field: type [json-pointer:/blocks/0]"),
        ([section(colour="red")], "invalid additional property: colour [json-pointer:/blocks/0]"),
        ([section(accessory=None)], "[json-pointer:/blocks/0/accessory]"),
        (
            [{"type": "header", "text": plain("x" * 151)}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        ([{"type": "header", "text": mrkdwn("x")}], "must be one of: 'plain_text' [json-pointer:/blocks/0/text/type]"),
        (
            [{"type": "context", "elements": [mrkdwn("x")] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([{"type": "context", "elements": [button()]}], "unsupported type: button [json-pointer:/blocks/0/elements/0]"),
        ([actions(*[button()] * 26)], "no more than 25 items allowed [json-pointer:/blocks/0/elements]"),
        ([actions()], "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        ([actions(button("x" * 76))], "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]"),
        ([actions(button(value="x" * 2001))], "must be less than 2001 characters"),
        ([actions(button(url="example.com"))], "must be a valid url [json-pointer:/blocks/0/elements/0/url]"),
        ([actions(button(url="javascript:alert(1)"))], "must be a valid url"),
        ([actions(button(action_id="a"), button(action_id="a"))], "action_id already exists"),
        ([actions(select(101))], "no more than 100 items allowed [json-pointer:/blocks/0/elements/0/options]"),
        (
            [{"type": "context_actions", "elements": [FEEDBACK] * 6}],
            "no more than 5 items allowed [json-pointer:/blocks/0/elements]",
        ),
        ([{"type": "rich_text", "elements": []}], "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        ([rich({"type": "text", "text": ""})], "must be more than 0 characters"),
        ([rich({"type": "link", "url": "https://a b"})], "must be a valid url"),
        ([rich({"type": "link", "url": "https://a.example", "text": ""})], "must be more than 0 characters"),
        ([table(101, 1)], "no more than 100 items allowed [json-pointer:/blocks/0/rows]"),
        ([table(1, 21)], "no more than 20 items allowed [json-pointer:/blocks/0/rows/0]"),
        ([table(1, 1), table(1, 1)], "only_one_table_allowed [json-pointer:/blocks]"),
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section(block_id="a"), section(block_id="a")], "block_id already exists: a"),
        ([section(block_id="a" * 256)], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
        ([{"type": "alert", "text": plain("x")}], "unsupported type: alert [json-pointer:/blocks/0/type]"),
        (["section"], "must provide an object [json-pointer:/blocks/0]"),
    ],
)
def test_blocks_beyond_their_limits_are_refused_with_where(blocks: Blocks, message: str) -> None:
    with pytest.raises(SlackError) as raised:
        check_blocks(blocks)
    assert raised.value.error == "invalid_blocks"
    assert any(message in each for each in raised.value.messages), raised.value.messages


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x" * 2999)] * 4 + [section("x" * 10)],
        [rich(*[{"type": "text", "text": "x" * 100}] * 120)],
        [{"type": "markdown", "text": "x" * 6001}] * 2,
        [
            {
                "type": "rich_text",
                "elements": [
                    {
                        "type": "rich_text_list",
                        "style": "bullet",
                        "elements": [rich({"type": "text", "text": "x" * 240})["elements"][0]] * 47,
                    }
                ],
            }
        ],
    ],
)
def test_too_much_text_in_all_is_refused_however_it_is_spread(blocks: Blocks) -> None:
    assert weight(blocks) > 12_000
    with pytest.raises(SlackError) as raised:
        check_blocks(blocks)
    assert raised.value.error == "msg_blocks_too_long"


def test_what_the_sdk_builds_is_taken() -> None:
    built = [
        sdk.HeaderBlock(text="Pod cannot reach the internet"),
        sdk.SectionBlock(text=sdk.MarkdownTextObject(text="*Confirmed*"), block_id="verdict"),
        sdk.RichTextBlock(
            elements=[
                sdk.RichTextPreformattedElement(elements=[sdk.RichTextElementParts.Text(text="kubectl get pods")]),
                sdk.RichTextListElement(
                    style="ordered",
                    elements=[
                        sdk.RichTextSectionElement(
                            elements=[
                                sdk.RichTextElementParts.Text(
                                    text="One", style=sdk.RichTextElementParts.TextStyle(bold=True)
                                ),
                                sdk.RichTextElementParts.Link(url="https://example.com", text="page"),
                            ]
                        )
                    ],
                ),
            ]
        ),
        sdk.ActionsBlock(
            elements=[
                sdk.ButtonElement(text="Run", action_id="run", value="1", style="primary"),
                sdk.StaticSelectElement(
                    placeholder="Which?", action_id="which", options=[sdk.Option(text="One", value="1")]
                ),
            ]
        ),
        sdk.ContextBlock(elements=[sdk.MarkdownTextObject(text="from <https://example.com|the FAQ>")]),
        sdk.ContextActionsBlock(
            elements=[
                sdk.FeedbackButtonsElement(
                    action_id="feedback",
                    positive_button=sdk.FeedbackButtonObject(text="Helpful", value="yes"),
                    negative_button=sdk.FeedbackButtonObject(text="Not helpful", value="no"),
                )
            ]
        ),
        sdk.TableBlock(
            rows=[[{"type": "raw_text", "text": "Pod"}, {"type": "raw_text", "text": "IP"}]],
            column_settings=[{"is_wrapped": True}, {"align": "right"}],
        ),
        sdk.MarkdownBlock(text="**bold**"),
        sdk.DividerBlock(),
    ]
    check_blocks([block.to_dict() for block in built])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"title": plain("x" * 25)}, "must be less than 25 characters [json-pointer:/view/title/text]"),
        ({"private_metadata": "x" * 3001}, "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        ({"submit": plain("x" * 25)}, "must be less than 25 characters [json-pointer:/view/submit/text]"),
        ({"blocks": [section()] * 101}, "no more than 100 items allowed [json-pointer:/view/blocks]"),
        ({"blocks": [{"type": "markdown", "text": "x"}]}, "unsupported type: markdown"),
        ({"type": "workflow_step"}, "must be one of: modal [json-pointer:/view/type]"),
        (
            {"blocks": [{"type": "input", "label": plain("x"), "element": {"type": "plain_text_input"}}]},
            "submit is needed",
        ),
    ],
)
def test_a_view_that_slack_would_not_show_is_refused(change: dict[str, Any], message: str) -> None:
    view = {"type": "modal", "title": plain("Where?"), "blocks": [section()]}
    check_view(view)
    with pytest.raises(SlackError) as raised:
        check_view(view | change)
    assert raised.value.error == "invalid_arguments"
    assert any(message in each for each in raised.value.messages), raised.value.messages


@pytest.mark.parametrize(
    "text",
    ["plain", "a &amp; b &lt;c&gt;", "<https://example.com|page>", "<@U1> <#C1> <!here>", "<!date^1^{date}|then>"],
)
def test_text_that_is_read_as_it_was_meant_has_no_problems(text: str) -> None:
    assert not list(problems(text))


@pytest.mark.parametrize(
    "text",
    [
        "a & b",
        "a < b",
        "a > b",
        "<javascript:alert(1)|x>",
        "<https://example.com|>",
        "<!nobody>",
        "<not a link>",
        "<<@U1>",
    ],
)
def test_text_that_is_read_otherwise_has_problems(text: str) -> None:
    assert list(problems(text))


def test_mentions_and_links_are_found_wherever_they_are() -> None:
    blocks: Blocks = [
        section("<@U1> see <https://a.example|here>"),
        rich({"type": "usergroup", "usergroup_id": "S1"}, {"type": "broadcast", "range": "here"}),
        rich({"type": "text", "text": "<@U2> is only text here"}, {"type": "link", "url": "https://b.example"}),
        actions(button("Open", url="https://c.example")),
        {"type": "markdown", "text": "<!channel>"},
    ]
    assert mentions(blocks) == ["U1", "S1", "here", "channel"]
    assert [address for address, _ in links(blocks)] == ["https://a.example", "https://b.example", "https://c.example"]


def test_what_is_typed_arrives_as_slack_stores_it() -> None:
    assert typed("a < b & c, see https://a.example/x?y=1&z=2.") == (
        "a &lt; b &amp; c, see <https://a.example/x?y=1&amp;z=2>."
    )
    assert typed("dial tcp: lookup example.com: no such host") == (
        "dial tcp: lookup <http://example.com|example.com>: no such host"
    )
    assert typed("<@U1> help\n```\nlookup example.com > /dev/null\n```") == (
        "<@U1> help\n```\nlookup example.com &gt; /dev/null\n```"
    )
    kinds = [element["type"] for element in rich_text_of("<@U1> help\n```\nlog\n```")[0]["elements"]]
    assert kinds == ["rich_text_section", "rich_text_preformatted"]
