"""chat.*: posting, changing and deleting messages."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import Message
from tests.doubles.slack.methods.call import Call, method
from tests.doubles.slack.methods.content import WITHOUT_TEXT, content_of, metadata_of
from tests.doubles.slack.people import Channel

__all__: list[str] = []


def place_of(call: Call) -> Channel:
    """Return where a call may post; raise what Slack answers where it may not."""
    name = call.required("channel")
    workspace = call.workspace
    if name in workspace.users:
        if name == workspace.app.bot_user:
            raise SlackError("channel_not_found")
        return workspace.direct_messages(name)
    by_name = {channel.name: channel.id for channel in workspace.channels.values() if channel.name}
    channel = workspace.channel(by_name.get(name.removeprefix("#"), name))
    if workspace.app.bot_user not in channel.members and "chat:write.public" not in workspace.app.scopes:
        raise SlackError("not_in_channel")
    if channel.is_archived:
        raise SlackError("is_archived")
    return channel


def own_message(call: Call, error: str) -> Message:
    """Return the app's message that a call is about; raise ``error`` for one of somebody else."""
    channel, ts = call.channel(), call.required("ts")
    message = call.workspace.messages.get(channel.id, ts)
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    if message.user != call.workspace.app.bot_user:
        raise SlackError(error)
    return message


def thread_of(call: Call, channel: Channel) -> str | None:
    if not call.given("thread_ts"):
        return None
    return call.workspace.thread(channel.id, call.text("thread_ts")).ts


@method("chat.postMessage", "chat:write", tier=4)
def post_message(call: Call) -> dict[str, Any]:
    channel = place_of(call)
    content = {"text": WITHOUT_TEXT} | content_of(call)
    metadata, thread_ts = metadata_of(call), thread_of(call, channel)
    message = call.workspace.post_as_app(
        channel.id,
        content.pop("text"),
        thread_ts=thread_ts,
        metadata=metadata,
        broadcast=thread_ts is not None and call.flag("reply_broadcast"),
        unfurl_links=call.flag("unfurl_links") if "unfurl_links" in call.arguments else True,
        unfurl_media=call.flag("unfurl_media") if "unfurl_media" in call.arguments else True,
        **content,
    )
    return {"channel": channel.id, "ts": message.ts, "message": message.as_json(metadata=True)}


@method("chat.postEphemeral", "chat:write", tier=4)
def post_ephemeral(call: Call) -> dict[str, Any]:
    channel, user = place_of(call), call.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = {"text": WITHOUT_TEXT} | content_of(call)
    thread_ts = thread_of(call, channel)
    message = call.workspace.post_as_app(
        channel.id, content.pop("text"), thread_ts=thread_ts, ephemeral_to=user, **content
    )
    return {"message_ts": message.ts}


@method("chat.update", "chat:write")
def update(call: Call) -> dict[str, Any]:
    message = own_message(call, "cant_update_message")
    if message.stream is not None and message.stream.open:
        raise SlackError("streaming_state_conflict")
    content = content_of(call)
    metadata = metadata_of(call)
    message.revise()
    for name, value in content.items():
        setattr(message, name, value)
    if "metadata" in call.arguments:
        message.metadata = metadata
    call.workspace.change(message, call.workspace.app.bot_user)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": message.as_json()}


@method("chat.delete", "chat:write")
def delete(call: Call) -> dict[str, Any]:
    message = own_message(call, "cant_delete_message")
    call.workspace.delete(message)
    return {"channel": message.channel, "ts": message.ts}


@method("chat.getPermalink", tier=4)
def get_permalink(call: Call) -> dict[str, Any]:
    channel, ts = call.channel(), call.required("message_ts")
    message = call.workspace.messages.get(channel.id, ts)
    if message is None:
        raise SlackError("message_not_found")
    address = f"https://{call.workspace.team.domain}.slack.com/archives/{channel.id}/p{ts.replace('.', '')}"
    if message.is_reply:
        address += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": address}
