"""auth.*, api.* and apps.connections.*: who is calling, and where events come from."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.methods.call import Call, method

__all__: list[str] = []


@method("auth.test", tier=4)
def auth_test(call: Call) -> dict[str, Any]:
    team, app = call.workspace.team, call.workspace.app
    grid = {"enterprise_id": team.enterprise_id} if team.enterprise_id else {}
    return {
        "url": f"https://{team.domain}.slack.com/",
        "team": team.name,
        "user": app.name,
        "team_id": team.id,
        "user_id": app.bot_user,
        "bot_id": app.bot_id,
        "is_enterprise_install": team.org_wide,
        **grid,
    }


@method("api.test", tier=4, token="none")
def api_test(call: Call) -> dict[str, Any]:
    if call.given("error"):
        raise SlackError(call.text("error"))
    return {"args": dict(call.arguments)}


@method("apps.connections.open", "connections:write", tier=1, token="app")
def open_connection(call: Call) -> dict[str, Any]:
    return {"url": call.sockets.issue_url()}
