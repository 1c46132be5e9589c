"""The answer as Markdown."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from bot.answer import Answer

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["markdown_answer"]

_BLANK_LINES = re.compile(r"\n(?:[ ]*\n){2,}")


def markdown_answer(answer: Answer) -> str:
    """Return the whole answer as CommonMark: text, numbered citations, what the editions differ on."""
    template = _environment().get_template(f"{answer.outcome}.md.j2")
    # Optional parts leave their blank lines behind; no code block of the corpus holds two in a row.
    return _BLANK_LINES.sub("\n\n", template.render(answer=answer)).strip() + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 (Markdown: nothing but the corpus goes in)
        auto_reload=False,
    )
    environment.filters["hang"] = _hang
    return environment


def _hang(text: str, indent: str) -> str:
    """Indent all lines but the first, leaving empty ones empty."""
    first, *rest = text.split("\n")
    return "\n".join([first, *(indent + line if line else line for line in rest)])
