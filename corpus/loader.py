"""Reads a corpus directory; everything wrong with it is reported at once, with file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from corpus.body import Statement, parse_body, split_marker
from corpus.corpus import Ambiguous, Corpus, Edition, Source
from corpus.entry import Entry
from corpus.errors import CorpusError, Problem
from corpus.frontmatter import YamlDocument, read_yaml, split_front_matter

__all__ = ["CORPUS_DIR", "load_corpus", "load_entry", "source_files"]

CORPUS_DIR = Path(__file__).parent
"""The corpus that comes with acknet."""

_SOURCES, _OUT_OF_SCOPE, _AMBIGUOUS, _GLOSSARY = "sources.yaml", "out_of_scope.yaml", "ambiguous.yaml", "glossary.yaml"


def source_files(directory: Path = CORPUS_DIR) -> list[Path]:
    """Return every file that the corpus in ``directory`` is made of, in a stable order."""
    lists = [directory / name for name in (_SOURCES, _OUT_OF_SCOPE, _AMBIGUOUS, _GLOSSARY)]
    return [path for path in lists if path.is_file()] + sorted((directory / "entries").glob("*/*.md"))


def load_corpus(directory: Path = CORPUS_DIR) -> Corpus:
    """Read the corpus in ``directory``.

    Raises CorpusError with every problem found. The cross-checks of ``corpus check`` are not part of reading.
    """
    if not (directory / _SOURCES).is_file():
        raise CorpusError([Problem(str(directory / _SOURCES), 0, "not found; a corpus directory holds it")])
    problems: list[Problem] = []
    entries: list[Entry] = []
    for path in sorted((directory / "entries").glob("*/*.md")):
        try:
            entries.append(load_entry(path, directory))
        except CorpusError as error:
            problems += error.problems
    data: dict[str, Any] = {}
    for name, adapter in (
        (_SOURCES, TypeAdapter(dict[str, dict[str, Edition | Source]])),
        (_OUT_OF_SCOPE, TypeAdapter(tuple[str, ...])),
        (_AMBIGUOUS, TypeAdapter(tuple[Ambiguous, ...])),
        (_GLOSSARY, TypeAdapter(dict[str, str])),
    ):
        if not (directory / name).is_file():
            continue
        try:
            value = _load_list(directory / name, adapter)
        except CorpusError as error:
            problems += error.problems
            continue
        data.update(value if name == _SOURCES else {Path(name).stem: value})
    if problems:
        raise CorpusError(problems)
    return Corpus.model_validate({**data, "entries": tuple(entries)})


def load_entry(path: Path, root: Path | None = None) -> Entry:
    """Read one entry file; problems name it relative to ``root``. Raises CorpusError with all of them."""
    shown = str(path.relative_to(root)) if root else str(path)
    front, body, first_line = split_front_matter(_read(path, shown), shown)
    document = read_yaml(front, shown, first_line=2)
    sections, problems = parse_body(body, shown, first_line)
    if not isinstance(document.data, dict):
        raise CorpusError([Problem(shown, 2, "the front matter is not a mapping"), *problems])
    data = dict(document.data)
    problems += _prepare(data, document, shown)
    try:
        entry = Entry.model_validate({**data, "sections": sections})
    except ValidationError as error:
        known = {problem.line for problem in problems}
        problems += [problem for problem in _explain(error, document, shown) if problem.line not in known]
        raise CorpusError(problems) from error
    if problems:
        raise CorpusError(problems)
    return entry


def _read(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError([Problem(shown, 0, f"not UTF-8 at byte {error.start}")]) from error
    except OSError as error:
        raise CorpusError([Problem(shown, 0, f"cannot be read: {error.strerror}")]) from error


def _prepare(data: dict[str, Any], document: YamlDocument, path: str) -> list[Problem]:
    """Turn what people write into what the model holds: lists to tuples, marked text to statements."""
    problems: list[Problem] = []

    def statement(text: object, *at: int | str) -> object:
        if not isinstance(text, str):
            return text
        try:
            words, marker = split_marker(text)
        except ValueError as error:
            problems.append(Problem(path, document.line(at), str(error)))
            return text
        if marker is None or not (marker.cites or marker.notes):
            problems.append(Problem(path, document.line(at), "uncited statement; end it with {intl}, {cn} or {note:…}"))
            return text
        return Statement(text=words, marker=marker)

    if "tells_apart" in data:
        data["tells_apart"] = statement(data["tells_apart"], "tells_apart")
    if isinstance(data.get("differs"), list):
        data["differs"] = [
            {**item, "advice": statement(item.get("advice"), "differs", number, "advice")}
            if isinstance(item, dict)
            else item
            for number, item in enumerate(data["differs"])
        ]
    if isinstance(data.get("cites"), list):
        data["cites"] = [
            {"id": item.get("edition"), **item} if isinstance(item, dict) else item for item in data["cites"]
        ]
    for key, value in data.items():
        data[key] = _tuples(value)
    return problems


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _explain(error: ValidationError, document: YamlDocument, path: str) -> Iterator[Problem]:
    for detail in error.errors():
        location = detail["loc"]
        field = ".".join(str(part) for part in location)
        message = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
        yield Problem(path, document.line(location), f"{field}: {message}")


def _load_list(path: Path, adapter: TypeAdapter[Any]) -> Any:
    document = read_yaml(_read(path, path.name), path.name)
    try:
        return adapter.validate_python(document.data)
    except ValidationError as error:
        raise CorpusError(_explain(error, document, path.name)) from error
