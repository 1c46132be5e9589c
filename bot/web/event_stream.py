"""Replies as server-sent events: what is being done while it is done, then the result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from bot.web.ask_pool import AskPool
from bot.web.problems import ProblemError, problem_response

__all__ = ["Tell", "stream", "wants_events"]

Tell = Callable[[str, dict[str, Any]], None]
"""Told the name of an event and its data."""

_KEEPALIVE_SECONDS = 10.0


def wants_events(request: Request) -> bool:
    """Tell whether the client asked for server-sent events."""
    return "text/event-stream" in request.headers.get("accept", "")


def stream(request: Request, pool: AskPool, work: Callable[[Tell], dict[str, Any]]) -> StreamingResponse:
    """Run ``work`` in a thread of ``pool`` and stream what it tells, then ``result`` with what it returns.

    What goes wrong is an event ``problem`` with problem details; the status is 200 by then.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def tell(event: str, data: dict[str, Any]) -> None:
        loop.call_soon_threadsafe(queue.put_nowait, _event(event, data))

    async def run() -> bytes:
        try:
            return _event("result", await pool.run(lambda: work(tell)))
        except ProblemError as error:
            return _event("problem", json.loads(bytes(problem_response(error, request.scope).body)))

    async def events() -> AsyncIterator[bytes]:
        task = asyncio.create_task(run())
        try:
            while not (task.done() and queue.empty()):
                waiting = asyncio.create_task(queue.get())
                done, _ = await asyncio.wait({task, waiting}, timeout=_KEEPALIVE_SECONDS, return_when="FIRST_COMPLETED")
                if waiting in done:
                    yield waiting.result()
                else:
                    waiting.cancel()
                    if not done:
                        yield KEEPALIVE_COMMENT
            yield await task
        finally:
            task.cancel()

    return StreamingResponse(
        events(), media_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )


def _event(name: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))
