"""What to look at by hand, with places that a diagnosis fills with what it read.

A place is written ``{{ fact.field or "words" }}``, with more than one field where the first may be empty. The words
stand there where nothing was read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

__all__ = ["Read", "filled", "place_error", "places"]

Read = Callable[[str, str], Sequence[str]]
"""Fact and field → what was read there, empty where nothing was."""

_FIELD = r"[a-z_]\w*\.[a-z_]\w*"
_PLACE = re.compile(rf"\{{\{{ *(?P<fields>{_FIELD}(?: or {_FIELD})*) or \"(?P<words>[^\"{{}}]{{1,100}})\" *\}}\}}")
# What goes into the text is shown as it is and may be copied into a shell: names and ids only.
_NAME = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9._:/]{0,251}[A-Za-z0-9])?", re.ASCII)
_MOST = 8


def places(text: str) -> Iterator[tuple[str, str]]:
    """Yield fact and field of everything that is filled into ``text``."""
    for place in _PLACE.finditer(text):
        for field in place["fields"].split(" or "):
            fact, _, name = field.partition(".")
            yield fact, name


def filled(text: str, read: Read = lambda _fact, _field: ()) -> str:
    """Return ``text`` with its places filled with names and ids that were read, or with their words."""

    def fill(place: re.Match[str]) -> str:
        for field in place["fields"].split(" or "):
            fact, _, name = field.partition(".")
            names = [one for one in dict.fromkeys(read(fact, name)) if _NAME.fullmatch(one)]
            if names:
                return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
        return place["words"]

    return _PLACE.sub(fill, text)


def place_error(text: str) -> str | None:
    """Return what is wrong with the places of ``text``; None where nothing is."""
    rest = _PLACE.sub("", text)
    if "{{" in rest or "}}" in rest:
        return 'a place is written {{ fact.field or "words" }}'
    return None
