"""Who and what a workspace consists of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["App", "Channel", "Kind", "Team", "User", "Usergroup"]

Kind = Literal["channel", "group", "im", "mpim"]

ALL_SCOPES = frozenset(
    {
        "app_mentions:read",
        "assistant:write",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:read",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:read",
        "im:write",
        "mpim:history",
        "mpim:read",
        "reactions:read",
        "reactions:write",
        "team:read",
        "usergroups:read",
        "users:read",
    }
)
DEFAULT_EVENTS = frozenset(
    {
        "agent_session_stopped",
        "app_context_changed",
        "app_home_opened",
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
    }
)


@dataclass(frozen=True, slots=True)
class Team:
    """The workspace; ``enterprise_id`` if it belongs to a Grid, ``org_wide`` if the app is installed for all of it."""

    id: str = "T0DOUBLE01"
    name: str = "double"
    domain: str = "double"
    enterprise_id: str | None = None
    org_wide: bool = False


@dataclass(slots=True)
class App:
    """The app under test, as its configuration at Slack says."""

    id: str = "A0DOUBLE01"
    name: str = "acknet"
    bot_id: str = "B0DOUBLE01"
    bot_user: str = "U0BOT00001"
    bot_token: str = "xoxb-double-0123456789"
    app_token: str = "xapp-1-A0DOUBLE01-0123456789"
    signing_secret: str = "8f742231b10e8888abcd99yyyzzz85a5"
    verification_token: str = "Jhj5dZrVaK7ZwHHjRyZWjbDl"
    scopes: set[str] = field(default_factory=lambda: set(ALL_SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    events: set[str] = field(default_factory=lambda: set(DEFAULT_EVENTS))
    """What it subscribes to: names of bot events, messages by kind of conversation."""
    request_url: str | None = None
    """Where events and interactions go over HTTP; without one they go over Socket Mode."""
    revoked: bool = False

    @property
    def profile(self) -> dict[str, Any]:
        return {"id": self.bot_id, "app_id": self.id, "name": self.name, "deleted": False, "updated": 0}


@dataclass(slots=True)
class User:
    """A person or bot; ``team_id`` differs from the workspace's where they come through Slack Connect."""

    id: str
    name: str
    team_id: str
    is_bot: bool = False
    is_guest: bool = False
    deleted: bool = False
    email: str | None = None

    def as_json(self, home: str) -> dict[str, Any]:
        profile: dict[str, Any] = {"real_name": self.name, "display_name": self.name, "team": self.team_id}
        if self.email:
            profile["email"] = self.email
        # Strangers are only those with whom no channel is shared, and of those an app hears nothing.
        stranger = {"is_stranger": False} if self.team_id != home else {}
        return {
            "id": self.id,
            "team_id": self.team_id,
            "name": self.name,
            "real_name": self.name,
            "deleted": self.deleted,
            "profile": profile,
            "tz": "Asia/Shanghai",
            "is_bot": self.is_bot,
            "is_app_user": False,
            "is_restricted": self.is_guest,
            "is_ultra_restricted": False,
            **stranger,
        }


@dataclass(slots=True)
class Channel:
    """A conversation; ``partner`` is the other side of a direct message with the app."""

    id: str
    name: str
    kind: Kind = "channel"
    members: list[str] = field(default_factory=list)
    is_archived: bool = False
    is_ext_shared: bool = False
    partner: str | None = None

    def as_json(self, me: str) -> dict[str, Any]:
        common: dict[str, Any] = {
            "id": self.id,
            "is_channel": self.kind == "channel",
            "is_group": self.kind == "group",
            "is_im": self.kind == "im",
            "is_mpim": self.kind == "mpim",
            "is_private": self.kind != "channel",
            "is_archived": self.is_archived,
            "is_ext_shared": self.is_ext_shared,
            "is_shared": self.is_ext_shared,
            "created": 0,
        }
        if self.kind == "im":
            return common | {"user": self.partner}
        return common | {"name": self.name, "name_normalized": self.name, "is_member": me in self.members}


@dataclass(slots=True)
class Usergroup:
    """A group of users that can be mentioned by its handle."""

    id: str
    handle: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False

    def as_json(self, team_id: str, *, users: bool) -> dict[str, Any]:
        said: dict[str, Any] = {
            "id": self.id,
            "team_id": team_id,
            "is_usergroup": True,
            "name": self.handle,
            "handle": self.handle,
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.users),
        }
        return said | ({"users": list(self.users)} if users else {})
