"""What ``acknet corpus`` shows people, as lines of text that know their style and how far they are set in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot.cli.console import console, is_interactive, print_line

if TYPE_CHECKING:
    from corpus import Corpus, Entry, PageChange, PageSection, Statement

__all__ = ["Line", "change_lines", "entry_lines", "print_lines", "section_lines"]

_DIFF_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its text, its style on a terminal (may be empty) and how many columns it is set in."""

    text: str
    style: str = ""
    indent: int = 0


def print_lines(lines: Iterable[Line]) -> None:
    """Print ``lines``: styled and wrapped on a terminal, one a line and plain everywhere else."""
    if not is_interactive():
        for line in lines:
            print_line(f"{' ' * line.indent}{_printable(line.text)}".rstrip())
        return
    from rich.padding import Padding
    from rich.text import Text

    screen = console()
    for line in lines:
        screen.print(Padding(Text(_printable(line.text), line.style), (0, 0, 0, line.indent), expand=False))


def _printable(text: str) -> str:
    """Escape what would steer a terminal; a saved page comes from outside."""
    return "".join(
        char if char.isprintable() else " " if char.isspace() else char.encode("unicode_escape").decode()
        for char in text
    )


def entry_lines(entry: Entry, corpus: Corpus) -> Iterator[Line]:
    """Yield a whole entry."""
    yield Line(entry.title, "bold")
    yield Line(f"{entry.id} · {entry.area} · {entry.kind} · {len(entry.asked_as)} ways of asking")
    yield from _block("What sets it apart", _statement(entry.tells_apart, ""))
    for section in entry.sections:
        yield from _block(section.name, _statements(section.statements))
    yield from _block("Where the editions differ", _differences(entry))
    yield from _block("Cases", _cases(entry))
    yield from _block("Error signatures", (Line(text, indent=2) for text in entry.signatures))
    yield from _block("See also", (Line(f"{other}: {corpus[other].title}", indent=2) for other in entry.see_also))
    yield from _block("Citations", _citations(entry, corpus))


def _block(name: str, lines: Iterable[Line]) -> Iterator[Line]:
    if filled := list(lines):
        yield Line("")
        yield Line(name, "bold cyan")
        yield from filled


def _statements(statements: Iterable[Statement]) -> Iterator[Line]:
    step = 0
    for statement in statements:
        step += statement.form == "step"
        yield from _statement(statement, {"step": f"{step}. ", "bullet": "- "}.get(statement.form, ""))


def _statement(statement: Statement, bullet: str) -> Iterator[Line]:
    marker = statement.marker
    rests_on = ", ".join((*marker.cites, *(f"note:{note}" for note in marker.notes)))
    gates = "".join(f"; when {gate}" if not at else f" and {gate}" for at, gate in enumerate(marker.when))
    yield Line(f"{bullet}{statement.text} [{rests_on}{gates}]", indent=2)
    below = len(bullet)
    for code in statement.code:
        yield from (Line(text, "green", 4 + below) for text in code.text.split("\n"))
    for risk in statement.risks:
        for line in _statement(risk, "risk: "):
            yield replace(line, style="yellow", indent=line.indent + below)
    for line in _statements(statement.children):
        yield replace(line, indent=line.indent + below)


def _differences(entry: Entry) -> Iterator[Line]:
    for difference in entry.differs:
        yield Line(f"- {difference.topic}", indent=2)
        yield Line(f"intl: {difference.intl}", indent=4)
        yield Line(f"cn: {difference.cn}", indent=4)
        for line in _statement(difference.advice, "advice: "):
            yield replace(line, indent=line.indent + 2)


def _cases(entry: Entry) -> Iterator[Line]:
    for case in entry.cases:
        yield Line(f"- {case.id}: {case.claim}", indent=2)
        if by_hand := case.look():
            yield Line(f"by hand: {' '.join(by_hand.split())}", indent=4)


def _citations(entry: Entry, corpus: Corpus) -> Iterator[Line]:
    for cite in entry.cites:
        part = f", {cite.part}" if cite.part else ""
        yield Line(f"{cite.id}: {corpus.editions[cite.edition].document}: {cite.heading}{part}", indent=2)
        yield Line(corpus.editions[cite.edition].url, indent=4)
    used = {note for statement in entry.statements() for note in statement.marker.notes}
    for note in sorted(used):
        yield Line(f"note:{note}: {corpus.notes[note].title}", indent=2)
        yield Line(corpus.notes[note].url, indent=4)


def section_lines(sections: Iterable[PageSection]) -> Iterator[Line]:
    """Yield the headings of a page with the lines that each section takes."""
    for section in sections:
        yield Line(f"{_range(section):>12}  {section.heading}")


def change_lines(changes: Iterable[PageChange], citing: Mapping[str, Sequence[str]]) -> Iterator[Line]:
    """Yield what changed; ``citing`` tells by a heading's key which entries rest on a section."""
    from corpus import SectionAdded, SectionChanged, SectionRemoved, SectionRenamed

    lines: tuple[str, ...]
    for change in changes:
        match change:
            case SectionAdded(new=section):
                lines = _all_lines("+", section)
                yield Line(f"added: {section.heading} (lines {_range(section)})", "bold green")
            case SectionRemoved(old=section):
                lines = _all_lines("-", section)
                yield Line(f"removed: {section.heading} (was lines {_range(section)})", "bold red")
            case SectionRenamed(old=section, new=new, lines=lines):
                yield Line(f"renamed: {section.heading} -> {new.heading} (lines {_range(new)})", "bold yellow")
            case SectionChanged(old=section, new=new, lines=lines):
                yield Line(f"changed: {section.heading} (lines {_range(new)})", "bold")
        if citing.get(section.key):
            yield Line(f"cited by {', '.join(citing[section.key])}", indent=2)
        yield from (Line(line, _DIFF_STYLES.get(line[:1], ""), 2) for line in lines)


def _all_lines(sign: str, section: PageSection) -> tuple[str, ...]:
    return tuple(f"{sign}{line}" for line in section.text.split("\n") if line.strip())


def _range(section: PageSection) -> str:
    return f"{section.first_line}-{section.last_line}"
