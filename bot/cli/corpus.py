"""``acknet corpus``: check, list and show what acknet may say; read and compare saved copies of the FAQ's page."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.console import UsageFailure, print_line, unknown_entry
from bot.cli.corpus_json import change_json, entry_json, print_json

if TYPE_CHECKING:
    from corpus import Corpus, PageSection, Problem

__all__ = ["corpus_app"]

corpus_app = typer.Typer(
    help="Check, list and show the entries; compare copies of the FAQ.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_PAGE_HELP = "A saved copy of the FAQ's page: text, HTML or Markdown, in UTF-8."


@corpus_app.command(epilog="Example: acknet corpus check --edition intl=intl.html --edition cn=cn.md")
def check(
    edition: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=FILE", help="A saved copy of an edition to check against; may be given for each."),
    ] = None,
    directory: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The corpus to check, in place of the one that acknet has.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check the corpus, and how it fits the editions.

    Prints what is wrong as file:line: message. With saved copies of the editions, every cited heading must exist, every
    heading must be cited, and no twelve words in a row may be shared. Exit code 0: nothing is wrong; 2: something is.
    """
    from corpus import CORPUS_DIR, CorpusError, check_corpus, check_editions, load_corpus

    files = _edition_files(edition or [])
    pages = {name: _read(file) for name, file in files.items()}
    entries = 0
    try:
        corpus = load_corpus(directory or CORPUS_DIR)
    except CorpusError as error:
        problems = error.problems
    else:
        if unknown := [name for name in pages if name not in corpus.editions]:
            raise UsageFailure(f"--edition {unknown[0]}: no such edition; known: {', '.join(corpus.editions)}")
        entries = len(corpus.entries)
        saved = {f"edition {name}": str(file) for name, file in files.items()}
        found = check_corpus(corpus) + check_editions(corpus, pages)
        problems = sorted(replace(one, path=saved.get(one.path, one.path)) for one in found)
    _print_problems(problems, entries, list(pages), as_json=as_json)
    if problems:
        raise typer.Exit(2)


def _edition_files(values: list[str]) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for value in values:
        name, separator, file = value.partition("=")
        if not (name and separator and file):
            raise UsageFailure(f"--edition {value}: give it as ID=FILE, such as intl=faq.html")
        if name in files:
            raise UsageFailure(f"--edition {name}: given twice; give one file for each edition")
        files[name] = Path(file)
    return files


def _print_problems(problems: list[Problem], entries: int, editions: list[str], *, as_json: bool) -> None:
    if as_json:
        found = [{"file": one.path, "line": one.line or None, "message": one.message} for one in problems]
        print_json({"entries": entries, "editions": editions, "problems": found})
        return
    from bot.cli.corpus_text import Line, print_lines

    print_lines(Line(str(problem)) for problem in problems)
    checked = f"{entries} entries" if entries else "the corpus cannot be used"
    against = f" against {', '.join(editions)}" if entries and editions else ""
    count = {0: "no problem", 1: "1 problem"}.get(len(problems), f"{len(problems)} problems")
    print_line(f"{checked}{against}: {count}")


