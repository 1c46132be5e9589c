"""What every surface that stays up asks: answers and looks.

HTTP, the page, Slack and on call differ in how a question comes in and how the answer is shown; all of them go through
one `Service`.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from bot.diagnosis.models import Diagnosis
from bot.look import Look, SourceError, look_into
from bot.observe.metrics import Metrics
from bot.observe.tracing import span
from bot.opening import AskEngine, EngineOpening
from bot.pool import Overloaded, Pool
from bot.records import Answered, Asker, Records, Surface
from bot.settings import Settings
from bot.stoppable import Stoppable
from bot.store import GivenAnswer, Store
from corpus import Entry

__all__ = ["Answered", "Asker", "Service", "Surface", "Tell", "untold"]

_logger = logging.getLogger("acknet.service")

T = TypeVar("T")

Tell = Callable[[Mapping[str, Any]], None]
"""Told the stages of an answer, on the event loop: ``{"stage": "retrieved", "entries": [id]}``, then ``{"stage":
"probing", "fact": name, "state": "reading"|"read"|"unreadable"}`` for each fact of a look, and ``{"stage":
"answered"}``."""

_MOST_THREADS = 8
_MOST_LOOKS = 4
_LOOKS_WAITING = 32
_LOOK_MARGIN_SECONDS = 10.0


def untold(_: Mapping[str, Any]) -> None:
    """Tell nobody."""


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
        self._records = Records(self.store, self.metrics)

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
        self.metrics.answered(asker.surface, answer, time.perf_counter() - start)
        return await self._records.give(answer, turns, asker, look)

    async def explain(
        self, entry_id: str, turns: Sequence[str], asker: Asker, diagnosis: Diagnosis | None = None
    ) -> Answered:
        """Answer with one entry that somebody chose (it has to be known), whatever is ranked first for ``turns``.

        Raises NotReady, Overloaded.
        """
        engine, start = self.engine, time.perf_counter()
        with self._failures_counted(asker):
            answer = await self._asks.run(lambda: engine.explain(entry_id, turns, diagnosis))
        self.metrics.answered(asker.surface, answer, time.perf_counter() - start)
        return await self._records.give(answer, turns, asker)

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
        return await self._records.find(answer_id)

    async def conversation(self, place: str) -> tuple[GivenAnswer, ...]:
        """Return the answers that were given at a place, oldest first; none where the store is down."""
        return await self.remember(lambda: self.store.answers.at_place(place), ())

    async def rate(self, answer_id: str, asker: Asker, *, helpful: bool, reason: str = "") -> bool:
        """Keep what somebody thinks of an answer; False: the store is down."""
        given = await self.kept(answer_id)

        async def keep() -> bool:
            await self.store.feedback.give(answer_id, helpful=helpful, who=asker.who, reason=reason)
            if given is not None and not helpful:
                await self._records.question(given, "badly_rated")
            return True

        self.metrics.ratings.labels(str(helpful).lower()).inc()
        return await self.remember(keep, False)

    async def nobody_answered(self, answer_id: str) -> bool:
        """Keep the question of an answer as one that nobody answered; False: it is not known, or the store is down."""
        given = await self.kept(answer_id)
        if given is None:
            return False

        async def keep() -> bool:
            await self._records.question(given, "nobody_answered")
            return True

        return await self.remember(keep, False)

    async def remember(self, work: Callable[[], Awaitable[T]], otherwise: T) -> T:
        """Return what ``work`` with the store returns, or ``otherwise`` where the store is down, which is counted."""
        return await self._records.remember(work, otherwise)

    async def close(self) -> None:
        """Keep what is still to be kept, end the threads, let go of the store."""
        await self._records.finish()
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
            await self._records.look(asker, look, text, outcome={"stopped": True, "facts": dict(facts)})
            raise
        self.metrics.looked(found)
        read = sorted({seen.object for finding in found.findings for seen in finding.evidence})
        outcome = {"verdicts": found.verdicts, "source": found.cluster.source, "requests": found.requests}
        await self._records.look(asker, look, text, read=read, outcome=outcome)
        return found

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
