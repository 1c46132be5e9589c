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
_LONGEST_ID = 64
_LOST = (
    "This could not be kept: the answer is not known any more, or what acknet keeps cannot be reached just now. "
    "Answers are not affected."
)


def add_feedback(router: APIRouter, service: Service) -> None:
    """Add what the buttons below an answer do."""

    @router.post("/answers/{answer_id}/feedback")
    async def feedback(answer_id: str, request: Request) -> Response:
        form = await read_form(request)
        said = form.one("verdict")
        if said not in {"helpful", "unhelpful", "unanswered"}:
            raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "Choose one of the buttons below the answer.")
        answer_id = answer_id[:_LONGEST_ID]
        if said == "unanswered":
            kept, thanks = await service.nobody_answered(answer_id), "Kept as an open question. Thank you."
        else:
            asker = Asker("page", caller_of(request).name)
            known = await service.kept(answer_id) is not None
            kept = known and await service.rate(
                answer_id, asker, helpful=said == "helpful", reason=form.one("reason")[:_LONGEST_REASON]
            )
            thanks = "Thank you: this is kept with the answer."
        status = HTTPStatus.OK if kept else HTTPStatus.SERVICE_UNAVAILABLE
        return page("notice.html.j2", status=status, notice=thanks if kept else _LOST, kept=kept)
