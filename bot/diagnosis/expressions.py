"""Evaluates the expressions of cases over facts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cel

__all__ = ["Expression", "ExpressionError"]

_PATH = re.compile(r"(?<![\w.\"'])(?P<fact>[a-z_]\w*)\.(?P<field>[a-z_]\w*)")
_CONDITION = re.compile(r"\?|&&|\|\|")
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")


class ExpressionError(ValueError):
    """An expression that asks for what is no fact, or yields something else than it should: a mistake in the corpus."""


@dataclass(frozen=True)
class Expression:
    """A compiled expression and what it looks at: the fields asked of each fact.

    ``stages`` are the facts in the order in which they are asked for: what a condition asks for comes before what
    stands behind it.
    """

    source: str
    fields: Mapping[str, frozenset[str]]
    stages: tuple[tuple[str, ...], ...]
    _program: Any

    @classmethod
    def compile(cls, source: str, facts: frozenset[str]) -> Expression:
        """Compile ``source``, in which ``facts`` are the names of facts; raise ExpressionError when it is none."""
        return _compile(source, facts)

    def evaluate(self, facts: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the value of the expression; ``facts`` gives fact → field → plain data."""
        try:
            return self._program.execute(dict(facts))
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise ExpressionError(f"{self.source!r}: {error}") from error

    def certain(self, facts: Mapping[str, Mapping[str, Any]]) -> Any:
        """Return the value that the expression has whatever the facts say that are missing here; None without one."""
        try:
            return self._program.execute(dict(facts))
        except (KeyError, RuntimeError, TypeError, ValueError):
            return None


@lru_cache(maxsize=4096)
def _compile(source: str, facts: frozenset[str]) -> Expression:
    try:
        program = cel.compile(source)
    except ValueError as error:
        raise ExpressionError(f"{source!r}: {str(error).splitlines()[0]}") from error
    names = facts.intersection(program.references()["variables"])
    fields: dict[str, set[str]] = {name: set() for name in names}
    # Handing over whole facts would cost more than all of the evaluation; only the fields asked for are.
    stages: list[dict[str, None]] = []
    for part in _CONDITION.split(_TEXT.sub('""', source)):
        found = [match for match in _PATH.finditer(part) if match["fact"] in fields]
        stages.append({match["fact"]: None for match in found if not fields[match["fact"]]})
        for match in found:
            fields[match["fact"]].add(match["field"])
    if empty := [name for name, asked in fields.items() if not asked]:
        raise ExpressionError(f"{source!r}: asks for the fact {empty[0]} as a whole, not for a field of it")
    asked_for = {name: frozenset(asked) for name, asked in fields.items()}
    return Expression(source, asked_for, tuple(tuple(stage) for stage in stages if stage), program)
