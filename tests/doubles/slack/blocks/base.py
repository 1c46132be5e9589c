"""What blocks, elements and views are made of: text, options, confirmations, and how limits are stated."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from tests.doubles.slack.mrkdwn import url_problem

__all__ = [
    "OPTIONAL",
    "ActionId",
    "BlockId",
    "Confirmation",
    "DispatchActionConfig",
    "Mrkdwn",
    "Option",
    "OptionGroup",
    "PlainText",
    "SlackFile",
    "Strict",
    "Text",
    "Url",
    "at_most",
    "chars",
    "fault",
]

OPTIONAL: Any = None
"""The default of what may be left out but, once there, may not be null."""


class Strict(BaseModel):
    """A part of a payload that takes what Slack documents and nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)


def fault(message: str, at: str = "") -> PydanticCustomError:
    """Return a failure that Slack words ``message``; ``at`` names what is wrong below the part that was looked at."""
    return PydanticCustomError("slack", "{message}", {"message": message, "at": at})


def chars(most: int, least: int = 1) -> StringConstraints:
    """Bound the characters of a string."""
    return StringConstraints(min_length=least, max_length=most)


class PlainText(Strict):
    type: Literal["plain_text"]
    text: Annotated[str, chars(3000)]
    emoji: bool = OPTIONAL


class Mrkdwn(Strict):
    type: Literal["mrkdwn"]
    text: Annotated[str, chars(3000)]
    verbatim: bool = OPTIONAL


Text = Annotated[PlainText | Mrkdwn, Field(discriminator="type")]


def at_most(limit: int) -> AfterValidator:
    """Bound the characters of a text object further."""

    def check(found: PlainText | Mrkdwn) -> PlainText | Mrkdwn:
        if len(found.text) > limit:
            raise fault(f"must be less than {limit + 1} characters", "text")
        return found

    return AfterValidator(check)


def _followable(url: str) -> str:
    if problem := url_problem(url):
        raise fault(problem)
    return url


Url = Annotated[str, StringConstraints(min_length=1, max_length=3000), AfterValidator(_followable)]
BlockId = Annotated[str, chars(255)]
ActionId = BlockId


class Confirmation(Strict):
    title: Annotated[PlainText, at_most(100)] = OPTIONAL
    text: Annotated[Text, at_most(300)] = OPTIONAL
    confirm: Annotated[PlainText, at_most(30)] = OPTIONAL
    deny: Annotated[PlainText, at_most(30)] = OPTIONAL
    style: Literal["primary", "danger"] = OPTIONAL


class Option(Strict):
    text: Annotated[Text, at_most(75)]
    value: Annotated[str, chars(150)] = OPTIONAL
    description: Annotated[Text, at_most(75)] = OPTIONAL
    url: Url = OPTIONAL


class OptionGroup(Strict):
    label: Annotated[PlainText, at_most(75)]
    options: Annotated[list[Option], Field(min_length=1, max_length=100)]


class DispatchActionConfig(Strict):
    trigger_actions_on: Annotated[
        list[Literal["on_enter_pressed", "on_character_entered"]], Field(min_length=1, max_length=2)
    ]


class SlackFile(Strict):
    id: str = OPTIONAL
    url: Url = OPTIONAL