@corpus_app.command("list", epilog="Example: acknet corpus list --area ipv6")
def list_entries(
    area: Annotated[str | None, typer.Option(metavar="AREA", help="Only the entries of this area.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List the entries: id, area and title."""
    corpus = _load()
    areas = sorted({entry.area for entry in corpus.entries})
    if area is not None and area not in areas:
        raise UsageFailure(f"--area {area}: no such area; known: {', '.join(areas)}")
    entries = [entry for entry in corpus.entries if area in {None, entry.area}]
    if as_json:
        print_json({"entries": [{"id": one.id, "area": one.area, "title": one.title} for one in entries]})
        return
    from bot.cli.corpus_text import Line, print_lines

    ids, names = max(len(entry.id) for entry in entries), max(len(entry.area) for entry in entries)
    print_lines(Line(f"{entry.id:<{ids}}  {entry.area:<{names}}  {entry.title}") for entry in entries)


def _entry_ids() -> list[str]:
    """Return the ids for the shell to complete."""
    from corpus import source_files

    return [path.stem for path in source_files() if path.suffix == ".md"]


@corpus_app.command(epilog="Example: acknet corpus show terway-vswitch-ip-exhausted")
def show(
    entry_id: Annotated[
        str, typer.Argument(metavar="ID", help="An entry's id, as in 'list'.", autocompletion=_entry_ids)
    ],
    as_json: JsonFlag = False,
) -> None:
    """Show a whole entry.

    Its statements with what they rest on, where the editions differ, its cases and its citations.
    """
    corpus = _load()
    if entry_id not in corpus:
        raise unknown_entry(entry_id, corpus)
    entry = corpus[entry_id]
    if as_json:
        print_json(entry_json(entry, corpus))
        return
    from bot.cli.corpus_text import entry_lines, print_lines

    print_lines(entry_lines(entry, corpus))


@corpus_app.command("import", epilog="Example: acknet corpus import faq.html -o sections.jsonl")
def import_page(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=_PAGE_HELP)],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="OUT", help="Write the sections to this file, a JSON object a line."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Read a saved copy of the page into sections.

    Prints the headings with the lines that each section takes. With -o the sections go to a file, each as
    {"heading", "first_line", "last_line", "text"}.
    """
    sections = _read(file)
    if output is not None:
        _write(output, file, sections)
    if as_json:
        print_json({"file": str(file), "sections": [asdict(section) for section in sections]})
        return
    from bot.cli.corpus_text import print_lines, section_lines

    if output is None:
        print_lines(section_lines(sections))
    else:
        print_line(f"{len(sections)} sections written to {output}")


def _write(output: Path, page: Path, sections: list[PageSection]) -> None:
    try:
        if output.exists() and output.samefile(page):
            raise UsageFailure(f"{output} is the page itself; choose another file with -o")
        with output.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(asdict(one), ensure_ascii=False) + "\n" for one in sections)
    except OSError as error:
        raise UsageFailure(f"{output}: cannot be written: {error.strerror}; choose another file with -o") from error


@corpus_app.command(epilog="Example: acknet corpus diff faq-2026-02.html faq-2026-08.html")
def diff(
    old: Annotated[Path, typer.Argument(metavar="OLD", help=_PAGE_HELP)],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="A newer copy of the same page.")],
    as_json: JsonFlag = False,
) -> None:
    """Show what a newer copy of the page changed.

    Tells which entries rest on what changed. Sections are added, removed, renamed (a similar text under another
    heading) or changed.
    """
    from corpus import compare_pages

    changes = compare_pages(_read(old), _read(new))
    citing = _citing(_load())
    if as_json:
        print_json({"changes": [change_json(change, citing) for change in changes]})
        return
    from bot.cli.corpus_text import change_lines, print_lines

    print_lines(change_lines(changes, citing))
    print_line(f"{len(changes)} {'section differs' if len(changes) == 1 else 'sections differ'}")


def _citing(corpus: Corpus) -> dict[str, list[str]]:
    from corpus.editions import heading_key

    citing: dict[str, list[str]] = {}
    for entry, cite in corpus.cites():
        citing.setdefault(heading_key(cite.heading), []).append(entry.id)
    return citing


def _load() -> Corpus:
    from corpus import CorpusError, load_corpus

    try:
        return load_corpus()
    except CorpusError as error:
        first, more = error.problems[0], len(error.problems) - 1
        others = f" (and {more} more)" if more else ""
        raise UsageFailure(f"the corpus cannot be used: {first}{others}; see 'acknet corpus check'") from error


def _read(page: Path) -> list[PageSection]:
    from corpus import EditionError, read_page

    try:
        return read_page(page)
    except EditionError as error:
        raise UsageFailure(str(error)) from error
