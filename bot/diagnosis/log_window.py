"""The end of a log that was captured whole, as the API server would have cut it."""

from __future__ import annotations

import datetime as dt
import re

from bot.diagnosis.reader import LogWindow
from bot.diagnosis.timestamps import TIMESTAMP, parse_time

__all__ = ["log_end"]

# What `kubectl logs --timestamps` puts first, and what logrus and slog write.
_LINE_TIME = re.compile(rf'(?:time="?)?({TIMESTAMP})', re.ASCII)


def log_end(text: str, window: LogWindow, now: dt.datetime | None) -> str:
    """Return the newest lines of ``text`` within the window's limits.

    ``since_seconds`` drops the lines before the first one whose own timestamp is young enough; a log whose lines bear
    no full timestamps is not cut by age, since nobody knows it.
    """
    lines = text.splitlines(keepends=True)
    if window.since_seconds is not None and now is not None:
        lines = _since(lines, now - dt.timedelta(seconds=window.since_seconds))
    lines = lines[-window.tail_lines :] if window.tail_lines > 0 else []
    size, first = 0, len(lines)
    while first > 0 and (size := size + len(lines[first - 1].encode(errors="replace"))) <= window.limit_bytes:
        first -= 1
    return "".join(lines[first:])


def _since(lines: list[str], cutoff: dt.datetime) -> list[str]:
    dated = False
    for index, line in enumerate(lines):
        match = _LINE_TIME.match(line)
        if match and (time := parse_time(match[1])) is not None:
            dated = True
            if time >= cutoff:
                return lines[index:]
    return [] if dated else lines
