"""Tells a foreign error that differs from a known one by one word, another or one more, from the known one.

What differs in a function word, an ending or a slip of the keyboard is the same error told in other words, and no
look-alike. As short signatures are made of everyday words, only what stands alone like a message counts for them, or
what a sentence tells of with a word that nobody uses who tells of the known errors.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from index.phrases import FUNCTION_WORDS, MIN_COMMON, Phrase, resembling, vocabulary
from index.slips import is_slip

__all__ = ["LookAlikes"]

MAX_CHARACTERS = 200_000
MAX_CODE = 100

COMMON = 0.5
"""A word that occurs in the texts of so large a share of the entries is an everyday one."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DOTTED = re.compile(r"[A-Z]\w+(?:\.[A-Z]\w+)+")
_WORD = re.compile(r"ipv[46]|[a-z]+")


class _Identifier:
    """A word that is or may be a code: its ``parts`` (``Ip``, ``Not``, ``Enough``), and its ``pieces`` between dots."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = tuple(map(str.lower, _PART.findall(text)))
        self.pieces = tuple(text.lower().split("."))


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A signature, the words of it that say something, and how many of them a text that resembles it has at least."""

    form: _Identifier | Phrase
    telling: frozenset[str]
    needed: int

    @classmethod
    def of(cls, signature: str) -> _Known | None:
        """Return None for a signature that is too short to be compared word by word."""
        if not _IDENTIFIER.fullmatch(signature):
            phrase = Phrase(signature)
            return cls(phrase, phrase.telling, len(phrase.telling) - 1) if phrase.comparable else None
        code = _Identifier(signature)
        if _DOTTED.fullmatch(signature):
            return cls(code, frozenset(code.pieces), 1)
        telling = frozenset(code.parts) - FUNCTION_WORDS
        return cls(code, telling, len(telling) - 1) if len(telling) > MIN_COMMON else None


class LookAlikes:
    """Compares texts with all signatures at once.

    ``signatures`` maps each to the entries it points to. ``texts`` are those of an entry each, which tell of its errors
    in many words; they are read when it matters for the first time.
    """

    def __init__(
        self, signatures: Mapping[str, Sequence[str]], texts: Callable[[], Iterable[tuple[str, str]]] = tuple
    ) -> None:
        self._entries = signatures
        self._texts = texts
        self._having: dict[str, list[_Known]] = defaultdict(list)
        for known in filter(None, map(_Known.of, signatures)):
            for word in known.telling:
                self._having[word].append(known)

    @cached_property
    def _vocabularies(self) -> dict[str, frozenset[str]]:
        """The words in which people tell of an entry's errors; those of every kind of trouble go with each."""
        texts: dict[str, list[str]] = defaultdict(list)
        for entry, text in self._texts():
            texts[entry].append(text)
        words = {entry: vocabulary(told) for entry, told in texts.items()}
        counts = Counter(word for own in words.values() for word in own)
        common = frozenset(word for word, count in counts.items() if count >= COMMON * len(words))
        return {entry: own | common for entry, own in words.items()}

    def _known(self, signature: str) -> frozenset[str]:
        return frozenset().union(*(self._vocabularies.get(entry, ()) for entry in self._entries[signature]))

    def find(self, text: str) -> list[str]:
        """Return the signatures that something in ``text``, which holds none of them, differs from by one word.

        Only the beginning of a paste of hundreds of pages is read.
        """
        text = text[:MAX_CHARACTERS]
        identifiers = list(_identifiers(text))
        words = set(_WORD.findall(text.lower()))
        words.update(part for identifier in identifiers for part in (*identifier.parts, *identifier.pieces))
        counts = Counter(known for word in words & self._having.keys() for known in self._having[word])
        near = [known.form for known, count in counts.items() if count >= known.needed]
        codes = [code for code in near if isinstance(code, _Identifier)]
        phrases = [phrase for phrase in near if isinstance(phrase, Phrase)]
        found = {code.text for code in codes if any(_resembles(other, code) for other in identifiers)}
        return sorted(found.union(resembling(text, phrases, self._known) if phrases else ()))


def _identifiers(text: str) -> Iterator[_Identifier]:
    """Yield each word of ``text`` that has more parts than one."""
    for word in set(_IDENTIFIER.findall(text)):
        plain = word.isalnum() and (word[1:].islower() or word.isdigit())
        if not plain and len(word) <= MAX_CODE:
            yield _Identifier(word)


def _resembles(other: _Identifier, code: _Identifier) -> bool:
    if _DOTTED.fullmatch(code.text):
        # One piece alone, and the beginning of all of it, is the same code in short.
        near = len(other.pieces) > 1 and not {*other.pieces}.isdisjoint(code.pieces)
        return near and not code.text.lower().startswith(other.text.lower()) and not _same(other.pieces, code.pieces)
    different = [pair for pair in zip(other.parts, code.parts, strict=False) if pair[0] != pair[1]]
    return len(other.parts) == len(code.parts) and len(different) == 1 and not is_slip(*different[0])


def _same(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two codes differ in slips of the keyboard only."""
    return len(left) == len(right) and all(a == b or is_slip(a, b) for a, b in zip(left, right, strict=True))
