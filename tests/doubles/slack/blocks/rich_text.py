"""Rich text: what is shown exactly as it is given."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from tests.doubles.slack.blocks.base import OPTIONAL, BlockId, Strict, Url, chars

__all__ = ["RichText"]


class Style(Strict):
    bold: bool = OPTIONAL
    italic: bool = OPTIONAL
    strike: bool = OPTIONAL
    code: bool = OPTIONAL
    underline: bool = OPTIONAL
    highlight: bool = OPTIONAL
    client_highlight: bool = OPTIONAL
    unlink: bool = OPTIONAL


class _Styled(Strict):
    style: Style = OPTIONAL


class TextElement(_Styled):
    type: Literal["text"]
    text: Annotated[str, chars(12_000)]


class LinkElement(_Styled):
    type: Literal["link"]
    url: Url
    text: Annotated[str, chars(3000)] = OPTIONAL
    unsafe: bool = OPTIONAL


class UserElement(_Styled):
    type: Literal["user"]
    user_id: Annotated[str, chars(255)]


class UsergroupElement(_Styled):
    type: Literal["usergroup"]
    usergroup_id: Annotated[str, chars(255)]


class ChannelElement(_Styled):
    type: Literal["channel"]
    channel_id: Annotated[str, chars(255)]


class BroadcastElement(_Styled):
    type: Literal["broadcast"]
    range: Literal["here", "channel", "everyone"]


class EmojiElement(_Styled):
    type: Literal["emoji"]
    name: Annotated[str, chars(255)]
    unicode: str = OPTIONAL
    skin_tone: int = OPTIONAL


class DateElement(_Styled):
    type: Literal["date"]
    timestamp: int
    format: Annotated[str, chars(255)]
    url: Url = OPTIONAL
    fallback: str = OPTIONAL


class ColorElement(_Styled):
    type: Literal["color"]
    value: Annotated[str, chars(255)]


_Inline = Annotated[
    TextElement
    | LinkElement
    | UserElement
    | UsergroupElement
    | ChannelElement
    | BroadcastElement
    | EmojiElement
    | DateElement
    | ColorElement,
    Field(discriminator="type"),
]
_Literal = Annotated[TextElement | LinkElement, Field(discriminator="type")]
_Border = Annotated[int, Field(ge=0, le=1)]


class Section(Strict):
    type: Literal["rich_text_section"]
    elements: list[_Inline]


class Preformatted(Strict):
    type: Literal["rich_text_preformatted"]
    elements: list[_Literal]
    border: _Border = OPTIONAL
    language: str = OPTIONAL


class Quote(Strict):
    type: Literal["rich_text_quote"]
    elements: list[_Inline]
    border: _Border = OPTIONAL


class List(Strict):
    type: Literal["rich_text_list"]
    style: Literal["bullet", "ordered"]
    elements: Annotated[list[Section], Field(min_length=1)]
    indent: Annotated[int, Field(ge=0, le=8)] = OPTIONAL
    offset: Annotated[int, Field(ge=0)] = OPTIONAL
    border: _Border = OPTIONAL


class RichText(Strict):
    type: Literal["rich_text"]
    block_id: BlockId = OPTIONAL
    elements: Annotated[
        list[Annotated[Section | Preformatted | Quote | List, Field(discriminator="type")]], Field(min_length=1)
    ]
