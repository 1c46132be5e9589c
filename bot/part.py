"""What a running acknet is put together of: parts with routes, work beside requests, and a condition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["Assembly", "Background", "Condition", "Part", "State"]

_logger = logging.getLogger("acknet.part")

State = Literal["ok", "starting", "failed", "off"]
"""``off``: not configured, and not missed."""

_CONDITION_SECONDS = 3.0
_STOP_SECONDS = 10.0
_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a part fares; ``detail`` is one sentence, without anything that is secret."""

    state: State
    detail: str = ""


class Part:
    """One subject of a running acknet. A part overrides what it needs; its name is unique among those that run.

    ``open_paths`` are served to whoever asks, without a token: the part checks itself who that is. A path that ends
    with a slash stands for all below it.
    """

    name: str
    open_paths: tuple[str, ...] = ()

    def install(self, app: FastAPI) -> None:
        """Add routes or mounts; called once, before anything is started."""

    async def start(self) -> None:
        """Begin the work beside requests; returns soon. What it raises is logged, and the part counts as failed."""

    async def stop(self) -> None:
        """End that work; requests are over by then, the store is still there. Takes a few seconds at most."""

    async def condition(self) -> Condition:
        """Tell how the part fares, within a second; whoever can reach the server can ask, however often."""
        return Condition("ok")


class Background(Part):
    """A part that works until it is stopped; after an error it is begun anew, with growing pauses."""

    _task: asyncio.Task[None] | None = None
    _failed = False

    async def work(self) -> None:
        """Do the work; cancelled when the part is stopped. When it returns, it is done for good."""
        raise NotImplementedError

    async def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.create_task(self._go_on(), name=self.name)

    async def stop(self) -> None:
        """Cancel the work and wait until it has ended."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def condition(self) -> Condition:
        """Tell whether the work is under way, or is begun anew after an error."""
        if self._failed:
            return Condition("failed", "It failed and is begun anew; the log tells why.")
        return Condition("ok")

    async def _go_on(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            begun = loop.time()
            try:
                await self.work()
            except Exception:
                # What fails after it went well for long is a new trouble.
                failures = 0 if loop.time() - begun > 2 * _PAUSES[-1] else failures
                pause = _PAUSES[min(failures, len(_PAUSES) - 1)]
                failures += 1
                self._failed = True
                _logger.exception("%s failed; it is begun anew in %g s", self.name, pause)
                await asyncio.sleep(pause)
                self._failed = False
            else:
                return


class Assembly:
    """Parts that run together: started in their order, stopped in the reverse one."""

    def __init__(self, parts: Sequence[Part]) -> None:
        names = [part.name for part in parts]
        assert len(set(names)) == len(names), f"two parts of one name: {names}"
        self.parts = tuple(parts)
        self._failed: set[str] = set()

    @property
    def open_paths(self) -> tuple[str, ...]:
        """The paths that need no token."""
        return tuple(path for part in self.parts for path in part.open_paths)

    async def __aenter__(self) -> Self:
        """Start every part; one that cannot start does not keep the others from it."""
        for part in self.parts:
            try:
                await part.start()
            except Exception:
                self._failed.add(part.name)
                _logger.exception("%s could not be started", part.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop every part, whatever the others do."""
        for part in reversed(self.parts):
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await part.stop()
            except TimeoutError:
                _logger.error("%s did not stop within %g s", part.name, _STOP_SECONDS)  # noqa: TRY400
            except Exception:
                _logger.exception("%s could not be stopped in order", part.name)

    async def conditions(self) -> Mapping[str, Condition]:
        """Return how every part fares, by its name."""
        found = await asyncio.gather(*map(self._condition, self.parts))
        return {part.name: condition for part, condition in zip(self.parts, found, strict=True)}

    async def _condition(self, part: Part) -> Condition:
        if part.name in self._failed:
            return Condition("failed", "It could not be started; the log tells why.")
        try:
            async with asyncio.timeout(_CONDITION_SECONDS):
                return await part.condition()
        except TimeoutError:
            return Condition("failed", f"It did not say within {_CONDITION_SECONDS:g} s how it fares.")
        except Exception:
            _logger.exception("the condition of %s cannot be told", part.name)
            return Condition("failed", "Its condition cannot be told; the log tells why.")
