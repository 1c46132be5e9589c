"""Splits a page saved as Markdown at its headings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from corpus.page_part import MAX_HEADING, Heading, Part, cut

__all__ = ["markdown_parts"]

_ATX = re.compile(r" {0,3}(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})(.*)")
_NO_PARAGRAPH = re.compile(r"\s*([-*+>|#]|\d+[.)]|$)| {4}|\t")
_ANCHOR = re.compile(r"\s*\{#[^{}]*\}$")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)|<[^<>]*>")
_MARKS = re.compile(r"\\([!-/:-@\[-`{-~])|[`*]+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)")


def markdown_parts(text: str) -> list[Part]:
    """Split Markdown at its headings; what looks like one in front matter or inside a code fence is none."""
    lines = text.split("\n")
    return cut(lines, [heading for heading in _headings(lines) if heading.words])


def _headings(lines: Sequence[str]) -> Iterator[Heading]:
    fence: str | None = None
    front_matter = _front_matter(lines)
    for number, (line, after) in enumerate(pairwise((*lines, "")), 1):
        if number <= front_matter or len(line) > MAX_HEADING:
            continue
        if match := _FENCE.match(line):
            if fence is None:
                fence = match[1]
            elif match[1].startswith(fence) and not match[2].strip():
                fence = None
        elif fence is not None:
            continue
        elif match := _ATX.match(line):
            yield Heading(len(match[1]), number, _words(match[2]))
        elif not _NO_PARAGRAPH.match(line) and (match := _UNDERLINE.match(after[:MAX_HEADING])):
            yield Heading(1 if match[1][0] == "=" else 2, number, _words(line))


def _front_matter(lines: Sequence[str]) -> int:
    """Return the number of lines that YAML front matter takes."""
    if lines[0].strip() != "---":
        return 0
    return next((number for number, line in enumerate(lines[1:], 2) if line.strip() == "---"), 0)


def _words(heading: str) -> str:
    """Return a heading's inline Markdown as the words that a reader sees."""
    plain = _LINK.sub(lambda match: match[1] or "", _ANCHOR.sub("", heading.strip()))
    return " ".join(html.unescape(_MARKS.sub(lambda match: match[1] or "", plain)).split())
