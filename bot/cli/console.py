"""How the shell talks: answers on stdout, everything else on stderr, colour only on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

    from corpus import Corpus

__all__ = ["ReaderGone", "UsageFailure", "console", "flush", "is_interactive", "print_line", "unknown_entry"]


class UsageFailure(Exception):
    """Something the user can mend; its text, one line, says what went wrong and what to do. Exit code 2."""


def unknown_entry(entry_id: str, corpus: Corpus) -> UsageFailure:
    """Return the failure that ``entry_id`` is none of the corpus, with the ids that come close."""
    closest = corpus.closest(entry_id)
    hint = f"did you mean {', '.join(closest)}?" if closest else "acknet corpus list shows all"
    return UsageFailure(f"there is no entry {entry_id!r}; {hint}")


class ReaderGone(Exception):
    """Nobody reads stdout any more. Typer would end a BrokenPipeError with 1, an exit code with a meaning here."""


def console(stream: TextIO | None = None) -> Console:
    """Return a console on ``stream`` (stdout by default); plain, at most 100 wide, when that is no terminal."""
    from rich.console import Console

    target = stream or sys.stdout
    plain = bool(os.environ.get("NO_COLOR")) or not target.isatty()
    width = None if target.isatty() else 100
    return Console(file=target, no_color=plain, highlight=False, width=width, soft_wrap=not target.isatty())


def is_interactive(stream: TextIO | None = None) -> bool:
    """Tell whether ``stream`` (stdout by default) is a terminal that can show more than plain text."""
    return (stream or sys.stdout).isatty() and os.environ.get("TERM") != "dumb"


def print_line(text: str, stream: TextIO | None = None) -> None:
    """Print ``text`` as it is, without markup or wrapping; what the stream's encoding lacks is replaced."""
    target = stream or sys.stdout
    encoding = target.encoding or "utf-8"
    try:
        target.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    except BrokenPipeError as error:
        raise ReaderGone from error


def flush() -> None:
    """Hand over to whoever reads stdout what was printed so far."""
    try:
        sys.stdout.flush()
    except BrokenPipeError as error:
        raise ReaderGone from error
