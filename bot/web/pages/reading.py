"""``/entries``: what acknet knows, to browse, to search and to link to."""

from __future__ import annotations

from itertools import groupby

from fastapi import APIRouter, Request
from fastapi.responses import Response

from bot.service import Service
from bot.web.callers import caller_of
from bot.web.entries import known_entry
from bot.web.pages.entry_view import entry_page
from bot.web.pages.rendering import page
from bot.web.pages.search import search

__all__ = ["add_reading"]

_LONGEST_SEARCH = 200


def add_reading(router: APIRouter, service: Service) -> None:
    """Add the list of entries and the page of each. Raises NotReady while the index is being opened."""

    @router.get("/entries")
    async def entries(request: Request) -> Response:
        corpus = service.engine.corpus
        words = request.query_params.get("q", "").strip()[:_LONGEST_SEARCH]
        area = request.query_params.get("area", "")
        areas = {name: tuple(group) for name, group in groupby(corpus.entries, key=lambda entry: entry.area)}
        shown = {name: group for name, group in areas.items() if area in {"", name}}
        found = search(corpus, words, area) if words else []
        nearest = await service.nearest(words) if words else ()
        near = [one for one in nearest if one not in found and area in {"", one.area}]
        return page(
            "entries.html.j2",
            caller_of(request),
            words=words,
            area=area,
            areas=list(areas),
            shown=shown,
            found=found,
            near=near,
        )

    @router.get("/entries/{entry_id}")
    async def entry(entry_id: str, request: Request) -> Response:
        corpus = service.engine.corpus
        return page("entry.html.j2", caller_of(request), **entry_page(corpus, known_entry(corpus, entry_id)))
