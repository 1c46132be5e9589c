"""Everything a person's browser asks for."""

from __future__ import annotations

from fastapi import APIRouter, Depends, FastAPI

from bot.part import Part
from bot.service import Service
from bot.web.callers import needs
from bot.web.pages.asking import add_asking
from bot.web.pages.feedback import add_feedback
from bot.web.pages.questions import add_questions
from bot.web.pages.reading import add_reading
from bot.web.pages.static import add_static

__all__ = ["PagePart"]


class PagePart(Part):
    """The page, for whoever may ask."""

    name = "page"
    open_paths = ("/static/",)

    def __init__(self, service: Service) -> None:
        self._service = service

    def install(self, app: FastAPI) -> None:
        """Add the routes."""
        pages = APIRouter(include_in_schema=False, dependencies=[Depends(needs("ask"))])
        add_asking(pages, self._service)
        add_feedback(pages, self._service)
        add_reading(pages, self._service)
        app.include_router(pages)
        admin = APIRouter(include_in_schema=False, dependencies=[Depends(needs("admin"))])
        add_questions(admin, self._service)
        app.include_router(admin)
        files = APIRouter(include_in_schema=False)
        add_static(files)
        app.include_router(files)
