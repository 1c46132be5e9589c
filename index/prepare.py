"""Prepares normalised text for the encoder: noise out, Chinese into English words, long pastes cut to what tells."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from heapq import heapify, heappop, heapreplace

from index.analysis import terms

__all__ = ["MAX_ENCODED_CHARACTERS", "EncoderText"]

MAX_ENCODED_CHARACTERS = 480
"""About what the encoder's 256 word pieces hold of a paste; more is cut to the lines that tell most."""

_READ_HEAD, _READ_TAIL = 80_000, 40_000
"""What is read of a longer paste: the question stands before or behind it."""

_READ_LINES = 3_000
_LEAST_ROOM = 8
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_BLANKS = re.compile(r"[^\S\n]{2,}")
_WIDE_PUNCTUATION = str.maketrans({"，": ", ", "。": ". ", "？": "? ", "！": "! ", "、": ", ", "：": ": ", "；": "; "})
_DIGIT = re.compile(r"\d")
_NOISE = (  # what a text needs to hold for it to be worth a look, what goes, what comes in its place
    ("0", re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.IGNORECASE), " "),
    ("0", re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), " "),
    ("0", re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b|\b[IWEF]\d{4}\s"), " "),
    (":", re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.IGNORECASE), " MAC "),
    (
        ":",
        re.compile(
            r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})?|(?:[0-9a-f]{1,4}:)+:[0-9a-f:]*)(?:/\d+)?(?!\w)",
            re.IGNORECASE,
        ),
        " IPv6address ",
    ),
    ("0", re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b"), " IPaddress "),
    ("0", re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.IGNORECASE), " "),
    ("", re.compile(r"[-=_*#]{3,}"), " "),
)


class EncoderText:
    """Turns a normalised question into what the encoder reads.

    ``glossary`` maps Chinese terms to English words, ``weights`` index terms to how telling they are.
    """

    def __init__(self, glossary: Mapping[str, str], weights: Mapping[str, float]) -> None:
        self._glossary = glossary
        self._weights = weights
        lengths: dict[str, set[int]] = defaultdict(set)
        for term in glossary:
            lengths[term[0]].add(len(term))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}
        self._first = re.compile(f"[{re.escape(''.join(lengths))}]") if lengths else None

    def __call__(self, text: str) -> str:
        """Return at most MAX_ENCODED_CHARACTERS of English that say what ``text`` says."""
        if len(text) > _READ_HEAD + _READ_TAIL:
            text = f"{text[:_READ_HEAD]}\n{text[-_READ_TAIL:]}"
        text = self.translate(_without_noise(text))
        if len(text) > MAX_ENCODED_CHARACTERS:
            text = self._condense(_BLANKS.sub(" ", text))
        return " ".join(text.split())

    def translate(self, text: str) -> str:
        """Replace Chinese terms by English words, the longest first; what the glossary lacks goes."""
        if self._first is None or not _CHINESE.search(text):
            return text
        pieces: list[str] = []
        done = 0
        for match in self._first.finditer(text):
            at = match.start()
            if at < done:
                continue
            for length in self._lengths[match[0]]:
                if (words := self._glossary.get(text[at : at + length])) is not None:
                    pieces += (text[done:at], words)
                    done = at + length
                    break
        pieces.append(text[done:])
        return _CHINESE.sub(" ", " ".join(pieces)).translate(_WIDE_PUNCTUATION)

    def _condense(self, text: str) -> str:
        """Keep, in their order, the lines that add most telling terms to those kept already (greedy cover)."""
        lines = list(dict.fromkeys(piece for line in text.split("\n") for piece in _pieces(line.strip())))[:_READ_LINES]
        found = [frozenset(term for term in terms(line) if term in self._weights) for line in lines]
        kept: set[int] = set()
        covered: set[str] = set()
        room = MAX_ENCODED_CHARACTERS
        # What a line adds never grows, so a line that is still the best when weighed anew is the best of all.
        heap = [
            (-self._gain(terms_, len(line)), at) for at, (line, terms_) in enumerate(zip(lines, found, strict=True))
        ]
        heapify(heap)
        while heap and room > _LEAST_ROOM:
            _, at = heap[0]
            gain = self._gain(found[at] - covered, len(lines[at]))
            if gain <= 0 or len(lines[at]) > room:
                heappop(heap)
            elif len(heap) > 1 and (-gain, at) > min(heap[1:3]):
                heapreplace(heap, (-gain, at))
            else:
                heappop(heap)
                kept.add(at)
                covered |= found[at]
                room -= len(lines[at]) + 1
        return "\n".join(lines[at] for at in sorted(kept)) or text[:MAX_ENCODED_CHARACTERS]

    def _gain(self, new: frozenset[str], length: int) -> float:
        # A long line that tells as much as a short one leaves less room for others; the root keeps sentences alive.
        return sum(self._weights[term] for term in new) / math.sqrt(max(length, 20))


def _without_noise(text: str) -> str:
    holds = {"": True, "0": bool(_DIGIT.search(text)), ":": ":" in text}
    for needed, pattern, replacement in _NOISE:
        if holds[needed]:
            text = pattern.sub(replacement, text)
    return text


def _pieces(line: str) -> Iterator[str]:
    """Yield ``line`` in pieces that leave room for others, cut between words where there are any."""
    size = MAX_ENCODED_CHARACTERS // 2
    while len(line) > size:
        cut = line.rfind(" ", size // 2, size)
        cut = size if cut < 0 else cut
        yield line[:cut]
        line = line[cut:].lstrip()
    if line:
        yield line
