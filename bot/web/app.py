"""The web application: routes, limits and errors put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bot import __version__
from bot.opening import AskEngine, EngineOpening
from bot.part import Assembly, Part
from bot.service import Service
from bot.settings import Settings
from bot.web.access import Access
from bot.web.boundary import Boundary
from bot.web.health import health_routes, open_paths
from bot.web.limits import BodyLimits
from bot.web.openapi import describe
from bot.web.parts import serve_parts
from bot.web.problems import install_problem_handlers

__all__ = ["create_app"]

_MOST_WAITING = 256


def _open_engine(settings: Settings) -> AskEngine:
    from bot.engine import open_engine

    return open_engine(settings)


def create_app(
    settings: Settings,
    open_engine: Callable[[Settings], AskEngine] = _open_engine,
    *,
    threads: int | None = None,
    waiting: int = _MOST_WAITING,
    parts: Callable[[Service], Sequence[Part]] = serve_parts,
) -> FastAPI:
    """Return the application; ``open_engine`` runs in the background once it is started.

    ``threads`` questions are answered at a time (by default one a core, at most eight) and ``waiting`` more may wait.
    ``parts`` makes what it is put together of. ``app.state`` holds the ``opening`` of the engine, the ``service`` and
    the ``assembly`` of parts.
    """
    opening = EngineOpening(lambda: open_engine(settings))
    service = Service(settings, opening, threads=threads, waiting=waiting)
    assembly = Assembly(parts(service))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # The server takes requests only within this block; it has answered those under way when the block is left.
        try:
            async with assembly:
                yield
        finally:
            await service.close()

    app = FastAPI(
        title="acknet",
        version=__version__,
        description="Answers questions about container networking in Alibaba Cloud ACK from its FAQ, with citations.",
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect would repeat whatever the Host header says
        docs_url=None,  # both pages load scripts from elsewhere
        redoc_url=None,
    )
    app.state.opening = opening
    app.state.service = service
    app.state.assembly = assembly
    install_problem_handlers(app)
    describe(app)
    app.include_router(health_routes(service, assembly))
    for part in assembly.parts:
        part.install(app)
    app.add_middleware(BodyLimits, max_bytes=settings.max_body_bytes, seconds=settings.request_timeout)
    app.add_middleware(Access, settings=settings, open_paths=(*open_paths(settings), *assembly.open_paths))
    app.add_middleware(Boundary)
    return app
