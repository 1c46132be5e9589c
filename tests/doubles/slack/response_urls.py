"""Response URLs: answers to an interaction, without a token, a few times and for a while."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tests.doubles.slack.blocks import check_blocks, parse_blocks
from tests.doubles.slack.blocks.ids import with_ids
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.messages import Message
from tests.doubles.slack.requests import Reply
from tests.doubles.slack.workspace import Workspace

__all__ = ["ResponseUrls"]

_USES = 5


@dataclass(slots=True)
class _Place:
    channel: str
    user: str
    message: Message | None
    expires: float
    uses: int = 0


class ResponseUrls:
    """Issues response URLs and carries out what is posted to them."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._places: dict[str, _Place] = {}

    def issue(self, channel: str, user: str, message: Message | None = None) -> str:
        """Return the path of a new one; ``message`` is the one that was clicked, if any."""
        expires = self._workspace.clock.now() + self._workspace.timings.response_url
        path = f"/actions/{self._workspace.team.id}/{len(self._places) + 1}/{'x' * 24}"
        self._places[path] = _Place(channel, user, message, expires)
        return path

    def post(self, path: str, body: bytes) -> Reply:
        """Carry out what was posted."""
        place = self._places.get(path)
        if place is None:
            return _refusal("invalid_url", 404)
        if self._workspace.clock.now() > place.expires:
            return _refusal("expired_url", 404)
        if place.uses >= _USES:
            return _refusal("used_url", 404)
        try:
            payload = json.loads(body)
        except ValueError:
            return _refusal("invalid_payload", 400)
        if not isinstance(payload, dict):
            return _refusal("invalid_payload", 400)
        try:
            self.respond(place.channel, place.user, place.message, payload)
        except SlackError as error:
            return Reply.json(error.body, 400)
        place.uses += 1
        return Reply.text("ok")

    def respond(self, channel: str, user: str, message: Message | None, payload: dict[str, Any]) -> None:
        """Show ``payload`` where an interaction was: as a new message, in place of ``message``, or not at all."""
        if payload.get("delete_original"):
            if message is not None:
                self._workspace.messages.remove(message)
            return
        text, blocks = payload.get("text", ""), parse_blocks(payload.get("blocks") or [])
        if not text and not blocks:
            raise SlackError("no_text")
        check_blocks(blocks)
        self._workspace.check_text(text, blocks)
        blocks = with_ids(blocks)
        if payload.get("replace_original") and message is not None:
            message.revise()
            message.text, message.blocks = text, blocks
            return
        # Without a thread_ts of its own an answer goes to the channel, whatever thread was clicked in.
        self._workspace.post_as_app(
            channel,
            text,
            blocks=blocks,
            thread_ts=payload.get("thread_ts"),
            ephemeral_to=None if payload.get("response_type") == "in_channel" else user,
        )


def _refusal(error: str, status: int) -> Reply:
    return Reply.json({"ok": False, "error": error}, status)
