"""Times as Kubernetes objects and logs write them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["TIMESTAMP", "newest_time", "parse_time"]

TIMESTAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
"""A pattern of RFC 3339 times."""

_TIMESTAMP = re.compile(TIMESTAMP, re.ASCII)

# Only what has happened: a deletionTimestamp or the end of a certificate may lie ahead.
_PAST = frozenset(
    {
        "creationTimestamp",
        "eventTime",
        "finishedAt",
        "firstTimestamp",
        "lastHeartbeatTime",
        "lastObservedTime",
        "lastProbeTime",
        "lastTimestamp",
        "lastTransitionTime",
        "lastUpdateTime",
        "observedTime",
        "startTime",
        "startedAt",
        "time",
    }
)
_MAX_DEPTH = 12


def parse_time(text: object) -> dt.datetime | None:
    """Return the RFC 3339 time with its zone, or None where ``text`` is none or is Go's zero time."""
    if not isinstance(text, str) or not _TIMESTAMP.fullmatch(text):
        return None
    try:
        time = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if 1970 <= time.year <= 9000 else None


def newest_time(objects: Iterable[Mapping[str, Any]]) -> dt.datetime | None:
    """Return the newest time at which something happened according to ``objects``."""
    texts: set[str] = set()
    for obj in objects:
        _collect(obj, texts, _MAX_DEPTH)
    return max(filter(None, map(parse_time, texts)), default=None)


def _collect(value: Any, texts: set[str], depth: int) -> None:
    if depth == 0:
        return
    if isinstance(value, dict):
        for key, child in value.items():
            if isinstance(child, str):
                if key in _PAST:
                    texts.add(child)
            elif key != "fieldsV1":
                _collect(child, texts, depth - 1)
    elif isinstance(value, list):
        for child in value:
            if isinstance(child, dict):
                _collect(child, texts, depth - 1)
