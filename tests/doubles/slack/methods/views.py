"""views.*: modals and the Home tab."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack.blocks import check_view
from tests.doubles.slack.errors import SlackError, invalid_arguments
from tests.doubles.slack.methods.call import Call, method
from tests.doubles.slack.views import View

__all__: list[str] = []


def shown(call: Call, view: View) -> dict[str, Any]:
    workspace = call.workspace
    return {"view": view.as_json(workspace.team.id, workspace.app.id, workspace.app.bot_id)}


def _body(call: Call, *kinds: Any) -> dict[str, Any]:
    if not call.given("view"):
        raise invalid_arguments("missing required field: view [json-pointer:/view]")
    body = check_view(call.arguments["view"], kinds=kinds)
    call.workspace.check_text("", body["blocks"])
    return body


@method("views.open", tier=4)
def open_view(call: Call) -> dict[str, Any]:
    body = _body(call, "modal")
    user, _ = call.workspace.triggers.exchange(call.required("trigger_id"))
    return shown(call, call.workspace.views.open(user, body))


@method("views.push", tier=4)
def push_view(call: Call) -> dict[str, Any]:
    body = _body(call, "modal")
    user, below = call.workspace.triggers.exchange(call.required("trigger_id"))
    views = call.workspace.views
    if below is None:
        raise SlackError("not_found")
    return shown(call, views.open(user, body, views.get(below)))


@method("views.update", tier=4)
def update_view(call: Call) -> dict[str, Any]:
    body, views = _body(call, "modal", "home"), call.workspace.views
    if call.given("external_id"):
        view = views.by_external_id(call.text("external_id"))
    else:
        view = views.get(call.required("view_id"))
    return shown(call, views.update(view, body, call.text("hash") or None))


@method("views.publish", tier=4)
def publish_view(call: Call) -> dict[str, Any]:
    body = _body(call, "home")
    user = call.workspace.user(call.required("user_id"))
    return shown(call, call.workspace.views.publish(user.id, body, call.text("hash") or None))
