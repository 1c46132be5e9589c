"""Facts by name: what a cluster says, each read by one collector that runs at most once in a diagnosis."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

from bot.diagnosis.observation import Fact
from bot.diagnosis.reader import Unreadable
from bot.diagnosis.reads import Reads

__all__ = ["MISREAD", "Collector", "Facts", "Needs", "Progress", "Scope", "collectors", "fact"]

_logger = logging.getLogger("acknet.diagnosis")

MISREAD = "acknet cannot make sense of what the cluster says there; please report it"

T = TypeVar("T", bound=Fact)

Progress = Callable[[str, Literal["reading", "read", "unreadable"]], None]
"""Told which fact is being read and how that ended."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What the person asking points at; each part may be missing."""

    namespace: str | None = None
    pod: str | None = None
    node: str | None = None
    service: str | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """A permission a collector needs: ``verb`` on ``resource`` (qualified) in ``namespace`` (None: all namespaces).

    ``names`` restricts a get to objects of these names.
    """

    resource: str
    verb: Literal["get", "list"]
    namespace: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Collector(Generic[T]):
    """Reads the fact ``name``; ``kubectl`` shows a person the same, ``doc`` says what the fact is for."""

    name: str
    model: type[T]
    needs: tuple[Needs, ...]
    kubectl: str
    doc: str
    collect: Callable[[Facts], Awaitable[T]]


_COLLECTORS: dict[str, Collector[Any]] = {}


def fact(
    name: str, model: type[T], *, needs: Iterable[Needs] = (), kubectl: str
) -> Callable[[Callable[[Facts], Awaitable[T]]], Collector[T]]:
    """Make a function the collector of the fact ``name``, whose value is a ``model``.

    The function may ask for other facts. It raises Unreadable (or lets one through) when the fact is not known.
    """

    def register(collect: Callable[[Facts], Awaitable[T]]) -> Collector[T]:
        if name in _COLLECTORS:
            raise ValueError(f"two collectors of the fact {name}")
        doc = " ".join((collect.__doc__ or "").split())
        collector = Collector(name, model, tuple(needs), kubectl, doc, collect)
        _COLLECTORS[name] = collector
        return collector

    return register


def collectors() -> Mapping[str, Collector[Any]]:
    """Return all collectors by the names of their facts."""
    from bot.diagnosis.facts import load_all

    load_all()
    return MappingProxyType(_COLLECTORS)


class Facts:
    """The facts of one diagnosis. ``await facts(collector)`` reads one, once, however many ask for it.

    All of them together have ``seconds``, from the first one on; those not read by then are unreadable.
    """

    def __init__(self, reads: Reads, scope: Scope, *, seconds: float = 15.0, progress: Progress | None = None) -> None:
        self.reads, self.scope = reads, scope
        self._seconds = seconds
        self._deadline: float | None = None
        self._progress = progress or (lambda _name, _state: None)
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def __call__(self, collector: Collector[T]) -> T:
        """Return the fact; raise Unreadable when it cannot be known."""
        task: asyncio.Task[T] | None = self._running.get(collector.name)
        if task is None:
            task = self._running[collector.name] = asyncio.create_task(self._collect(collector))
            # A fact that only others asked for, which gave up before, ends unseen otherwise.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
        return await asyncio.shield(task)

    def ready(self, name: str) -> Fact | None:
        """Return a fact that has been read, whoever asked for it; None for any other."""
        task = self._running.get(name)
        if task is None or not task.done() or task.cancelled() or task.exception() is not None:
            return None
        found: Fact = task.result()
        return found

    async def _collect(self, collector: Collector[T]) -> T:
        self._progress(collector.name, "reading")
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                found = await collector.collect(self)
        except TimeoutError as error:
            self._progress(collector.name, "unreadable")
            raise Unreadable(f"fact {collector.name}", "timeout", f"not read within {self._seconds:g} s") from error
        except Unreadable:
            self._progress(collector.name, "unreadable")
            raise
        except Exception as error:  # noqa: BLE001 (a cluster that nobody foresaw spoils one fact and not all)
            _logger.error("the fact %s cannot be made of what was read: %s", collector.name, _place_of(error))  # noqa: TRY400 (see there)
            self._progress(collector.name, "unreadable")
            raise Unreadable(f"fact {collector.name}", "failed", MISREAD) from None
        self._progress(collector.name, "read")
        return found


def _place_of(error: Exception) -> str:
    """Say what went wrong and where; not the error's own words, which may hold what was read."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    where = f"{Path(at.tb_frame.f_code.co_filename).name}:{at.tb_lineno}" if at is not None else "an unknown place"
    return f"{type(error).__name__} in {where}"
