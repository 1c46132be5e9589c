"""What is kept of answers and looks: in the store, in the audit log, and, where neither takes it, as a count."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from bot.answer import Answer
from bot.look import Look
from bot.observe.metrics import Metrics
from bot.observe.repeated import Repeated
from bot.store import Cause, GivenAnswer, Store, StoreUnavailable

__all__ = ["Answered", "Asker", "Records", "Surface"]

_logger = logging.getLogger("acknet.service")

T = TypeVar("T")

Surface = Literal["http", "page", "slack", "alert", "watch", "mcp"]
"""How a question came in."""

_MOST_UNWRITTEN = 1000
# An answer waits so long to be written down; as a rule that takes a few milliseconds.
_WRITTEN_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: ``who`` is an id of the platform or the name of a token, ``place`` the conversation; empty: unknown."""

    surface: Surface
    who: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer and the id by which it can be rated and found again."""

    id: str
    answer: Answer


class Records:
    """Writes down what was given and what was looked at, and finds answers again. Belongs to one event loop.

    A store that is down stops nothing: what could not be kept is counted, and why is said in the log.
    """

    def __init__(self, store: Store, metrics: Metrics) -> None:
        self._store = store
        self._metrics = metrics
        self._writing: dict[str, asyncio.Task[bool]] = {}
        self._writes_in_time = True
        self._left_out = Repeated(_logger)

    async def remember(self, work: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """Return what ``work`` with the store returns, or ``otherwise`` where the store is down, which is counted."""
        try:
            return await work()
        except StoreUnavailable as error:  # why, the store itself has logged
            self._metrics.store_failures.labels(error.reason).inc()
            return otherwise

    async def find(self, answer_id: str) -> GivenAnswer | None:
        """Return an answer that was given; None: it is not known. Raises StoreUnavailable."""
        if not answer_id:
            return None
        if writing := self._writing.get(answer_id):
            await writing
        return await self._store.answers.get(answer_id)

    async def finish(self) -> None:
        """Wait until what is being written is written, or cannot be."""
        await asyncio.gather(*self._writing.values())

    async def question(self, given: GivenAnswer, cause: Cause) -> None:
        """Keep the question of an answer as an open one. Raises StoreUnavailable."""
        await self._store.questions.add(given.turns[-1], cause=cause, ranked=dict(given.ranked))

    async def look(
        self, asker: Asker, look: Look, text: str, *, outcome: Mapping[str, Any], read: Sequence[str] = ()
    ) -> None:
        """Put a look into the audit log."""
        await self.remember(
            lambda: self._store.audit.add(
                who=asker.who,
                place=_place(asker),
                action="look",
                question=text or None,
                read=read,
                outcome={**outcome, "scope": _scope(look)},
            ),
            None,
        )

    async def give(self, answer: Answer, turns: Sequence[str], asker: Asker, look: Look | None = None) -> Answered:
        """Write an answer down before it goes out: it can be rated whatever becomes of this process.

        A store that was down or slow the last time is not waited for; the answer is written down beside.
        """
        given = Answered(secrets.token_urlsafe(12), answer)
        if len(self._writing) >= _MOST_UNWRITTEN:
            self._metrics.store_failures.labels("slow").inc()
            self._left_out.warn("the store is behind by %d answers; this one is not kept", len(self._writing))
            return given
        written = asyncio.Event()
        task = asyncio.create_task(self._keep(given, list(turns), asker, _scope(look), written))
        self._writing[given.id] = task
        task.add_done_callback(lambda _: self._writing.pop(given.id, None))
        if self._writes_in_time:
            try:
                async with asyncio.timeout(_WRITTEN_SECONDS):
                    await written.wait()
            except TimeoutError:
                self._writes_in_time = False
        return given

    async def _keep(
        self, given: Answered, turns: list[str], asker: Asker, scope: Mapping[str, str], written: asyncio.Event
    ) -> bool:
        answer = given.answer
        ranked = {one.id: one.confidence for one in answer.candidates}

        async def keep() -> bool:
            await self._store.answers.keep(
                given.id,
                turns=turns,
                surface=asker.surface,
                who=asker.who,
                place=asker.place,
                outcome=answer.outcome,
                entry=answer.entry,
                ranked=ranked,
                scope=scope,
            )
            return True

        async def audit() -> bool:
            outcome: dict[str, Any] = {"answer": given.id, "outcome": answer.outcome, "entry": answer.entry}
            if answer.model_sent:
                outcome |= {"sent_to_model": list(answer.model_sent)}
            await self._store.audit.add(
                who=asker.who, place=_place(asker), action="ask", question=turns[-1], outcome=outcome
            )
            return True

        async def question() -> bool:
            await self._store.questions.add(turns[-1], cause="no_answer", ranked=ranked)
            return True

        wanted = [keep, audit, *([question] if answer.outcome == "no_answer" else [])]
        # Side by side: what comes together is committed together, and what fails is told one by one.
        tasks = [asyncio.ensure_future(self.remember(one, False)) for one in wanted]
        tasks[0].add_done_callback(lambda _: written.set())
        kept = await asyncio.gather(*tasks)
        self._writes_in_time = all(kept)
        return self._writes_in_time


def _place(asker: Asker) -> str:
    return f"{asker.surface} {asker.place}".strip()


def _scope(look: Look | None) -> dict[str, str]:
    """Return where was looked, without what was not said."""
    if look is None:
        return {}
    said = asdict(look.scope) | {"cluster": look.cluster}
    return {name: value for name, value in said.items() if value is not None}
