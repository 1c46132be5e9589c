"""Slack as a part of a running acknet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.routing import Route

from bot.part import Condition, Part
from bot.slack.bot import SlackBot, Tempo

if TYPE_CHECKING:
    from fastapi import FastAPI

    from bot.service import Service

__all__ = ["EVENTS_PATH", "SlackPart"]

EVENTS_PATH = "/slack/events"


class SlackPart(Part):
    """The Slack bot; where a signing secret is configured, events are taken at ``POST /slack/events``."""

    name = "slack"

    def __init__(self, service: Service, *, tempo: Tempo | None = None) -> None:
        self._bot = SlackBot(service, tempo=tempo)
        # Whoever posts there has to sign as Slack does.
        self.open_paths = (EVENTS_PATH,) if self._bot.endpoint is not None else ()

    def install(self, app: FastAPI) -> None:
        """Take events over HTTP."""
        if self._bot.endpoint is not None:
            # Before all other routes: a burst of events pays for each that is tried before the right one is found.
            app.router.routes.insert(0, Route(EVENTS_PATH, self._bot.endpoint, include_in_schema=False))

    async def start(self) -> None:
        """Begin to take events."""
        await self._bot.start()

    async def stop(self) -> None:
        """Finish what is under way and give the rest back to the store."""
        await self._bot.stop()

    async def condition(self) -> Condition:
        """Tell whether events come, as far as that can be known: over HTTP it cannot."""
        trouble = await self._bot.trouble()
        if trouble is None:
            return Condition("ok")
        return Condition("failed", f"There is no connection: {trouble}.") if trouble else Condition("starting")
