"""JSON as people leave it in ConfigMaps: read as its component would read it, and once more leniently."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

__all__ = ["JsonText", "read_json"]

_BYTE_ORDER_MARK = "\ufeff"
# A string, or what JSON does not have: a comment up to the end of its line, a comma before a closing bracket.
_TOKEN = re.compile(r'(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<comment>(?:#|//)[^\n]*)')
_TRAILING_COMMA = re.compile(r'(?P<text>"(?:[^"\\\n]|\\.)*")|,(?=\s*[}\]])')


@dataclass(frozen=True, slots=True)
class JsonText:
    """What a text says. ``error`` is why its component cannot read it, with the place; empty where it can.

    ``value`` is what is meant: of a text with comments, trailing commas or a byte order mark, it is what it says
    without them; None where even that is no JSON.
    """

    value: Any
    error: str

    @property
    def valid(self) -> bool:
        """Whether the component can read it."""
        return not self.error


def read_json(text: str) -> JsonText:
    """Read ``text`` strictly; where that fails, say why and read it once more without comments and stray commas."""
    try:
        return JsonText(_strict(text), "")
    except (ValueError, RecursionError) as error:
        reason = _said(error)
    plain = _TOKEN.sub(lambda found: found["text"] or "", text.removeprefix(_BYTE_ORDER_MARK))
    plain = _TRAILING_COMMA.sub(lambda found: found["text"] or "", plain)
    try:
        return JsonText(_strict(plain), reason)
    except (ValueError, RecursionError):
        return JsonText(None, reason)


def _strict(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _said(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        if "BOM" in error.msg:
            return "it starts with a byte order mark"
        return f"line {error.lineno} column {error.colno}: {error.msg}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)
