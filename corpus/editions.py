"""Reads a saved copy of a published FAQ page into sections with line ranges."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["EditionError", "PageSection", "read_page"]

MAX_PAGE_BYTES = 16 * 2**20
_LABELS = re.compile(
    r"(symptoms?|causes?|(recommended |alternative |long-term |temporary )?(solutions?|workaround)|notes?|important|"
    r"warning|steps|procedure|prerequisites|verification|verify|scenarios?|background|problem description|"
    r"more information|key points|expected output|index|type|description|image|"
    r"common causes|steps to|verify the|why is this|how it works)\b",
    re.I,
)
_BULLET = re.compile(r"\s*([•\-*]|\d+[.)])\s")
_MARKDOWN_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_SECTION_LEVELS = {"h1", "h2", "h3"}


class EditionError(ValueError):
    """Raised when a saved page cannot be read; says why."""


@dataclass(frozen=True, slots=True)
class PageSection:
    """One section of a page: its heading, its first and last line (from 1, both inclusive) and its text."""

    heading: str
    first_line: int
    last_line: int
    text: str


def read_page(path: Path) -> list[PageSection]:
    """Split the saved page at ``path`` (plain text, Markdown or HTML) into sections.

    What stands before the first heading is left out. Raises EditionError when the file cannot be read, is no text, is
    larger than 16 MiB or has no section.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise EditionError(f"{path}: cannot be read: {error.strerror}") from error
    if len(raw) > MAX_PAGE_BYTES:
        raise EditionError(f"{path}: larger than {MAX_PAGE_BYTES // 2**20} MiB; save only the page's text")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EditionError(f"{path}: not UTF-8 at byte {error.start}; save the page as UTF-8") from error
    lines = text.splitlines()
    if path.suffix.lower() in {".html", ".htm"} or re.match(r"\s*<(!doctype|html|head|body|h\d)", text, re.I):
        headings = list(_html_headings(text))
        lines = [_strip_tags(line) for line in lines]
    elif path.suffix.lower() in {".md", ".markdown"} or sum(line.startswith("## ") for line in lines) > 1:
        headings = list(_markdown_headings(lines))
    else:
        headings = list(_text_headings(lines))
    if not headings:
        raise EditionError(f"{path}: no headings found; expected the FAQ page as text, Markdown or HTML")
    ends = [number - 1 for number, _ in headings[1:]] + [len(lines)]
    return [
        PageSection(heading, number, end, "\n".join(lines[number:end]).strip("\n"))
        for (number, heading), end in zip(headings, ends, strict=True)
    ]


def _text_headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    """Headings of a page saved as text: a line of its own at the margin that is no sentence and no label.

    The page's index repeats section names before the first section; a heading needs a line of text below it that is
    no heading itself.
    """

    def blank(number: int) -> bool:
        return not 0 <= number < len(lines) or not lines[number].strip()

    candidates = [
        number
        for number, line in enumerate(lines)
        if line.strip()
        and not line[0].isspace()
        and blank(number - 1)
        and blank(number + 1)
        and not _BULLET.match(line)
        and not _LABELS.match(line)
        and not re.search(r"([.:;,，。：)}\"'`>]|\.(png|jpe?g|gif|svg))$", line.rstrip())
        and len(line.split()) > 2
        and len(line) < 160
        and not re.match(r"(kubectl|\$|#|https?:)", line)
    ]
    taken = set(candidates)
    index = next((number for number, line in enumerate(lines) if line.strip().lower() == "index"), -1)
    for number in filter(lambda number: number > index, candidates):
        below = next((n for n in range(number + 1, len(lines)) if not blank(n)), None)
        if below is not None and below not in taken and not re.fullmatch(r"[\w-]+", lines[below].strip() or "-"):
            yield number + 1, lines[number].strip()
        elif below is not None and _LABELS.match(lines[below]):
            yield number + 1, lines[number].strip()


def _markdown_headings(lines: list[str]) -> Iterator[tuple[int, str]]:
    fenced = False
    found: list[tuple[int, int, str]] = []
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and (match := _MARKDOWN_HEADING.match(line)) and not _LABELS.match(match[2]):
            found.append((len(match[1]), number, match[2]))
    for level, number, heading in found:
        if level > 1 or sum(1 for other, *_ in found if other == 1) > 1:
            yield number, heading


class _Headings(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._open: tuple[str, int] | None = None
        self._words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SECTION_LEVELS:
            self._open, self._words = (tag, self.getpos()[0]), []

    def handle_data(self, data: str) -> None:
        if self._open:
            self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        if self._open and tag == self._open[0]:
            heading = " ".join("".join(self._words).split())
            if heading and tag != "h1" and not _LABELS.match(heading):
                self.found.append((self._open[1], heading))
            self._open = None


def _html_headings(text: str) -> Iterator[tuple[int, str]]:
    parser = _Headings()
    parser.feed(text)
    yield from parser.found


def _strip_tags(line: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", " ", line)).rstrip()
