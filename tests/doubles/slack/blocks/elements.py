"""Elements that blocks hold: buttons, menus, inputs, images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tests.doubles.slack.blocks.base import (
    OPTIONAL,
    ActionId,
    Confirmation,
    DispatchActionConfig,
    Option,
    OptionGroup,
    PlainText,
    SlackFile,
    Strict,
    Url,
    at_most,
    chars,
    fault,
)

__all__ = ["ActionsElement", "Button", "ContextAction", "ImageElement", "InputElement", "SectionAccessory", "UrlSource"]


class _Interactive(Strict):
    action_id: ActionId = OPTIONAL


class _Menu(_Interactive):
    placeholder: Annotated[PlainText, at_most(150)] = OPTIONAL
    confirm: Confirmation = OPTIONAL
    focus_on_load: bool = OPTIONAL


class _Multi(_Menu):
    max_selected_items: Annotated[int, Field(ge=1)] = OPTIONAL


class Button(_Interactive):
    type: Literal["button"]
    text: Annotated[PlainText, at_most(75)]
    url: Url = OPTIONAL
    value: Annotated[str, chars(2000)] = OPTIONAL
    style: Literal["primary", "danger"] = OPTIONAL
    confirm: Confirmation = OPTIONAL
    accessibility_label: Annotated[str, chars(75)] = OPTIONAL
    agent_prompt: Annotated[str, chars(4000)] = OPTIONAL


class FeedbackButton(Strict):
    text: Annotated[PlainText, at_most(75)]
    value: Annotated[str, chars(2000)]
    accessibility_label: Annotated[str, chars(75)] = OPTIONAL


class FeedbackButtons(_Interactive):
    type: Literal["feedback_buttons"]
    positive_button: FeedbackButton
    negative_button: FeedbackButton


class IconButton(_Interactive):
    type: Literal["icon_button"]
    icon: Literal["trash"]
    text: Annotated[PlainText, at_most(75)]
    value: Annotated[str, chars(2000)] = OPTIONAL
    confirm: Confirmation = OPTIONAL
    accessibility_label: Annotated[str, chars(75)] = OPTIONAL
    visible_to_user_ids: Annotated[list[str], Field(max_length=10)] = OPTIONAL


class WorkflowButton(_Interactive):
    type: Literal["workflow_button"]
    text: Annotated[PlainText, at_most(75)]
    workflow: dict[str, Any]
    style: Literal["primary", "danger"] = OPTIONAL
    accessibility_label: Annotated[str, chars(75)] = OPTIONAL


class ImageElement(Strict):
    type: Literal["image"]
    alt_text: Annotated[str, chars(2000)]
    image_url: Url = OPTIONAL
    slack_file: SlackFile = OPTIONAL

    @model_validator(mode="after")
    def _one_source(self) -> ImageElement:
        if (self.image_url is None) == (self.slack_file is None):
            raise fault("one of image_url and slack_file is needed")
        return self


class UrlSource(Strict):
    type: Literal["url"]
    url: Url
    text: Annotated[str, chars(3000)]
    icon_url: Url = OPTIONAL


_Options = Annotated[list[Option], Field(min_length=1, max_length=100)]
_Groups = Annotated[list[OptionGroup], Field(min_length=1, max_length=100)]
_Few = Annotated[list[Option], Field(min_length=1, max_length=10)]


def _either_options_or_groups(menu: StaticSelect | MultiStaticSelect) -> None:
    if (menu.options is None) == (menu.option_groups is None):
        raise fault("one of options and option_groups is needed")


class StaticSelect(_Menu):
    type: Literal["static_select"]
    options: _Options = OPTIONAL
    option_groups: _Groups = OPTIONAL
    initial_option: Option = OPTIONAL

    @model_validator(mode="after")
    def _one_list(self) -> StaticSelect:
        _either_options_or_groups(self)
        return self


class MultiStaticSelect(_Multi):
    type: Literal["multi_static_select"]
    options: _Options = OPTIONAL
    option_groups: _Groups = OPTIONAL
    initial_options: _Options = OPTIONAL

    @model_validator(mode="after")
    def _one_list(self) -> MultiStaticSelect:
        _either_options_or_groups(self)
        return self


class ExternalSelect(_Menu):
    type: Literal["external_select"]
    initial_option: Option = OPTIONAL
    min_query_length: Annotated[int, Field(ge=0)] = OPTIONAL


class UsersSelect(_Menu):
    type: Literal["users_select"]
    initial_user: str = OPTIONAL


class MultiUsersSelect(_Multi):
    type: Literal["multi_users_select"]
    initial_users: list[str] = OPTIONAL


class ConversationsSelect(_Menu):
    type: Literal["conversations_select"]
    initial_conversation: str = OPTIONAL
    default_to_current_conversation: bool = OPTIONAL
    response_url_enabled: bool = OPTIONAL
    filter: dict[str, Any] = OPTIONAL


class ChannelsSelect(_Menu):
    type: Literal["channels_select"]
    initial_channel: str = OPTIONAL
    response_url_enabled: bool = OPTIONAL


class Overflow(_Interactive):
    type: Literal["overflow"]
    options: Annotated[list[Option], Field(min_length=1, max_length=5)]
    confirm: Confirmation = OPTIONAL


class Checkboxes(_Interactive):
    type: Literal["checkboxes"]
    options: _Few
    initial_options: _Few = OPTIONAL
    confirm: Confirmation = OPTIONAL
    focus_on_load: bool = OPTIONAL


class RadioButtons(_Interactive):
    type: Literal["radio_buttons"]
    options: _Few
    initial_option: Option = OPTIONAL
    confirm: Confirmation = OPTIONAL
    focus_on_load: bool = OPTIONAL


class DatePicker(_Menu):
    type: Literal["datepicker"]
    initial_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] = OPTIONAL


class TimePicker(_Menu):
    type: Literal["timepicker"]
    initial_time: Annotated[str, Field(pattern=r"^\d{2}:\d{2}$")] = OPTIONAL
    timezone: str = OPTIONAL


class DatetimePicker(_Interactive):
    type: Literal["datetimepicker"]
    initial_date_time: int = OPTIONAL
    confirm: Confirmation = OPTIONAL
    focus_on_load: bool = OPTIONAL


class _Typed(_Interactive):
    placeholder: Annotated[PlainText, at_most(150)] = OPTIONAL
    focus_on_load: bool = OPTIONAL
    dispatch_action_config: DispatchActionConfig = OPTIONAL


class PlainTextInput(_Typed):
    type: Literal["plain_text_input"]
    initial_value: Annotated[str, chars(3000, least=0)] = OPTIONAL
    multiline: bool = OPTIONAL
    min_length: Annotated[int, Field(ge=0, le=3000)] = OPTIONAL
    max_length: Annotated[int, Field(ge=1, le=3000)] = OPTIONAL


class EmailInput(_Typed):
    type: Literal["email_text_input"]
    initial_value: str = OPTIONAL


class UrlInput(_Typed):
    type: Literal["url_text_input"]
    initial_value: str = OPTIONAL


class NumberInput(_Typed):
    type: Literal["number_input"]
    is_decimal_allowed: bool
    initial_value: str = OPTIONAL
    min_value: str = OPTIONAL
    max_value: str = OPTIONAL


class FileInput(_Interactive):
    type: Literal["file_input"]
    filetypes: list[str] = OPTIONAL
    max_files: Annotated[int, Field(ge=1, le=10)] = OPTIONAL


_Choice = (
    StaticSelect
    | ExternalSelect
    | UsersSelect
    | ConversationsSelect
    | ChannelsSelect
    | Checkboxes
    | RadioButtons
    | DatePicker
    | TimePicker
    | DatetimePicker
)
_MultiChoice = MultiStaticSelect | MultiUsersSelect

SectionAccessory = Annotated[
    Button | WorkflowButton | ImageElement | Overflow | _Choice | _MultiChoice, Field(discriminator="type")
]
ActionsElement = Annotated[Button | WorkflowButton | Overflow | _Choice | _MultiChoice, Field(discriminator="type")]
InputElement = Annotated[
    PlainTextInput | EmailInput | UrlInput | NumberInput | FileInput | _Choice | _MultiChoice,
    Field(discriminator="type"),
]
ContextAction = Annotated[FeedbackButtons | IconButton, Field(discriminator="type")]
