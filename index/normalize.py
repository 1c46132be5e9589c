"""Turns what people paste into plain text: Slack and HTML escapes, terminal codes, odd quotes and spaces undone."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["MAX_CHARACTERS", "normalize"]

MAX_CHARACTERS = 1_000_000
"""What is read of a question; the rest of a longer one is ignored."""

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
_SLACK_MENTION = re.compile(r"<[@!#](?:[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>")
_SLACK_LINK = re.compile(r"<(?P<url>(?:https?://|mailto:)[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>")
_SLACK_EMOJI = re.compile(r"(?<!\w):[a-z][a-z0-9_+-]{1,30}:(?!\w)")
_ESCAPED = {r"\n": "\n", r"\t": "\t", r"\r": "\n", r"\"": '"', r"\/": "/", r"\'": "'"}
_BACKSLASH = re.compile("|".join(map(re.escape, _ESCAPED)))
_UNICODE_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_HTML = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#39|#x27|#34|#x22);", re.I)
_HTML_TEXT = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "} | {
    "#39": "'",
    "#x27": "'",
    "#34": '"',
    "#x22": '"',
}
_CHARACTERS = {
    **dict.fromkeys(map(ord, "‘’‚‛′＇`´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″＂"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—−"), "-"),
    **dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"), None),
    **dict.fromkeys((code for code in range(0x20) if chr(code) not in "\n\t"), " "),
    **dict.fromkeys(range(0x7F, 0xA0), " "),
    0x2026: "...",
}


def normalize(text: str) -> str:
    """Return ``text`` as plain text; at most the first million characters of it.

    Slack's and HTML's escapes are undone (twice escaped text too), links become their label and address, mentions,
    emoji codes, terminal sequences, control and zero-width characters go, quotes and widths become the plain ones,
    and escaped line ends of JSON logs become line ends. Characters that are no text (lone surrogates) go.
    """
    text = text[:MAX_CHARACTERS]
    if not text.isascii():
        text = text.encode("utf-8", "ignore").decode("utf-8")
        text = unicodedata.normalize("NFKC", text)
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS)
    for _ in range(2):
        if "&" in text:
            text = _HTML.sub(lambda match: _HTML_TEXT[match[1].lower()], text)
    if "<" in text:
        text = _SLACK_LINK.sub(lambda match: f"{match['label'] or ''} {match['url']}".strip(), text)
        text = _SLACK_MENTION.sub(lambda match: match["label"] or " ", text)
    if ":" in text:
        text = _SLACK_EMOJI.sub(" ", text)
    if "\\" in text:
        text = _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
        text = text.encode("utf-8", "ignore").decode("utf-8")
        text = _BACKSLASH.sub(lambda match: _ESCAPED[match[0]], text)
    return text.strip()
