"""Lexical analysis: what counts as a term in questions and entries, English, Chinese and identifiers."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["character_ngrams", "terms", "tokens"]

_TOKEN = re.compile(r"[a-z0-9]+(?:[._/'-][a-z0-9]+)*|[\u3400-\u4dbf\u4e00-\u9fff]+", re.IGNORECASE)
_SPLIT = re.compile(r"[._/'-]")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")
_PLURAL = re.compile(r"[A-Z]{2,}s")
_MAX_TERM = 64
_VARIABLE = re.compile(
    r"\d[\d.:/-]*|[0-9a-f]{8,}|(?=\w*\d\w*\d\w*\d)[a-z0-9]{8,}"  # numbers, addresses, dates; hashes; instance ids
)
_STOP_WORDS = """
    a an and are as at be been but by can could did do does for from had has have how i if in into is it
    its may me my of on or our so that the their them then there these they this to us was we were what
    when where which who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())
_MIN_GRAM, _MAX_GRAM = 3, 5


def terms(text: str) -> list[str]:
    """Return the index terms of ``text``, repeated as often as they occur.

    Words are lower-cased and lose a plural s; an identifier counts whole and in its parts (dots, dashes, underscores
    and camel case); Chinese counts in overlapping pairs of characters; what varies from case to case (addresses,
    hashes, numbers) does not count, nor does what is too long for a word.
    """
    found: list[str] = []
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token[0] >= "\u3400":
            found += [token[at : at + 2] for at in range(max(1, len(token) - 1))]
            continue
        whole = token.lower() if len(token) <= _MAX_TERM else ""
        if not _VARIABLE.fullmatch(whole):
            parts = [part for piece in _SPLIT.split(token) for part in _CAMEL.split(piece)]
            if len(parts) > 1 and whole:
                found.append(whole)
            found += [term for part in parts if (term := _word(part))]
    return found


def _word(word: str) -> str | None:
    lower = (word[:-1] if _PLURAL.fullmatch(word) else word).lower()
    if lower in _STOP or len(lower) > _MAX_TERM or (_VARIABLE.fullmatch(lower) and len(lower) > 2):
        return None
    if len(lower) > 3 and lower.endswith("s") and not lower.endswith(("ss", "us", "is")):
        return lower[:-1]
    return lower


def tokens(text: str) -> list[str]:
    """Return the words, identifiers and Chinese runs of ``text`` in order."""
    return _TOKEN.findall(text)


def character_ngrams(token: str) -> Iterator[str]:
    """Yield the character 3- to 5-grams of a lower-case token, its ends marked; a typo leaves most of them alone.

    Of a Chinese run it yields single characters, pairs and triples; of a stop word or what varies from case to case
    nothing.
    """
    if token[0] >= "\u3400":
        yield from (token[at : at + size] for size in (1, 2, 3) for at in range(len(token) - size + 1))
    elif not _VARIABLE.fullmatch(token) and token not in _STOP:
        padded = f" {token} "
        for size in range(_MIN_GRAM, _MAX_GRAM + 1):
            yield from (padded[at : at + size] for at in range(len(padded) - size + 1))
