"""What Slack's clients make of what people type."""

from __future__ import annotations

import re
from typing import Any

from tests.doubles.slack.mrkdwn import escape

__all__ = ["rich_text_of", "typed"]

_TOKEN = re.compile(
    r"(?P<kept><[@#!][^<>]*>)"
    r"|(?P<url>https?://[^\s<>|]+[^\s<>|.,;:!?)\]'\"])"
    r"|(?P<host>(?<![\w@./-])(?:[a-z0-9-]+\.)+(?:com|net|org|io|dev|cn)(?![\w.-]))"
)
_FENCE = "```"
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")


def typed(text: str) -> str:
    """Return the text of a message that somebody typed: escaped, with addresses and host names made links.

    Mentions (``<@U1>``) stay; so does what is in fenced blocks, but for escaping.
    """
    parts = enumerate(text.split(_FENCE))
    return _FENCE.join(escape(part) if index % 2 else _TOKEN.sub(_link, _escaped(part)) for index, part in parts)


def rich_text_of(text: str) -> list[dict[str, Any]]:
    """Return the blocks that come with a message that somebody typed."""
    elements: list[dict[str, Any]] = []
    for index, part in enumerate(text.split(_FENCE)):
        if not part:
            continue
        if index % 2:
            inner = [{"type": "text", "text": part.strip("\n") or " "}]
            elements.append({"type": "rich_text_preformatted", "elements": inner})
        else:
            elements.append({"type": "rich_text_section", "elements": _inline(part)})
    return [{"type": "rich_text", "block_id": "typed", "elements": elements}] if elements else []


def _inline(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for index, piece in enumerate(_MENTION.split(text)):
        if index % 2:
            found.append({"type": "user", "user_id": piece})
        elif piece:
            found.append({"type": "text", "text": piece})
    return found


def _escaped(text: str) -> str:
    """Escape all but mentions."""
    return "".join(
        piece if index % 2 else escape(piece) for index, piece in enumerate(re.split(r"(<[@#!][^<>]*>)", text))
    )


def _link(match: re.Match[str]) -> str:
    if match["kept"]:
        return match[0]
    return f"<{match[0]}>" if match["url"] else f"<http://{match[0]}|{match[0]}>"
