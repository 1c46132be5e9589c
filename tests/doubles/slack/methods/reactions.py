"""reactions.*: emoji on messages."""

from __future__ import annotations

import re
from typing import Any

from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import Message
from tests.doubles.slack.methods.call import Call, method

__all__: list[str] = []


def _message(call: Call) -> Message:
    channel = call.channel()
    if call.workspace.app.bot_user not in channel.members:
        raise SlackError("not_in_channel")
    message = call.workspace.messages.get(channel.id, call.required("timestamp"))
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    return message


def _name(call: Call) -> str:
    name = call.required("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(?:::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return name


@method("reactions.add", "reactions:write")
def add(call: Call) -> dict[str, Any]:
    message, name, me = _message(call), _name(call), call.workspace.app.bot_user
    if me in message.reactions.get(name, ()):
        raise SlackError("already_reacted")
    call.workspace.react(message, me, name)
    return {}


@method("reactions.remove", "reactions:write", tier=2)
def remove(call: Call) -> dict[str, Any]:
    message, name, me = _message(call), _name(call), call.workspace.app.bot_user
    if me not in message.reactions.get(name, ()):
        raise SlackError("no_reaction")
    call.workspace.react(message, me, name, add=False)
    return {}


@method("reactions.get", "reactions:read")
def get(call: Call) -> dict[str, Any]:
    message = _message(call)
    return {"type": "message", "channel": message.channel, "message": message.as_json()}
