"""The text that ``kubectl describe`` prints, whatever it describes: keys, values, and what is set in below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

__all__ = ["NONE", "Entry", "pairs", "parsed", "selector"]

_ENTRY = re.compile(r"(?P<indent> *)(?P<key>[^\s:][^:]{0,120}?):(?:(?P<gap> +)(?P<value>\S.*)?)?\Z")
_PAIR = re.compile(r"(?P<key>[\w./-]{1,300})(?:: +|:\Z|=)(?P<value>.*)\Z")
NONE = frozenset({"", "<none>", "<unset>", "<unknown>", "<nil>"})
"""What kubectl prints where there is nothing."""


@dataclass
class Entry:
    """A line ``Key:  value``, the lines that go on below its value, and the lines and entries nested in it."""

    key: str
    values: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    children: list[Entry] = field(default_factory=list)

    def entry(self, key: str) -> Entry:
        """Return the nested entry of that key, an empty one when there is none."""
        return next((child for child in self.children if child.key == key), Entry(key))

    def text(self, key: str) -> str:
        """Return the value of a nested entry; empty where kubectl printed that there is none."""
        values = self.entry(key).values
        return "" if not values or values[0] in NONE else values[0]

    def texts(self, key: str) -> list[str]:
        """Return all lines of the value of a nested entry."""
        return [value for value in self.entry(key).values if value not in NONE]

    def has(self, *keys: str) -> bool:
        """Whether any of these entries is there."""
        return any(child.key in keys for child in self.children)


def parsed(lines: Sequence[str]) -> Entry:
    """Return the tree of entries by their indentation; a line below the start of a value goes on with the value."""
    top = Entry("")
    open_entries: list[tuple[int, int, Entry]] = [(-1, -1, top)]  # indentation, column of the value
    for line in lines:
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip(" "))
        while len(open_entries) > 1 and indent <= open_entries[-1][0]:
            open_entries.pop()
        _, column, parent = open_entries[-1]
        if column == indent:
            parent.values.append(line.strip())
            continue
        parent.lines.append(line.strip())
        match = _ENTRY.match(line)
        if match:
            entry = Entry(match["key"].strip(), [match["value"].strip()] if match["value"] else [])
            parent.children.append(entry)
            if len(open_entries) < 20:
                open_entries.append((indent, match.start("value") if match["value"] else -2, entry))
    return top


def pairs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the key and the value of each text that has both: ``app=web``, ``app: web``."""
    for text in texts:
        if match := _PAIR.match(text):
            yield match["key"], match["value"].strip()


def selector(text: str) -> dict[str, str]:
    """Return the labels of a selector, whose pairs have commas between them."""
    return dict(pairs([part.strip() for part in text.split(",")]))
