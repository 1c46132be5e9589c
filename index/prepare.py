"""Prepares normalised text for the encoder: noise out, Chinese into English words, long pastes cut to what tells."""

from __future__ import annotations

import re
from collections.abc import Mapping

from index.analysis import terms

__all__ = ["MAX_ENCODED_CHARACTERS", "EncoderText"]

MAX_ENCODED_CHARACTERS = 700
"""About what the encoder's 256 word pieces hold of a paste; more is cut to the lines that tell most."""

_READ_CHARACTERS = 120_000
_READ_LINES = 3_000
_CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")
_SPACES = re.compile(r"\s+")
_WIDE_PUNCTUATION = str.maketrans({"，": ", ", "。": ". ", "？": "? ", "！": "! ", "、": ", ", "：": ": ", "；": "; "})
_NOISE = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b", re.I), " "),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), " "),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b|\b[IWEF]\d{4}\s"), " "),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b", re.I), " MAC "),
    (
        re.compile(
            r"(?<![\w:])(?:(?:[0-9a-f]{1,4}:){2,7}(?::?[0-9a-f]{1,4})?|(?:[0-9a-f]{1,4}:)+:[0-9a-f:]*)(?:/\d+)?(?!\w)",
            re.I,
        ),
        " IPv6address ",
    ),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b"), " IPaddress "),
    (re.compile(r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b", re.I), " "),
    (re.compile(r"[-=_*#]{3,}"), " "),
)


class EncoderText:
    """Turns a normalised question into what the encoder reads.

    ``glossary`` maps Chinese terms to English words, ``weights`` index terms to how telling they are.
    """

    def __init__(self, glossary: Mapping[str, str], weights: Mapping[str, float]) -> None:
        self._glossary = glossary
        self._weights = weights
        words = sorted(glossary, key=len, reverse=True)
        self._chinese_terms = re.compile("|".join(map(re.escape, words))) if words else None

    def __call__(self, text: str) -> str:
        """Return at most a few hundred characters of English that say what ``text`` says."""
        if len(text) > MAX_ENCODED_CHARACTERS:
            text = self._condense(text)
        for pattern, replacement in _NOISE:
            text = pattern.sub(replacement, text)
        return _SPACES.sub(" ", self.translate(text)).strip()

    def translate(self, text: str) -> str:
        """Replace Chinese terms by English words, the longest first; what the glossary lacks goes."""
        if self._chinese_terms is None or not _CHINESE.search(text):
            return text
        text = self._chinese_terms.sub(lambda match: f" {self._glossary[match[0]]} ", text)
        return _CHINESE.sub(" ", text).translate(_WIDE_PUNCTUATION)

    def _condense(self, text: str) -> str:
        """Keep, in their order, the lines that add most telling terms to those kept already (greedy cover)."""
        lines: dict[str, frozenset[str]] = {}
        for line in text[:_READ_CHARACTERS].split("\n")[:_READ_LINES]:
            for piece in _pieces(line.strip()):
                if piece and piece not in lines:
                    lines[piece] = frozenset(term for term in terms(piece) if term in self._weights)
        kept: set[str] = set()
        covered: set[str] = set()
        room = MAX_ENCODED_CHARACTERS
        remaining = {line: found for line, found in lines.items() if found}
        while remaining and room > 0:
            line = max(remaining, key=lambda line: self._gain(remaining[line] - covered, len(line)))
            if not remaining[line] - covered:
                break
            covered |= remaining.pop(line)
            if len(line) <= room:
                kept.add(line)
                room -= len(line) + 1
        return "\n".join(line for line in lines if line in kept) or text[:MAX_ENCODED_CHARACTERS]

    def _gain(self, new: frozenset[str], length: int) -> float:
        # A long line that tells as much as a short one leaves less room for others; the root keeps sentences alive.
        return sum(self._weights[term] for term in new) / max(length, 20) ** 0.5


def _pieces(line: str) -> list[str]:
    if len(line) <= MAX_ENCODED_CHARACTERS // 2:
        return [line]
    size = MAX_ENCODED_CHARACTERS // 2
    return [line[at : at + size] for at in range(0, len(line), size)]
