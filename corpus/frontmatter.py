"""YAML that remembers on which line each value stands and refuses doubled keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from corpus.errors import CorpusError, Lines, Problem, closest_line

__all__ = ["YamlDocument", "read_yaml", "split_front_matter"]

_FENCE = "---"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """Plain data from YAML, with the line of every value."""

    data: Any
    lines: Lines

    def line(self, at: Sequence[str | int]) -> int:
        """Return the line of the value at key path ``at`` or of the closest one around it."""
        return closest_line(self.lines, at)


class _Loader(yaml.CSafeLoader):
    """The safe loader without YAML 1.1's dates: a version or a date stays the text that it is."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for key, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str, path: str, first_line: int = 1) -> YamlDocument:
    """Read one YAML document; raise CorpusError on bad syntax, doubled keys or aliases."""
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
            reader = _Reader(loader, path, first_line)
            data = None if node is None else reader.value(node, ())
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        raise CorpusError([Problem(path, line, f"bad YAML: {error.problem or error.context}")]) from error
    except yaml.reader.ReaderError as error:
        line = first_line + text.count("\n", 0, error.position)
        raise CorpusError([Problem(path, line, f"bad YAML: {error.reason}")]) from error
    if reader.problems:
        raise CorpusError(reader.problems)
    return YamlDocument(data, reader.lines)


@dataclass
class _Reader:
    """Builds plain data from YAML nodes, noting where each value stands."""

    loader: yaml.CSafeLoader
    path: str
    first_line: int
    lines: Lines = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def value(self, node: yaml.Node, at: tuple[str | int, ...]) -> Any:
        if id(node) in self.seen:
            line = closest_line(self.lines, at)  # the node itself stands where the anchor is
            self.problems.append(Problem(self.path, line, "an alias; write the value out"))
            return None
        self.seen.add(id(node))
        self.lines.setdefault(".".join(map(str, at)), self.line(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, at)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*at, position)) for position, item in enumerate(node.value)]
        return self.loader.construct_object(node)

    def mapping(self, node: yaml.MappingNode, at: tuple[str | int, ...]) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str):
                self.problem(key_node, "a key is a word, not a list or a mapping")
            elif key in mapping:
                self.problem(key_node, f"key {key!r} is doubled")
            else:
                self.lines[".".join(map(str, (*at, key)))] = self.line(key_node)
                mapping[key] = self.value(value_node, (*at, key))
        return mapping

    def line(self, node: yaml.Node) -> int:
        return int(self.first_line + node.start_mark.line)

    def problem(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(self.path, self.line(node), message))


def split_front_matter(text: str, path: str) -> tuple[str, str, int]:
    """Split an entry file into front matter, body and the line on which the body begins.

    Raises CorpusError when the file has no front matter between two ``---`` lines.
    """
    lines = text.split("\n")
    if lines[0].rstrip() != _FENCE:
        raise CorpusError([Problem(path, 1, "an entry begins with '---' and its front matter")])
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == _FENCE), None)
    if end is None:
        raise CorpusError([Problem(path, 1, "the front matter is not closed with '---'")])
    return "\n".join(lines[1:end]), "\n".join(lines[end + 1 :]), end + 2
