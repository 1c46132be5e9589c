"""How what people choose and fill in is told to an app."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.doubles.slack.messages import elements_of

__all__ = ["chosen", "state_values"]

_SINGLE = {
    "users_select": "selected_user",
    "conversations_select": "selected_conversation",
    "channels_select": "selected_channel",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "multi_users_select": "selected_users",
}
_OPTION = ("static_select", "external_select", "radio_buttons", "overflow")
_OPTIONS = ("multi_static_select", "checkboxes")
_TEXT = ("plain_text_input", "email_text_input", "url_text_input", "number_input")
_INITIAL = {
    "plain_text_input": "initial_value",
    "email_text_input": "initial_value",
    "url_text_input": "initial_value",
    "number_input": "initial_value",
    "users_select": "initial_user",
    "conversations_select": "initial_conversation",
    "channels_select": "initial_channel",
    "datepicker": "initial_date",
    "timepicker": "initial_time",
    "datetimepicker": "initial_date_time",
    "multi_users_select": "initial_users",
}


def chosen(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Return the action that using ``element`` makes; raise LookupError where it has no such ``value``."""
    kind = element["type"]
    action = {name: element[name] for name in ("type", "action_id", "block_id")}
    if kind == "feedback_buttons":
        buttons = [element["positive_button"], element["negative_button"]]
        button = next((each for each in buttons if each["value"] == value), None)
        if button is None:
            raise LookupError(f"no feedback {value!r}; there are {[each['value'] for each in buttons]}")
        return action | {"text": button["text"], "value": button["value"]}
    if kind in ("button", "icon_button", "workflow_button"):
        extra = {name: element[name] for name in ("text", "value", "style", "url") if name in element}
        return action | extra
    return action | entered(element, value)


def entered(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """Return what an input holds with ``value`` in it: text, the value of an option, an id, a list of those."""
    kind = element["type"]
    if kind in _TEXT:
        return {"type": kind, "value": value}
    if kind in _OPTION:
        return {"type": kind, "selected_option": _option(element, value) if value is not None else None}
    if kind in _OPTIONS:
        return {"type": kind, "selected_options": [_option(element, each) for each in value or ()]}
    if kind in _SINGLE:
        return {"type": kind, _SINGLE[kind]: value}
    raise LookupError(f"nothing can be entered into {kind}")


def state_values(
    blocks: Any, values: Mapping[str, Any], *, complete: bool = False
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the state of all inputs, with ``values`` (by block_id or action_id) entered.

    With ``complete`` raise LookupError as Slack's client refuses to submit: something needed is empty or too long. A
    value that belongs nowhere is an error always.
    """
    state: dict[str, dict[str, dict[str, Any]]] = {}
    unused = set(values)
    optional = {block.get("block_id"): block.get("optional", block["type"] != "input") for block in blocks}
    for element in elements_of(blocks):
        if element["type"] not in (*_TEXT, *_OPTION, *_OPTIONS, *_SINGLE) or element["type"] == "overflow":
            continue
        block_id, action_id = element["block_id"], element["action_id"]
        unused -= {block_id, action_id}
        value = values.get(block_id, values.get(action_id, _initial(element)))
        if complete and not optional.get(block_id, True) and value in (None, "", []):
            raise LookupError(f"{block_id} is needed and has no value")
        if complete and isinstance(value, str) and len(value) > element.get("max_length", 3000):
            raise LookupError(f"{block_id} takes at most {element['max_length']} characters")
        state.setdefault(block_id, {})[action_id] = entered(element, value)
    if unused:
        raise LookupError(f"no inputs for {sorted(unused)}")
    return state


def _initial(element: Mapping[str, Any]) -> Any:
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return element.get(_INITIAL.get(element["type"], ""))


def _option(element: Mapping[str, Any], value: Any) -> dict[str, Any]:
    groups = [group["options"] for group in element.get("option_groups", ())]
    options = [*element.get("options", ()), *(option for group in groups for option in group)]
    for option in options:
        if option.get("value") == value:
            found: dict[str, Any] = option
            return found
    raise LookupError(f"no option {value!r}; there are {[option.get('value') for option in options]}")
