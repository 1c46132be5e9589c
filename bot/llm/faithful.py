"""Tells whether words of a model add nothing to the text that they are about.

A model may shorten and reorder. What it says has to be made of the words, identifiers, numbers, versions, URLs and
commands of its source, with as many negations; anything else is not shown.
"""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["is_english", "is_extract", "is_rewording"]

_TOKEN = re.compile(r"[^\s`\"“”'‘’(),;!?，。；：、]+")
_NEGATION = re.compile(r"\b(?:not|no|never|none|cannot|without|neither|nor|only|unless|except)\b|n't\b", re.IGNORECASE)
_CODE = re.compile(r"`[^`]*`")
_NUMBER = re.compile(r"\d[\d.]*")
_FEW_WORDS = 6
_CARRYING_NO_FACT = """
a about after all also an and another any are as at be because been before being both but by can could did do does
doing done during each either else first for from further had has have having he here how i if in into is it its
itself just last like made make may me might more most must my need needs next now of off on once one onto or other
our out over own please same should since so some still such than that the their them then there these they this
those through thus to too under until up use used using very was we well were what when where which while who why
will with would yet you your
"""
_FUNCTION_WORDS = frozenset(_CARRYING_NO_FACT.split())


def is_english(text: str) -> bool:
    """Tell whether ``text`` reads as English: every sixth word carries no fact, or there are only a few words."""
    words = _TOKEN.findall(text)
    common = sum(word.strip(".:").casefold() in _FUNCTION_WORDS for word in words)
    return common * 6 >= len(words) or (len(words) <= _FEW_WORDS and text.isascii())


def is_extract(text: str, source: str) -> bool:
    """Tell whether every word of ``text`` stands in ``source``, words without a fact aside."""
    known = _words(source)
    return all(word in known or word in _FUNCTION_WORDS for word in _words(text))


def is_rewording(text: str, original: str, source: str) -> bool:
    """Tell whether ``text`` says what ``original`` says, in words of ``source`` (which holds ``original``).

    Each number and each piece of code of the original has to be there, and as many negations.
    """
    if not text.strip() or len(text) > 2 * len(original) + 80 or "\n" in text.strip():
        return False
    if Counter(_CODE.findall(text)) != Counter(_CODE.findall(original)):
        return False
    if set(_NUMBER.findall(text)) != set(_NUMBER.findall(original)):
        return False
    if len(_NEGATION.findall(text)) != len(_NEGATION.findall(original)):
        return False
    return is_extract(text, source)


def _words(text: str) -> set[str]:
    return {word for found in _TOKEN.findall(text) if (word := found.strip(".:*_").casefold())}
