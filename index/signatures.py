"""Finds the FAQ's literal error texts in a question or a paste, however wrapped, cut or escaped.

A text that differs from a signature by one token is another error. It is reported as a *look-alike*, so that it is not
answered as if it were the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from corpus import Corpus, Signature
from corpus.signature import MASKS

__all__ = ["SignatureHit", "SignatureMatcher"]

MIN_SHARE = 0.55
"""How much of a signature's letters a cut text has to hold; one cut to 60 % does, whatever its masks stand for."""

MIN_CUT_LETTERS = 9
MIN_LOOK_ALIKE_WORDS = 4
MAX_TYPOS = 2

_MASK = re.compile(r"<([a-z]+)>")
_QUOTE_PREFIX = re.compile(r"\n[ \t]*(?:>[ \t]*)+")
_CUT_END = re.compile(r"[\"'`)\]}\\,;]*\s*(?:\.{2,}|\n|$)")
_CUT_START = re.compile(r"(?:^|\n|\.{2,}|[\"'`(\[])\s*$")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_VARIABLE = re.compile(r".*\d.*", re.S)
_CODE = re.compile(r"[A-Z]\w+(?:\.[A-Z]\w+)+")
_FILLERS = frozenset("a an any are more is of still that the was were with yet".split())


@dataclass(frozen=True, slots=True)
class SignatureHit:
    """A signature found in a text.

    ``entries`` are the ids it points to. ``share`` is how much of it stood there: 1.0 all of it, less when the text
    was cut, 0.0 for a look-alike.
    """

    signature: str
    entries: tuple[str, ...]
    share: float


class _Text:
    """A text as it is matched: without white space, knowing where each letter stood."""

    def __init__(self, text: str) -> None:
        self.plain = _QUOTE_PREFIX.sub("\n", text)
        self.squeezed = "".join(self.plain.split()).lower()

    @cached_property
    def _places(self) -> list[int]:
        return [
            place
            for place, letter in enumerate(self.plain)
            if not letter.isspace()
            for _ in letter.lower()
        ]

    def before(self, at: int) -> str:
        """What stands before the letter ``at``, up to a few letters."""
        place = self._places[at]
        return self.plain[max(0, place - 8) : place]

    def after(self, at: int) -> str:
        """What stands behind the letter before ``at``, up to a few letters."""
        place = self._places[at - 1] + 1
        return self.plain[place : place + 8]

    @cached_property
    def words(self) -> list[str]:
        """The words, without those that vary from case to case."""
        return _words(self.plain)


