"""Splits a page saved as HTML at its headings.

The tags are found by a small scanner of its own: the standard library's parser takes minutes for a few hundred
kilobytes of unclosed tags, and a saved page comes from outside.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from corpus.page_part import MAX_HEADING, Heading, Part

__all__ = ["html_parts"]

_TAG = re.compile(
    r"""<(?P<close>/?)(?P<name>[a-z][^\s/>]*+)(?:[^>"'=]++|=\s*+"[^"]*+"|=\s*+'[^']*+'|["'=])*+>""",
    re.IGNORECASE | re.ASCII,
)
_START = re.compile(r"<(?=[a-z/!?])", re.IGNORECASE | re.ASCII)
_TAG_START = re.compile(r"</?[a-z]", re.IGNORECASE | re.ASCII)
_BLOCK = re.compile(
    r"address|article|blockquote|br|dd|details|div|dl|dt|figcaption|figure|header|hr|li|main|ol|p|pre|section|summary"
    r"|table|td|th|tr|ul"
)
_UNSEEN = frozenset({"aside", "button", "footer", "nav", "noscript", "select", "svg", "template"})
_RAW = frozenset({"script", "style", "textarea", "title"})
_LEVELS = {f"h{level}": level for level in range(1, 7)}
_LONG_REFERENCE = re.compile(r"&#\d{8,}")
_SPACE = re.compile(r"\s+")
_ANCHOR = re.compile(r"\s*[¶#]$")


class _Token(NamedTuple):
    """A tag (``</name>`` when ``close``), or text when it has no name; ``line`` counts from 1."""

    line: int
    name: str
    close: bool
    text: str


def html_parts(text: str) -> list[Part]:
    """Split HTML at its headings; the text of a part is what a reader sees, a block a line."""
    reader = _Reader()
    for token in _tokens(text):
        reader.read(token)
    return reader.finish(text.count("\n") + 1)


def _tokens(text: str) -> Iterator[_Token]:
    """Yield tags and texts; like a browser, drop what follows a tag or comment that is never closed."""
    at, line = 0, 1
    while at < len(text):
        match = _START.search(text, at)
        start = match.start() if match else len(text)
        if start > at:
            yield _Token(line, "", False, text[at:start])
            line += text.count("\n", at, start)
        if start == len(text):
            return
        name, close, end = _markup(text, start)
        if end < 0:
            return
        yield _Token(line, name, close, "")
        if name in _RAW and not close:
            closing = re.compile(rf"</{name}\b", re.IGNORECASE).search(text, end)
            end = closing.start() if closing else len(text)
        line += text.count("\n", start, end)
        at = end


def _markup(text: str, start: int) -> tuple[str, bool, int]:
    """Return the name of the tag at ``start``, ``!`` for a comment; whether it closes; and its end, -1 for none."""
    if match := _TAG.match(text, start):
        return match["name"].lower(), bool(match["close"]), match.end()
    if _TAG_START.match(text, start):
        return "!", False, -1
    closing, after = ("-->", start + 4) if text.startswith("<!--", start) else (">", start)
    end = text.find(closing, after)
    return "!", False, end + len(closing) if end >= 0 else -1


@dataclass
class _Reader:
    """Collects headings and the visible text below each."""

    headings: list[Heading] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=lambda: [[]])
    words: list[str] = field(default_factory=list)
    open: tuple[int, int] | None = None
    unseen: Counter[str] = field(default_factory=Counter)
    pre: int = 0

    def read(self, token: _Token) -> None:
        if token.name in _UNSEEN:
            self.unseen[token.name] = max(self.unseen[token.name] + (-1 if token.close else 1), 0)
        elif any(self.unseen.values()) or token.name == "!":
            return
        elif not token.name:
            self.text(token.text)
        elif token.name in _LEVELS:
            self.close_heading()
            if not token.close:
                self.open = (_LEVELS[token.name], token.line)
        elif _BLOCK.fullmatch(token.name):
            if token.name == "pre":
                self.pre = max(self.pre + (-1 if token.close else 1), 0)
            (self.words if self.open else self.texts[-1]).append("\n")

    def text(self, text: str) -> None:
        shown = html.unescape(_LONG_REFERENCE.sub("\ufffd", text))
        if self.open:
            self.words.append(shown)
        else:
            self.texts[-1].append(shown if self.pre else _SPACE.sub(" ", shown))

    def close_heading(self) -> None:
        if self.open is None:
            return
        words, (level, line) = _ANCHOR.sub("", " ".join("".join(self.words).split())), self.open
        self.open, self.words = None, []
        if words and len(words) <= MAX_HEADING:
            self.headings.append(Heading(level, line, words))
            self.texts.append([])
        else:
            self.texts[-1].append(f"\n{words}\n")

    def finish(self, last_line: int) -> list[Part]:
        """Return what was read of a page with ``last_line`` lines."""
        self.close_heading()
        # A page may be one long line; then a part ends on the line it begins on.
        ends = [max(after.line - 1, heading.line) for heading, after in pairwise(self.headings)] + [last_line]
        return [
            Part(heading, end, _lines("".join(text)))
            for heading, end, text in zip(self.headings, ends, self.texts[1:], strict=False)
        ]


def _lines(text: str) -> str:
    lines = (line.rstrip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
