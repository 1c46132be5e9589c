"""Which part of a container's log the kubelet hands out."""

from __future__ import annotations

import datetime as dt
import re

__all__ = ["window"]

_RFC3339 = re.compile(r"\s*(?:time=\")?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:\d\d)?)")
_KLOG = re.compile(r"[IWEF](\d\d)(\d\d) (\d\d):(\d\d):(\d\d)")


def window(text: str, now: dt.datetime, tail: int | None, since: int | None, limit: int | None) -> bytes:
    """Return the last ``tail`` lines that are not older than ``since`` seconds, and of them the first ``limit`` bytes.

    The first ones: so does the kubelet, too. A line's time is the one it starts with, else that of the line before it.
    """
    lines = text.splitlines(keepends=True)
    if since is not None:
        oldest = now - dt.timedelta(seconds=since)
        first = next((at for at, line in enumerate(lines) if (when := _time_of(line, now)) and when >= oldest), None)
        timed = any(_time_of(line, now) for line in lines)
        lines = lines[first:] if first is not None else [] if timed else lines
    if tail is not None:
        lines = lines[len(lines) - min(tail, len(lines)) :]
    return "".join(lines).encode()[:limit]


def _time_of(line: str, now: dt.datetime) -> dt.datetime | None:
    if match := _RFC3339.match(line):
        when = dt.datetime.fromisoformat(match[1].replace(",", "."))
        return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    if match := _KLOG.match(line):
        month, day, hour, minute, second = map(int, match.groups())
        when = dt.datetime(now.year, month, day, hour, minute, second, tzinfo=dt.UTC)
        return when if when <= now + dt.timedelta(days=1) else when.replace(year=now.year - 1)
    return None
