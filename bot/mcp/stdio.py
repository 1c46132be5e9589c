"""MCP over stdin and stdout: whoever started the process asks it."""

from __future__ import annotations

import asyncio
import signal

from mcp.server.stdio import stdio_server

from bot.mcp.server import mcp_server
from bot.opening import EngineOpening
from bot.service import Service
from bot.settings import Settings
from bot.web.callers import LOCAL_CALLER

__all__ = ["serve_stdio"]


async def serve_stdio(settings: Settings) -> None:
    """Answer until stdin ends, SIGINT or SIGTERM.

    Meanwhile nothing but the protocol gets to stdout. The thread that reads stdin may be left in the middle of that:
    the process has to be ended without waiting for it.
    """
    from bot.engine import open_engine

    opening = EngineOpening(lambda: open_engine(settings))
    service = Service(settings, opening)
    opening.start()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    serving = asyncio.create_task(_serve(service))
    stopping = asyncio.create_task(stopped.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await service.close()
    if serving.done():
        serving.result()


async def _serve(service: Service) -> None:
    server = mcp_server(service, lambda _: LOCAL_CALLER)
    async with stdio_server() as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
