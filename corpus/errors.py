"""What is wrong with a corpus, with file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["CorpusError", "Lines", "Problem", "closest_line"]

Lines = dict[str, int]
"""Where a YAML text says what: key path (``asked_as.3``, empty for the whole) → line of its file, from 1."""


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong: the file, the line (from 1; 0 when it concerns the whole file), and what to do."""

    path: str
    line: int
    message: str

    def __str__(self) -> str:
        place = f"{self.path}:{self.line}" if self.line else self.path
        return f"{place}: {self.message}"


class CorpusError(ValueError):
    """Raised when entries cannot be used; ``problems`` lists every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(map(str, self.problems)))


def closest_line(lines: Mapping[str, int], at: Sequence[str | int]) -> int:
    """Return the line of the value at key path ``at``, or of the closest one around it; 0 when there is none."""
    paths = (".".join(map(str, at[:length])) for length in range(len(at), -1, -1))
    return next((lines[path] for path in paths if path in lines), 0)
