"""On call as a part of `acknet serve`."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from bot.oncall.desk import LEASE, Desk, sinks_of
from bot.oncall.routes import PAGERDUTY, alert_routes
from bot.part import Background
from bot.service import Service

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["AlertsPart"]


class AlertsPart(Background):
    """Takes alerts and works on them."""

    name = "alerts"
    open_paths = (PAGERDUTY,)
    """Its webhooks are known by their signature."""

    def __init__(self, service: Service, *, lease: dt.timedelta = LEASE) -> None:
        self._service = service
        self._desk = Desk(service, sinks_of(service.settings, service.store), lease=lease)

    def wake(self) -> None:
        """Say that a delivery was put down."""
        self._desk.wake()

    def install(self, app: FastAPI) -> None:
        """Add the routes."""
        app.include_router(alert_routes(self._service, self._desk.wake))

    async def work(self) -> None:
        """Work on what was taken."""
        await self._desk.run()
