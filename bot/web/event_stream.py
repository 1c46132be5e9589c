"""Replies as server-sent events: what is being done while it is done, then the result."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from bot.service import Tell
from bot.web.crash import crash
from bot.web.problems import PROBLEMS, as_problem, problem_response, request_id

__all__ = ["stream", "wants_events"]

_KEEPALIVE_SECONDS = 10.0


def wants_events(request: Request) -> bool:
    """Tell whether the client asked for server-sent events."""
    return "text/event-stream" in request.headers.get("accept", "")


def stream(request: Request, work: Callable[[Tell], Awaitable[dict[str, Any]]]) -> StreamingResponse:
    """Do ``work`` and stream what it tells as ``progress``, then ``result`` with what it returns.

    What goes wrong is an event ``problem`` with problem details; the status is 200 by then.
    """
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def tell(data: Mapping[str, Any]) -> None:
        queue.put_nowait(_event("progress", data))

    async def run() -> bytes:
        try:
            return _event("result", await work(tell))
        except PROBLEMS as error:
            problem = as_problem(error)
        except Exception as error:  # noqa: BLE001 (logged; the status is gone, so that nobody else could say it)
            problem = crash(request_id(request.scope) or "", error)
        return _event("problem", json.loads(bytes(problem_response(problem, request.scope).body)))

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


def _event(name: str, data: Mapping[str, Any]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))
