"""What the API offers, as the contract names it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response

from bot import __version__
from bot.diagnosis.facts.registry import Progress
from bot.render import json_answer, json_diagnosis
from bot.web.ask_pool import AskPool
from bot.web.entries import closest_ids, entry_summary, entry_view
from bot.web.entry_models import EntryList, EntryView
from bot.web.event_stream import Tell, stream, wants_events
from bot.web.looking import ClusterLook
from bot.web.models import AskReply, AskRequest, DiagnoseReply, DiagnoseRequest, Health, Readiness
from bot.web.openapi import problems
from bot.web.opening import EngineOpening
from bot.web.problems import ProblemError
from bot.web.strict_json import JsonRoute
from corpus import Corpus, Entry

__all__ = ["api_routes"]


def api_routes(opening: EngineOpening, pool: AskPool, look: ClusterLook) -> APIRouter:
    """Return the routes that answer from the engine of ``opening``, in the threads of ``pool``, and by ``look``."""
    router = APIRouter(route_class=JsonRoute)
    _add_answers(router, opening, pool, look)
    _add_entries(router, opening)
    _add_health(router, opening)
    return router


def _add_answers(router: APIRouter, opening: EngineOpening, pool: AskPool, look: ClusterLook) -> None:
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
    async def ask(body: AskRequest, request: Request) -> Response:
        """Answer from the FAQ, with citations; `answer.markdown` is what to show a person whatever the outcome.

        With `diagnose` the cluster is looked into first. With `Accept: text/event-stream` the reply is a stream of
        events: `progress`, then `result` (or `problem`).
        """
        engine = opening.engine

        def work(tell: Tell) -> dict[str, Any]:
            found = None
            if body.diagnose:
                suspects = engine.suspects(body.turns)
                tell("progress", {"stage": "retrieved", "entries": [entry.id for entry in suspects]})
                found = look(engine.corpus, suspects, body.scope, text="\n".join(body.turns), progress=_probing(tell))
            answer = json_answer(engine.ask(body.turns, found) if found else engine.ask(body.turns))
            tell("progress", {"stage": "answered"})
            return answer

        if wants_events(request):
            return stream(request, pool, work)
        return JSONResponse(await pool.run(lambda: work(_untold)))

    @router.post(
        "/v1/diagnose",
        summary="Look into the cluster",
        response_model=DiagnoseReply,
        responses=problems(
            HTTPStatus.BAD_REQUEST,
            HTTPStatus.NOT_FOUND,
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            HTTPStatus.UNPROCESSABLE_ENTITY,
            HTTPStatus.SERVICE_UNAVAILABLE,
        ),
    )
    async def diagnose(body: DiagnoseRequest, request: Request) -> Response:
        """Say which cases hold in the cluster, read-only: of the entries named and of those that may explain the
        question, or of all where neither is given.

        With `Accept: text/event-stream` the reply is a stream of events: `progress`, then `result` (or `problem`).
        """  # noqa: D205 (the framework shows all of it)
        engine = opening.engine
        named = [_known_entry(engine.corpus, entry_id) for entry_id in dict.fromkeys(body.entries or ())]

        def work(tell: Tell) -> dict[str, Any]:
            suspects = engine.suspects([body.question]) if body.question else ()
            wanted = [*named, *(entry for entry in suspects if entry not in named)]
            tell("progress", {"stage": "retrieved", "entries": [entry.id for entry in wanted]})
            text = body.question or ""
            found = look(
                engine.corpus, wanted or None, body.scope, text=text, asked_by="entries", progress=_probing(tell)
            )
            return json_diagnosis(found)

        if wants_events(request):
            return stream(request, pool, work)
        return JSONResponse(await pool.run(lambda: work(_untold)))


def _add_entries(router: APIRouter, opening: EngineOpening) -> None:
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
        return entry_view(corpus, _known_entry(corpus, entry_id))


def _add_health(router: APIRouter, opening: EngineOpening) -> None:
    @router.get("/healthz", summary="Whether the process lives", responses=problems())
    async def healthz() -> Health:
        """Answer as long as the process serves requests."""
        return Health(version=__version__)

    @router.get("/readyz", summary="Whether questions are answered", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
    async def readyz() -> Readiness:
        """Answer with the digest of the index once it is open."""
        return Readiness(index=opening.engine.index_digest)


def _known_entry(corpus: Corpus, entry_id: str) -> Entry:
    if entry_id in corpus:
        return corpus[entry_id]
    closest = closest_ids(corpus, entry_id)
    hint = f"did you mean {', '.join(closest)}?" if closest else "/v1/entries lists them all."
    raise ProblemError(
        HTTPStatus.NOT_FOUND, f"There is no entry {entry_id[:100]!r}; {hint}", kind="unknown-entry", closest=closest
    )


def _probing(tell: Tell) -> Progress:
    return lambda name, state: tell("progress", {"stage": "probing", "fact": name, "state": state})


def _untold(_event: str, _data: dict[str, Any]) -> None:
    """Tell nobody: the reply is a single object."""
