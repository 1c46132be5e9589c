"""The answer as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import count, groupby
from typing import TYPE_CHECKING, NamedTuple

from bot.answer import Answer, AnswerStatement
from bot.diagnosis.report import Report
from bot.render.diagnosis import code, first_evidence, looked_at, one_line, when

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["markdown_answer", "markdown_diagnosis"]


def markdown_answer(answer: Answer) -> str:
    """Return the whole answer as CommonMark: text, numbered citations, what the editions differ on."""
    return _environment().get_template(f"{answer.outcome}.md.j2").render(answer=answer).strip("\n") + "\n"


def markdown_diagnosis(report: Report, explained: Sequence[Answer] = ()) -> str:
    """Return a diagnosis as CommonMark, then what the FAQ says of the entries ``explained``."""
    return _environment().get_template("diagnosis.md.j2").render(report=report, explained=explained).strip("\n") + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bot"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=False,
        autoescape=False,  # noqa: S701 (Markdown: what is not the corpus' goes in as code)
        auto_reload=False,
    )
    environment.filters |= {"fence": _fence, "groups": _groups, "hang": _hang, "plain": _plain}
    environment.filters |= {"code": code, "first_evidence": first_evidence, "looked_at": looked_at, "when": when}
    return environment


class _Group(NamedTuple):
    """Neighbours of one form, each with its list marker: a list, or paragraphs (their marker is empty).

    A tight list has no blank lines between its items.
    """

    tight: bool
    items: tuple[tuple[str, AnswerStatement], ...]


def _groups(statements: Iterable[AnswerStatement]) -> Iterator[_Group]:
    """Part ``statements`` into lists and runs of paragraphs; steps go on counting from one list to the next."""
    steps = count(1)
    for form, members in groupby(statements, key=lambda statement: statement.form):
        items = tuple(members)
        markers = [f"{next(steps)}. " if form == "step" else "- " if form == "bullet" else "" for _ in items]
        yield _Group(_fits_tight(items), tuple(zip(markers, items, strict=True)))


def _fits_tight(items: Sequence[AnswerStatement]) -> bool:
    """Tell whether ``items`` are one list that needs no blank line anywhere."""
    return {item.form for item in items} in ({"bullet"}, {"step"}) and all(
        not item.code and not item.risks and (not item.children or _fits_tight(item.children)) for item in items
    )


def _fence(text: str) -> str:
    """Return a fence that does not occur in the code ``text``."""
    return "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))


def _hang(text: str, marker: str) -> str:
    """Put ``marker`` before ``text`` and indent the other lines as far; empty ones stay empty."""
    first, *rest = text.split("\n")
    indent = " " * len(marker)
    return "\n".join([marker + first, *(indent + line if line else line for line in rest)])


_MARKUP = re.compile(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])|~(?=~)|<(?=[a-zA-Z/!?])|&(?=#?\w+;)|#+$")


def _plain(text: str) -> str:
    """Return ``text``, which is no Markdown and may hold anything, as Markdown that shows it on one line."""
    return _MARKUP.sub(lambda match: "\\" + match[0], one_line(text) if text.strip() else "")
