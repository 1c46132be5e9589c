"""Text for Slack: without what a reader cannot see, cut to a length, escaped where Slack reads markup."""

from __future__ import annotations

import re

__all__ = ["clean", "clip", "escape", "fallback", "one_line", "size"]

_BREAKS = dict.fromkeys((0x0B, 0x0C, 0x85, 0x2028, 0x2029), "\n")
_UNSEEN = dict.fromkeys(
    (
        *(code for code in range(0x20) if code not in (0x09, 0x0A)),
        *range(0x7F, 0xA0),
        0xAD,
        0x61C,
        0x180E,
        0x200B,
        0x200E,
        0x200F,
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
    )
)
_TABLE = _UNSEEN | _BREAKS
_SURROGATE = re.compile("[\ud800-\udfff]")
_ELLIPSIS = "…"
_JOINERS = "\u200c\u200d\ufe0e\ufe0f"


def clean(text: str) -> str:
    """Return ``text`` without control characters, changes of direction and other things nobody sees.

    They could hide what is said or make it look like something else. Line breaks and tabs stay.
    """
    if text.isascii() and text.isprintable():
        return text
    return _SURROGATE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").translate(_TABLE))


def one_line(text: str) -> str:
    """Return ``text``, cleaned, on one line: what is seen in a cluster can then not pass for a line of its own."""
    return " ".join(clean(text).split())


def size(text: str) -> int:
    """Return the length of ``text`` as Slack may count it: in UTF-16 units, never fewer than its characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def clip(text: str, most: int) -> str:
    """Return ``text``, cut to a ``size`` of at most ``most`` with an ellipsis at its end; empty where none fits."""
    if size(text) <= most:
        return text
    if most < 1:
        return ""
    kept = text[: most - 1]
    while size(kept) > most - 1:
        kept = kept[: -((size(kept) - most + 2) // 2)]
    return kept.rstrip().rstrip(_JOINERS) + _ELLIPSIS


def escape(text: str) -> str:
    """Escape the three characters with which Slack's control sequences are written; quotes stay."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def fallback(text: str, most: int) -> str:
    """Return ``text`` for notifications and screen readers: escaped, thereafter at most ``most`` long.

    It is not cut within an escape, and never empty.
    """
    text = clean(text).strip() or "acknet"
    room = most
    while size(escape(cut := clip(text, room))) > most:
        room -= max(1, (size(escape(cut)) - most) // 5)
    return escape(cut)
