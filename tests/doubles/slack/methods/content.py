"""What messages may consist of."""

from __future__ import annotations

import json
from typing import Any

from tests.doubles.slack.blocks import check_blocks, parse_blocks
from tests.doubles.slack.blocks.ids import with_ids
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.methods.call import Call

__all__ = ["MARKDOWN_MOST", "TEXT_MOST", "Content", "content_of", "metadata_of"]

TEXT_MOST = 4000
"""Characters of ``text``: what Slack advises for posts and was seen to refuse in updates."""
MARKDOWN_MOST = 12_000
_METADATA_MOST = 16_384
_ATTACHMENTS_MOST = 100
WITHOUT_TEXT = "This content can't be displayed."
"""What Slack reads out of a message of blocks that gives no text."""

Content = dict[str, Any]


def content_of(call: Call) -> Content:
    """Return what a call wants to say, as fields of a message: text, blocks, attachments; only what was given.

    Raise what Slack answers where it is nothing, too much, or malformed.
    """
    text, markdown = call.text("text"), call.text("markdown_text")
    blocks = parse_blocks(call.arguments["blocks"]) if call.arguments.get("blocks") is not None else None
    attachments = call.structure("attachments", "invalid_attachments")
    if markdown and (text or blocks is not None):
        raise SlackError("markdown_text_conflict")
    if len(text) > TEXT_MOST or len(markdown) > MARKDOWN_MOST:
        raise SlackError("msg_too_long")
    if not (text.strip() or markdown.strip() or blocks or attachments):
        raise SlackError("no_text")
    _check_attachments(attachments)
    check_blocks(blocks or [])
    call.workspace.check_text(text, blocks or [])
    call.workspace.check_markdown(markdown)
    for block in blocks or []:
        if block["type"] == "markdown":
            call.workspace.check_markdown(block["text"])
    said: Content = {"markdown": bool(markdown)}
    if text or markdown:
        said["text"] = text or markdown
    if blocks is not None:
        said["blocks"] = with_ids(blocks)
    if attachments is not None:
        said["attachments"] = attachments
    return said


def metadata_of(call: Call) -> dict[str, Any] | None:
    """Return the metadata of a call; raise what Slack answers where it is malformed."""
    metadata = call.structure("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    if (
        not isinstance(metadata, dict)
        or not isinstance(metadata.get("event_type"), str)
        or not metadata["event_type"]
        or not isinstance(metadata.get("event_payload"), dict)
    ):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata)) > _METADATA_MOST:
        raise SlackError("metadata_too_large")
    return metadata


def _check_attachments(attachments: Any) -> None:
    if attachments is None:
        return
    if not isinstance(attachments, list):
        raise SlackError("invalid_attachments")
    if len(attachments) > _ATTACHMENTS_MOST:
        raise SlackError("too_many_attachments")
    for index, attachment in enumerate(attachments):
        if "blocks" in attachment:
            check_blocks(parse_blocks(attachment["blocks"]), at=f"/attachments/{index}/blocks")
