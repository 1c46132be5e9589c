"""What is wrong with a corpus, with file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["CorpusError", "Problem"]


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
