"""Blocks and views, with the limits that Slack sets each of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from tests.doubles.slack.blocks.base import (
    OPTIONAL,
    BlockId,
    Mrkdwn,
    PlainText,
    SlackFile,
    Strict,
    Text,
    Url,
    at_most,
    chars,
    fault,
)
from tests.doubles.slack.blocks.elements import (
    ActionsElement,
    Button,
    ContextAction,
    ImageElement,
    InputElement,
    SectionAccessory,
    UrlSource,
)
from tests.doubles.slack.blocks.rich_text import RichText

__all__ = ["Block", "HomeView", "ModalView"]


class _Block(Strict):
    block_id: BlockId = OPTIONAL


class Section(_Block):
    type: Literal["section"]
    text: Text = OPTIONAL
    fields: Annotated[list[Annotated[Text, at_most(2000)]], Field(min_length=1, max_length=10)] = OPTIONAL
    accessory: SectionAccessory = OPTIONAL
    expand: bool = OPTIONAL

    @model_validator(mode="after")
    def _says_something(self) -> Section:
        if self.text is None and self.fields is None:
            raise fault("missing required field: text")
        return self


class Divider(_Block):
    type: Literal["divider"]


class Header(_Block):
    type: Literal["header"]
    text: Annotated[PlainText, at_most(150)]


class Image(_Block):
    type: Literal["image"]
    alt_text: Annotated[str, chars(2000)]
    image_url: Url = OPTIONAL
    slack_file: SlackFile = OPTIONAL
    title: Annotated[PlainText, at_most(2000)] = OPTIONAL

    @model_validator(mode="after")
    def _one_source(self) -> Image:
        if (self.image_url is None) == (self.slack_file is None):
            raise fault("one of image_url and slack_file is needed")
        return self


class Actions(_Block):
    type: Literal["actions"]
    elements: Annotated[list[ActionsElement], Field(min_length=1, max_length=25)]


class Context(_Block):
    type: Literal["context"]
    elements: Annotated[
        list[Annotated[PlainText | Mrkdwn | ImageElement, Field(discriminator="type")]],
        Field(min_length=1, max_length=10),
    ]


class ContextActions(_Block):
    type: Literal["context_actions"]
    elements: Annotated[list[ContextAction], Field(min_length=1, max_length=5)]


class Input(_Block):
    type: Literal["input"]
    label: Annotated[PlainText, at_most(2000)]
    element: InputElement
    hint: Annotated[PlainText, at_most(2000)] = OPTIONAL
    optional: bool = OPTIONAL
    dispatch_action: bool = OPTIONAL


class File(_Block):
    type: Literal["file"]
    external_id: str
    source: Literal["remote"]


class Video(_Block):
    type: Literal["video"]
    alt_text: Annotated[str, chars(2000, least=0)]
    title: Annotated[PlainText, at_most(200)]
    thumbnail_url: Url
    video_url: Url
    author_name: Annotated[str, chars(50)] = OPTIONAL
    description: Annotated[PlainText, at_most(200)] = OPTIONAL
    provider_icon_url: Url = OPTIONAL
    provider_name: Annotated[str, chars(50)] = OPTIONAL
    title_url: Url = OPTIONAL


class Markdown(_Block):
    type: Literal["markdown"]
    text: Annotated[str, chars(12_000)]


class RawText(Strict):
    type: Literal["raw_text"]
    text: Annotated[str, chars(12_000)]


class RawNumber(Strict):
    type: Literal["raw_number"]
    value: int | float
    text: Annotated[str, chars(255)] = OPTIONAL


class ColumnSettings(Strict):
    align: Literal["left", "center", "right"] = OPTIONAL
    is_wrapped: bool = OPTIONAL


_Cell = Annotated[RawText | RawNumber | RichText, Field(discriminator="type")]
_Row = Annotated[list[_Cell], Field(min_length=1, max_length=20)]


class Table(_Block):
    type: Literal["table"]
    rows: Annotated[list[_Row], Field(min_length=1, max_length=100)]
    column_settings: Annotated[list[ColumnSettings | None], Field(max_length=20)] = OPTIONAL


class DataTable(_Block):
    type: Literal["data_table"]
    caption: Annotated[str, chars(3000)]
    rows: Annotated[list[_Row], Field(min_length=2, max_length=201)]
    page_size: Annotated[int, Field(ge=1, le=100)] = OPTIONAL
    row_header_column_index: Annotated[int, Field(ge=0)] = OPTIONAL

    @model_validator(mode="after")
    def _rectangular(self) -> DataTable:
        if len({len(row) for row in self.rows}) > 1:
            raise fault("all rows need the same number of columns", "rows")
        if any(isinstance(cell, RichText) for cell in self.rows[0]):
            raise fault("header cells cannot hold rich text", "rows/0")
        return self


class Task(Strict):
    task_id: Annotated[str, chars(255)]
    title: Annotated[str, chars(256)]
    status: Literal["pending", "in_progress", "complete", "error"]
    details: RichText = OPTIONAL
    output: RichText = OPTIONAL
    sources: list[UrlSource] = OPTIONAL


class TaskCard(Task, _Block):
    type: Literal["task_card"]
    status: Literal["in_progress", "complete", "error"]


class Plan(_Block):
    type: Literal["plan"]
    title: Annotated[str, chars(256)]
    tasks: Annotated[list[Task], Field(max_length=50)]

    @model_validator(mode="after")
    def _distinct(self) -> Plan:
        if len({task.task_id for task in self.tasks}) < len(self.tasks):
            raise fault("task_id must be unique", "tasks")
        return self


class Alert(_Block):
    type: Literal["alert"]
    text: Annotated[Text, at_most(200)]
    level: Literal["default", "info", "warning", "error", "success"] = OPTIONAL


class Card(_Block):
    type: Literal["card"]
    title: Annotated[Text, at_most(150)] = OPTIONAL
    subtitle: Annotated[Text, at_most(150)] = OPTIONAL
    body: Annotated[Text, at_most(200)] = OPTIONAL
    subtext: Annotated[Text, at_most(200)] = OPTIONAL
    hero_image: ImageElement = OPTIONAL
    icon: ImageElement = OPTIONAL
    slack_icon: dict[str, str] = OPTIONAL
    actions: Annotated[list[Button], Field(max_length=3)] = OPTIONAL

    @model_validator(mode="after")
    def _says_something(self) -> Card:
        if not (self.hero_image or self.title or self.body or self.actions):
            raise fault("one of hero_image, title, actions and body is needed")
        if self.icon and self.slack_icon:
            raise fault("icon and slack_icon exclude each other")
        return self


class Carousel(_Block):
    type: Literal["carousel"]
    elements: Annotated[list[Card], Field(min_length=1, max_length=10)]


_Child = Annotated[
    Actions | Context | Divider | File | Header | Image | Input | RichText | Section | Table | Video,
    Field(discriminator="type"),
]


class Container(_Block):
    type: Literal["container"]
    child_blocks: Annotated[list[_Child], Field(min_length=1, max_length=10)]
    title: Annotated[PlainText, at_most(150)] = OPTIONAL
    rich_text_title: RichText = OPTIONAL
    subtitle: Annotated[Text, at_most(150)] = OPTIONAL
    width: Literal["narrow", "standard", "wide", "full"] = OPTIONAL
    icon: ImageElement = OPTIONAL
    is_collapsible: bool = OPTIONAL
    default_collapsed: bool = OPTIONAL
    has_header_divider: bool = OPTIONAL

    @model_validator(mode="after")
    def _titled(self) -> Container:
        if self.title is None and self.rich_text_title is None:
            raise fault("missing required field: title")
        if self.default_collapsed and not self.is_collapsible:
            raise fault("default_collapsed needs is_collapsible", "default_collapsed")
        return self


Block = Annotated[
    Section
    | Divider
    | Header
    | Image
    | Actions
    | Context
    | ContextActions
    | Input
    | File
    | Video
    | Markdown
    | RichText
    | Table
    | DataTable
    | TaskCard
    | Plan
    | Alert
    | Card
    | Carousel
    | Container,
    Field(discriminator="type"),
]


class _View(Strict):
    blocks: Annotated[list[Block], Field(max_length=100)]
    private_metadata: Annotated[str, chars(3000, least=0)] = OPTIONAL
    callback_id: Annotated[str, chars(255, least=0)] = OPTIONAL
    external_id: Annotated[str, chars(255, least=0)] = OPTIONAL


class HomeView(_View):
    type: Literal["home"]


class ModalView(_View):
    type: Literal["modal"]
    title: Annotated[PlainText, at_most(24)]
    submit: Annotated[PlainText, at_most(24)] = OPTIONAL
    close: Annotated[PlainText, at_most(24)] = OPTIONAL
    clear_on_close: bool = OPTIONAL
    notify_on_close: bool = OPTIONAL
    submit_disabled: bool = OPTIONAL

    @model_validator(mode="after")
    def _can_be_submitted(self) -> ModalView:
        if self.submit is None and any(isinstance(block, Input) for block in self.blocks):
            raise fault("submit is needed where a view has input blocks")
        return self
