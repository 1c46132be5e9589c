"""Text as people typed it, from text as Slack hands it over."""

from __future__ import annotations

import re

__all__ = ["addressee", "mentions", "plain"]

_LINK = re.compile(r"<(?P<url>(?:https?://|mailto:|tel:)[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>")
_REFERENCE = re.compile(r"<[@#!][^<>|\s]+(?:\|(?P<label>[^<>]*))?>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">"}
_TYPED = str.maketrans({"\u00a0": " ", "\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u200b": None})
_FIRST_MENTION = re.compile(r"\s*<@(?P<user>[UW][A-Z0-9]+)(?:\|[^<>]*)?>")


def plain(text: str, bot_user: str = "") -> str:
    """Return ``text`` without Slack's escapes: links as they were typed, no mention of ``bot_user``, plain quotes.

    Code fences stay, and what stands in them is as it was pasted.
    """
    if bot_user:
        text = re.sub(rf"<@{re.escape(bot_user)}(?:\|[^<>]*)?>", " ", text)
    text = _LINK.sub(_typed, text)
    text = _REFERENCE.sub(lambda found: found["label"] or "", text)
    text = _ENTITY.sub(lambda found: _ENTITIES[found[0]], text)
    return text.translate(_TYPED).strip()


def mentions(text: str, user: str) -> bool:
    """Tell whether ``text``, as Slack hands it over, mentions ``user``."""
    return bool(user) and (f"<@{user}>" in text or f"<@{user}|" in text)


def addressee(text: str) -> str | None:
    """Return the user whom ``text`` begins by mentioning."""
    found = _FIRST_MENTION.match(text)
    return found["user"] if found else None


def _typed(found: re.Match[str]) -> str:
    """Return a link as it was typed: Slack links what looks like a host name or an address by itself."""
    url, label = found["url"], found["label"] or ""
    address = url.split(":", 1)[1].lstrip("/")
    if not label or label == url:
        return url
    return label if label in address or address in label else f"{label} {url}"
