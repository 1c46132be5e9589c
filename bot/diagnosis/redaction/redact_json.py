"""Takes credentials out of JSON text and leaves it the same JSON otherwise, down to its spaces."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from bot.diagnosis.redaction.field_values import REDACTED, is_credential_field, is_credential_flag, is_no_credential

__all__ = ["redacted_json"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|-?\d[\d.eE+-]*|true|false|null|NaN|-?Infinity')
_MAX_DEPTH = 150


class _Members(list[tuple[str, Any]]):
    """The members of an object in their order, also those whose name comes twice."""


class _TooDeep(Exception):
    """The JSON is nested deeper than any that is written for people or programs."""


def redacted_json(text: str, redact: Callable[[str], str]) -> str | None:
    """Return ``text`` with REDACTED in place of credentials; None where it is no JSON object or array.

    ``redact`` is what texts within it go through.
    """
    if text[:1] not in ("{", "[") and text.lstrip()[:1] not in ("{", "["):
        return None
    try:
        value = json.loads(text, object_pairs_hook=_Members)
        changes = [*_scalars(value, redact, 0)]
    except (ValueError, RecursionError, _TooDeep):
        return None
    if not isinstance(value, list):
        return None
    parts: list[str] = []
    at = 0
    for token, (before, after) in zip(_TOKEN.finditer(text), changes, strict=True):
        if after is not before and after != before:
            parts += (text[at : token.start()], json.dumps(after, ensure_ascii=token[0].isascii()))
            at = token.end()
    return "".join((*parts, text[at:])) if parts else text


_Change = tuple[Any, Any]
"""A name, text, number, boolean or null of the JSON in their order, and what stands there afterwards."""


def _scalars(value: Any, redact: Callable[[str], str], depth: int) -> Iterator[_Change]:
    if depth > _MAX_DEPTH:
        raise _TooDeep
    if isinstance(value, _Members):
        yield from _members(value, redact, depth)
    elif isinstance(value, list):
        follows_flag = False
        for item in value:
            if isinstance(item, str):
                is_value = follows_flag and not item.startswith("-") and not is_no_credential(item, strong=True)
                yield item, REDACTED if is_value else redact(item)
            else:
                yield from _scalars(item, redact, depth + 1)
            follows_flag = isinstance(item, str) and is_credential_flag(item)
    else:
        yield value, redact(value) if isinstance(value, str) else value


def _members(members: _Members, redact: Callable[[str], str], depth: int) -> Iterator[_Change]:
    is_secret = ("kind", "Secret") in members
    named = next((value for name, value in members if name == "name" and isinstance(value, str)), "")
    for name, value in members:
        yield name, redact(name)
        if is_secret and name in ("data", "stringData"):
            yield from ((before, REDACTED if at % 2 else before) for at, (before, _) in enumerate(_flat(value, depth)))
        elif isinstance(value, list):
            yield from _scalars(value, redact, depth + 1)
        elif _is_credential(name, value) or (name == "value" and _is_credential(named, value)):
            yield value, REDACTED
        else:
            yield from _scalars(value, redact, depth + 1)


def _is_credential(name: str, value: Any) -> bool:
    is_text = isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool))
    return is_text and is_credential_field(name, str(value))


def _flat(value: Any, depth: int) -> Iterator[_Change]:
    return _scalars(value, lambda text: text, depth + 1)
