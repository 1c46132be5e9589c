"""YAML that remembers on which line each value stands and refuses doubled keys."""

from __future__ import annotations

from typing import Any

import yaml

from corpus.errors import CorpusError, Problem

__all__ = ["YamlDocument", "read_yaml", "split_front_matter"]

_FENCE = "---"
_Location = tuple[int | str, ...]


class YamlDocument:
    """Plain data from YAML, with the line of every value."""

    def __init__(self, data: Any, lines: dict[_Location, int]) -> None:
        self.data = data
        self._lines = lines

    def line(self, location: _Location) -> int:
        """Return the line of the value at ``location`` or of the closest one around it."""
        for length in range(len(location), -1, -1):
            if location[:length] in self._lines:
                return self._lines[location[:length]]
        return 0


class _Loader(yaml.CSafeLoader):
    """The safe loader without YAML 1.1's dates: a version or a date stays the text that it is."""


_Loader.yaml_implicit_resolvers = {
    key: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for key, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(text: str, path: str, first_line: int = 1) -> YamlDocument:
    """Read one YAML document; raise CorpusError on bad syntax, doubled keys or aliases."""
    loader = _Loader(text)
    lines: dict[_Location, int] = {}
    try:
        node = loader.get_single_node()
        data = None if node is None else _construct(loader, node, (), lines, path, first_line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0)
        raise CorpusError([Problem(path, line, f"bad YAML: {error.problem or error.context}")]) from error
    except yaml.YAMLError as error:
        raise CorpusError([Problem(path, first_line, f"bad YAML: {error}")]) from error
    finally:
        loader.dispose()
    return YamlDocument(data, lines)


def _construct(
    loader: yaml.CSafeLoader, node: yaml.Node, at: _Location, lines: dict[_Location, int], path: str, first_line: int
) -> Any:
    line = first_line + node.start_mark.line
    lines[at] = line
    if isinstance(node, yaml.MappingNode):
        mapping: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            if key in mapping:
                raise CorpusError([Problem(path, first_line + key_node.start_mark.line, f"key {key!r} is doubled")])
            mapping[key] = _construct(loader, value_node, (*at, key), lines, path, first_line)
            lines[(*at, key)] = first_line + key_node.start_mark.line
        return mapping
    if isinstance(node, yaml.SequenceNode):
        return [
            _construct(loader, item, (*at, position), lines, path, first_line)
            for position, item in enumerate(node.value)
        ]
    return loader.construct_object(node)


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
