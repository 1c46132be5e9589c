"""Reads a saved copy of a published FAQ page into sections with line ranges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from corpus.page_html import html_parts
from corpus.page_markdown import markdown_parts
from corpus.page_part import Part
from corpus.page_text import is_label, text_parts

__all__ = ["EditionError", "PageSection", "heading_key", "read_page"]

_QUOTES = str.maketrans("‘’“”`", "''\"\"'")
MAX_PAGE_BYTES = 8 * 2**20
_HTML_START = re.compile(r"\s*<(!doctype|!--|\?xml|html|head|body|main|article|section|div|h[1-6])\b", re.IGNORECASE)


class EditionError(ValueError):
    """Raised when a saved page cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class PageSection:
    """One section of a page: its heading, its first and last line (from 1, both inclusive) and its text."""

    heading: str
    first_line: int
    last_line: int
    text: str

    @property
    def key(self) -> str:
        """The heading as it is compared."""
        return heading_key(self.heading)


def heading_key(heading: str) -> str:
    """Return a heading without what saving a page changes: the kind of quotes and of white space."""
    return " ".join(heading.translate(_QUOTES).split())


def read_page(path: Path) -> list[PageSection]:
    """Split the saved page at ``path`` (plain text, Markdown or HTML) into sections.

    What stands before the first section is left out, and so are the page's title and headings that only group others.
    A heading below a section's own, or one such as *Solution*, is part of that section. Raises EditionError when the
    file cannot be read, is no UTF-8 text, is larger than 8 MiB or has no section.
    """
    text = _read_text(path)
    suffix = path.suffix.lower()
    if suffix in {".html", ".htm"} or _HTML_START.match(text):
        parts = html_parts(text)
    elif suffix in {".md", ".markdown"} or len(re.findall(r"^## ", text, re.MULTILINE)) > 1:
        parts = markdown_parts(text)
    else:
        parts = text_parts(text)
    sections = list(_sections(parts))
    if not sections:
        raise EditionError(f"{path}: no headings found; expected the FAQ page as text, Markdown or HTML")
    return sections


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_PAGE_BYTES + 1)
    except OSError as error:
        raise EditionError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_PAGE_BYTES:
        raise EditionError(f"{path}: larger than {MAX_PAGE_BYTES // 2**20} MiB; save only the page's text")
    if b"\0" in raw:
        raise EditionError(f"{path}: not a text file; save the page as UTF-8 text, Markdown or HTML")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EditionError(f"{path}: not UTF-8 at byte {error.start}; save the page as UTF-8") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _sections(parts: Sequence[Part]) -> Iterator[PageSection]:
    """Join parts to sections: the level that most headings have is that of the questions."""
    body = _below_title(parts)
    levels = Counter(
        part.heading.level
        for part, after in pairwise((*body, None))
        if part and not is_label(part.heading.words) and not _groups(part, after)
    )
    if not levels:
        return
    level = min(levels, key=lambda each: (-levels[each], each))
    joined: list[Part] = []
    for part in body:
        if part.heading.level > level or is_label(part.heading.words):
            joined += [part] if joined else []
            continue
        if joined:
            yield _join(joined)
        # A shallower heading without a word of its own only groups the questions below it.
        joined = [part] if part.heading.level == level or part.text.strip() else []
    if joined:
        yield _join(joined)


def _groups(part: Part, after: Part | None) -> bool:
    """Tell whether the heading of ``part`` has nothing but questions below it."""
    below = after is not None and after.heading.level > part.heading.level and not is_label(after.heading.words)
    return below and not part.text.strip()


def _below_title(parts: Sequence[Part]) -> Sequence[Part]:
    top = [number for number, part in enumerate(parts) if part.heading.level == 1]
    return parts[top[0] + 1 :] or parts if len(top) == 1 else parts


def _join(parts: Sequence[Part]) -> PageSection:
    texts = [parts[0].text, *(text for part in parts[1:] for text in (part.heading.words, part.text))]
    text = "\n\n".join(stripped for each in texts if (stripped := each.strip("\n")))
    return PageSection(parts[0].heading.words, parts[0].heading.line, parts[-1].last_line, text)
