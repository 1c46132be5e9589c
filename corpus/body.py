"""The Markdown body of an entry as a tree of cited statements."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token
from pydantic import BaseModel, ConfigDict

from corpus.errors import Problem
from corpus.versions import Gate

__all__ = ["SECTION_NAMES", "Code", "Marker", "Section", "SectionName", "Statement", "parse_body", "split_marker"]

SectionName = Literal["Summary", "Cause", "Steps", "Verify", "Risks"]
SECTION_NAMES: tuple[SectionName, ...] = ("Summary", "Cause", "Steps", "Verify", "Risks")

_MARKER = re.compile(r"\s*\{(?P<inner>[^{}]*)\}\s*$", re.S)
_NOTE = "note:"
_RISK = re.compile(r"^risk:\s*", re.I)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Marker(_Frozen):
    """What a statement rests on (``{intl, cn; when terway >= 1.8.0}``).

    ``cites`` are ids of the entry's citations, ``notes`` ids of public sources, ``when`` the gates that must hold.
    """

    cites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    when: tuple[Gate, ...] = ()


class Code(_Frozen):
    """A code block: its language (may be empty) and its text without the fence."""

    language: str
    text: str


class Statement(_Frozen):
    """One cited statement: inline Markdown, the code that belongs to it, what it risks and what hangs below it."""

    text: str
    form: Literal["paragraph", "bullet", "step"] = "paragraph"
    marker: Marker = Marker()
    code: tuple[Code, ...] = ()
    risks: tuple[Statement, ...] = ()
    children: tuple[Statement, ...] = ()

    def walk(self) -> Iterator[Statement]:
        """Yield this statement, its risks and everything below it, in reading order."""
        yield self
        yield from self.risks
        for child in self.children:
            yield from child.walk()


class Section(_Frozen):
    """A named part of an entry."""

    name: SectionName
    statements: tuple[Statement, ...]

    def walk(self) -> Iterator[Statement]:
        """Yield every statement of the section, in reading order."""
        for statement in self.statements:
            yield from statement.walk()


def split_marker(text: str) -> tuple[str, Marker | None]:
    """Split ``text`` into the statement and its closing marker (None when there is none).

    Raises ValueError when the marker cannot be read.
    """
    match = _MARKER.search(text)
    if not match:
        return text.strip(), None
    references, _, condition = match["inner"].partition(";")
    cites: list[str] = []
    notes: list[str] = []
    for reference in filter(None, (part.strip() for part in references.split(","))):
        if reference.startswith(_NOTE):
            notes.append(reference.removeprefix(_NOTE).strip())
        else:
            cites.append(reference)
    gates: tuple[Gate, ...] = ()
    if condition.strip():
        keyword, _, expression = condition.strip().partition(" ")
        if keyword != "when":
            raise ValueError(f"a marker's condition begins with 'when': {condition.strip()!r}")
        gates = tuple(Gate.parse(part) for part in re.split(r"\s+and\s+", expression.strip()))
    marker = Marker(cites=tuple(cites), notes=tuple(notes), when=gates)
    return text[: match.start()].strip(), marker


class _Draft:
    """A statement while its list item is still being read."""

    def __init__(self, text: str, form: Literal["paragraph", "bullet", "step"], marker: Marker) -> None:
        self.text, self.form, self.marker = text, form, marker
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
        )


class _Reader:
    """Walks Markdown tokens and builds sections, noting every problem with its line."""

    def __init__(self, path: str, offset: int) -> None:
        self.path, self.offset = path, offset
        self.problems: list[Problem] = []
        self.sections: list[tuple[SectionName, list[_Draft]]] = []
        self.items: list[_Draft | None] = []
        self.forms: list[Literal["bullet", "step"]] = []
        self.last: _Draft | None = None
        self.quoted = False

    def problem(self, token: Token, message: str) -> None:
        line = self.offset + (token.map[0] + 1 if token.map else 0)
        self.problems.append(Problem(path=self.path, line=line, message=message))

    def read(self, tokens: Sequence[Token]) -> None:
        for position, token in enumerate(tokens):
            match token.type:
                case "heading_open":
                    self.heading(token, tokens[position + 1].content)
                case "bullet_list_open":
                    self.forms.append("bullet")
                case "ordered_list_open":
                    self.forms.append("step")
                case "bullet_list_close" | "ordered_list_close":
                    self.forms.pop()
                case "list_item_open":
                    self.items.append(None)
                case "list_item_close":
                    self.items.pop()
                case "blockquote_open":
                    self.quoted = True
                case "blockquote_close":
                    self.quoted = False
                case "inline" if tokens[position - 1].type == "paragraph_open":
                    self.paragraph(token)
                case "fence":
                    self.fence(token)
                case "inline" | "paragraph_open" | "paragraph_close" | "heading_close":
                    pass
                case other:
                    self.problem(token, f"a body holds paragraphs, lists, code fences and risks, not {other!r}")

    def heading(self, token: Token, name: str) -> None:
        known = next((section for section in SECTION_NAMES if section == name.strip()), None)
        if token.tag != "h2" or known is None:
            self.problem(token, f"unknown heading {name!r}; sections are '## {', '.join(SECTION_NAMES)}'")
            return
        done = [section for section, _ in self.sections]
        if known in done or any(SECTION_NAMES.index(other) > SECTION_NAMES.index(known) for other in done):
            self.problem(token, f"section {known!r} is doubled or out of order; the order is {', '.join(SECTION_NAMES)}")
        self.sections.append((known, []))
        self.last = None

    def paragraph(self, token: Token) -> None:
        if not self.sections:
            self.problem(token, "text before the first section; begin with '## Summary'")
            return
        text = " ".join(token.content.split("\n"))
        risk = self.quoted and _RISK.match(text) is not None
        try:
            text, marker = split_marker(_RISK.sub("", text) if risk else text)
        except ValueError as error:
            self.problem(token, str(error))
            return
        if marker is None or not (marker.cites or marker.notes):
            self.problem(token, f"uncited statement: {text[:60]!r}; end it with {{intl}}, {{cn}} or {{note:…}}")
            return
        if self.quoted:
            self.risk(token, text, marker, risk)
        else:
            self.statement(text, marker)

    def risk(self, token: Token, text: str, marker: Marker, risk: bool) -> None:
        owner = next((item for item in reversed(self.items) if item is not None), self.last)
        if not risk:
            self.problem(token, "a block quote holds a risk and begins with 'risk:'")
        elif owner is None:
            self.problem(token, "a risk belongs below the statement that carries it")
        else:
            owner.risks.append(Statement(text=text, marker=marker))

    def statement(self, text: str, marker: Marker) -> None:
        first = bool(self.items) and self.items[-1] is None
        draft = _Draft(text, self.forms[-1] if first else "paragraph", marker)
        if first:
            self.items[-1] = draft
            parents = [item for item in self.items[:-1] if item is not None]
        else:
            parents = [item for item in self.items if item is not None]
        (parents[-1].children if parents else self.sections[-1][1]).append(draft)
        self.last = draft

    def fence(self, token: Token) -> None:
        if self.last is None:
            self.problem(token, "a code block belongs below a statement")
            return
        self.last.code.append(Code(language=token.info.strip(), text=token.content.rstrip("\n")))


def parse_body(markdown: str, path: str, first_line: int) -> tuple[tuple[Section, ...], list[Problem]]:
    """Parse an entry's body.

    ``first_line`` is the line of ``path`` on which the body begins (from 1). Returns the sections and all problems
    found; sections are only to be trusted when there are none.
    """
    reader = _Reader(path, first_line - 1)
    reader.read(MarkdownIt("commonmark").parse(markdown))
    names = [name for name, _ in reader.sections]
    if "Summary" not in names:
        reader.problems.append(Problem(path=path, line=first_line, message="the section '## Summary' is missing"))
    for name, drafts in reader.sections:
        if not drafts:
            reader.problems.append(Problem(path=path, line=first_line, message=f"section {name!r} is empty"))
    sections = tuple(
        Section(name=name, statements=tuple(draft.finish() for draft in drafts)) for name, drafts in reader.sections
    )
    return sections, reader.problems
