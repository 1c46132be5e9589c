"""A shell to run ``acknet`` in: with pipes, or on a terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["ACKNET", "STAND_IN", "Shell", "Shown", "shell_in"]

ROOT = Path(__file__).parents[2]
ACKNET = ("-m", "bot")
STAND_IN = ("-m", "tests.doubles.acknet_command")
"""``acknet`` with the stand-in engine; see tests/doubles/acknet_command.py."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|\][^\x1b\x07]*(?:\x1b\\|\x07))")


@dataclass(frozen=True)
class Shown:
    """What a terminal was sent, and how the command ended."""

    returncode: int
    raw: str

    @property
    def text(self) -> str:
        """What was sent without sequences that style or move."""
        return _SEQUENCE.sub("", self.raw)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    @property
    def colours(self) -> set[int]:
        """The codes of all colours that were used."""
        codes = re.findall(r"\x1b\[([0-9;]*)m", self.raw)
        return {int(code) for part in codes for code in part.split(";") if code and int(code) >= 30}


@dataclass(frozen=True)
class Shell:
    """Runs ``acknet`` with nothing of the surroundings but what a test gives it."""

    environment: dict[str, str] = field(repr=False)
    command: tuple[str, ...] = ACKNET

    def popen(self, *arguments: str | bytes, **options: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, *self.command, *arguments], cwd=ROOT, env=self.environment, **options)  # type: ignore[call-overload, no-any-return]

    def run(self, *arguments: str | bytes, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
        """Run the command with pipes; ``stdin`` is what comes through the one."""
        done = subprocess.run(
            [sys.executable, *self.command, *arguments],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=120,
            check=False,
        )
        return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())

    def on_terminal(self, *arguments: str, columns: int = 80, stdout: int | None = None) -> Shown:
        """Run the command on a terminal of its own; ``stdout`` may go elsewhere."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
        with self.popen(
            *arguments, stdin=theirs, stdout=theirs if stdout is None else stdout, stderr=theirs
        ) as process:
            os.close(theirs)
            sent = b""
            try:
                while part := os.read(ours, 65536):
                    sent += part
            except OSError:
                pass  # how Linux says that the other end was closed
            finally:
                os.close(ours)
        return Shown(process.returncode, sent.decode().replace("\r\n", "\n"))


def shell_in(home: Path, *, command: tuple[str, ...] = ACKNET, **variables: str) -> Shell:
    """Return a shell with ``home`` as home directory and ``variables`` in its environment."""
    hidden = (
        "ACKNET_",
        "XDG_",
        "PYTHON",
        "NO_COLOR",
        "FORCE_COLOR",
        "CLICOLOR",
        "TTY_",
        "COLUMNS",
        "LINES",
        "STAND_IN",
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    ours = {"HOME": str(home), "TERM": "xterm-256color", "PYTHONUTF8": "1", "PYTHONWARNINGS": "error"}
    return Shell(kept | ours | variables, command)
