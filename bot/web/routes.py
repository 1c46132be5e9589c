"""What the API offers, as the contract names it."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Path, Request
from fastapi.responses import JSONResponse, Response

from bot.look import Look
from bot.look import Scope as Where
from bot.part import Part
from bot.render import json_answer, json_diagnosis
from bot.service import Asker, Service, Tell, untold
from bot.web.callers import caller_of, needs
from bot.web.entries import entry_summary, entry_view, known_entry
from bot.web.entry_models import EntryList, EntryView
from bot.web.event_stream import stream, wants_events
from bot.web.models import AskReply, AskRequest, DiagnoseReply, DiagnoseRequest, RatingRequest, Scope
from bot.web.openapi import problems, problems_with_body
from bot.web.problems import ProblemError
from bot.web.strict_json import JsonRoute

__all__ = ["ApiPart"]


class ApiPart(Part):
    """The routes under ``/v1`` that answer through ``service``."""

    name = "api"

    def __init__(self, service: Service) -> None:
        self._service = service

    def install(self, app: FastAPI) -> None:
        """Add the routes."""
        router = APIRouter(route_class=JsonRoute)
        _add_answers(router, self._service)
        _add_ratings(router, self._service)
        _add_entries(router, self._service)
        app.include_router(router)


def _add_answers(router: APIRouter, service: Service) -> None:
    @router.post(
        "/v1/ask",
        summary="Ask a question",
        dependencies=[Depends(needs("ask"))],
        response_model=AskReply,
        responses=problems_with_body(),
    )
    async def ask(body: AskRequest, request: Request) -> Response:
        """Answer from the FAQ, with citations; `answer.markdown` is what to show a person whatever the outcome.

        With `diagnose` the cluster is looked into first. With `Accept: text/event-stream` the reply is a stream of
        events: `progress`, then `result` (or `problem`).
        """
        caller = caller_of(request)
        look = Look(_where(body.scope), live=caller.may("diagnose")) if body.diagnose else None

        async def work(tell: Tell) -> dict[str, Any]:
            given = await service.ask(body.turns, Asker("http", caller.name), look=look, tell=tell)
            return {"id": given.id, **json_answer(given.answer)}

        if wants_events(request):
            return stream(request, work)
        return JSONResponse(await work(untold))

    @router.post(
        "/v1/diagnose",
        summary="Look into the cluster",
        dependencies=[Depends(needs("ask"))],
        response_model=DiagnoseReply,
        responses=problems_with_body(HTTPStatus.NOT_FOUND),
    )
    async def diagnose(body: DiagnoseRequest, request: Request) -> Response:
        """Say which cases hold in the cluster, read-only: of the entries named and of those that may explain the
        question, or of all where neither is given.

        With `Accept: text/event-stream` the reply is a stream of events: `progress`, then `result` (or `problem`).
        """  # noqa: D205 (the framework shows all of it)
        corpus = service.engine.corpus
        caller = caller_of(request)
        look = Look(_where(body.scope), live=caller.may("diagnose"))
        named = [known_entry(corpus, entry_id) for entry_id in dict.fromkeys(body.entries or ())]

        async def work(tell: Tell) -> dict[str, Any]:
            asker = Asker("http", caller.name)
            found = await service.diagnose(asker, look, question=body.question, entries=named, tell=tell)
            return json_diagnosis(found)

        if wants_events(request):
            return stream(request, work)
        return JSONResponse(await work(untold))


def _add_ratings(router: APIRouter, service: Service) -> None:
    @router.post(
        "/v1/answers/{answer_id}/rating",
        summary="Rate an answer",
        status_code=HTTPStatus.NO_CONTENT,
        dependencies=[Depends(needs("ask"))],
        responses=problems_with_body(HTTPStatus.NOT_FOUND),
    )
    async def rate(
        answer_id: Annotated[str, Path(description="The `id` of an answer", examples=["Gm0ykq1Tt2wq3x4z"])],
        body: RatingRequest,
        request: Request,
    ) -> None:
        """Say whether an answer helped. A later word of the same caller takes the place of the earlier one."""
        if await service.find(answer_id) is None:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "No answer has this id, or it was given too long ago, or while nothing could be kept.",
                kind="unknown-answer",
            )
        asker = Asker("http", caller_of(request).name)
        if not await service.rate(answer_id, asker, helpful=body.helpful, reason=body.reason or ""):
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The rating could not be kept; try again.",
                kind="not-remembered",
                headers={"Retry-After": "5"},
            )


def _add_entries(router: APIRouter, service: Service) -> None:
    @router.get("/v1/entries", summary="List all entries", responses=problems(HTTPStatus.SERVICE_UNAVAILABLE))
    async def entries() -> EntryList:
        """List the questions of the FAQ that acknet knows."""
        return EntryList(entries=tuple(map(entry_summary, service.engine.corpus.entries)))

    @router.get(
        "/v1/entries/{entry_id}",
        summary="Read one entry",
        responses=problems(HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE),
    )
    async def entry(
        entry_id: Annotated[str, Path(description="An entry's id", examples=["terway-vswitch-ip-exhausted"])],
    ) -> EntryView:
        """Show everything acknet knows about one question: statements, citations, differences, cases."""
        corpus = service.engine.corpus
        return entry_view(corpus, known_entry(corpus, entry_id))


def _where(scope: Scope | None) -> Where:
    return Where(**scope.model_dump()) if scope else Where()
