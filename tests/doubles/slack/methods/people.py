"""users.*, usergroups.*, team.* and bots.*: who is there."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.methods.call import Call, method

__all__: list[str] = []


@method("users.info", "users:read", tier=4)
def user_info(call: Call) -> dict[str, Any]:
    return {"user": call.workspace.user(call.required("user")).as_json(call.workspace.team.id)}


@method("users.list", "users:read", tier=2)
def list_users(call: Call) -> dict[str, Any]:
    home = call.workspace.team.id
    return {
        "members": [user.as_json(home) for user in call.workspace.users.values()],
        "response_metadata": {"next_cursor": ""},
    }


@method("usergroups.list", "usergroups:read", tier=2)
def list_usergroups(call: Call) -> dict[str, Any]:
    team = call.workspace.team.id
    found = [
        group for group in call.workspace.usergroups.values() if not group.disabled or call.flag("include_disabled")
    ]
    return {"usergroups": [group.as_json(team, users=call.flag("include_users")) for group in found]}


@method("usergroups.users.list", "usergroups:read", tier=2)
def list_users_of_usergroup(call: Call) -> dict[str, Any]:
    group = call.workspace.usergroups.get(call.required("usergroup"))
    if group is None:
        raise SlackError("no_such_subteam")
    return {"users": [] if group.disabled and not call.flag("include_disabled") else list(group.users)}


@method("team.info", "team:read")
def team_info(call: Call) -> dict[str, Any]:
    team = call.workspace.team
    return {"team": {"id": team.id, "name": team.name, "domain": team.domain}}


@method("bots.info", "users:read")
def bot_info(call: Call) -> dict[str, Any]:
    app = call.workspace.app
    if call.text("bot", app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    return {"bot": {**app.profile, "user_id": app.bot_user}}
