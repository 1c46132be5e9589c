"""Reads a corpus directory; everything wrong with it is reported at once, with file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from corpus.corpus import Ambiguous, Check, Corpus, Edition, Source
from corpus.entry import Entry
from corpus.errors import CorpusError, Lines, Problem
from corpus.statement import Statement, split_marker

if TYPE_CHECKING:
    from corpus.frontmatter import YamlDocument

__all__ = ["CORPUS_DIR", "load_corpus", "load_entry", "source_files"]

CORPUS_DIR = Path(__file__).parent
"""The corpus that comes with acknet."""


class _Sources(BaseModel):
    model_config = ConfigDict(extra="forbid")

    editions: dict[str, Edition]
    notes: dict[str, Source]


_SOURCES = "sources.yaml"
_LISTS: Mapping[str, TypeAdapter[Any]] = {
    "out_of_scope": TypeAdapter(tuple[str, ...]),
    "ambiguous": TypeAdapter(tuple[Ambiguous, ...]),
    "glossary": TypeAdapter(dict[str, str]),
    "checks": TypeAdapter(tuple[Check, ...]),
}


def source_files(directory: Path = CORPUS_DIR) -> list[Path]:
    """Return every file that the corpus in ``directory`` is made of, in a stable order."""
    lists = [directory / name for name in (_SOURCES, *(f"{name}.yaml" for name in _LISTS))]
    return [path for path in lists if path.is_file()] + sorted((directory / "entries").rglob("*.md"))


def load_corpus(directory: Path = CORPUS_DIR) -> Corpus:
    """Read the corpus in ``directory``.

    Raises CorpusError with every problem found. The cross-checks of ``corpus check`` are not part of reading.
    """
    if not (directory / _SOURCES).is_file():
        raise CorpusError([Problem(str(directory / _SOURCES), 0, "not found; a corpus directory holds it")])
    problems: list[Problem] = []
    data: dict[str, Any] = {}
    lines: dict[str, Lines] = {}
    entries: list[Entry] = []
    for path in source_files(directory):
        try:
            if path.suffix == ".md":
                entries.append(load_entry(path, directory))
            elif path.name == _SOURCES:
                data.update(_load_list(path, TypeAdapter(_Sources), lines))
            else:
                data[path.stem] = _load_list(path, _LISTS[path.stem], lines)
        except CorpusError as error:
            problems += error.problems
    if not entries and not problems:
        problems.append(Problem("entries", 0, "holds no entry; an entry is a file entries/<area>/<id>.md"))
    if problems:
        raise CorpusError(problems)
    return Corpus(entries=tuple(entries), lines=lines, **data)


def load_entry(path: Path, root: Path | None = None) -> Entry:
    """Read one entry file; problems name it relative to ``root``, in which it must lie where area and id say.

    Raises CorpusError with all problems.
    """
    # Who answers from an index needs this package, but neither Markdown nor YAML.
    from corpus.body import parse_body
    from corpus.frontmatter import read_yaml, split_front_matter

    shown = path.relative_to(root).as_posix() if root else str(path)
    front, body, first_line = split_front_matter(_read(path, shown), shown)
    sections, problems = parse_body(body, shown, first_line)
    try:
        document = read_yaml(front, shown, first_line=2)
    except CorpusError as error:
        raise CorpusError([*error.problems, *problems]) from error
    if not isinstance(document.data, dict):
        raise CorpusError([Problem(shown, 2, "the front matter is not a mapping"), *problems])
    data = dict(document.data)
    problems += _prepare(data, document, shown)
    # Only a file has places and text: front matter that sets them has an unknown key like any other.
    own = [key for key in ("sections", "lines") if key in data]
    problems += [Problem(shown, document.line([key]), f"{key}: unknown key") for key in own]
    try:
        entry = Entry.model_validate({**data, "sections": sections, "lines": document.lines})
    except ValidationError as error:
        known = {problem.line for problem in problems}
        problems += [problem for problem in _explain(error, document, shown) if problem.line not in known]
        raise CorpusError(problems) from error
    place = f"entries/{entry.area}/{entry.id}.md"
    if root and shown != place:
        problems.append(Problem(shown, entry.line("id"), f"lies in another place than its area and id say: {place}"))
    if problems:
        raise CorpusError(problems)
    return entry


def _read(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
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
        return Statement(text=" ".join(words.split("\n")), marker=marker, line=document.line(at))

    if "tells_apart" in data:
        data["tells_apart"] = statement(data["tells_apart"], "tells_apart")
    if isinstance(data.get("differs"), list):
        data["differs"] = [
            {**item, "advice": statement(item["advice"], "differs", number, "advice")}
            if isinstance(item, dict) and "advice" in item
            else item
            for number, item in enumerate(data["differs"])
        ]
    if isinstance(data.get("cites"), list):
        data["cites"] = [
            {"id": item.get("edition"), **item} if isinstance(item, dict) else item for item in data["cites"]
        ]
    data.update(_tuples(data))
    return problems


_ONE_OR_MORE = ("confirmed_by", "ruled_out_by")


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _tuples([item] if key in _ONE_OR_MORE and isinstance(item, str) else item)
            for key, item in value.items()
        }
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _explain(error: ValidationError, document: YamlDocument, path: str) -> Iterator[Problem]:
    for detail in error.errors():
        location = detail["loc"]
        field = ".".join(str(part) for part in location)
        message = "unknown key" if detail["type"] == "extra_forbidden" else detail["msg"]
        yield Problem(path, document.line(location), f"{field}: {message}" if field else message)


def _load_list(path: Path, adapter: TypeAdapter[Any], lines: dict[str, Lines]) -> Any:
    from corpus.frontmatter import read_yaml

    document = read_yaml(_read(path, path.name), path.name)
    lines[path.name] = document.lines
    try:
        value = adapter.validate_python(document.data)
    except ValidationError as error:
        raise CorpusError(_explain(error, document, path.name)) from error
    return dict(value) if isinstance(value, BaseModel) else value
