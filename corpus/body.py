"""Reads the Markdown body of an entry as a tree of cited statements."""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from corpus.errors import Problem
from corpus.statement import SECTION_NAMES, Code, Form, Marker, Section, SectionName, Statement, split_marker

__all__ = ["parse_body"]

_RISK = re.compile(r"^risk:\s*", re.IGNORECASE)


class _Draft:
    """A statement while its list item is still being read."""

    def __init__(self, text: str, form: Form, marker: Marker, line: int) -> None:
        self.text, self.form, self.marker, self.line = text, form, marker, line
        self.code: list[Code] = []
        self.risks: list[Statement] = []
        self.children: list[_Draft] = []

    def finish(self) -> Statement:
        return Statement(
            text=self.text,
            form=self.form,
            marker=self.marker,
            code=tuple(self.code),
            risks=tuple(self.risks),
            children=tuple(child.finish() for child in self.children),
            line=self.line,
        )


class _Reader:
    """Walks Markdown tokens and builds sections, noting every problem with its line."""

    def __init__(self, path: str, lines: Sequence[str], offset: int) -> None:
        self.path, self.lines, self.offset = path, lines, offset
        self.problems: list[Problem] = []
        self.sections: list[tuple[SectionName, int, list[_Draft]]] = []
        self.items: list[_Draft | None] = []
        self.forms: list[Form] = []
        self.last: _Draft | None = None
        self.quotes = 0

    def line(self, token: Token) -> int:
        return self.offset + (token.map[0] + 1 if token.map else 0)

    def problem(self, token: Token, message: str) -> None:
        self.problems.append(Problem(path=self.path, line=self.line(token), message=message))

    def read(self, tokens: Sequence[Token]) -> None:
        for before, token, after in zip((None, *tokens), tokens, (*tokens[1:], None), strict=False):
            kind, _, end = token.type.rpartition("_")
            if kind in {"bullet_list", "ordered_list", "list_item", "blockquote"}:
                self.nest(kind, opening=end == "open")
            elif token.type == "heading_open" and after:
                self.heading(token, after.content)
            elif token.type == "inline" and before and before.type == "paragraph_open":
                self.paragraph(token)
            elif token.type == "fence":
                self.fence(token)
            elif token.type != "inline" and kind not in {"paragraph", "heading"}:
                self.problem(token, f"a body holds paragraphs, lists, code fences and risks, not {token.type!r}")

    def nest(self, kind: str, *, opening: bool) -> None:
        if kind == "blockquote":
            self.quotes += 1 if opening else -1
        elif kind == "list_item":
            self.items = [*self.items, None] if opening else self.items[:-1]
        else:
            form: Form = "step" if kind == "ordered_list" else "bullet"
            self.forms = [*self.forms, form] if opening else self.forms[:-1]

    def heading(self, token: Token, name: str) -> None:
        known = next((section for section in SECTION_NAMES if section == name.strip()), None)
        if token.tag != "h2" or known is None or token.level:
            self.problem(token, f"unknown heading {name!r}; sections are '## {', '.join(SECTION_NAMES)}'")
            return
        done = [section for section, *_ in self.sections]
        if known in done or any(SECTION_NAMES.index(other) > SECTION_NAMES.index(known) for other in done):
            order = ", ".join(SECTION_NAMES)
            self.problem(token, f"section {known!r} is doubled or out of order; the order is {order}")
        self.sections.append((known, self.line(token), []))
        self.last = None

    def paragraph(self, token: Token) -> None:
        if not self.sections:
            self.problem(token, "text before the first section; begin with '## Summary'")
            return
        text = " ".join(token.content.split("\n"))
        risk = _RISK.match(text) is not None
        if risk != bool(self.quotes):
            self.problem(token, "a risk begins with 'risk:' and is a block quote, and nothing else is one")
            return
        words, marker = text, Marker()
        try:
            words, marker = split_marker(_RISK.sub("", text))
        except ValueError as error:
            self.problem(token, str(error))
        if risk:
            self.risk(token, words, marker)
        else:
            self.statement(token, words, marker)

    def risk(self, token: Token, text: str, marker: Marker) -> None:
        owner = next((item for item in reversed(self.items) if item is not None), self.last)
        if owner is None:
            self.problem(token, "a risk belongs below the statement that carries it")
        else:
            owner.risks.append(Statement(text=text, marker=marker, line=self.line(token)))

    def statement(self, token: Token, text: str, marker: Marker) -> None:
        first = bool(self.items) and self.items[-1] is None
        draft = _Draft(text, self.forms[-1] if first else "paragraph", marker, self.line(token))
        parents = [item for item in self.items if item is not None]
        if first:
            self.items[-1] = draft
        (parents[-1].children if parents else self.sections[-1][2]).append(draft)
        self.last = draft

    def fence(self, token: Token) -> None:
        if self.last is None or self.quotes or (self.items and self.items[-1] is None):
            self.problem(token, "a code block belongs below a statement")
        elif not self.closed(token):
            self.problem(token, f"the code block is not closed with {token.markup!r}")
        else:
            self.last.code.append(Code(language=token.info.strip(), text=token.content.rstrip("\n")))

    def closed(self, token: Token) -> bool:
        first, end = token.map or (0, 0)
        return end - first > 1 and self.lines[end - 1].strip().startswith(token.markup)


def parse_body(markdown: str, path: str, first_line: int) -> tuple[tuple[Section, ...], list[Problem]]:
    """Parse an entry's body.

    ``first_line`` is the line of ``path`` on which the body begins (from 1). Returns the sections and all problems
    found; sections are only to be trusted when there are none.
    """
    reader = _Reader(path, markdown.split("\n"), first_line - 1)
    reader.read(MarkdownIt("commonmark").parse(markdown))
    if all(name != "Summary" for name, *_ in reader.sections):
        reader.problems.append(Problem(path=path, line=first_line, message="the section '## Summary' is missing"))
    for name, line, drafts in reader.sections:
        if not drafts:
            reader.problems.append(Problem(path=path, line=line, message=f"section {name!r} is empty"))
    sections = tuple(
        Section(name=name, statements=tuple(draft.finish() for draft in drafts)) for name, _, drafts in reader.sections
    )
    return sections, reader.problems
