"""Expressions of cases: CEL, the language in which Kubernetes itself states rules."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

__all__ = ["CelExpression"]


def _compiles(source: str) -> str:
    import cel

    try:
        cel.compile(source)
    except ValueError as error:
        raise ValueError(f"is no CEL expression: {' '.join(str(error).split())[:160]}") from error
    return source


CelExpression = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1), AfterValidator(_compiles)]
"""A CEL expression that compiles; that its names are facts is checked where facts are known."""
