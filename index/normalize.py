"""Turns what people paste into plain text: Slack and HTML escapes, terminal codes, odd quotes and spaces undone."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["MAX_CHARACTERS", "normalize"]

MAX_CHARACTERS = 1_000_000
"""What is read of a question; of a longer one its beginning and its end, where a log tells what went wrong."""

# However often something was escaped, all of its backslashes stand in one run, which only its first one may match.
_BACKSLASH = re.compile(r"(?<!\\)\\++(?:(?P<letter>[nrt\"'/])|u(?P<code>[0-9a-fA-F]{4})|(?P<escape>x1[bB]|033))")
_LETTERS = {"n": "\n", "r": "\n", "t": "\t"}
_ANSI = re.compile(r"\x1b(?:\[[0-?]*+[ -/]*+[@-~]|\][^\x07\x1b\n]*+(?:\x07|\x1b\\)|[@-Z\\^_])")
_SLACK_MENTION = re.compile(r"<[@!#](?:[^<>|\s]+)(?:\|(?P<label>[^<>]*))?>")
_SLACK_LINK = re.compile(r"<(?P<url>(?:https?://|mailto:)(?P<address>[^<>|\s]+))(?:\|(?P<label>[^<>]*))?>")
_SLACK_EMOJI = re.compile(r"(?<!\w):[a-z][a-z0-9_+-]{1,30}:(?!\w)")
_HTML = re.compile(r"&(amp|lt|gt|quot|apos|nbsp|#39|#x27|#34|#x22);", re.IGNORECASE)
_HTML_TEXT = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "} | {
    "#39": "'",
    "#x27": "'",
    "#34": '"',
    "#x22": '"',
}
_ESCAPED_TIMES = 2
_INVISIBLE = (
    0xAD,
    0x34F,
    0x61C,
    0x180E,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
)
_CHARACTERS = {
    **dict.fromkeys(map(ord, "‘’‚‛′＇`´"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″＂〝〞"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−﹘"), "-"),
    **dict.fromkeys(_INVISIBLE, None),
    **dict.fromkeys(range(0xFE00, 0xFE10), None),  # variation selectors: which picture of a character is shown
    **dict.fromkeys((code for code in range(0x20) if chr(code) not in "\n\t"), " "),
    **dict.fromkeys(range(0x7F, 0xA0), " "),
    **dict.fromkeys((0x85, 0x2028, 0x2029), "\n"),
    0x2026: "...",
}
# Putting combining marks in order takes quadratic time, so long runs of what may be some are composed in pieces.
_PIECE = re.compile(r"[\x00-\x7f]*+[^\x00-\x7f]{0,64}")


def normalize(text: str) -> str:
    """Return ``text`` as plain text, at most a million characters, in time linear in its length.

    JSON's, Slack's and HTML's escapes are undone (of text escaped twice too), links become their label and address,
    mentions, emoji codes, terminal sequences, control and invisible characters go, quotes, dashes and widths become the
    plain ones. Characters that are no text (lone surrogates) go.
    """
    if len(text) > MAX_CHARACTERS:
        text = f"{text[: MAX_CHARACTERS // 2]}\n{text[1 - MAX_CHARACTERS // 2 :]}"
    if "\\" in text:
        text = _BACKSLASH.sub(_unescaped, text)
    if not text.isascii():
        # Surrogates that come in pairs, as JSON escapes them, are characters; others are not.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CHARACTERS)
    if not text.isascii():
        text = _composed(text)
    for _ in range(_ESCAPED_TIMES):
        if "&" in text:
            text = _HTML.sub(lambda match: _HTML_TEXT[match[1].lower()], text)
    if "<" in text:
        text = _SLACK_LINK.sub(_link, text)
        text = _SLACK_MENTION.sub(lambda match: match["label"] or " ", text)
    if ":" in text:
        text = _SLACK_EMOJI.sub(" ", text)
    return text.strip()


def _unescaped(match: re.Match[str]) -> str:
    if match["code"]:
        return chr(int(match["code"], 16))
    if match["escape"]:
        return "\x1b"
    return _LETTERS.get(match["letter"], match["letter"])


def _composed(text: str) -> str:
    """Return the compatibility composition (NFKC) of ``text``, which may be 18 times as long, cut to the limit."""
    pieces: list[str] = []
    length = 0
    for match in _PIECE.finditer(text):
        pieces.append(unicodedata.normalize("NFKC", match[0]))
        length += len(pieces[-1])
        if length > MAX_CHARACTERS:
            break
    return "".join(pieces)[:MAX_CHARACTERS]


def _link(match: re.Match[str]) -> str:
    label: str = match["label"] or ""
    # Slack links what looks like a host name; its label then is what was written.
    return label if match["address"] in label else f"{label} {match['url']}".strip()
