"""A text as error signatures are looked for in it: without what wrapping, quoting and escaping put between letters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property

__all__ = ["MAX_PLACES", "SqueezedText", "places", "squeezed"]

MAX_PLACES = 200
"""How often a signature is tried in a text: enough for a log, and a bound on what a hostile paste costs."""

# White space, the quotes and backslashes that YAML, JSON and shells double, the marks of quoted lines and of tables.
_IGNORED = "'`\\>|│"
_KEPT = re.compile(rf"[^\s{re.escape(_IGNORED)}]+")
_CUT_OFF = re.compile(r"[\"'`)\]}\\,;*_ \t]*(?:\.{2}|\n|$)")
_STOPS = re.compile(r"[\"'`)\]}., \t]*(?:[\n:;(\[{]|$)")
_AROUND = 8
_QUOTE = 200


def squeezed(text: str) -> str:
    """Return the letters of ``text`` that count, casefolded."""
    text = "".join(text.casefold().split())
    for character in _IGNORED:
        text = text.replace(character, "")
    return text


def places(letters: str, part: str) -> Iterator[int]:
    """Yield where ``part`` stands in ``letters``: the first MAX_PLACES places."""
    at = letters.find(part)
    for _ in range(MAX_PLACES):
        if at < 0:
            return
        yield at
        at = letters.find(part, at + 1)


class SqueezedText:
    """``letters`` are the squeezed text; every place below is a place in them."""

    def __init__(self, text: str) -> None:
        self._plain = text.casefold()
        self.letters = squeezed(text)

    def touched(self, start: int, end: int, *, dots: bool) -> tuple[bool, bool]:
        """Whether further letters touch the text from ``start`` to ``end`` at its start and at its end.

        ``dots`` tells whether a dot between letters continues a word (it does in a code).
        """
        first, last = self._plain_place(start), self._plain_place(end - 1)
        before, after = self._plain[max(0, first - 2) : first], self._plain[last + 1 : last + 3]
        joints = "_-." if dots else "_-"
        return (
            bool(before) and (_is_letter(before[-1]) or (before[-1] == "_" and _is_letter(before[0]))),
            bool(after) and (_is_letter(after[0]) or (after[0] in joints and len(after) > 1 and _is_letter(after[1]))),
        )

    def cut_off_at(self, end: int) -> bool:
        """Whether the text breaks off before the letter ``end``: at the end of a line, of the text, at an ellipsis."""
        return bool(_CUT_OFF.match(self._plain, self._plain_place(end - 1) + 1))

    def stops_at(self, end: int) -> bool:
        """Whether a line or a clause ends before the letter ``end``."""
        return bool(_STOPS.match(self._plain, self._plain_place(end - 1) + 1))

    def is_torn_off_at(self, start: int) -> bool:
        """Whether an ellipsis stands before the letter ``start``."""
        return self.letters[max(0, start - 3) : start].removesuffix('"').endswith("..")

    def sets_in_at(self, start: int) -> bool:
        """Whether the text sets in with the letter ``start``: at its beginning or a line's, or behind an ellipsis."""
        if start == 0 or self.is_torn_off_at(start):
            return True
        return "\n" in self._plain[self._plain_place(start - 1) + 1 : self._plain_place(start)]

    def line_ends(self, start: int, end: int) -> list[int]:
        """The places from ``start`` (at least 1) to ``end`` where a line ends, or the text, or first a quotation."""
        quote = self.letters.find('"', start, end)
        found = [quote] if quote >= 0 else []
        plain = self._plain.find("\n", self._plain_place(start - 1) + 1)
        while plain >= 0 and (place := self._place(plain)) <= end and place < len(self.letters):
            found.append(place)
            plain = self._plain.find("\n", self._plain_place(place))
        if len(self.letters) <= end:
            found.append(len(self.letters))
        return found

    def blanks(self, start: int, end: int) -> int:
        """How many times words are set apart, but by a line's end, between ``start`` and ``end``."""
        lines = self._plain[self._plain_place(start) : self._plain_place(end - 1) + 1].split("\n")
        return sum(max(0, len(line.split()) - 1) for line in lines)

    def is_all(self, start: int, end: int) -> bool:
        """Whether the text has letters and digits from ``start`` to ``end`` only."""
        around = self.letters[:start] + self.letters[end : end + _AROUND] if start < _AROUND else "a"
        return not any(letter.isalnum() for letter in around)

    def is_quoted(self, start: int) -> bool:
        """Whether a quotation mark opens before the letter ``start``."""
        return self.letters[start - 1 : start] == '"'

    def ends_a_quote(self, start: int, end: int) -> bool:
        """Whether a quotation that opened at the letter ``start``, or shortly before, closes before ``end``."""
        return self.letters[end : end + 1] == '"' and self.letters.find('"', max(0, start - _QUOTE), start) >= 0

    def is_torn(self, start: int, end: int) -> bool:
        """Whether a quotation mark opens before the letter ``start`` and none closes before the letter ``end``."""
        return self.is_quoted(start) and self.letters[end : end + 1] != '"'

    @cached_property
    def _pieces(self) -> tuple[list[int], list[int]]:
        """Where the runs of letters that count begin: in the plain text, and among the letters."""
        plain: list[int] = []
        places: list[int] = []
        place = 0
        for match in _KEPT.finditer(self._plain):
            plain.append(match.start())
            places.append(place)
            place += match.end() - match.start()
        return plain, places

    def _plain_place(self, place: int) -> int:
        plain, places = self._pieces
        piece = bisect_right(places, place) - 1
        return plain[piece] + place - places[piece]

    def _place(self, plain_place: int) -> int:
        plain, places = self._pieces
        piece = bisect_right(plain, plain_place) - 1
        if piece < 0:
            return 0
        following = places[piece + 1] if piece + 1 < len(places) else len(self.letters)
        return min(places[piece] + plain_place - plain[piece], following)


def _is_letter(character: str) -> bool:
    # Chinese is written without blanks: what stands beside a code is no part of it.
    return character.isascii() and character.isalnum()
