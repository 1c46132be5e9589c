"""How the process fares, for those who watch it."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter
from fastapi.responses import Response

from bot import __version__
from bot.observe.metrics import CONTENT_TYPE
from bot.opening import NotReady
from bot.part import Assembly, Condition
from bot.service import Service
from bot.settings import Settings
from bot.web.foundation import not_open
from bot.web.models import Health, PartState, Readiness
from bot.web.openapi import problems
from bot.web.problems import as_problem

__all__ = ["health_routes", "open_paths"]


def open_paths(settings: Settings) -> tuple[str, ...]:
    """Return the paths of what whoever asks may know."""
    return ("/healthz", "/readyz", *(("/metrics",) if settings.open_metrics else ()))


def health_routes(service: Service, assembly: Assembly) -> APIRouter:
    """Return the routes that tell how ``assembly`` and its ``service`` fare."""
    router = APIRouter()

    @router.get("/healthz", summary="Whether the process lives", responses=problems())
    async def healthz() -> Health:
        """Answer as long as the process serves requests."""
        return Health(version=__version__)

    @router.get("/readyz", summary="Whether questions are answered", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
    async def readyz() -> Readiness:
        """Answer with how each part fares; 503 only while questions cannot be answered."""
        conditions = dict(await assembly.conditions())
        # The index may have been opened since its part was asked: what is said of it is what decides.
        try:
            index, trouble = Condition("ok", service.engine.index_digest), None
        except NotReady as error:
            index, trouble = not_open(error), error
        conditions |= {"index": index}
        parts = {name: PartState(state=one.state, detail=one.detail) for name, one in conditions.items()}
        if trouble is not None:
            problem = as_problem(trouble)
            problem.parts = parts
            raise problem from trouble
        return Readiness(index=index.detail, parts=parts)

    @router.get(
        "/metrics",
        summary="Figures for Prometheus",
        response_class=Response,
        responses={**problems(), 200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Return all figures in Prometheus' text format."""
        return Response(service.metrics.text(), media_type=CONTENT_TYPE)

    return router
