"""An error signature, prepared for being looked for in squeezed text: as a whole, cut at its end or at its start."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from functools import cached_property
from itertools import islice

from corpus import Signature
from corpus.signature import MASKS
from index.squeezed import SqueezedText, squeezed

__all__ = ["REACH", "SignatureText", "squeezed_pattern"]

LEAST_SHARE = 0.5
"""How much of a signature a cut text has to hold: what is left of 60 % when blanks and masks do not count."""

LEAST_LETTERS = 6
REACH = 400
"""How far from one literal of a signature the others are looked for, in letters."""

_HEAD = 6
_ACCIDENT = 2
_LINES_OF_A_MASK = 8
_MASK = re.compile(r"<([a-z]+)>")
_WORD = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_CUT_MASK = re.compile(r"[\w.:*/-]*")
_CLOSERS = "\"'`)]}.,;"


class SignatureText:
    """A signature as its literals and the masks between them; masks at its ends say nothing and are left out.

    ``letters`` is how many letters the literals have. ``lead`` stands in every text that holds the signature or enough
    of its beginning, ``tail`` in every one that holds enough of its end (None: its end is too short to tell).
    ``quotes`` tells that it quotes something, ``code`` that it is one word.
    """

    def __init__(self, text: str) -> None:
        """Read a signature; raise corpus.signature.SignatureError when it cannot be read."""
        self.text = text
        parts = [part if _MASK.fullmatch(part) else squeezed(part) for part in Signature.compile(text).parts]
        parts = [part for part in parts if part]
        bare = [at for at, part in enumerate(parts) if not _MASK.fullmatch(part)]
        self.parts = tuple(parts[bare[0] : bare[-1] + 1])
        self.literals = tuple(parts[at] for at in bare)
        self.code = not any(letter.isspace() for letter in text)
        self.quotes = any('"' in literal for literal in self.literals)
        self.letters = sum(map(len, self.literals))
        self.least = max(LEAST_LETTERS, math.ceil(LEAST_SHARE * self.letters))
        self.anchor = max(self.literals, key=len)
        self.head = self.literals[0][:_HEAD]
        self.lead = max(self._needed(), key=len)
        self.tail = self.literals[-1][-self.least :] if len(self.literals[-1]) >= self.least else None
        self.closed_start = bare[0] == 0 and self.literals[0][0].isalnum()
        self.closed_end = bare[-1] == len(parts) - 1 and self.literals[-1][-1].isalnum()

    def _needed(self) -> Iterator[str]:
        left = self.least
        for literal in self.literals:
            if left > 0:
                yield literal[:left]
            left -= len(literal)

    @cached_property
    def _words(self) -> list[tuple[int, int]]:
        """Where its words start and end, counted in letters."""
        found: list[tuple[int, int]] = []
        offset = 0
        for piece in _MASK.split(self.text)[::2]:
            for match in _WORD.finditer(piece):
                start, end = len(squeezed(piece[: match.start()])), len(squeezed(piece[: match.end()]))
                found.append((offset + start, offset + end))
            offset += len(squeezed(piece))
        return found

    def breaks_a_word(self, held: int) -> bool:
        """Whether the signature's first ``held`` letters end within a word."""
        return any(start < held < end for start, end in self._words)

    def words_in(self, held: int) -> int:
        """How many words the signature's first ``held`` letters have."""
        return sum(end <= held for _, end in self._words)

    @cached_property
    def _gaps(self) -> tuple[re.Pattern[str], ...]:
        """What may stand behind each literal but the last."""
        gaps: list[str] = []
        for part in self.parts:
            if mask := _MASK.fullmatch(part):
                gaps[-1] += MASKS[mask[1]]
            else:
                gaps.append("")
        return tuple(re.compile(gap) for gap in gaps[:-1])

    @cached_property
    def _steps(self) -> tuple[re.Pattern[str], ...]:
        """What leads from behind each literal to the end of the next."""
        return tuple(
            re.compile(gap.pattern + re.escape(literal))
            for gap, literal in zip(self._gaps, self.literals[1:], strict=True)
        )

    @cached_property
    def _whole(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.literals[0]) + "".join(step.pattern for step in self._steps))

    def whole_around(self, letters: str, at: int) -> tuple[int, int] | None:
        """Return start and end of the signature where its anchor stands ``at``; None when the rest is not there."""
        if len(self.literals) == 1:
            return at, at + self.letters
        match = self._whole.search(letters, max(0, at - REACH), at + len(self.anchor) + REACH)
        return match.span() if match else None

    def beginnings(self, read: SqueezedText, at: int) -> Iterator[tuple[int, int]]:
        """Yield how many of its first letters stand at ``at`` and where they end: wherever they might be cut off."""
        first = self.literals[0]
        common = _common_prefix(first, read.letters[at : at + len(first)])
        held, end = common, at + common
        if common < len(first):
            # The next line may by accident go on with the letters that were cut off.
            yield from ((held - more, end - more) for more in range(_ACCIDENT + 1) if held - more >= self.least)
            return
        for gap, step, literal in zip(self._gaps, self._steps, self.literals[1:], strict=True):
            match = step.match(read.letters, end, end + REACH)
            if match is None:
                for more, stop in _within_gap(gap, literal, read, end):
                    if held + more >= self.least:
                        yield held + more, stop
                return
            held, end = held + len(literal), match.end()

    def endings(self, letters: str, end: int) -> Iterator[int]:
        """Yield how many of its last letters, not all, stand before ``end``: wherever the text might set in."""
        last = self.literals[-1]
        common = _common_prefix(last[::-1], letters[max(0, end - len(last)) : end][::-1])
        # The line before may by accident end with the letters that were cut off.
        for held in range(common, max(common - _ACCIDENT, self.least) - 1, -1):
            if held < self.letters:
                yield held


def squeezed_pattern(text: str) -> str:
    """Return a regular expression over squeezed text for a piece of a signature."""
    pieces = _MASK.split(text)
    return "".join(MASKS[piece] if at % 2 else re.escape(squeezed(piece)) for at, piece in enumerate(pieces))


def _within_gap(gap: re.Pattern[str], literal: str, read: SqueezedText, start: int) -> Iterator[tuple[int, int]]:
    """Yield how many letters of ``literal``, which follows a gap, stand before the lines' ends, and where they end."""
    for line_end in islice(read.line_ends(start, start + REACH), _LINES_OF_A_MASK):
        rest = read.letters[start:line_end].rstrip(_CLOSERS)
        stop = start + len(rest)
        if gap.pattern == MASKS["text"]:
            if literal[0] not in rest:
                yield 0, stop
        elif _CUT_MASK.fullmatch(rest) and not (rest and read.blanks(start, stop)):
            yield 0, stop
        for more in range(min(len(literal), len(rest)) - 1, 0, -1):
            if rest.endswith(literal[:more]) and gap.fullmatch(rest[:-more]):
                yield more, stop
                break


def _common_prefix(left: str, right: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
