"""Error signatures: literal texts that a machine prints, with masks where ids, addresses and numbers vary."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

__all__ = ["MASKS", "Signature", "SignatureError", "squeeze"]

MASKS: Mapping[str, str] = MappingProxyType(
    {
        "int": r"\d+",
        "ip": r"[\da-f:]*[.:][\da-f.:x*]+(?:/\d+)?",
        "mac": r"[\da-fx*]{2}(?:[:-][\da-fx*]{2}){5}",
        "id": r"[\w*.-]+?",
        "name": r"[\w*./-]+?",
        "text": r".{1,200}?",
        "version": r"v?\d+(?:\.\d+)*[\w.+-]*?",
    }
)
"""Mask name → regular expression over squeezed text."""

MIN_LITERAL = 6
_MASK = re.compile(r"<([a-z]+)>")
_SPACE_RUN = re.compile(r"\s+")


class SignatureError(ValueError):
    """Raised when a signature cannot be read; says why."""


def squeeze(text: str) -> str:
    """Return ``text`` casefolded and without white space, so that wrapping, even inside a word, does not matter."""
    return _SPACE_RUN.sub("", text).casefold()


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature as alternating literal texts and masks.

    ``text`` is the signature as written, ``parts`` its squeezed literals and its masks (``<ip>``) in order.
    """

    text: str
    parts: tuple[str, ...]

    @classmethod
    def compile(cls, text: str) -> Self:
        """Read a signature; raise SignatureError on an unknown mask or too little literal text to be telling."""
        parts: list[str] = []
        for position, piece in enumerate(_MASK.split(text)):
            if position % 2:
                if piece not in MASKS:
                    raise SignatureError(f"signature {text!r}: unknown mask <{piece}>; known: {', '.join(MASKS)}")
                parts.append(f"<{piece}>")
            elif squeezed := squeeze(piece):
                parts.append(squeezed)
        if max((len(part) for part in parts if not _MASK.fullmatch(part)), default=0) < MIN_LITERAL:
            raise SignatureError(f"signature {text!r}: needs a literal part of at least {MIN_LITERAL} characters")
        return cls(text=text, parts=tuple(parts))

    @property
    def anchor(self) -> str:
        """The longest literal: a text without it does not hold the whole signature."""
        return max((part for part in self.parts if not _MASK.fullmatch(part)), key=len)

    @property
    def pattern(self) -> str:
        """A regular expression over squeezed text."""
        return "".join(MASKS[match[1]] if (match := _MASK.fullmatch(part)) else re.escape(part) for part in self.parts)
