"""A workspace: its people, conversations and messages, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from tests.doubles.slack import mrkdwn
from tests.doubles.slack.agents import AgentSurface
from tests.doubles.slack.blocks import reading
from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import Message, Messages
from tests.doubles.slack.people import App, Channel, Team, User, Usergroup
from tests.doubles.slack.triggers import Triggers
from tests.doubles.slack.views import Views

__all__ = ["Workspace"]


class Workspace:
    """What the double keeps; ``emit`` is called with each event that something in it gives rise to."""

    def __init__(self, team: Team, app: App, clock: Clock, timings: Timings, may_mention: Collection[str]) -> None:
        self.team, self.app, self.clock, self.timings = team, app, clock, timings
        self.may_mention = set(may_mention)
        self.users: dict[str, User] = {app.bot_user: User(app.bot_user, app.name, team.id, is_bot=True)}
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Usergroup] = {}
        self.messages = Messages()
        self.triggers = Triggers(clock, timings)
        self.views = Views()
        self.agents = AgentSurface(clock, timings)
        self.emit: Callable[[dict[str, Any], Channel | None], object] = lambda _event, _channel: None

    # Where things are

    def user(self, user_id: str, error: str = "user_not_found") -> User:
        """Return that user; raise ``error`` where there is none."""
        if user_id not in self.users:
            raise SlackError(error)
        return self.users[user_id]

    def channel(self, channel_id: str) -> Channel:
        """Return a conversation as the app sees it; raise channel_not_found for one it may not know of."""
        channel = self.channels.get(channel_id)
        if channel is None or (channel.kind != "channel" and self.app.bot_user not in channel.members):
            raise SlackError("channel_not_found")
        return channel

    def direct_messages(self, user_id: str) -> Channel:
        """Return the conversation between the app and a user, opened where there was none."""
        for channel in self.channels.values():
            if channel.kind == "im" and channel.partner == user_id:
                return channel
        channel_id = f"D{user_id[1:]}"
        members = [self.app.bot_user, user_id]
        self.channels[channel_id] = Channel(channel_id, "", "im", members, partner=user_id)
        return self.channels[channel_id]

    def thread(self, channel: str, ts: str, error: str = "thread_not_found") -> Message:
        """Return the message that a thread hangs on, or could; raise ``error`` where there is none."""
        message = self.messages.get(channel, ts)
        if message is None or message.ephemeral_to:
            raise SlackError(error)
        if message.is_reply:
            raise SlackError("cannot_reply_to_message")
        return message

    # What happens

    def post(self, message: Message) -> Message:
        """Put ``message`` where it belongs and tell about it."""
        if message.thread_ts:
            root = self.messages.get(message.channel, message.thread_ts)
            if root is not None:
                root.thread_ts = root.ts
        self.messages.add(message)
        if message.user == self.app.bot_user:
            self.agents.clear_status((message.channel, message.root))
        if not message.ephemeral_to:
            self._tell_of(message)
        return message

    def post_as_app(self, channel: str, text: str, **details: Any) -> Message:
        """Post as the app under test."""
        app = self.app
        bot = {"bot_id": app.bot_id, "app_id": app.id, "bot_profile": {**app.profile, "team_id": self.team.id}}
        ts = self.messages.next_ts(self.clock.now())
        return self.post(Message(channel, ts, app.bot_user, text, self.team.id, bot=bot, **details))

    def change(self, message: Message, user: str) -> None:
        """Tell that ``message`` was changed by ``user``; its earlier version is the last of its revisions."""
        now = self.messages.next_ts(self.clock.now())
        before = message.as_json() | {key: message.revisions[-1][key] for key in ("text", "blocks")}
        before.pop("edited", None)
        message.edited = {"user": user, "ts": now}
        event = {
            "type": "message",
            "subtype": "message_changed",
            "channel": message.channel,
            "hidden": True,
            "ts": now,
            "event_ts": now,
            "message": message.as_json() | {"source_team": message.team, "user_team": message.team},
            "previous_message": before,
        }
        self._tell(event, self.channels[message.channel])

    def delete(self, message: Message) -> None:
        """Remove ``message`` and tell about it."""
        before = message.as_json()
        self.messages.remove(message)
        now = self.messages.next_ts(self.clock.now())
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "channel": message.channel,
            "hidden": True,
            "ts": now,
            "event_ts": now,
            "deleted_ts": message.ts,
            "previous_message": before,
        }
        self._tell(event, self.channels[message.channel])

    def react(self, message: Message, user: str, name: str, *, add: bool = True) -> None:
        """Add or take back a reaction and tell about it."""
        users = message.reactions.setdefault(name, [])
        if add:
            users.append(user)
        else:
            users.remove(user)
            if not users:
                del message.reactions[name]
        event = {
            "type": "reaction_added" if add else "reaction_removed",
            "user": user,
            "reaction": name,
            "item_user": message.user,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "event_ts": self.messages.next_ts(self.clock.now()),
        }
        self.emit(event, self.channels[message.channel])

    # House rules

    def check_text(self, text: str, blocks: Any = ()) -> None:
        """Raise where text is not read as it was meant, or mentions whom it may not.

        Slack takes such messages; an app that is given text by others must not send them. The error is none of Slack's.
        """
        found = [*mrkdwn.problems(text), *reading.escaping_problems(list(blocks))]
        mentioned = {*mrkdwn.mentions(text), *reading.mentions(list(blocks))} - self.may_mention
        found += [f"mentions {target}" for target in sorted(mentioned)]
        if found:
            raise SlackError("refused_by_double", messages=found)

    def check_markdown(self, text: str) -> None:
        """Raise where standard Markdown mentions whom it may not."""
        if mentioned := sorted({*mrkdwn.mentions(text)} - self.may_mention):
            raise SlackError("refused_by_double", messages=[f"mentions {target}" for target in mentioned])

    # Telling

    def _tell_of(self, message: Message) -> None:
        channel = self.channels[message.channel]
        event = message.as_json()
        event |= {"channel": message.channel, "event_ts": message.ts}
        root = self.messages.get(message.channel, message.root)
        if message.is_reply and root is not None:
            event["parent_user_id"] = root.user
        if message.team != self.team.id:
            event |= {"user_team": message.team, "source_team": message.team}
        mentioned = f"<@{self.app.bot_user}>" in message.text or f"<@{self.app.bot_user}|" in message.text
        if mentioned and channel.kind != "im" and message.user != self.app.bot_user:
            self.emit({**event, "type": "app_mention"}, channel)
        self._tell(event, channel)

    def _tell(self, event: dict[str, Any], channel: Channel) -> None:
        self.emit({**event, "channel_type": channel.kind}, channel)
