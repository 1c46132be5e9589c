"""conversations.*: what there is to read."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import Message
from tests.doubles.slack.methods.call import Call, method
from tests.doubles.slack.people import Channel

__all__: list[str] = []

_DISTRIBUTED_MOST = 15


@method("conversations.history")
def history(call: Call) -> dict[str, Any]:
    channel = _readable(call)
    found = [message for message in call.workspace.messages.of(channel.id) if not message.is_reply or message.broadcast]
    found = [message for message in found if _within(call, message)]
    return _page(call, found[::-1])


@method("conversations.replies")
def replies(call: Call) -> dict[str, Any]:
    channel = _readable(call)
    ts = call.required("ts")
    asked = call.workspace.messages.get(channel.id, ts)
    if asked is None or asked.ephemeral_to:
        raise SlackError("thread_not_found")
    root = call.workspace.messages.get(channel.id, asked.root)
    found = [*([root] if root else []), *call.workspace.messages.replies(channel.id, asked.root)]
    kept = [message for message in found if message is root or _within(call, message)]
    return _page(call, kept)


@method("conversations.info")
def info(call: Call) -> dict[str, Any]:
    channel = call.channel()
    call.need_for(channel, "read")
    said = channel.as_json(call.workspace.app.bot_user)
    if call.flag("include_num_members"):
        said["num_members"] = len(channel.members)
    return {"channel": said}


@method("conversations.members", tier=4)
def members(call: Call) -> dict[str, Any]:
    channel = call.channel()
    call.need_for(channel, "read")
    start, limit = _start(call), call.number("limit", 100, 1000)
    page = channel.members[start : start + limit]
    return {"members": page, **_metadata(start + limit, len(channel.members))}


@method("conversations.list", tier=2)
def list_channels(call: Call) -> dict[str, Any]:
    kinds = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
    asked = {kinds.get(each.strip(), "") for each in call.text("types", "public_channel").split(",")}
    me = call.workspace.app.bot_user
    found = [
        channel
        for channel in call.workspace.channels.values()
        if channel.kind in asked and (channel.kind == "channel" or me in channel.members)
    ]
    for channel in found:
        call.need_for(channel, "read")
    start, limit = _start(call), call.number("limit", 100, 1000)
    return {
        "channels": [channel.as_json(me) for channel in found[start : start + limit]],
        **_metadata(start + limit, len(found)),
    }


@method("conversations.open", "im:write")
def open_conversation(call: Call) -> dict[str, Any]:
    users = call.required("users").split(",")
    if len(users) != 1:
        raise SlackError("method_not_supported_for_channel_type")
    channel = call.workspace.direct_messages(call.workspace.user(users[0]).id)
    return {"channel": {"id": channel.id}}


def _readable(call: Call) -> Channel:
    channel = call.channel()
    call.need_for(channel, "history")
    if call.workspace.app.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _within(call: Call, message: Message) -> bool:
    ts = float(message.ts)
    oldest, latest = (float(call.text(name) or bound) for name, bound in (("oldest", "0"), ("latest", "inf")))
    return oldest <= ts <= latest if call.flag("inclusive") else oldest < ts < latest


def _page(call: Call, found: Sequence[Message]) -> dict[str, Any]:
    limit = call.number("limit", 100, 999)
    if call.limits.distributed:
        limit = min(limit, _DISTRIBUTED_MOST)
    start = _start(call)
    shown = found[start : start + limit]
    metadata = call.flag("include_all_metadata")
    answer: dict[str, Any] = {"messages": [], "has_more": start + limit < len(found)}
    for message in shown:
        said = message.as_json(metadata=metadata)
        thread = list(call.workspace.messages.replies(message.channel, message.ts))
        if thread:
            said |= {"reply_count": len(thread), "latest_reply": thread[-1].ts}
            said["reply_users"] = list(dict.fromkeys(reply.user for reply in thread))
        answer["messages"].append(said)
    return answer | _metadata(start + limit, len(found))


def _start(call: Call) -> int:
    if not call.given("cursor"):
        return 0
    try:
        return int(base64.b64decode(call.text("cursor"), validate=True).decode().removeprefix("at:"))
    except (binascii.Error, ValueError):
        raise SlackError("invalid_cursor") from None


def _metadata(reached: int, total: int) -> dict[str, Any]:
    cursor = base64.b64encode(f"at:{reached}".encode()).decode() if reached < total else ""
    return {"response_metadata": {"next_cursor": cursor}}
