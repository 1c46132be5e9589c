"""What people think of an answer."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.service import Asker, Service
from bot.web.callers import caller_of
from bot.web.pages.forms import read_form
from bot.web.pages.rendering import page
from bot.web.problems import ProblemError

__all__ = ["add_feedback"]

_LONGEST_REASON = 2000
_THANKS = {
    "helpful": "Thank you: this is kept with the answer.",
    "unhelpful": "Thank you: this is kept with the answer.",
    "unanswered": "Kept as an open question. Thank you.",
}


def add_feedback(router: APIRouter, service: Service) -> None:
    """Add what the buttons below an answer do."""

    @router.post("/answers/{answer_id}/feedback")
    async def feedback(answer_id: str, request: Request) -> Response:
        form = await read_form(request)
        said = form.one("verdict")
        if said not in _THANKS:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "Choose one of the buttons below the answer.")
        if await service.find(answer_id) is None:
            raise ProblemError(
                HTTPStatus.NOT_FOUND,
                "This answer is not known any more, or was given while nothing could be kept.",
                kind="unknown-answer",
            )
        if said == "unanswered":
            kept = await service.nobody_answered(answer_id)
        else:
            asker = Asker("page", caller_of(request).name)
            reason = form.one("reason")[:_LONGEST_REASON]
            kept = await service.rate(answer_id, asker, helpful=said == "helpful", reason=reason)
        if not kept:
            raise ProblemError(
                HTTPStatus.SERVICE_UNAVAILABLE, "This could not be kept just now; try again.", kind="not-remembered"
            )
        return page("notice.html.j2", caller_of(request), notice=_THANKS[said])
