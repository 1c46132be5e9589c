"""Finds runs of words that the corpus shares with a published edition."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

__all__ = ["MAX_SHARED_WORDS", "SharedRun", "WordIndex"]

MAX_SHARED_WORDS = 11
"""The longest run of words that may stand in an edition too; commands and literal errors aside."""

_WORD = re.compile(r"\w+(?:[%./-]+\w+)*")
_ASIDE = ""
"""Stands for a word of a literal: it is no word of any edition, so no run goes across it."""


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


@dataclass(frozen=True, slots=True)
class SharedRun:
    """A run of words that stands in both texts."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{len(self.words)} words in a row as in the edition: '{' '.join(self.words)}'"


class WordIndex:
    """All runs of twelve words in an edition, for looking them up.

    ``literals`` are texts that anyone may repeat, such as error messages; their words never count.
    """

    def __init__(self, texts: Iterable[str], literals: Iterable[str] = ()) -> None:
        self._size = MAX_SHARED_WORDS + 1
        self._runs: set[tuple[str, ...]] = set()
        for text in texts:
            words = _words(text)
            self._runs.update(tuple(words[at : at + self._size]) for at in range(len(words) - self._size + 1))
        self._literals: defaultdict[str, list[list[str]]] = defaultdict(list)
        for words in filter(None, map(_words, literals)):
            self._literals[words[0]].append(words)

    def shared(self, text: str) -> Iterator[SharedRun]:
        """Yield every longest run of twelve or more words that ``text`` shares with the edition."""
        words = self._set_aside(_words(text))
        start: int | None = None
        for at in range(len(words) - self._size + 2):
            run = tuple(words[at : at + self._size])
            if len(run) == self._size and run in self._runs:
                start = at if start is None else start
            elif start is not None:
                yield SharedRun(tuple(words[start : at + self._size - 1]))
                start = None

    def _set_aside(self, words: list[str]) -> list[str]:
        left = list(words)
        for at, word in enumerate(words):
            for literal in self._literals.get(word, ()):
                if words[at : at + len(literal)] == literal:
                    left[at : at + len(literal)] = [_ASIDE] * len(literal)
        return left
