"""Words that are the same but for a slip of the keyboard."""

from __future__ import annotations

import re

__all__ = ["distance", "is_slip"]

_ENDINGS = re.compile(r"(?:ing|ed|es|s|e|d)$")
_DIGITS = re.compile(r"\d+")
_MIN_SHORT_FORM = 3
_MIN_LETTERS = 4
_LONG = 8
"""In words of so many letters two slips are forgiven, otherwise one."""


def is_slip(left: str, right: str) -> bool:
    """Whether two lower-case words are the same but for what one leaves out, an ending or a slip of the keyboard.

    Short words, first letters and digits leave no room for slips: ``eni`` and ``eip``, ``ipv4`` and ``ipv6`` differ.
    """
    if min(len(left), len(right)) >= _MIN_SHORT_FORM and (left.startswith(right) or right.startswith(left)):
        return True
    if (
        left[:1] != right[:1]
        or min(len(left), len(right)) < _MIN_LETTERS
        or _DIGITS.findall(left) != _DIGITS.findall(right)
    ):
        return False
    if _ENDINGS.sub("", left) == _ENDINGS.sub("", right):
        return True
    return distance(left, right) <= (1 if min(len(left), len(right)) < _LONG else 2)


def distance(left: str, right: str) -> int:
    """Return how many letters are wrong, missing, too many or swapped (optimal string alignment distance)."""
    before, above = [0], list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b)))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], before[j - 2] + 1)
        before, above = above, row
    return above[-1]
