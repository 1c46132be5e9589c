"""What the app is told when people use what it has shown, and what becomes of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.doubles.slack.blocks import check_view
from tests.doubles.slack.delivery import Deliveries, Delivery
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.form import chosen, state_values
from tests.doubles.slack.messages import Message
from tests.doubles.slack.response_urls import ResponseUrls
from tests.doubles.slack.views import View
from tests.doubles.slack.workspace import Workspace

__all__ = ["Interactions"]


class Interactions:
    """Sends clicks, submissions, shortcuts and commands of users to the app."""

    def __init__(self, workspace: Workspace, deliveries: Deliveries, response_urls: ResponseUrls) -> None:
        self._workspace, self._deliveries, self._response_urls = workspace, deliveries, response_urls
        self.root = ""

    def click(self, shown: Message | View, action_id: str, user: str, value: Any) -> Delivery:
        """Use an element of a message or view; ``value`` says which of its choices."""
        element = shown.element(action_id)
        action = chosen(element, value) | {"action_ts": self._workspace.messages.next_ts(self._workspace.clock.now())}
        if isinstance(shown, View):
            payload = self._common("block_actions", user, view=shown.id)
            payload |= {"container": {"type": "view", "view_id": shown.id}, "view": self._json(shown)}
            return self._send(payload | {"actions": [action]})
        payload = self._common("block_actions", user)
        url = self._response_url(shown.channel, user, shown)
        container: dict[str, Any] = {
            "type": "message",
            "message_ts": shown.ts,
            "channel_id": shown.channel,
            "is_ephemeral": shown.ephemeral_to is not None,
            **({"thread_ts": shown.thread_ts} if shown.thread_ts else {}),
        }
        payload |= {"container": container, "channel": self._channel(shown.channel), "response_url": url}
        payload |= {} if shown.ephemeral_to else {"message": shown.as_json()}
        payload |= {"state": {"values": state_values(shown.blocks, {})}, "actions": [action]}
        return self._send(payload)

    def submit(self, view: View, values: Mapping[str, Any]) -> Delivery:
        """Submit a modal with ``values`` by block_id or action_id."""
        view.values = state_values(view.blocks, values, complete=True)
        payload = self._common("view_submission", view.user, view=view.id)
        payload |= {"view": self._json(view), "response_urls": []}
        return self._send(payload, accepts_response=True, then=lambda delivery: self._submitted(view, delivery))

    def close(self, view: View, *, all_of_them: bool = False) -> Delivery | None:
        """Close a modal without submitting it; the app is told where it asked for that."""
        told = view.body.get("notify_on_close", False)
        shown = self._json(view)
        self._workspace.views.clear(view.user) if all_of_them else self._workspace.views.close(view)
        if not told:
            return None
        payload = self._common("view_closed", view.user)
        del payload["trigger_id"]
        return self._send(payload | {"view": shown, "is_cleared": all_of_them})

    def message_shortcut(self, message: Message, callback_id: str, user: str) -> Delivery:
        payload = self._common("message_action", user) | {
            "callback_id": callback_id,
            "action_ts": self._workspace.messages.next_ts(self._workspace.clock.now()),
            "message_ts": message.ts,
            "channel": self._channel(message.channel),
            "message": message.as_json(),
            "response_url": self._response_url(message.channel, user),
        }
        return self._send(payload)

    def global_shortcut(self, callback_id: str, user: str) -> Delivery:
        action_ts = self._workspace.messages.next_ts(self._workspace.clock.now())
        return self._send(self._common("shortcut", user) | {"callback_id": callback_id, "action_ts": action_ts})

    def command(self, command: str, text: str, channel: str, user: str) -> Delivery:
        """Type a slash command; what the app answers is shown to who typed it."""
        team, app, known = self._workspace.team, self._workspace.app, self._workspace.users[user]
        payload = {
            "token": app.verification_token,
            "team_id": team.id,
            "team_domain": team.domain,
            "channel_id": channel,
            "channel_name": "directmessage" if channel.startswith("D") else self._workspace.channels[channel].name,
            "user_id": user,
            "user_name": known.name,
            "command": command,
            "text": text,
            "api_app_id": app.id,
            "is_enterprise_install": "true" if team.org_wide else "false",
            "response_url": self._response_url(channel, user),
            "trigger_id": self._workspace.triggers.issue(user),
        }
        if team.enterprise_id:
            payload |= {"enterprise_id": team.enterprise_id, "enterprise_name": team.name}
        delivery = Delivery("slash_commands", payload, accepts_response=True)
        return self._begin(delivery, lambda answered: self._commanded(channel, user, answered))

    # What becomes of answers

    def _submitted(self, view: View, delivery: Delivery) -> None:
        answer = delivery.answer if isinstance(delivery.answer, dict) else {}
        views = self._workspace.views
        try:
            match answer.get("response_action"):
                case None:
                    views.close(view)
                case "clear":
                    views.clear(view.user)
                case "update":
                    views.update(view, self._checked(answer))
                case "push":
                    views.open(view.user, self._checked(answer), view)
                case "errors":
                    _check_errors(view, answer.get("errors"))
                case other:
                    delivery.refusal = SlackError("invalid_response_action", response_action=other).body
        except SlackError as error:
            delivery.refusal = error.body

    def _checked(self, answer: dict[str, Any]) -> dict[str, Any]:
        body = check_view(answer.get("view"))
        self._workspace.check_text("", body["blocks"])
        return body

    def _commanded(self, channel: str, user: str, delivery: Delivery) -> None:
        answer = delivery.answer
        if not answer:
            return
        try:
            self._response_urls.respond(channel, user, None, answer if isinstance(answer, dict) else {"text": answer})
        except SlackError as error:
            delivery.refusal = error.body

    # Parts of payloads

    def _common(self, kind: str, user: str, view: str | None = None) -> dict[str, Any]:
        team, app, known = self._workspace.team, self._workspace.app, self._workspace.users[user]
        grid = {"id": team.enterprise_id, "name": team.name} if team.enterprise_id else None
        return {
            "type": kind,
            "user": {"id": user, "username": known.name, "name": known.name, "team_id": known.team_id},
            "api_app_id": app.id,
            "token": app.verification_token,
            "trigger_id": self._workspace.triggers.issue(user, view),
            "team": None if team.org_wide else {"id": team.id, "domain": team.domain},
            "enterprise": grid,
            "is_enterprise_install": team.org_wide,
        }

    def _channel(self, channel_id: str) -> dict[str, str]:
        channel = self._workspace.channels[channel_id]
        return {"id": channel_id, "name": "directmessage" if channel.kind == "im" else channel.name}

    def _json(self, view: View) -> dict[str, Any]:
        return view.as_json(self._workspace.team.id, self._workspace.app.id, self._workspace.app.bot_id)

    def _response_url(self, channel: str, user: str, message: Message | None = None) -> str:
        return self.root + self._response_urls.issue(channel, user, message)

    def _send(self, payload: dict[str, Any], *, accepts_response: bool = False, then: Any = None) -> Delivery:
        return self._begin(Delivery("interactive", payload, accepts_response), then)

    def _begin(self, delivery: Delivery, then: Any) -> Delivery:
        delivery.trigger_id = delivery.payload.get("trigger_id", "")
        delivery.response_url = delivery.payload.get("response_url", "")
        return self._deliveries.begin(delivery, then)


def _check_errors(view: View, errors: Any) -> None:
    """Raise where errors do not name input blocks of the view, which Slack would not show."""
    inputs = {block["block_id"] for block in view.blocks if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not set(errors) <= inputs:
        raise SlackError("invalid_response_action", messages=["errors name no input blocks of the view"])