class SignatureMatcher:
    """Looks for all signatures of a corpus at once.

    ``signatures`` maps each signature, as written, to the ids of the entries it points to.
    """

    def __init__(self, signatures: Mapping[str, Sequence[str]]) -> None:
        self._entries = {text: tuple(ids) for text, ids in signatures.items()}
        self._signatures = [Signature.compile(text) for text in self._entries]
        self._vocabulary = [_words(_MASK.sub(" ", signature.text)) for signature in self._signatures]

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Return a matcher for the signatures of all entries."""
        owners: dict[str, list[str]] = {}
        for entry in corpus.entries:
            for signature in entry.signatures:
                owners.setdefault(signature, []).append(entry.id)
        return cls(owners)

    def find(self, text: str) -> list[SignatureHit]:
        """Return the signatures in ``text`` (normalised): whole ones, then cut ones; look-alikes only without either.

        A signature that is part of a longer one found is left out.
        """
        read = _Text(text)
        hits: list[SignatureHit] = []
        for signature in self._signatures:
            if share := _share(signature, read):
                hits.append(SignatureHit(signature.text, self._entries[signature.text], share))
        hits.sort(key=lambda hit: (-hit.share, -len(hit.signature)))
        kept = [
            hit
            for at, hit in enumerate(hits)
            if not any(hit.signature.lower() in longer.signature.lower() for longer in hits[:at])
        ]
        return kept or list(self._look_alikes(read))

    def _look_alikes(self, read: _Text) -> Iterator[SignatureHit]:
        present = set(read.words)
        codes = [code.lower().split(".") for code in _CODE.findall(read.plain)]
        for signature, words in zip(self._signatures, self._vocabulary, strict=True):
            if _CODE.fullmatch(signature.text):
                parts = signature.text.lower().split(".")
                found = any(set(code) & set(parts) and code != parts for code in codes)
            else:
                found = (
                    len(words) >= MIN_LOOK_ALIKE_WORDS
                    and sum(word in present for word in words) >= len(words) - 1
                    and _one_word_off(words, read.words)
                )
            if found:
                yield SignatureHit(signature.text, self._entries[signature.text], 0.0)


def _share(signature: Signature, read: _Text) -> float:
    """How much of ``signature`` stands in the text: 1.0, less when it is cut at its end or start, 0.0 for nothing."""
    parts = signature.parts
    if signature.anchor in read.squeezed:
        for match in re.finditer(signature.pattern, read.squeezed):
            if _stands_alone(parts, read, match):
                return 1.0
    letters = sum(len(part) for part in parts if not _MASK.fullmatch(part))
    needed = max(MIN_CUT_LETTERS, MIN_SHARE * letters)
    held = max(_cut_end(parts, read, needed), _cut_start(parts, read, needed))
    return held / letters if needed <= held < letters else 0.0


def _stands_alone(parts: Sequence[str], read: _Text, match: re.Match[str]) -> bool:
    """Whether no further letters touch the match: ``IpNotEnoughX`` is another word."""
    if not _MASK.fullmatch(parts[0]) and parts[0][0].isalnum():
        before = read.before(match.start())
        if before and (before[-1].isalnum() or before[-1] in "_"):
            return False
    if not _MASK.fullmatch(parts[-1]) and parts[-1][-1].isalnum():
        after = read.after(match.end())
        if after and (after[0].isalnum() or after[0] in "_" or (after[0] in ".-" and after[1:2].isalnum())):
            return False
    return True


def _pattern(parts: Sequence[str]) -> str:
    return "".join(MASKS[mask[1]] if (mask := _MASK.fullmatch(part)) else re.escape(part) for part in parts)


def _literal_length(parts: Sequence[str]) -> int:
    return sum(len(part) for part in parts if not _MASK.fullmatch(part))


def _cut_end(parts: Sequence[str], read: _Text, needed: float) -> int:
    """How many letters of the signature's beginning stand in the text, where the text then breaks off."""
    first = next(at for at, part in enumerate(parts) if not _MASK.fullmatch(part))
    head = parts[first][: max(5, min(len(parts[first]), int(needed)))]
    best, at = 0, read.squeezed.find(head)
    while at >= 0:
        for whole in range(len(parts), first - 1, -1):
            match = re.compile(_pattern(parts[first:whole])).match(read.squeezed, at)
            if match is None:
                continue
            end, held = match.end(), _literal_length(parts[first:whole])
            if whole < len(parts) and not _MASK.fullmatch(parts[whole]):
                common = _common_prefix(parts[whole], read.squeezed[end : end + len(parts[whole])])
                end, held = end + common, held + common
            elif whole < len(parts):
                rest = re.compile(r"[\w.:*/-]*").match(read.squeezed, end)
                end = rest.end() if rest else end
            if held >= needed and _CUT_END.match(read.after(end)):
                best = max(best, held)
            break
        at = read.squeezed.find(head, at + 1)
    return best


def _cut_start(parts: Sequence[str], read: _Text, needed: float) -> int:
    """How many letters of the signature's end stand in the text, which begins in the middle of it."""
    if _MASK.fullmatch(parts[-1]) and len(parts) < 2:
        return 0
    tail = parts[-1] if not _MASK.fullmatch(parts[-1]) else parts[-2]
    if tail[-max(5, min(len(tail), int(needed))) :] not in read.squeezed:
        return 0
    for whole in range(1, len(parts) + 1):
        behind = parts[whole:]
        literal = parts[whole - 1]
        if _MASK.fullmatch(literal):
            continue
        for match in re.finditer(_pattern(behind), read.squeezed) if behind else [None]:
            start = match.start() if match else read.squeezed.rfind(literal[-5:]) + len(literal[-5:])
            common = _common_prefix(literal[::-1], read.squeezed[max(0, start - len(literal)) : start][::-1])
            held = common + _literal_length(behind)
            if common and held >= needed and _CUT_START.search(read.before(start - common)):
                return held
    return 0


def _common_prefix(left: str, right: str) -> int:
    return next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))


def _words(text: str) -> list[str]:
    pieces = (piece for word in _WORD.findall(text) for piece in _CAMEL.split(word))
    return [piece.lower() for piece in pieces if not _VARIABLE.fullmatch(piece) or piece.lower() == "ipv6"]


def _one_word_off(words: Sequence[str], text: Sequence[str]) -> bool:
    """Whether ``text`` holds ``words`` with one of them replaced, or one put between, that is neither typo nor filler."""
    size = len(words)
    for at in range(max(0, len(text) - size + 2)):
        if text[at] != words[0] and text[at + 1 : at + 2] != [words[1]]:
            continue
        window = text[at : at + size]
        different = [(a, b) for a, b in zip(words, window, strict=False) if a != b]
        if len(window) == size and len(different) == 1:
            return not _typo(*different[0])
        longer = text[at : at + size + 1]
        for gap in range(1, size):
            if [*longer[:gap], *longer[gap + 1 :]] == list(words):
                return longer[gap] not in _FILLERS
    return False


def _typo(left: str, right: str) -> bool:
    """Whether two words are the same but for a slip of the keyboard (edit distance up to 2 in words of 4 and more)."""
    if min(len(left), len(right)) < 4 or abs(len(left) - len(right)) > MAX_TYPOS:
        return False
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1] <= MAX_TYPOS
