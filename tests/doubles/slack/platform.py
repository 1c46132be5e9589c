"""Slack, as far as an app can tell: a workspace, its API and its events, on a loopback port."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager

from aiohttp import web

from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.connections import Connection, Reason
from tests.doubles.slack.delivery import Delivery
from tests.doubles.slack.faults import Fault
from tests.doubles.slack.looking import Looking
from tests.doubles.slack.people import App, Team
from tests.doubles.slack.people_acting import PeopleActing
from tests.doubles.slack.rate_limits import RateLimits
from tests.doubles.slack.signing import signed_headers
from tests.doubles.slack.subscriptions import EventLimits
from tests.doubles.slack.workspace import Workspace

__all__ = ["SlackPlatform", "slack_platform"]


class SlackPlatform(PeopleActing, Looking):
    """The running double; made by :func:`slack_platform`.

    ``faults`` can be added to at any time; ``app`` and ``team`` say how the app is configured.
    """

    def __init__(
        self, workspace: Workspace, limits: RateLimits, event_limits: EventLimits, faults: list[Fault]
    ) -> None:
        super().__init__(workspace, limits, event_limits, faults)
        self.app, self.team = workspace.app, workspace.team
        self.limits, self.faults = limits, faults
        self.url = ""
        self._runner: web.AppRunner | None = None

    # What the app is given

    @property
    def base_url(self) -> str:
        """The address of the Web API, as clients take it."""
        return f"{self.url}/api/"

    @property
    def signing_secret(self) -> str:
        return self.app.signing_secret

    @property
    def bot_token(self) -> str:
        return self.app.bot_token

    @property
    def app_token(self) -> str:
        return self.app.app_token

    @property
    def bot_user(self) -> str:
        return self.app.bot_user

    @property
    def request_url(self) -> str | None:
        """Where events and interactions are posted; without one they go through Socket Mode."""
        return self.app.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.app.request_url = url

    def verify(self, url: str) -> bool:
        """Tell whether ``url`` answers Slack's challenge, as it must before it is taken as request URL; blocks."""
        return self._loop.run(self._http.verify(url))

    def sign(self, body: bytes, *, timestamp: float | None = None, secret: str | None = None) -> dict[str, str]:
        """Return the headers that Slack sends with ``body``; with another time those of a replay."""
        at = self._workspace.clock.app_time() if timestamp is None else timestamp
        return signed_headers(body, secret or self.app.signing_secret, at)

    # Time

    def now(self) -> float:
        return self._loop.call(self._workspace.clock.now)

    def advance(self, seconds: float) -> None:
        """Let time pass: what expires has expired, what is due is done."""
        self._loop.call(self._workspace.clock.advance, seconds)

    # Connections

    @property
    def connections(self) -> list[Connection]:
        """The open Socket Mode connections, in the order they were opened."""
        return self._loop.call(self._sockets.open)

    @property
    def connections_opened(self) -> int:
        return self._sockets.opened

    @property
    def stray_frames(self) -> list[object]:
        """Frames that acknowledge nothing sent through their connection."""
        return list(self._sockets.strays)

    def disconnect(self, reason: Reason = "refresh_requested") -> None:
        """Ask all open connections to reconnect."""
        self._loop.run(self._sockets.disconnect(reason))

    def drop_connections(self) -> None:
        """Close all open connections without a word."""

        async def drop() -> None:
            for connection in self._sockets.open():
                await connection.close()

        self._loop.run(drop())

    def go_silent(self) -> None:
        """Stop answering on the open connections, which stay open: what a network does that has lost track of them."""
        for connection in self.connections:
            connection.silent = True

    def haunt(self, ghosts: int) -> None:
        """Let Slack believe in so many more connections, and deliver through them too."""
        self._loop.call(self._sockets.haunt, ghosts)

    def ignore_acks(self, count: int = 1) -> None:
        """Lose the next acknowledgements that come through Socket Mode."""
        self._sockets.ignored_acks = count

    def redeliver(self, delivery: Delivery) -> Delivery:
        """Deliver an event once more, whatever came of it, with the same event_id."""
        again = Delivery(delivery.kind, delivery.payload, delivery.accepts_response)
        return self._loop.call(self._deliveries.begin, again)

    @property
    def events_enabled(self) -> bool:
        """Whether events are still sent: hardly any must fail for long."""
        return self._subscriptions.enabled

    # Life

    async def _start(self) -> None:
        self._runner = web.AppRunner(self._server.application(), access_log=None, shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._files.root = self._sockets.root = self._interactions.root = self.url

    async def _stop(self) -> None:
        await self._deliveries.stop()
        await self._sockets.stop()
        await self._http.close()
        if self._runner is not None:
            await self._runner.cleanup()
        await asyncio.sleep(0)

    @contextmanager
    def _running(self) -> Iterator[SlackPlatform]:
        self._loop.start()
        try:
            self._loop.run(self._start())
            yield self
        finally:
            self._loop.run(self._stop())
            self._loop.stop()


@contextmanager
def slack_platform(
    *,
    team: Team | None = None,
    app: App | None = None,
    scopes: Iterable[str] | None = None,
    events: Iterable[str] | None = None,
    timings: Timings | None = None,
    limits: RateLimits | None = None,
    event_limits: EventLimits | None = None,
    faults: Iterable[Fault] = (),
    may_mention: Collection[str] = (),
    now: Callable[[], float] = time.time,
) -> Iterator[SlackPlatform]:
    """Run the double until the block is left.

    ``scopes`` are those of the bot token (else all that the double knows), ``events`` what the app subscribes to.
    ``may_mention`` names whom the app may mention (``U1``, ``here``): mentions of others, and text that should have
    been escaped, are refused with an error that Slack does not know, ``refused_by_double``. ``now`` is the clock that
    the double's follows.
    """
    app = app or App()
    app.scopes = set(scopes) if scopes is not None else app.scopes
    app.events = set(events) if events is not None else app.events
    workspace = Workspace(team or Team(), app, Clock(now), timings or Timings(), may_mention)
    platform = SlackPlatform(workspace, limits or RateLimits(), event_limits or EventLimits(), list(faults))
    with platform._running() as slack:
        yield slack
