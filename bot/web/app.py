"""The web application: routes, limits and errors put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bot import __version__
from bot.opening import AskEngine, EngineOpening
from bot.service import Service
from bot.settings import Settings
from bot.web.boundary import Boundary
from bot.web.limits import BodyLimits
from bot.web.openapi import describe
from bot.web.problems import install_problem_handlers
from bot.web.routes import api_routes

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
) -> FastAPI:
    """Return the application; ``open_engine`` runs in the background once it is started.

    ``threads`` questions are answered at a time (by default one a core, at most eight) and ``waiting`` more may wait.
    ``app.state`` holds the ``opening`` of the engine and the ``service``.
    """
    opening = EngineOpening(lambda: open_engine(settings))
    service = Service(settings, opening, threads=threads, waiting=waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening.start()
        yield
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
    install_problem_handlers(app)
    describe(app)
    app.include_router(api_routes(service))
    app.add_middleware(BodyLimits, max_bytes=settings.max_body_bytes, seconds=settings.request_timeout)
    app.add_middleware(Boundary)
    return app
