"""Messages, and where they are kept."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.doubles.slack import mrkdwn
from tests.doubles.slack.blocks import reading

__all__ = ["Message", "Messages", "Stream"]


_HELD = ("blocks", "attachments", "files", "metadata", "bot", "edited", "reactions", "revisions", "app_context")


@dataclass(slots=True)
class Stream:
    """A message that is being written: what has come so far."""

    started: float
    open: bool = True
    stopped_by_user: bool = False
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    plan_title: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    appended: int = 0


@dataclass(slots=True)
class Message:
    """A message as Slack keeps it; ``text`` is what notifications and screen readers say.

    ``ephemeral_to`` names the one user who sees it; ``revisions`` holds text and blocks of earlier versions.
    """

    channel: str
    ts: str
    user: str
    text: str
    team: str
    thread_ts: str | None = None
    subtype: str | None = None
    blocks: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] | None = None
    bot: dict[str, Any] | None = None
    client_msg_id: str | None = None
    edited: dict[str, str] | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    broadcast: bool = False
    ephemeral_to: str | None = None
    markdown: bool = False
    unfurl_links: bool = True
    unfurl_media: bool = True
    stream: Stream | None = None
    revisions: list[dict[str, Any]] = field(default_factory=list)
    app_context: dict[str, Any] | None = None

    @property
    def root(self) -> str:
        """The ts of the message that its thread hangs on, or would."""
        return self.thread_ts or self.ts

    @property
    def is_reply(self) -> bool:
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def words(self) -> str:
        """What is shown: the blocks where there are any, else the text."""
        return reading.words(self.blocks) if self.blocks else self.text

    @property
    def mentions(self) -> list[str]:
        """Whom it mentions, in its text or its blocks."""
        return list(dict.fromkeys([*mrkdwn.mentions(self.text), *reading.mentions(self.blocks)]))

    @property
    def links(self) -> list[tuple[str, str]]:
        """Address and label of what it links, in its text or its blocks."""
        return list(dict.fromkeys([*mrkdwn.links(self.text), *reading.links(self.blocks)]))

    def element(self, action_id: str) -> dict[str, Any]:
        """Return the element of that action_id with its block_id; raise LookupError where there is none."""
        return element_of(self.blocks, action_id)

    @property
    def actions(self) -> list[str]:
        """The action_ids of everything that can be clicked, in order."""
        return [each["action_id"] for each in elements_of(self.blocks)]

    def revise(self) -> None:
        """Keep the version that is about to change."""
        self.revisions.append({"text": self.text, "blocks": copy.deepcopy(self.blocks), "metadata": self.metadata})

    def as_json(self, *, metadata: bool = False) -> dict[str, Any]:
        said: dict[str, Any] = {"type": "message", "user": self.user, "ts": self.ts, "text": self.text}
        optional = {
            "subtype": self.subtype,
            "client_msg_id": self.client_msg_id,
            "team": self.team,
            "thread_ts": self.thread_ts,
            "edited": self.edited,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "files": self.files,
            "metadata": self.metadata if metadata else None,
            "app_context": self.app_context,
            **(self.bot or {}),
        }
        if self.reactions:
            optional["reactions"] = [
                {"name": name, "users": users, "count": len(users)} for name, users in self.reactions.items()
            ]
        said |= {name: value for name, value in optional.items() if value}
        if self.ephemeral_to:
            said["is_ephemeral"] = True
        found: dict[str, Any] = _copied(said)
        return found

    def __deepcopy__(self, memo: dict[int, Any]) -> Message:
        held = {name: _copied(getattr(self, name)) for name in _HELD}
        return replace(self, **held, stream=copy.deepcopy(self.stream, memo))


def _copied(value: Any) -> Any:
    """Return a copy of JSON, much faster than copy.deepcopy, which takes more than all else that events cost."""
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value


class Messages:
    """All messages of a workspace, by channel and ts; each ts is later than all before it."""

    def __init__(self) -> None:
        self._by_channel: dict[str, dict[str, Message]] = {}
        self._last = 0

    def next_ts(self, now: float) -> str:
        self._last = max(int(now * 1_000_000), self._last + 1)
        return f"{self._last // 1_000_000}.{self._last % 1_000_000:06d}"

    def add(self, message: Message) -> Message:
        self._by_channel.setdefault(message.channel, {})[message.ts] = message
        return message

    def get(self, channel: str, ts: str) -> Message | None:
        return self._by_channel.get(channel, {}).get(ts)

    def remove(self, message: Message) -> None:
        """Forget ``message``; one with replies leaves a tombstone, as in Slack."""
        if any(True for _ in self.replies(message.channel, message.ts)):
            message.subtype, message.user, message.text = "tombstone", "USLACKBOT", "This message was deleted."
            message.blocks, message.files, message.metadata, message.bot = [], [], None, None
        else:
            del self._by_channel[message.channel][message.ts]

    def of(self, channel: str) -> list[Message]:
        """Return what is in ``channel`` for all to see, threads included, oldest first."""
        return [message for message in self._by_channel.get(channel, {}).values() if not message.ephemeral_to]

    def ephemerals(self, user: str) -> Iterator[Message]:
        for messages in self._by_channel.values():
            yield from (message for message in messages.values() if message.ephemeral_to == user)

    def replies(self, channel: str, ts: str) -> Iterable[Message]:
        return (message for message in self.of(channel) if message.is_reply and message.thread_ts == ts)


def elements_of(blocks: Any) -> Iterator[dict[str, Any]]:
    """Yield all elements with an action_id, each with the block_id of its block."""
    for block in blocks:
        held = [*block.get("elements", ()), block.get("accessory"), block.get("element"), *block.get("actions", ())]
        for element in held:
            if isinstance(element, dict) and "action_id" in element:
                yield {**element, "block_id": block["block_id"]}
        yield from elements_of(block.get("child_blocks", ()))


def element_of(blocks: Any, action_id: str) -> dict[str, Any]:
    """Return the element of that action_id with its block_id; raise LookupError where there is none."""
    for element in elements_of(blocks):
        if element["action_id"] == action_id:
            return element
    raise LookupError(f"no element {action_id}; there are {[each['action_id'] for each in elements_of(blocks)]}")
