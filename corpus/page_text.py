"""Finds the headings of a FAQ page that was saved as plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from corpus.page_part import Heading, Part, cut

__all__ = ["is_label", "text_parts"]

MAX_LENGTH = 160
_LABEL = re.compile(
    r"(((recommended|alternative|long-term|short-term|temporary) )?(solution|workaround)s?"
    r"|symptoms?|causes?|notes?|important|warning|caution|steps?|procedure|prerequisites|verification|verify"
    r"|scenarios?|background|problem description|more information|key points|expected output|index|type|description"
    r"|image|how it works)(\s+\d+)?(\s*\([\w ,-]*\))?(\s*:.*)?",
    re.IGNORECASE,
)
_LABEL_START = re.compile(r"(steps to|common causes|verify the|why is this)\b", re.IGNORECASE)
_BULLET = re.compile(r"([•\-*]|\d+[.)])\s")
_SENTENCE_END = re.compile(r"([.:;,，。：)}\"'`>]|\.(png|jpe?g|gif|svg))$")
_COMMAND = re.compile(r"kubectl|\$|#|https?:")


def is_label(heading: str) -> bool:
    """Tell whether ``heading`` only names a part of an answer, such as *Symptom* or *Solution 2: …*."""
    return (_LABEL_START.match(heading) or _LABEL.fullmatch(heading)) is not None


def text_parts(text: str) -> list[Part]:
    """Split a page saved as text at its headings; all of them have the same level."""
    lines = text.split("\n")
    return cut(lines, list(_headings(lines)))


def _headings(lines: Sequence[str]) -> Iterator[Heading]:
    """Yield the headings: each a line of its own at the margin that is no sentence and no label.

    The page's index repeats section names before the first section; a heading needs a line of text below it that is
    no heading itself.
    """
    filled = [number for number, line in enumerate(lines) if line.strip()]
    below = dict(pairwise(filled))
    candidates = {number for number in filled if _may_be_heading(lines, number)}
    index = next((number for number in filled if lines[number].strip().lower() == "index"), -1)
    for number in filled:
        if number <= index or number not in candidates or number not in below:
            continue
        first = lines[below[number]].strip()
        if below[number] not in candidates and (is_label(first) or not re.fullmatch(r"[\w-]+", first)):
            yield Heading(2, number + 1, lines[number].strip())


def _may_be_heading(lines: Sequence[str], number: int) -> bool:
    line = lines[number].rstrip()
    alone = all(not lines[near].strip() for near in (number - 1, number + 1) if 0 <= near < len(lines))
    return (
        alone
        and len(line) < MAX_LENGTH
        and not line[0].isspace()
        and len(line.split()) > 2
        and not any(rule.match(line) for rule in (_BULLET, _COMMAND))
        and not _SENTENCE_END.search(line)
        and not is_label(line)
    )
