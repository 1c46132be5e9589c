"""What the API offers, as the contract names it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import JSONResponse

from bot import __version__
from bot.render import json_answer
from bot.web.ask_pool import AskPool
from bot.web.entries import closest_ids, entry_summary, entry_view
from bot.web.entry_models import EntryList, EntryView
from bot.web.models import AskReply, AskRequest, FieldError, Health, Readiness
from bot.web.openapi import problems
from bot.web.opening import EngineOpening
from bot.web.problems import ProblemError
from bot.web.strict_json import JsonRoute

__all__ = ["api_routes"]


def api_routes(opening: EngineOpening, pool: AskPool) -> APIRouter:
    """Return the routes that answer from the engine of ``opening``, in the threads of ``pool``."""
    router = APIRouter(route_class=JsonRoute)

    @router.post(
        "/v1/ask",
        summary="Ask a question",
        response_model=AskReply,
        responses=problems(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def ask(body: AskRequest) -> JSONResponse:
        """Answer from the FAQ, with citations; `answer.markdown` is what to show a person whatever the outcome."""
        if body.needs_cluster:
            raise _no_cluster_access(body)
        engine = opening.engine
        return JSONResponse(await pool.run(lambda: json_answer(engine.ask(body.turns))))

    @router.get("/v1/entries", summary="List all entries", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
    async def entries() -> EntryList:
        """List the questions of the FAQ that acknet knows."""
        return EntryList(entries=tuple(map(entry_summary, opening.engine.corpus.entries)))

    @router.get(
        "/v1/entries/{entry_id}",
        summary="Read one entry",
        responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def entry(
        entry_id: Annotated[str, Path(description="An entry's id", examples=["terway-vswitch-ip-exhausted"])],
    ) -> EntryView:
        """Show everything acknet knows about one question: statements, citations, differences, cases."""
        corpus = opening.engine.corpus
        if entry_id not in corpus:
            closest = closest_ids(corpus, entry_id)
            hint = f"did you mean {', '.join(closest)}?" if closest else "/v1/entries lists them all."
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                f"There is no entry {entry_id[:100]!r}; {hint}",
                kind="unknown-entry",
                closest=closest,
            )
        return entry_view(corpus, corpus[entry_id])

    @router.get("/healthz", summary="Whether the process lives", responses=problems())
    async def healthz() -> Health:
        """Answer as long as the process serves requests."""
        return Health(version=__version__)

    @router.get("/readyz", summary="Whether questions are answered", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
    async def readyz() -> Readiness:
        """Answer with the digest of the index once it is open."""
        return Readiness(index=opening.engine.index_digest)

    return router


def _no_cluster_access(body: AskRequest) -> ProblemError:
    fields = [name for name in ("diagnose", "scope") if getattr(body, name)] or ["scope"]
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "This server has no cluster access configured; ask without diagnose and scope.",
        kind="no-cluster-access",
        errors=[FieldError(detail="needs cluster access", pointer=f"#/{name}") for name in fields],
    )
