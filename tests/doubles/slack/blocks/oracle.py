"""Refuses what Slack refuses, and says so in its words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from tests.doubles.slack.blocks.models import Block, HomeView, ModalView
from tests.doubles.slack.blocks.weight import LIMIT, weight
from tests.doubles.slack.errors import SlackError, invalid_arguments

__all__ = ["BLOCKS_PER_MESSAGE", "check_blocks", "check_view", "parse_blocks", "pointer_messages"]

Surface = Literal["message", "modal", "home"]

BLOCKS_PER_MESSAGE = 50

_ELSEWHERE: dict[Surface, frozenset[str]] = {
    "message": frozenset({"alert"}),
    "modal": frozenset(
        {
            "carousel",
            "container",
            "context_actions",
            "data_table",
            "file",
            "markdown",
            "plan",
            "table",
            "task_card",
        }
    ),
    "home": frozenset({"alert", "context_actions", "file", "markdown", "plan", "task_card"}),
}
_BLOCKS: TypeAdapter[Any] = TypeAdapter(list[Block])
_VIEWS: dict[str, TypeAdapter[Any]] = {"home": TypeAdapter(HomeView), "modal": TypeAdapter(ModalView)}


def parse_blocks(given: Any, *, error: str = "invalid_blocks_format") -> list[dict[str, Any]]:
    """Return blocks given as a list or as JSON; raise ``error`` for anything else."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except json.JSONDecodeError:
            raise SlackError(error) from None
    if not isinstance(given, list):
        raise SlackError(error)
    return given


def check_blocks(blocks: Sequence[Any], *, at: str = "/blocks", most: int = BLOCKS_PER_MESSAGE) -> None:
    """Raise what Slack answers where it would not take ``blocks`` in a message."""
    if messages := list(_problems(blocks, "message", at, most)):
        raise SlackError("invalid_blocks", messages=messages)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > LIMIT or weight(list(blocks)) > LIMIT:
        raise SlackError("msg_blocks_too_long")


def check_view(view: Any, *, kinds: Sequence[Surface] = ("modal",)) -> dict[str, Any]:
    """Return ``view``, given as an object or as JSON; raise what Slack answers where it would not take it."""
    if isinstance(view, str):
        try:
            view = json.loads(view)
        except json.JSONDecodeError:
            raise invalid_arguments("must be a valid json object [json-pointer:/view]") from None
    if not isinstance(view, dict):
        raise invalid_arguments("must be an object [json-pointer:/view]")
    if view.get("type") not in kinds:
        raise invalid_arguments(f"must be one of: {', '.join(kinds)} [json-pointer:/view/type]")
    messages = pointer_messages(_VIEWS[view["type"]], view, "/view")
    if not messages:
        messages = list(_placing(view["blocks"], view["type"], "/view/blocks"))
    if messages:
        raise invalid_arguments(*messages)
    if len(json.dumps(view, ensure_ascii=False).encode()) > 250_000:
        raise SlackError("view_too_large")
    return view


def _problems(blocks: Sequence[Any], surface: Surface, at: str, most: int) -> Iterator[str]:
    if len(blocks) > most:
        yield f"no more than {most} items allowed [json-pointer:{at}]"
        return
    if messages := pointer_messages(_BLOCKS, list(blocks), at):
        yield from messages
        return
    yield from _placing(blocks, surface, at)


def _placing(blocks: Sequence[dict[str, Any]], surface: Surface, at: str) -> Iterator[str]:
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        if block["type"] in _ELSEWHERE[surface]:
            yield f"unsupported type: {block['type']} [json-pointer:{at}/{index}/type]"
        block_id = block.get("block_id")
        if block_id in seen:
            yield f"block_id already exists: {block_id} [json-pointer:{at}/{index}/block_id]"
        if block_id is not None:
            seen.add(block_id)
        elements = [each for each in block.get("elements", ()) if isinstance(each, dict)]
        actions = [element["action_id"] for element in elements if "action_id" in element]
        if len(set(actions)) < len(actions):
            yield f"action_id already exists [json-pointer:{at}/{index}/elements]"
    if sum(block["type"] == "table" for block in blocks) > 1:
        yield f"only_one_table_allowed [json-pointer:{at}]"


def pointer_messages(model: TypeAdapter[Any], value: Any, at: str) -> list[str]:
    """Return what is wrong with ``value``, each with where, from ``at`` on."""
    try:
        model.validate_python(value)
    except ValidationError as failure:
        return [_message(error, value, at) for error in failure.errors(include_url=False, include_input=False)]
    return []


def _message(error: ErrorDetails, value: Any, at: str) -> str:
    location = error["loc"][:-1] if error["type"] == "extra_forbidden" else error["loc"]
    path, rest = _walk(location, value)
    context = error.get("ctx", {})
    if context.get("at"):
        path.append(str(context["at"]))
    said = _said(error, context, rest)
    return f"{said} [json-pointer:{'/'.join([at, *path])}]"


def _walk(location: tuple[Any, ...], value: Any) -> tuple[list[str], str]:
    """Return the steps that lead through ``value``, without names of alternatives, and the last that leads nowhere."""
    path: list[str] = []
    rest = ""
    for step in location:
        if (isinstance(value, dict) and step in value) or (isinstance(value, list) and isinstance(step, int)):
            value = value[step]
        else:
            rest = str(step)
            continue
        path.append(str(step))
        rest = ""
    return path, rest


_WORDS = {
    "string_too_long": "must be less than {after} characters",
    "string_too_short": "must be more than {before} characters",
    "too_long": "no more than {max_length} items allowed",
    "too_short": "no fewer than {min_length} items allowed",
    "union_tag_not_found": "missing required field: type",
    "union_tag_invalid": "unsupported type: {tag}",
    "literal_error": "must be one of: {expected}",
    "model_type": "must provide an object",
    "model_attributes_type": "must provide an object",
    "dict_type": "must provide an object",
    "list_type": "must provide an array",
    "string_type": "must provide a string",
    "bool_type": "must provide a boolean",
    "int_type": "must provide an integer",
}


def _said(error: ErrorDetails, context: dict[str, Any], rest: str) -> str:
    kind = error["type"]
    if kind == "slack":
        return str(context["message"])
    if kind == "missing":
        return f"missing required field: {rest}"
    if kind == "extra_forbidden":
        return f"invalid additional property: {error['loc'][-1]}"
    after, before = context.get("max_length", 0) + 1, context.get("min_length", 0) - 1
    return _WORDS.get(kind, error["msg"].lower()).format(**{**context, "after": after, "before": before})
