"""Expressions of cases: CEL, the language in which Kubernetes itself states rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

__all__ = ["CelExpression", "expression_error"]

CelExpression = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A CEL expression. Reading a corpus does not compile it, as that takes time whenever one is opened; checking does."""


def expression_error(source: str) -> str | None:
    """Return in a line why ``source`` is no CEL expression; None when it is one.

    That its names are facts is checked where facts are known.
    """
    import cel

    try:
        cel.compile(source)
    except ValueError as error:
        return " ".join(str(error).split())[:160]
    return None
