"""Where facts come from: a live cluster, a snapshot or pasted text, all behind one protocol."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from bot.diagnosis.resources import Resource

__all__ = ["Listing", "LogWindow", "Object", "Reader", "Reason", "Unreadable"]

Object = Mapping[str, Any]
"""A Kubernetes object as JSON gives it."""

Reason = Literal["forbidden", "not_served", "timeout", "budget", "failed", "not_captured"]
"""Why something could not be read: no permission; the API group or kind is not there; too slow; more than the budget
allows; the server failed or answered nonsense; a snapshot or paste does not hold it."""


class Unreadable(Exception):
    """Something could not be read, so nothing may be concluded from it: neither that it is there nor that it is absent.

    ``what`` names it as a person would ask for it (``list events in namespace shop``), ``detail`` adds in a few words
    what a reader can do or what the server said (no bodies, no secrets).
    """

    def __init__(self, what: str, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{what}: {reason}" + (f" ({detail})" if detail else ""))
        self.what, self.reason, self.detail = what, reason, detail


@dataclass(frozen=True, slots=True)
class Listing:
    """The objects of a list; ``complete`` is False where a limit cut it, so that absence proves nothing."""

    items: Sequence[Object]
    complete: bool


@dataclass(frozen=True, slots=True)
class LogWindow:
    """Which part of a container's log is read; the newest lines count."""

    tail_lines: int = 2000
    since_seconds: int | None = None
    limit_bytes: int = 256 * 1024
    previous: bool = False


class Reader(Protocol):
    """Reads a cluster, or what was captured of one; never changes anything.

    Every method raises Unreadable when the answer is not known. A plain "it is not there" is an answer: None.
    """

    source: str
    """What is read, in a few words for a person: ``context prod``, ``snapshot /tmp/dump``, ``pasted text``."""

    @property
    def requests(self) -> int:
        """How many requests left so far; 0 where none are needed."""
        ...

    @property
    def bytes(self) -> int:
        """How many bytes of answers were read so far."""
        ...

    async def now(self) -> dt.datetime:
        """Return what time it is there (the server's clock, or when a snapshot was taken), with its zone."""
        ...

    async def version(self) -> str:
        """Return the API server's gitVersion."""
        ...

    async def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one object, or None when there is none of this name."""
        ...

    async def list(
        self,
        resource: Resource,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """Return at most ``limit`` objects whose labels and fields have these values; all namespaces without one."""
        ...

    async def log(self, namespace: str, pod: str, container: str, window: LogWindow) -> str | None:
        """Return the end of a container's log; None when there is no such pod, container or previous run."""
        ...
