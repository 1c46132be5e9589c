"""What people get from a message: its words, whom it mentions, what it links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.doubles.slack import mrkdwn

__all__ = ["escaping_problems", "links", "mentions", "words"]

_RICH_MENTIONS = {"user": "user_id", "usergroup": "usergroup_id", "channel": "channel_id", "broadcast": "range"}


def words(blocks: Any) -> str:
    """Return what ``blocks`` say, one line for each text; mrkdwn stays as it was sent."""
    return "\n".join(
        part.get("text") or part.get("url", "")
        for part in _parts(blocks)
        if isinstance(part.get("text"), str) or part.get("type") == "link"
    )


def mentions(blocks: Any) -> list[str]:
    """Return whom ``blocks`` mention, as :func:`mrkdwn.mentions` names them."""
    found = []
    for part in _parts(blocks):
        if (kind := part.get("type")) in ("mrkdwn", "markdown"):
            found += mrkdwn.mentions(part["text"])
        elif kind in _RICH_MENTIONS and _RICH_MENTIONS[kind] in part:
            found.append(str(part[_RICH_MENTIONS[kind]]))
    return found


def links(blocks: Any) -> list[tuple[str, str]]:
    """Return address and label of all links and buttons that lead elsewhere."""
    found = []
    for part in _parts(blocks):
        match part:
            case {"type": "mrkdwn", "text": str(text)}:
                found += mrkdwn.links(text)
            case {"type": "button", "url": str(url), "text": {"text": str(label)}}:
                found.append((url, label))
            case {"url": str(url)}:
                found.append((url, part.get("text", url)))
    return found


def escaping_problems(blocks: Any) -> Iterator[str]:
    """Say where mrkdwn in ``blocks`` is not read as it was meant."""
    for part in _parts(blocks):
        if part.get("type") == "mrkdwn":
            yield from mrkdwn.problems(part["text"])


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _parts(inner)
