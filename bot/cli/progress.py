"""Progress of long work, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bot.cli.console import console, is_interactive, print_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

__all__ = ["BUILDING", "progress_on_stderr"]

BUILDING = "acknet: building the index; this happens once and takes about a minute"
"""What is said when an index has to be built before anything else."""


@contextmanager
def progress_on_stderr(announcement: str = "") -> Iterator[Callable[[str, float], None]]:
    """Yield a function to tell what is being done and which share of the whole is done (0 to 1).

    Its first call prints ``announcement``, on a terminal with a bar below it that is gone when the block is left.
    """
    shown = _Bar(announcement) if is_interactive(sys.stderr) else _Line(announcement)
    try:
        yield shown
    finally:
        shown.close()


class _Line:
    """Says the announcement once, and no more."""

    def __init__(self, announcement: str) -> None:
        self._announcement = announcement

    def __call__(self, _what: str, _share: float) -> None:
        if self._announcement:
            print_line(self._announcement, sys.stderr)
            sys.stderr.flush()
            self._announcement = ""

    def close(self) -> None:
        """Do nothing."""


class _Bar:
    """A bar with what is being done before it and the time that has gone behind it."""

    def __init__(self, announcement: str) -> None:
        self._announcement = announcement
        self._shown: tuple[Progress, TaskID] | None = None

    def __call__(self, what: str, share: float) -> None:
        progress, task = self._shown or self._show()
        progress.update(task, description=what, completed=share)

    def _show(self) -> tuple[Progress, TaskID]:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        if self._announcement:
            print_line(self._announcement, sys.stderr)
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
        )
        progress = Progress(*columns, console=console(sys.stderr), transient=True)
        self._shown = progress, progress.add_task("", total=1.0)
        progress.start()
        return self._shown

    def close(self) -> None:
        """Take the bar away."""
        if self._shown:
            self._shown[0].stop()
