"""Deliveries to the app: each is tried, and an event tried again, until it is acknowledged."""

from __future__ import annotations

import asyncio
import concurrent.futures
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from tests.doubles.slack.clock import Clock, Timings

__all__ = ["Attempt", "Courier", "Deliveries", "Delivery", "Kind"]

Kind = Literal["events_api", "interactive", "slash_commands"]


@dataclass(frozen=True)
class Attempt:
    """One try; ``failure`` is empty where it was acknowledged, else Slack's word for why not.

    ``via`` names the connection or address; ``took`` is how many seconds it was under way; ``answer`` is what the app
    sent along; ``final`` forbids another try.
    """

    number: int
    reason: str
    at: float
    via: str
    took: float = 0.0
    failure: str = ""
    answer: Any = None
    status: int | None = None
    final: bool = False


@dataclass
class Delivery:
    """Something that the app is told; events are tried again, interactions are not."""

    kind: Kind
    payload: dict[str, Any]
    accepts_response: bool = False
    attempts: list[Attempt] = field(default_factory=list)
    trigger_id: str = ""
    response_url: str = ""
    refusal: dict[str, Any] | None = None
    """What Slack would have shown instead of an answer that it could not take."""
    _done: concurrent.futures.Future[None] = field(default_factory=concurrent.futures.Future)

    @property
    def event(self) -> dict[str, Any]:
        """The event of an event's payload, else an empty one."""
        found: dict[str, Any] = self.payload.get("event", {})
        return found

    @property
    def done(self) -> bool:
        return self._done.done()

    @property
    def acked(self) -> bool:
        return any(not attempt.failure for attempt in self.attempts)

    @property
    def failures(self) -> list[str]:
        return [attempt.failure for attempt in self.attempts if attempt.failure]

    @property
    def answer(self) -> Any:
        """What the app answered with its acknowledgement."""
        return next((attempt.answer for attempt in self.attempts if not attempt.failure), None)

    @property
    def errors(self) -> dict[str, str]:
        """What a view submission was refused with, by block_id."""
        answer = self.answer if isinstance(self.answer, dict) else {}
        return dict(answer.get("errors", {})) if answer.get("response_action") == "errors" else {}

    def wait(self, timeout: float = 60.0) -> Delivery:
        """Block until it was acknowledged or given up; raise TimeoutError after ``timeout`` seconds."""
        self._done.result(timeout)
        return self

    def __await__(self) -> Generator[Any, None, Delivery]:
        yield from asyncio.wrap_future(self._done).__await__()
        return self

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more will happen; ``error`` is a failure of the double itself."""
        if error is not None:
            self._done.set_exception(error)
        else:
            self._done.set_result(None)


class Courier(Protocol):
    """A way to the app: Socket Mode or HTTP."""

    async def attempt(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        """Try once; ``number`` counts from 0, ``reason`` is why the try before failed."""
        ...


class Deliveries:
    """All deliveries, in the order in which they were begun."""

    def __init__(self, clock: Clock, timings: Timings, courier: Callable[[], Courier]) -> None:
        self._clock, self._timings, self._courier = clock, timings, courier
        self.all: list[Delivery] = []
        self.on_end: Callable[[Delivery], None] = lambda _delivery: None
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, delivery: Delivery, on_answer: Callable[[Delivery], None] | None = None) -> Delivery:
        """Start to deliver; ``on_answer`` is called once it is acknowledged."""
        self.all.append(delivery)
        task = asyncio.get_running_loop().create_task(self._run(delivery, on_answer))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._end(done, delivery))
        return delivery

    async def stop(self) -> None:
        """Give up all that is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _end(self, task: asyncio.Task[None], delivery: Delivery) -> None:
        self._tasks.discard(task)
        delivery.finish(None if task.cancelled() else task.exception())

    async def _run(self, delivery: Delivery, on_answer: Callable[[Delivery], None] | None) -> None:
        waits = (0.0, *self._timings.event_retries) if delivery.kind == "events_api" else (0.0,)
        reason = ""
        for number, wait in enumerate(waits):
            await self._clock.until(self._clock.now() + wait)
            attempt = await self._courier().attempt(delivery, number, reason)
            delivery.attempts.append(attempt)
            reason = attempt.failure
            if not reason or attempt.final:
                break
        if delivery.acked and on_answer is not None:
            on_answer(delivery)
        self.on_end(delivery)
