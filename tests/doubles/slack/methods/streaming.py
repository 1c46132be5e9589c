"""chat.*Stream: messages that are written while they are read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from tests.doubles.slack.blocks import check_blocks, parse_blocks
from tests.doubles.slack.blocks.base import OPTIONAL, Strict, chars
from tests.doubles.slack.blocks.elements import UrlSource
from tests.doubles.slack.blocks.ids import with_ids
from tests.doubles.slack.blocks.oracle import BLOCKS_PER_MESSAGE, pointer_messages
from tests.doubles.slack.errors import SlackError, invalid_arguments
from tests.doubles.slack.messages import Message, Stream
from tests.doubles.slack.methods.agents import check_session_status
from tests.doubles.slack.methods.call import Call, method
from tests.doubles.slack.methods.chat import own_message, place_of
from tests.doubles.slack.methods.content import MARKDOWN_MOST, metadata_of

__all__ = ["is_streaming"]


class _Markdown(Strict):
    type: Literal["markdown_text"]
    text: Annotated[str, chars(MARKDOWN_MOST)]


class _Task(Strict):
    type: Literal["task_update"]
    id: Annotated[str, chars(255)]
    title: Annotated[str, chars(256)]
    status: Literal["pending", "in_progress", "complete", "error"]
    details: Annotated[str, chars(256)] = OPTIONAL
    output: Annotated[str, chars(256)] = OPTIONAL
    sources: list[UrlSource] = OPTIONAL


class _Plan(Strict):
    type: Literal["plan_update"]
    title: Annotated[str, chars(256)]


class _Blocks(Strict):
    type: Literal["blocks"]
    blocks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=BLOCKS_PER_MESSAGE)]


_CHUNKS: TypeAdapter[Any] = TypeAdapter(
    list[Annotated[_Markdown | _Task | _Plan | _Blocks, Field(discriminator="type")]]
)


def is_streaming(message: Message, now: float, lifetime: float) -> bool:
    """Tell whether a message can still be appended to, ``lifetime`` seconds after it was started at most."""
    return message.stream is not None and message.stream.open and now < message.stream.started + lifetime


@method("chat.startStream", "chat:write", tier=2)
def start_stream(call: Call) -> dict[str, Any]:
    workspace, channel = call.workspace, place_of(call)
    if not call.given("thread_ts"):
        raise invalid_arguments("missing required field: thread_ts [json-pointer:/thread_ts]")
    thread = workspace.thread(channel.id, call.text("thread_ts"))
    if channel.kind != "im":
        for name in ("recipient_team_id", "recipient_user_id"):
            if not call.given(name):
                raise SlackError(f"missing_{name}")
        workspace.user(call.text("recipient_user_id"))
    if call.given("task_display_mode") and call.text("task_display_mode") not in ("timeline", "plan", "dense"):
        raise invalid_arguments("must be one of: timeline, plan, dense [json-pointer:/task_display_mode]")
    text, chunks = _said(call)
    stream = Stream(workspace.clock.now())
    message = workspace.post_as_app(channel.id, "", thread_ts=thread.ts, stream=stream, markdown=True)
    _append(message, stream, text, chunks)
    return {"channel": channel.id, "ts": message.ts}


@method("chat.appendStream", "chat:write", tier=4)
def append_stream(call: Call) -> dict[str, Any]:
    message, stream = _streaming(call)
    text, chunks = _said(call)
    if not text and not chunks:
        raise SlackError("no_text")
    _append(message, stream, text, chunks)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.stopStream", "chat:write", tier=2)
def stop_stream(call: Call) -> dict[str, Any]:
    message, stream = _streaming(call)
    text, chunks = _said(call)
    blocks = parse_blocks(call.arguments["blocks"]) if call.arguments.get("blocks") is not None else []
    check_blocks(blocks)
    call.workspace.check_text("", blocks)
    metadata = metadata_of(call)
    if call.given("session_status"):
        check_session_status(call.text("session_status"), at="session_status")
    _append(message, stream, text, chunks)
    stream.open = False
    message.blocks = with_ids([*stream.blocks, *blocks])
    message.metadata = metadata
    if call.given("session_status"):
        call.workspace.agents.set_session((message.channel, message.root), call.text("session_status"))
    return {"channel": message.channel, "ts": message.ts, "message": message.as_json(metadata=True)}


def _streaming(call: Call) -> tuple[Message, Stream]:
    message = own_message(call, "message_not_owned_by_app")
    now, lifetime = call.workspace.clock.now(), call.workspace.timings.stream
    if message.stream is None or not is_streaming(message, now, lifetime):
        if message.stream is not None:
            message.stream.open = False
        raise SlackError("message_not_in_streaming_state")
    return message, message.stream


def _said(call: Call) -> tuple[str, list[dict[str, Any]]]:
    text, chunks = call.text("markdown_text"), call.structure("chunks") or []
    if len(text) > MARKDOWN_MOST:
        raise SlackError("msg_too_long")
    if messages := pointer_messages(_CHUNKS, chunks, "/chunks"):
        raise invalid_arguments(*messages)
    call.workspace.check_markdown(text)
    for index, chunk in enumerate(chunks):
        if chunk["type"] == "blocks":
            check_blocks(chunk["blocks"], at=f"/chunks/{index}/blocks")
            call.workspace.check_text("", chunk["blocks"])
        for name in ("text", "details", "output"):
            call.workspace.check_markdown(chunk.get(name, ""))
    return text, chunks


def _append(message: Message, stream: Stream, text: str, chunks: list[dict[str, Any]]) -> None:
    added = [block for chunk in chunks if chunk["type"] == "blocks" for block in chunk["blocks"]]
    if len(stream.blocks) + len(added) > BLOCKS_PER_MESSAGE:
        raise invalid_arguments(f"no more than {BLOCKS_PER_MESSAGE} items allowed [json-pointer:/chunks]")
    stream.appended += 1
    message.text += text
    for chunk in chunks:
        match chunk["type"]:
            case "markdown_text":
                message.text += chunk["text"]
            case "task_update":
                _update_task(stream, chunk)
            case "plan_update":
                stream.plan_title = chunk["title"]
            case "blocks":
                stream.blocks += chunk["blocks"]


def _update_task(stream: Stream, chunk: dict[str, Any]) -> None:
    """Details add up; everything else takes the place of what was there."""
    task = stream.tasks.setdefault(chunk["id"], {"details": ""})
    details = task["details"] + chunk.get("details", "")
    task.update({name: value for name, value in chunk.items() if name != "type"}, details=details)
