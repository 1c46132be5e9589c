"""Ages and dates as kubectl prints them."""

from __future__ import annotations

import datetime as dt
import re
from email.utils import parsedate_to_datetime

__all__ = ["AGE", "EVENT_AGE", "PRINTED_TIME", "age", "event_times", "printed_time", "rfc3339"]

AGE = r"(?:(?:\d{1,6}[smhdy]){1,4}|<unknown>|<invalid>)"
"""A pattern of ages: ``2m10s``, ``40d``."""

EVENT_AGE = rf"{AGE}(?: \(x\d{{1,9}} over {AGE}\))?"
"""A pattern of an event's age: ``2m10s (x15 over 30m)``."""

PRINTED_TIME = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}"
"""A pattern of the dates of ``kubectl describe``: ``Wed, 04 Mar 2026 05:06:07 +0800``."""

_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
_PART = re.compile(r"(\d{1,6})([smhdy])")
_REPEATED = re.compile(rf"(?P<last>{AGE})(?: \(x(?P<count>\d{{1,9}}) over (?P<first>{AGE})\))?")
_MOST = 100 * 365 * 86400


def age(text: str) -> dt.timedelta | None:
    """Return how long ago an age says; None where it says nothing."""
    seconds = sum(int(number) * _UNIT[unit] for number, unit in _PART.findall(text))
    return dt.timedelta(seconds=min(seconds, _MOST)) if _PART.match(text) else None


def event_times(text: str, now: dt.datetime) -> tuple[str | None, str | None, int]:
    """Return when an event of that age was first and last seen (RFC 3339), and how often."""
    match = _REPEATED.match(text)
    if match is None:
        return None, None, 1
    last = age(match["last"])
    first = age(match["first"]) if match["first"] else last
    count = int(match["count"]) if match["count"] else 1
    return _before(now, first), _before(now, last), count


def printed_time(text: str) -> str | None:
    """Return a date of ``kubectl describe`` in RFC 3339; None where it is none."""
    if not re.match(PRINTED_TIME, text):
        return None
    try:
        return rfc3339(parsedate_to_datetime(text))
    except ValueError:
        return None


def rfc3339(time: dt.datetime) -> str:
    """Return the time as the API server writes it."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _before(now: dt.datetime, span: dt.timedelta | None) -> str | None:
    if span is None:
        return None
    try:
        return rfc3339(now - span)
    except OverflowError:
        return None
