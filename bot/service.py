"""What every surface that stays up asks: answers, looks, and the memory of both.

HTTP, the page, Slack and on call differ in how a question comes in and how the answer is shown; all of them go through
one `Service`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from bot.answer import Answer
from bot.diagnosis.models import Diagnosis
from bot.look import Look, SourceError, look_into
from bot.observe.metrics import Metrics
from bot.observe.repeated import Repeated
from bot.observe.tracing import span
from bot.opening import AskEngine, EngineOpening
from bot.pool import Overloaded, Pool
from bot.settings import Settings
from bot.stoppable import Stoppable
from bot.store import Cause, GivenAnswer, Store, StoreUnavailable
from corpus import Entry

__all__ = ["Answered", "Asker", "Service", "Surface", "Tell", "untold"]

_logger = logging.getLogger("acknet.service")

T = TypeVar("T")

Surface = Literal["http", "page", "slack", "alert", "watch", "mcp"]
"""How a question came in."""

Tell = Callable[[Mapping[str, Any]], None]
"""Told the stages of an answer, on the event loop: ``{"stage": "retrieved", "entries": [id]}``, then ``{"stage":
"probing", "fact": name, "state": "reading"|"read"|"unreadable"}`` for each fact of a look, and ``{"stage":
"answered"}``."""

_MOST_THREADS = 8
_MOST_LOOKS = 4
_LOOKS_WAITING = 32
_LOOK_MARGIN_SECONDS = 10.0
_MOST_UNWRITTEN = 1000
# An answer waits so long to be written down; as a rule that takes a few milliseconds.
_WRITTEN_SECONDS = 0.25


def untold(_: Mapping[str, Any]) -> None:
    """Tell nobody."""


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


class Service:
    """Answers questions and keeps what has to be remembered. Belongs to one event loop.

    ``threads`` questions are answered at a time (by default one a core, at most eight) and ``waiting`` more may wait.
    A store that is down stops no answer: what could not be kept is counted and said in the log.
    """

    def __init__(
        self,
        settings: Settings,
        opening: EngineOpening,
        *,
        store: Store | None = None,
        metrics: Metrics | None = None,
        threads: int | None = None,
        waiting: int = 256,
    ) -> None:
        self.settings = settings
        self.opening = opening
        self.store = store or Store(settings.store_url)
        self.metrics = metrics or Metrics()
        threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)
        self._asks = Pool("ask", threads=threads, waiting=waiting, seconds=settings.request_timeout)
        self._looks = Pool(
            "look",
            threads=_MOST_LOOKS,
            waiting=_LOOKS_WAITING,
            seconds=settings.diagnosis_timeout + _LOOK_MARGIN_SECONDS,
        )
        self._writing: dict[str, asyncio.Task[bool]] = {}
        self._writes_in_time = True
        self._left_out = Repeated(_logger)

    @property
    def engine(self) -> AskEngine:
        """The engine; raises NotReady."""
        return self.opening.engine

    async def ask(
        self,
        turns: Sequence[str],
        asker: Asker,
        *,
        look: Look | None = None,
        found: Diagnosis | None = None,
        tell: Tell = untold,
    ) -> Answered:
        """Answer the last of ``turns`` (oldest first), after a look into the cluster where one is wanted.

        ``found`` is what an earlier look found. Raises NotReady, Overloaded, SourceError.
        """
        engine, start = self.engine, time.perf_counter()
        with self._failures_counted(asker):
            if look is not None:
                suspects = await self._asks.run(lambda: engine.suspects(turns))
                tell({"stage": "retrieved", "entries": [entry.id for entry in suspects]})
                found = await self._look(engine, look, suspects, asker, text="\n".join(turns), tell=tell)
            with span("ask", {"acknet.surface": asker.surface}) as note:
                answer = await self._asks.run(lambda: engine.ask(turns, found) if found else engine.ask(turns))
                note("acknet.outcome", answer.outcome)
                note("acknet.entry", answer.entry or "")
        tell({"stage": "answered"})
        return await self._given(answer, turns, asker, look, time.perf_counter() - start)

    async def explain(
        self, entry_id: str, turns: Sequence[str], asker: Asker, diagnosis: Diagnosis | None = None
    ) -> Answered:
        """Answer with one entry that somebody chose (it has to be known), whatever is ranked first for ``turns``.

        Raises NotReady, Overloaded.
        """
        engine, start = self.engine, time.perf_counter()
        with self._failures_counted(asker):
            answer = await self._asks.run(lambda: engine.explain(entry_id, turns, diagnosis))
        return await self._given(answer, turns, asker, None, time.perf_counter() - start)

    async def nearest(self, text: str) -> tuple[Entry, ...]:
        """Return the entries that come nearest to ``text`` in meaning, without an answer; nothing is kept of it.

        Raises NotReady, Overloaded.
        """
        engine = self.engine
        return tuple(await self._asks.run(lambda: engine.suspects([text])))

    async def diagnose(
        self,
        asker: Asker,
        look: Look,
        *,
        question: str | None = None,
        entries: Sequence[Entry] = (),
        tell: Tell = untold,
    ) -> Diagnosis:
        """Look at ``entries`` and at those that may explain ``question``; without both, at all.

        Raises NotReady, Overloaded, SourceError.
        """
        engine, text = self.engine, question or ""
        with self._failures_counted(asker):
            suspects = await self._asks.run(lambda: engine.suspects([text])) if text else ()
            wanted = [*entries, *(entry for entry in suspects if entry not in entries)]
            tell({"stage": "retrieved", "entries": [entry.id for entry in wanted]})
            return await self._look(engine, look, wanted or None, asker, text=text, tell=tell)

    async def kept(self, answer_id: str) -> GivenAnswer | None:
        """Return an answer that was given; None: it is not known, or the store is down."""
        return await self.remember(lambda: self.find(answer_id), None)

    async def find(self, answer_id: str) -> GivenAnswer | None:
        """Return an answer that was given; None: it is not known. Raises StoreUnavailable."""
        if not answer_id:
            return None
        if writing := self._writing.get(answer_id):
            await writing
        return await self.store.answers.get(answer_id)

    async def conversation(self, place: str) -> tuple[GivenAnswer, ...]:
        """Return the answers that were given at a place, oldest first; none where the store is down."""
        return await self.remember(lambda: self.store.answers.at_place(place), ())

    async def rate(self, answer_id: str, asker: Asker, *, helpful: bool, reason: str = "") -> bool:
        """Keep what somebody thinks of an answer; False: the store is down."""
        given = await self.kept(answer_id)

        async def keep() -> bool:
            await self.store.feedback.give(answer_id, helpful=helpful, who=asker.who, reason=reason)
            if given is not None and not helpful:
                await self._keep_question(given, "badly_rated")
            return True

        self.metrics.ratings.labels(str(helpful).lower()).inc()
        return await self.remember(keep, False)

    async def nobody_answered(self, answer_id: str) -> bool:
        """Keep the question of an answer as one that nobody answered; False: it is not known, or the store is down."""
        given = await self.kept(answer_id)
        if given is None:
            return False

        async def keep() -> bool:
            await self._keep_question(given, "nobody_answered")
            return True

        return await self.remember(keep, False)

    async def remember(self, work: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """Return what ``work`` with the store returns, or ``otherwise`` where the store is down, which is counted."""
        try:
            return await work()
        except StoreUnavailable as error:  # why, the store itself has logged
            self.metrics.store_failures.labels(error.reason).inc()
            return otherwise

    async def close(self) -> None:
        """Keep what is still to be kept, end the threads, let go of the store."""
        await asyncio.gather(*self._writing.values())
        self._asks.close()
        self._looks.close()
        await self.store.close()

    async def _look(
        self,
        engine: AskEngine,
        look: Look,
        entries: Sequence[Entry] | None,
        asker: Asker,
        *,
        text: str,
        tell: Tell,
    ) -> Diagnosis:
        loop = asyncio.get_running_loop()

        facts: dict[str, str] = {}

        def progress(name: str, state: str) -> None:
            facts[name] = state
            loop.call_soon_threadsafe(tell, {"stage": "probing", "fact": name, "state": state})

        # On an event loop of its own: judging takes the processor for long, which others must not wait for.
        running = Stoppable()

        def run() -> Diagnosis:
            return running.run(
                lambda: look_into(self.settings, engine.corpus, look, entries=entries, text=text, progress=progress)
            )

        try:
            with span("look", {"acknet.surface": asker.surface}) as note:
                found = await self._looks.run(run)
                note("acknet.requests", found.requests)
                note("acknet.bytes", found.bytes)
        except SourceError as error:
            _logger.warning("nothing can be looked into: %s", error)
            raise
        except asyncio.CancelledError:
            running.stop()
            await self._keep_look(asker, look, text, outcome={"stopped": True, "facts": dict(facts)})
            raise
        self.metrics.looked(found)
        read = sorted({seen.object for finding in found.findings for seen in finding.evidence})
        outcome = {"verdicts": found.verdicts, "source": found.cluster.source, "requests": found.requests}
        await self._keep_look(asker, look, text, read=read, outcome=outcome)
        return found

    async def _keep_look(
        self, asker: Asker, look: Look, text: str, *, outcome: Mapping[str, Any], read: Sequence[str] = ()
    ) -> None:
        """Put a look into the audit log."""
        await self.remember(
            lambda: self.store.audit.add(
                who=asker.who,
                place=_place(asker),
                action="look",
                question=text or None,
                read=read,
                outcome={**outcome, "scope": _scope(look)},
            ),
            None,
        )

    async def _given(
        self, answer: Answer, turns: Sequence[str], asker: Asker, look: Look | None, seconds: float
    ) -> Answered:
        """Count an answer and write it down before it goes out: it can be rated whatever becomes of this process.

        A store that was down or slow the last time is not waited for; the answer is written down beside.
        """
        self.metrics.answered(asker.surface, answer, seconds)
        given = Answered(secrets.token_urlsafe(12), answer)
        if len(self._writing) >= _MOST_UNWRITTEN:
            self.metrics.store_failures.labels("slow").inc()
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
            await self.store.answers.keep(
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
            await self.store.audit.add(
                who=asker.who, place=_place(asker), action="ask", question=turns[-1], outcome=outcome
            )
            return True

        async def question() -> bool:
            await self.store.questions.add(turns[-1], cause="no_answer", ranked=ranked)
            return True

        wanted = [keep, audit, *([question] if answer.outcome == "no_answer" else [])]
        # Side by side: what comes together is committed together, and what fails is told one by one.
        tasks = [asyncio.ensure_future(self.remember(one, False)) for one in wanted]
        tasks[0].add_done_callback(lambda _: written.set())
        kept = await asyncio.gather(*tasks)
        self._writes_in_time = all(kept)
        return self._writes_in_time

    async def _keep_question(self, given: GivenAnswer, cause: Cause) -> None:
        await self.store.questions.add(given.turns[-1], cause=cause, ranked=dict(given.ranked))

    def _failures_counted(self, asker: Asker) -> _FailuresCounted:
        return _FailuresCounted(self.metrics, asker.surface)


class _FailuresCounted:
    """Counts what ends in an error, by its kind."""

    def __init__(self, metrics: Metrics, surface: Surface) -> None:
        self._metrics, self._surface = metrics, surface

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Count ``error``, if there is one, and let it through."""
        if isinstance(error, Exception):
            reason = "overloaded" if isinstance(error, Overloaded) else type(error).__name__
            self._metrics.failures.labels(self._surface, reason).inc()


def _place(asker: Asker) -> str:
    return f"{asker.surface} {asker.place}".strip()


def _scope(look: Look | None) -> dict[str, str]:
    """Return where was looked, without what was not said."""
    if look is None:
        return {}
    said = asdict(look.scope) | {"cluster": look.cluster}
    return {name: value for name, value in said.items() if value is not None}
