"""What is asked: the words of the command line or stdin, after the earlier turns of a file."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from bot.cli.console import UsageFailure

__all__ = ["read_turns"]

_MOST_BYTES = 4 * 1024 * 1024
"""What is read of a file or of stdin; room for a million characters of any script."""

_HOW_TO_ASK = 'write the question behind the command, as in: acknet ask "why …", or pipe a text into it'


def read_turns(words: Sequence[str], thread: Path | None) -> list[str]:
    """Return the turns of the conversation, oldest first; the last one asks.

    ``words`` are the question; without any it is read from stdin. ``thread`` is a file with the earlier turns: a JSON
    list of strings, or text with a blank line between two turns; ``-`` stands for stdin. Bytes that are not UTF-8
    become replacement characters, as logs hold some. Raises UsageFailure.
    """
    thread_on_stdin = str(thread) == "-"
    if thread_on_stdin and not words:
        raise UsageFailure("stdin cannot hold the question and --thread - at once; write the question as words")
    earlier: list[str] = []
    if thread is not None:
        earlier = _split_thread(_read_stdin("--thread -") if thread_on_stdin else _read_file(thread), thread)
    # An argument's bytes that are not UTF-8 arrive as lone surrogates.
    question = os.fsencode(" ".join(words)).decode(errors="replace") if words else _read_stdin("the question")
    if not question.strip():
        raise UsageFailure(f"the question is blank; {_HOW_TO_ASK}")
    return [*earlier, question]


def _read_stdin(wanted: str) -> str:
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageFailure(f"{wanted} is missing; {_HOW_TO_ASK}")
    try:
        return _decode(_read(sys.stdin.buffer, "stdin"))
    except OSError as error:
        raise UsageFailure(f"stdin cannot be read: {error.strerror}; {_HOW_TO_ASK}") from error


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _decode(_read(file, str(path)))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageFailure(f"--thread {path}: cannot be read: {reason}; name a file with the earlier turns") from error


def _read(file: BinaryIO, name: str) -> bytes:
    data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise UsageFailure(f"{name}: more than {_MOST_BYTES >> 20} MB; keep the lines around what went wrong")
    return data


def _decode(data: bytes) -> str:
    # What PowerShell redirects into a file is UTF-16.
    utf16 = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return data.decode("utf-16" if utf16 else "utf-8-sig", errors="replace")


def _split_thread(text: str, path: Path) -> list[str]:
    turns: object = None
    if text.lstrip().startswith("["):
        try:
            turns = json.loads(text)
        except (ValueError, RecursionError):
            turns = None  # a text may begin with a bracket too, as log lines do
    if turns is None:
        turns = _paragraphs(text)
    if not isinstance(turns, list) or not all(isinstance(turn, str) for turn in turns):
        raise UsageFailure(f"--thread {path}: expected a JSON list of strings, the oldest turn first")
    return [turn for turn in turns if turn.strip()]


def _paragraphs(text: str) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            paragraphs[-1].append(line)
        else:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs]
