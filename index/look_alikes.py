"""Tells a foreign error that differs from a known one by one word from the known one.

What differs in a function word, an ending or a slip of the keyboard is the same error told in other words, and no
look-alike. As short signatures are made of everyday words, only what stands alone like a message counts for them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

__all__ = ["LookAlikes"]

MIN_TELLING = 3
"""How many words that say something a signature has at least to be compared word by word."""

MIN_WORDS = 4
"""How many words a signature of several words has at least for that."""

SURE = 4
"""With that many telling words in common, a text need not stand alone."""

MAX_PLACES = 200
MAX_CODE = 100

_MASK = re.compile(r"<[a-z]+>")
_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DOTTED = re.compile(r"[A-Z]\w+(?:\.[A-Z]\w+)+")
_RUN = re.compile(r"[^\s\"`()\[\]{}<>,;:=|]+")
_LETTERS = re.compile(r"[A-Z]+[a-z]*|[a-z]+")
_WORD = re.compile(rf"(?:{_LETTERS.pattern})(?:'[a-z]+)?|[^\W\d_a-zA-Z]+")
_BEFORE = re.compile(r"(?:^|[\n:;=,\"'`(\[{|>\]]|[ \t]{2}|\t|[\dZ]|\b[A-Z]{4,})[ \t]*$")
_BEHIND = re.compile(r"[\"'`)\]}]*(?:[ \t]*(?:$|[\n.,;:!|({\[]|=)|[ \t]{2})")
_ENDINGS = re.compile(r"(?:ing|ed|es|s|e|d)$")
_FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a all an and any are as at be because been but by can could did do does for from had has have if in into is "
        "it its more no not now of on or so still than that the then there these they this to was were when which will "
        "with would yet",
    )
)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text, lower-case, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A signature as its ``words``, of which ``telling`` say something.

    A text that holds fewer than ``needed`` of the latter does not resemble it. ``dotted`` are a dotted code's parts.
    """

    signature: str
    words: tuple[str, ...]
    telling: frozenset[str]
    needed: int
    code: bool
    dotted: tuple[str, ...] = ()

    @classmethod
    def of(cls, signature: str) -> _Known:
        code = bool(_IDENTIFIER.fullmatch(signature))
        words = _parts(signature) if code else tuple(word.text for word in _words(_MASK.sub(" 0 ", signature)))
        dotted = tuple(signature.lower().split(".")) if _DOTTED.fullmatch(signature) else ()
        telling = frozenset(words) - _FUNCTION_WORDS
        return cls(signature, words, frozenset(dotted) or telling, 1 if dotted else len(telling) - 1, code, dotted)

    @property
    def comparable(self) -> bool:
        enough = len(self.telling) >= MIN_TELLING and (self.code or len(self.words) >= MIN_WORDS)
        return bool(self.dotted) or enough


@dataclass(frozen=True, slots=True)
class _Code:
    """A word of a text that may be a code: its parts, and its pieces between dots."""

    parts: tuple[str, ...]
    dotted: tuple[str, ...]


class LookAlikes:
    """Compares texts with all signatures at once."""

    def __init__(self, signatures: Sequence[str]) -> None:
        self._having: dict[str, list[_Known]] = defaultdict(list)
        for known in map(_Known.of, signatures):
            for word in known.telling if known.comparable else ():
                self._having[word].append(known)

    def find(self, text: str) -> list[str]:
        """Return the signatures that something in ``text``, which holds none of them, differs from by one word."""
        codes = list(_codes(text))
        words = set(map(str.lower, _LETTERS.findall(text)))
        words.update(part for code in codes for part in (*code.parts, *code.dotted))
        counts = Counter(known for word in words & self._having.keys() for known in self._having[word])
        near = [known for known, count in counts.items() if count >= known.needed]
        phrases = [known for known in near if not known.code]
        found = {known.signature for known in near if known.code and any(_like_code(code, known) for code in codes)}
        return sorted(found.union(_like_phrases(text, phrases) if phrases else ()))


