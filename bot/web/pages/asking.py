"""``/``: a question, its answer, and what follows."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.look import Look, SourceError
from bot.look import Scope as Where
from bot.opening import NotReady
from bot.render.html import html_answer
from bot.service import Answered, Asker, Service, Tell, untold
from bot.web.callers import Caller, caller_of
from bot.web.event_stream import stream, wants_events
from bot.web.pages.conversation import Asked, Conversation, read_asked
from bot.web.pages.forms import read_form
from bot.web.pages.rendering import page, render
from bot.web.problems import PROBLEMS, ProblemError, as_problem

__all__ = ["add_asking"]


def add_asking(router: APIRouter, service: Service) -> None:
    """Add the page that asks. With ``Accept: text/event-stream`` it streams progress, then parts of the page."""

    @router.get("/")
    async def start(request: Request) -> Response:
        caller = caller_of(request)
        asked = Asked(Conversation.begin(), question=request.query_params.get("q", ""))
        return page("ask.html.j2", caller, **_frame(service, caller, asked))

    @router.post("/")
    async def ask(request: Request) -> Response:
        caller = caller_of(request)
        asked = read_asked(await read_form(request), live=caller.may("diagnose"))
        if wants_events(request):

            async def work(tell: Tell) -> dict[str, Any]:
                if asked.wrong:
                    raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, asked.wrong)
                context = _exchange(asked, await _answer(service, asked, caller, tell))
                return {
                    "exchange": render("exchange.html.j2", **context),
                    "state": render("state.html.j2", conversation=context["conversation"]),
                    "title": context["answer"].title,
                }

            return stream(request, work)
        frame = _frame(service, caller, asked)
        if asked.wrong:
            frame |= {"trouble": asked.wrong}
            return page("ask.html.j2", caller, status=HTTPStatus.UNPROCESSABLE_ENTITY, **frame)
        try:
            given = await _answer(service, asked, caller, untold)
        except PROBLEMS as error:
            problem = as_problem(error)
            return page(
                "ask.html.j2",
                caller,
                status=problem.status_code,
                headers=problem.headers,
                **frame | {"trouble": problem.detail},
            )
        return page("ask.html.j2", caller, **frame | _exchange(asked, given))


async def _answer(service: Service, asked: Asked, caller: Caller, tell: Tell) -> Answered:
    """Return the answer; raises what the service raises, and ProblemError for an entry that there is not."""
    asker = Asker("page", caller.name, asked.conversation.place)
    if asked.choose:
        if asked.choose not in service.engine.corpus:
            raise ProblemError(HTTPStatus.NOT_FOUND, "There is no such entry.", kind="unknown-entry")
        return await service.explain(asked.choose, asked.turns, asker)
    # As in the API: who may not look into the cluster may look into what the question pasted.
    look = Look(Where(**asked.scope), asked.cluster, live=caller.may("diagnose")) if asked.look else None
    try:
        return await service.ask(asked.turns, asker, look=look, tell=tell)
    except SourceError as error:
        raise ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"There is nothing to look into: {error.public}. Take the tick away to ask without a look.",
            kind="no-cluster-access",
        ) from error


def _frame(service: Service, caller: Caller, asked: Asked) -> dict[str, Any]:
    """Return what every state of the page needs."""
    try:
        areas = dict.fromkeys(entry.area for entry in service.engine.corpus.entries)
        opening = None
    except NotReady as error:
        areas, opening = {}, str(error)
    return {
        "asked": asked,
        "conversation": asked.conversation,
        "live": caller.may("diagnose"),
        "clusters": service.settings.clusters,
        "areas": list(areas),
        "opening": opening,
        "answer": None,
        "trouble": None,
    }


def _exchange(asked: Asked, given: Answered) -> dict[str, Any]:
    """Return the question, the answer and the conversation with both in it."""
    answer = given.answer
    others = [one for one in answer.candidates if one.id != answer.entry]
    return {
        "asked": asked,
        "answer": answer,
        "answer_id": given.id,
        "answered": html_answer(answer, form=f"other-{given.id}"),
        "others": others if answer.outcome == "answer" else (),
        "before": asked.conversation,
        "conversation": asked.conversation.after(asked.question, answer.entry or ""),
    }
