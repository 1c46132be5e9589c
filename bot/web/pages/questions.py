"""``/admin/questions``: what nobody could answer, for those who look after the corpus."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.service import Service
from bot.store import OpenQuestion
from bot.web.callers import caller_of
from bot.web.pages.rendering import page

__all__ = ["add_questions"]

_MOST_SHOWN = 50


def add_questions(router: APIRouter, service: Service) -> None:
    """Add the page. Raises NotReady while the index is being opened."""

    @router.get("/admin/questions")
    async def questions(request: Request) -> Response:
        from bot.questions.clusters import cluster_questions

        engine = service.engine
        nothing: tuple[OpenQuestion, ...] | None = None
        found = await service.remember(service.store.questions.list, nothing)
        clusters = await asyncio.to_thread(cluster_questions, engine, found or ())
        return page(
            "questions.html.j2",
            caller_of(request),
            is_down=found is None,
            clusters=clusters[:_MOST_SHOWN],
            left_out=max(len(clusters) - _MOST_SHOWN, 0),
            titles={entry.id: entry.title for entry in engine.corpus.entries},
        )
