"""The parts of the double, put together."""

from __future__ import annotations

from tests.doubles.slack.connections import SocketMode
from tests.doubles.slack.delivery import Courier, Deliveries, Delivery
from tests.doubles.slack.faults import Fault
from tests.doubles.slack.files import Files
from tests.doubles.slack.http_courier import HttpCourier
from tests.doubles.slack.interactions import Interactions
from tests.doubles.slack.rate_limits import RateLimits
from tests.doubles.slack.response_urls import ResponseUrls
from tests.doubles.slack.server import Server
from tests.doubles.slack.subscriptions import EventLimits, Subscriptions
from tests.doubles.slack.thread import LoopThread
from tests.doubles.slack.workspace import Workspace

__all__ = ["Core"]


class Core:
    """What the halves of the scriptable interface share; everything is touched in the loop only."""

    def __init__(
        self, workspace: Workspace, limits: RateLimits, event_limits: EventLimits, faults: list[Fault]
    ) -> None:
        self._loop = LoopThread("slack-double")
        self._workspace = workspace
        clock, timings = workspace.clock, workspace.timings
        self._files = Files()
        self._sockets = SocketMode(workspace.app, clock, timings)
        self._http = HttpCourier(workspace.app, clock, timings)
        self._deliveries = Deliveries(clock, timings, self._courier)
        self._response_urls = ResponseUrls(workspace)
        self._subscriptions = Subscriptions(workspace, self._deliveries, event_limits)
        self._interactions = Interactions(workspace, self._deliveries, self._response_urls)
        self._server = Server(workspace, self._files, self._sockets, self._response_urls, limits, faults)
        workspace.emit = self._subscriptions.emit
        self._deliveries.on_end = self._ended

    def _courier(self) -> Courier:
        return self._http if self._workspace.app.request_url else self._sockets

    def _ended(self, delivery: Delivery) -> None:
        if self._workspace.app.request_url and delivery.kind == "events_api":
            self._subscriptions.judge(delivery)
