"""The reads of one diagnosis: each made once, bounded together, and what could not be read kept in mind."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from bot.diagnosis.reader import Listing, LogWindow, Object, Reader, Unreadable
from bot.diagnosis.resources import LOGS, Resource, resource

__all__ = ["Reads"]

T = TypeVar("T")

KUBE_SYSTEM = "kube-system"


class Reads:
    """What collectors read through: equal questions are asked of the cluster once, however many collectors ask.

    Lists that differ in their limits alone are equal as far as the answer to one of them holds that to the other.

    ``used`` collects (resource, verb, namespace) of what was asked for, namespace None for all namespaces.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._answers: dict[tuple[Any, ...], asyncio.Future[Any]] = {}
        self._limits: dict[tuple[Any, ...], list[int]] = {}
        self.used: set[tuple[str, str, str | None]] = set()

    @property
    def source(self) -> str:
        """What is read, for a person."""
        return self._reader.source

    async def now(self) -> dt.datetime:
        """Return the time in the cluster."""
        return await self._once(("now",), self._reader.now)

    async def version(self) -> str:
        """Return the API server's gitVersion."""
        return await self._once(("version",), self._reader.version)

    async def get(self, qualified: str, name: str, namespace: str | None = None) -> Object | None:
        """Return one object, or None when it is known not to be there."""
        kind = resource(qualified)
        self._use(kind, "get", namespace)
        return await self._once(
            ("get", qualified, namespace, name), lambda: self._reader.get(kind, name, namespace=namespace)
        )

    async def list(
        self,
        qualified: str,
        *,
        namespace: str | None = None,
        labels: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
        limit: int,
    ) -> Listing:
        """Return at most ``limit`` objects."""
        kind = resource(qualified)
        self._use(kind, "list", namespace)
        question = ("list", qualified, namespace, _frozen(labels), _frozen(fields))

        async def ask(most: int) -> Listing:
            return await self._once(
                (*question, most),
                lambda: self._reader.list(kind, namespace=namespace, labels=labels, fields=fields, limit=most),
            )

        limits = self._limits.setdefault(question, [])
        largest = max(limits, default=0)
        if largest < limit and not (largest and (await ask(largest)).complete):
            limits.append(limit)
            largest = limit
        found = await ask(largest)
        return Listing(found.items[:limit], complete=found.complete and len(found.items) <= limit)

    async def log(self, pod: str, container: str, window: LogWindow | None = None) -> str | None:
        """Return the end of the log of a container in kube-system; None when there is none."""
        asked = window or LogWindow()
        self.used.add((LOGS, "get", KUBE_SYSTEM))
        return await self._once(
            ("log", pod, container, asked), lambda: self._reader.log(KUBE_SYSTEM, pod, container, asked)
        )

    def _use(self, kind: Resource, verb: str, namespace: str | None) -> None:
        self.used.add((kind.qualified, verb, namespace))

    async def _once(self, key: tuple[Any, ...], read: Callable[[], Awaitable[T]]) -> T:
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = asyncio.get_running_loop().create_future()
            try:
                answer.set_result(await read())
            except Unreadable as error:
                answer.set_exception(error)
            except BaseException:
                # Whoever else waits for this was not the one that was interrupted.
                answer.set_exception(Unreadable(f"{key[0]} {key[1]}" if len(key) > 1 else str(key[0]), "timeout"))
                raise
            finally:
                if answer.done() and not answer.cancelled():
                    answer.exception()  # seen, even if nobody else asks
        return await asyncio.shield(answer)


def _frozen(selector: Mapping[str, str] | None) -> frozenset[tuple[str, str]]:
    return frozenset((selector or {}).items())
