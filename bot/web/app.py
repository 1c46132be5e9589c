"""The web application: routes, limits and errors put together."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bot import __version__
from bot.settings import Settings
from bot.web.ask_pool import AskPool
from bot.web.boundary import Boundary
from bot.web.limits import BodyLimits
from bot.web.looking import ClusterLook
from bot.web.openapi import describe
from bot.web.opening import AskEngine, EngineOpening
from bot.web.problems import install_problem_handlers
from bot.web.routes import api_routes

__all__ = ["create_app"]

_MOST_THREADS = 8
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
    ``app.state.opening`` is the `EngineOpening`.
    """
    opening = EngineOpening(lambda: open_engine(settings))
    pool = AskPool(threads or min(_MOST_THREADS, os.cpu_count() or 1), waiting, settings.request_timeout)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        opening.start()
        yield
        pool.close()

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
    install_problem_handlers(app)
    describe(app)
    app.include_router(api_routes(opening, pool, ClusterLook(settings)))
    app.add_middleware(BodyLimits, max_bytes=settings.max_body_bytes, seconds=settings.request_timeout)
    app.add_middleware(Boundary)
    return app
