"""Which container's log is meant, and which part of it the kubelet hands out."""

from __future__ import annotations

import datetime as dt
import re

from bot.diagnosis.reader import Object
from tests.doubles.kubernetes_answers import Failure

__all__ = ["container_of", "no_log", "window"]

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


def container_of(pod: Object, name: str, asked: str) -> str:
    """Return the container that is meant; where none is asked for, it has to be the only one."""
    spec = pod["spec"]
    lists = ("containers", "initContainers", "ephemeralContainers")
    plain, init, ephemeral = ([each["name"] for each in spec.get(part) or ()] for part in lists)
    if asked:
        if asked not in (*plain, *init, *ephemeral):
            raise Failure(400, f"container {asked} is not valid for pod {name}")
        return asked
    if len(plain) == 1:
        return str(plain[0])
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(plain)}]"
    raise Failure(400, message + (f" or one of the init containers: [{' '.join(init)}]" if init else ""))


def no_log(pod: Object, name: str, container: str, previous: bool) -> str:
    """Return what the kubelet says of a container that no log is given of: an empty one, or why there is none."""
    if previous:
        raise Failure(400, f'previous terminated container "{container}" in pod "{name}" not found')
    status = pod.get("status", {})
    states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    state = next((each.get("state", {}) for each in states if each["name"] == container), {})
    if waiting := state.get("waiting"):
        reason = waiting.get("reason", "")
        raise Failure(400, f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    return ""


def _time_of(line: str, now: dt.datetime) -> dt.datetime | None:
    if match := _RFC3339.match(line):
        when = dt.datetime.fromisoformat(match[1].replace(",", "."))
        return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    if match := _KLOG.match(line):
        month, day, hour, minute, second = map(int, match.groups())
        when = dt.datetime(now.year, month, day, hour, minute, second, tzinfo=dt.UTC)
        return when if when <= now + dt.timedelta(days=1) else when.replace(year=now.year - 1)
    return None
