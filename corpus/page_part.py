"""A page as parts: a heading and what stands below it, whatever the page was saved as."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["MAX_HEADING", "Heading", "Part", "cut"]

MAX_HEADING = 300
"""Characters; what is longer is no heading."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's level (1 to 6), the line it begins on (from 1) and its words."""

    level: int
    line: int
    words: str


@dataclass(frozen=True, slots=True)
class Part:
    """What stands between one heading and the next, up to and including ``last_line``."""

    heading: Heading
    last_line: int
    text: str


def cut(lines: Sequence[str], headings: Sequence[Heading]) -> list[Part]:
    """Cut ``lines`` at ``headings``, which are in reading order."""
    following = [heading.line for heading in headings[1:]] + [len(lines) + 1]
    return [
        Part(heading, after - 1, "\n".join(lines[heading.line : after - 1]))
        for heading, after in zip(headings, following, strict=False)
    ]
