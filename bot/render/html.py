"""The answer as HTML: fragments that the web page puts into its frame.

Everything is escaped; the corpus' inline Markdown becomes markup through a parser that lets no HTML through.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from markupsafe import Markup

from bot.answer import Answer, AnswerStatement, Citation, NoteSource
from bot.render.diagnosis import first_evidence, looked_at, one_line, when

if TYPE_CHECKING:
    from jinja2 import BaseLoader, Environment
    from markdown_it import MarkdownIt

__all__ = ["html_answer", "html_environment"]


def html_answer(answer: Answer, form: str = "") -> Markup:
    """Return what an answer says as HTML: verdicts, text with citations, differences of the editions, sources.

    ``form`` is the id of a form with which one of several entries can be chosen (field ``choose``).
    """
    rendered = _environment().get_template("answer.html.j2").render(answer=answer, form=form)
    return Markup(rendered)  # noqa: S704 (escaped by the template)


def html_environment(*loaders: BaseLoader) -> Environment:
    """Return an environment for templates that use the answer's; those of ``loaders`` come before its own.

    Filters: ``inline`` (the corpus' Markdown), ``one_line`` and ``lines`` (text that may hold anything).
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([*loaders, PackageLoader("bot")]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "anchor": _anchor,
        "first_evidence": first_evidence,
        "inline": _inline,
        "lines": _lines,
        "looked_at": looked_at,
        "one_line": one_line,
        "runs": _runs,
        "targets": _targets,
        "when": when,
    }
    return environment


@cache
def _environment() -> Environment:
    return html_environment()


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).disable("image")


def _inline(text: str) -> Markup:
    """Return inline Markdown as markup; HTML in it is shown, not obeyed, and links go to the web or nowhere."""
    return Markup(_parser().renderInline(text))  # noqa: S704 (the parser escapes)


def _lines(text: str) -> str:
    """Return ``text``, which may hold anything, line by line without what is not printed or turns its direction."""
    return "\n".join(line if line.isprintable() else _printable(line) for line in text.splitlines())


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else " " for char in line)


class _Run(NamedTuple):
    """Neighbours of one form; the first step of a run has the number ``start``."""

    form: str
    start: int
    items: tuple[AnswerStatement, ...]


def _runs(statements: Iterable[AnswerStatement]) -> Iterator[_Run]:
    """Part ``statements`` into lists and runs of paragraphs; steps go on counting from one list to the next."""
    steps = 1
    for form, members in groupby(statements, key=lambda statement: statement.form):
        items = tuple(members)
        yield _Run(form, steps, items)
        if form == "step":
            steps += len(items)


def _anchor(source: Citation | NoteSource) -> str:
    """Return the id that a source has on an entry's page, whichever answer names it."""
    if isinstance(source, NoteSource):
        return f"note-{zlib.crc32(source.url.encode()):08x}"
    place = f"{source.heading}\n{source.part or ''}"
    return f"source-{source.edition}-{zlib.crc32(place.encode()):08x}"


class _Target(NamedTuple):
    """Where the label of a source leads, and what the source is called."""

    href: str
    name: str


def _targets(answer: Answer) -> dict[str, _Target]:
    """Return label → where it leads: to the source on the page of the entry that cites it."""
    entry = answer.entry or ""
    cited = {
        one.label: _Target(f"/entries/{one.entry}#{_anchor(one)}", f"Source {one.label}: {one.heading}")
        for one in answer.citations
    }
    notes = {
        one.label: _Target(
            f"/entries/{entry}#{_anchor(one)}" if entry else one.url,
            f"Source {one.label} of acknet’s note: {one.title}",
        )
        for one in answer.note_sources
    }
    return cited | notes
