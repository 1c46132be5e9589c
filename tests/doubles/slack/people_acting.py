"""What people do in the workspace."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from tests.doubles.slack.core import Core
from tests.doubles.slack.delivery import Delivery
from tests.doubles.slack.files import File
from tests.doubles.slack.messages import Message
from tests.doubles.slack.people import Channel, Kind, User, Usergroup
from tests.doubles.slack.typed import rich_text_of, typed
from tests.doubles.slack.views import View

__all__ = ["PeopleActing"]


class PeopleActing(Core):
    """Sets people up and lets them act.

    Messages and views that are returned are copies of how they are at that moment. Nothing here waits for the app.
    """

    # Setting up

    def user(
        self,
        user_id: str,
        name: str | None = None,
        *,
        team_id: str | None = None,
        guest: bool = False,
        bot: bool = False,
        deleted: bool = False,
        email: str | None = None,
    ) -> User:
        """Add a person or bot; one with another ``team_id`` comes through Slack Connect."""
        home = self._workspace.team.id
        user = User(user_id, name or user_id.lower(), team_id or home, bot, guest, deleted, email)
        self._loop.call(self._workspace.users.__setitem__, user_id, user)
        return user

    def channel(
        self,
        channel_id: str,
        name: str | None = None,
        *,
        members: Iterable[str] = (),
        kind: Kind = "channel",
        app: bool = True,
        archived: bool = False,
        shared: bool = False,
    ) -> Channel:
        """Add a channel (``group`` is a private one) with ``members`` and the app; ``shared`` by Slack Connect."""
        everyone = [*members, *([self._workspace.app.bot_user] if app else [])]
        channel = Channel(channel_id, name or channel_id.lower(), kind, everyone, archived, shared)
        self._loop.call(self._workspace.channels.__setitem__, channel_id, channel)
        return channel

    def usergroup(self, group_id: str, handle: str, users: Iterable[str] = (), *, disabled: bool = False) -> Usergroup:
        group = Usergroup(group_id, handle, list(users), disabled)
        self._loop.call(self._workspace.usergroups.__setitem__, group_id, group)
        return group

    # Messages

    def say(
        self,
        channel: str,
        user: str,
        text: str,
        thread_ts: str | None = None,
        *,
        files: Iterable[File] = (),
        stubs: bool = False,
        raw: bool = False,
    ) -> Message:
        """Write ``text`` in a channel that ``user`` is in; with ``raw`` it is what Slack stores, not what was typed.

        With ``stubs`` events tell only the ids of ``files``.
        """
        return self._loop.call(self._say, channel, user, text, thread_ts, list(files), stubs, raw, None)

    def mention(
        self, channel: str, user: str, text: str, thread_ts: str | None = None, *, files: Iterable[File] = ()
    ) -> Message:
        """Write ``text`` to the app by its name."""
        return self.say(channel, user, f"<@{self._workspace.app.bot_user}> {text}", thread_ts, files=files)

    def direct_message(
        self,
        user: str,
        text: str,
        thread_ts: str | None = None,
        *,
        files: Iterable[File] = (),
        viewing: Iterable[Mapping[str, Any]] = (),
    ) -> Message:
        """Write to the app in private; ``viewing`` are the entities that the user looks at meanwhile."""

        def act() -> Message:
            channel = self._workspace.direct_messages(user).id
            return self._say(channel, user, text, thread_ts, list(files), False, False, list(viewing) or None)

        return self._loop.call(act)

    def upload(self, user: str, name: str, content: str | bytes, *, snippet: bool = True) -> File:
        """Add a file that a message can be sent with."""
        data = content.encode() if isinstance(content, str) else content
        return self._loop.call(self._files.add, name, data, user, snippet=snippet)

    def edit(self, message: Message, text: str) -> Message:
        def act() -> Message:
            kept = self._kept(message)
            kept.revise()
            kept.text, kept.blocks = typed(text), rich_text_of(text)
            self._workspace.change(kept, kept.user)
            return copy.deepcopy(kept)

        return self._loop.call(act)

    def delete(self, message: Message) -> None:
        self._loop.call(lambda: self._workspace.delete(self._kept(message)))

    def react(self, message: Message, user: str, name: str) -> None:
        self._loop.call(lambda: self._workspace.react(self._kept(message), user, name))

    # Interactions

    def click(self, shown: Message | View, action_id: str, user: str | None = None, value: Any = None) -> Delivery:
        """Use an element; raise LookupError where there is none of that action_id, or none of its choices is ``value``.

        ``user`` can be left out in a view, an ephemeral message and a direct message.
        """

        def act() -> Delivery:
            kept = self._kept(shown) if isinstance(shown, Message) else self._workspace.views.get(shown.id)
            return self._interactions.click(kept, action_id, user or self._who(kept), value)

        return self._loop.call(act)

    def submit(self, view: View, values: Mapping[str, Any] | None = None) -> Delivery:
        """Submit a modal with ``values`` by block_id or action_id; raise LookupError where Slack's client would not."""
        return self._loop.call(lambda: self._interactions.submit(self._workspace.views.get(view.id), values or {}))

    def close_modal(self, view: View) -> Delivery | None:
        """Close a modal; the delivery is None where the app did not ask to be told."""
        return self._loop.call(lambda: self._interactions.close(self._workspace.views.get(view.id)))

    def slash(self, command: str, text: str = "", *, channel: str, user: str) -> Delivery:
        """Type a slash command."""
        return self._loop.call(self._interactions.command, command, text, channel, user)

    def shortcut(self, callback_id: str, user: str, message: Message | None = None) -> Delivery:
        """Choose a shortcut, on a message or from everywhere."""

        def act() -> Delivery:
            if message is None:
                return self._interactions.global_shortcut(callback_id, user)
            return self._interactions.message_shortcut(self._kept(message), callback_id, user)

        return self._loop.call(act)

    # The agent surface

    def open_home(self, user: str, tab: str = "home", viewing: Iterable[Mapping[str, Any]] = ()) -> None:
        """Open the app's Home (``home``) or its direct messages (``messages``)."""

        def act() -> None:
            workspace, now = self._workspace, self._now()
            channel = workspace.direct_messages(user)
            event: dict[str, Any] = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
            event["event_ts"] = now
            home = workspace.views.home(user)
            if tab == "home" and home is not None:
                event |= {"view": home.as_json(workspace.team.id, workspace.app.id, workspace.app.bot_id)}
            if "app_context_changed" in workspace.app.events:
                event |= {"context": _context(viewing)}
            workspace.emit(event, None)

        self._loop.call(act)

    def look_at(self, user: str, *entities: Mapping[str, Any]) -> None:
        """Turn to something else while the app is visible: ``{"type": "slack#/types/channel_id", "value": "C1"}``."""
        event = {"type": "app_context_changed", "context": _context(entities)}
        self._loop.call(self._subscriptions.emit, event, None, acting=user)

    def press_stop(self, message: Message, user: str) -> None:
        """Press the stop button in the thread that ``message`` belongs to; what streams there is cut short."""

        def act() -> None:
            workspace = self._workspace
            streaming = []
            for each in workspace.messages.of(message.channel):
                if each.root == message.root and each.stream is not None and each.stream.open:
                    each.stream.open, each.stream.stopped_by_user = False, True
                    streaming.append(each.ts)
            event = {
                "type": "agent_session_stopped",
                "user": user,
                "channel": message.channel,
                "thread_ts": message.root,
                "streaming_message_ts": streaming,
                "event_ts": self._now(),
            }
            workspace.emit(event, workspace.channels[message.channel])

        self._loop.call(act)

    # Inside the loop

    def _say(
        self,
        channel_id: str,
        user_id: str,
        text: str,
        thread_ts: str | None,
        files: list[File],
        stubs: bool,
        raw: bool,
        viewing: list[Mapping[str, Any]] | None,
    ) -> Message:
        workspace = self._workspace
        channel, user = workspace.channels[channel_id], workspace.users[user_id]
        if user_id not in channel.members:
            raise LookupError(f"{user_id} is not in {channel_id}")
        ts = self._now()
        message = Message(
            channel_id,
            ts,
            user_id,
            text if raw else typed(text),
            user.team_id,
            thread_ts=thread_ts,
            subtype="file_share" if files else None,
            blocks=[] if raw else rich_text_of(text),
            files=[self._files.as_json(file, stub=stubs) for file in files],
            bot={"bot_id": f"B{user_id[1:]}", "app_id": f"A{user_id[1:]}"} if user.is_bot else None,
            client_msg_id=None if user.is_bot else f"client-{ts}",
            app_context=_context(viewing) if viewing else None,
        )
        return copy.deepcopy(workspace.post(message))

    def _kept(self, message: Message) -> Message:
        kept = self._workspace.messages.get(message.channel, message.ts)
        if kept is None:
            raise LookupError(f"no message {message.ts} in {message.channel}")
        return kept

    def _who(self, shown: Message | View) -> str:
        if isinstance(shown, View):
            return shown.user
        user = shown.ephemeral_to or self._workspace.channels[shown.channel].partner
        if user is None:
            raise LookupError("who clicks?")
        return user

    def _now(self) -> str:
        return self._workspace.messages.next_ts(self._workspace.clock.now())


def _context(entities: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    found = [dict(entity) for entity in entities]
    return {"entities": found} if found else {}