def _codes(text: str) -> Iterator[_Code]:
    for identifier in set(_IDENTIFIER.findall(text)):
        plain = identifier.isalnum() and (identifier[1:].islower() or identifier.isdigit())
        if not plain and len(identifier) <= MAX_CODE:
            yield _Code(_parts(identifier), tuple(identifier.lower().split(".")))


def _like_code(code: _Code, known: _Known) -> bool:
    if known.dotted:
        # One part alone is the code in short.
        near = len(code.dotted) > 1 and not {*code.dotted}.isdisjoint(known.dotted)
        return near and not _same(code.dotted, known.dotted)
    different = [pair for pair in zip(code.parts, known.words, strict=False) if pair[0] != pair[1]]
    return len(code.parts) == len(known.words) and len(different) == 1 and not _slip(*different[0])


def _like_phrases(text: str, phrases: Sequence[_Known]) -> Iterator[str]:
    words = list(_words(text))
    wanted = frozenset().union(*(known.telling for known in phrases))
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        if word.text in wanted:
            places[word.text].append(place)
    for known in phrases:
        # One of two words is there whichever was replaced, and the rarest leave the fewest places to look at.
        there = [at for at, word in enumerate(known.words) if word in known.telling and word in places]
        rarest = sorted(there, key=lambda at: len(places[known.words[at]]))[:2]
        starts = {place - at for at in rarest for place in islice(places[known.words[at]], MAX_PLACES)}
        if any(_like_phrase(text, words[start : start + len(known.words)], known) for start in starts if start >= 0):
            yield known.signature


def _like_phrase(text: str, window: Sequence[_Word], known: _Known) -> bool:
    """Whether ``window`` is the signature with one of its telling words replaced."""
    if len(window) != len(known.words):
        return False
    different = [at for at, word in enumerate(window) if word.text != known.words[at]]
    if len(different) != 1:
        return False
    left, right = known.words[different[0]], window[different[0]].text
    return (
        not {left, right} & _FUNCTION_WORDS
        and not _slip(left, right)
        and _coherent(text, window, different[0])
        and (len(known.telling) > SURE or _alone(text, window[0].start, window[-1].end))
    )


def _coherent(text: str, window: Sequence[_Word], at: int) -> bool:
    """Whether the replaced word is next to its neighbours: what was left out between them is no part of the message."""
    pairs = zip(window[max(0, at - 1) : at + 1], window[max(1, at) : at + 2], strict=False)
    return at not in (0, len(window) - 1) or all(
        len("".join(text[left.end : right.start].split())) <= 1 for left, right in pairs
    )


def _alone(text: str, start: int, end: int) -> bool:
    """Whether what stands from ``start`` to ``end`` stands alone like a message, not within a sentence."""
    return bool(_BEFORE.search(text[max(0, start - 12) : start]) and _BEHIND.match(text, end))


def _parts(identifier: str) -> tuple[str, ...]:
    return tuple(map(str.lower, _PART.findall(identifier)))


def _words(text: str) -> Iterator[_Word]:
    """Yield the words of ``text``; what has a digit in it varies from case to case and is left out."""
    for run in _RUN.finditer(text):
        if any(map(str.isdigit, run[0])) and run[0].lower() not in ("ipv4", "ipv6"):
            continue
        for match in _WORD.finditer(run[0]):
            word, start, end = match[0].lower(), run.start() + match.start(), run.start() + match.end()
            if word.endswith("n't"):
                yield _Word("can" if word == "can't" else word[:-3], start, end)
                yield _Word("not", start, end)
            else:
                yield _Word(word, start, end)


def _same(left: Sequence[str], right: Sequence[str]) -> bool:
    """Whether two codes differ in slips of the keyboard only."""
    return len(left) == len(right) and all(a == b or _slip(a, b) for a, b in zip(left, right, strict=True))


def _slip(left: str, right: str) -> bool:
    """Whether two words are the same but for an ending or a slip of the keyboard."""
    if left[:1] != right[:1] or min(len(left), len(right)) < 4 or re.sub(r"\D", "", left) != re.sub(r"\D", "", right):
        return False
    if _ENDINGS.sub("", left) == _ENDINGS.sub("", right):
        return True
    return _distance(left, right) <= (1 if min(len(left), len(right)) < 8 else 2)


def _distance(left: str, right: str) -> int:
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
