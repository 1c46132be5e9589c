"""On call at work: takes deliveries and notices out of the store and has them worked on."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections.abc import Sequence

from bot.oncall.notice import Notice
from bot.oncall.queue_worker import QueueWorker
from bot.oncall.responder import Responder
from bot.oncall.sinks import Sink, StdoutSink, WebhookSink
from bot.service import Service
from bot.settings import Settings
from bot.settings.slack import has_slack
from bot.store import Lease, Store

__all__ = ["LEASE", "Desk", "sinks_of"]

LEASE = dt.timedelta(seconds=30)

_logger = logging.getLogger("acknet.oncall")


def sinks_of(settings: Settings, store: Store) -> list[Sink]:
    """Return the places that are told about incidents, as the settings say."""
    found: list[Sink] = []
    if settings.incident_channel is not None:
        if has_slack(settings):
            # Half a second of imports that only some need.
            from bot.slack.incidents import SlackSink

            found.append(SlackSink(store, settings.incident_channel))
        else:
            _logger.warning("incident_channel is set, but acknet is not in Slack; see the settings slack_…")
    if settings.incident_webhook_url is not None:
        secret = settings.incident_webhook_secret
        found.append(WebhookSink(settings.incident_webhook_url, secret.get_secret_value() if secret else None))
    return found or [StdoutSink()]


class Desk:
    """Works on what senders said and tells ``sinks`` about it, until it is stopped.

    Several processes that share a store share the work; ``lease`` is how long the work of one that was killed waits.
    """

    def __init__(self, service: Service, sinks: Sequence[Sink], *, lease: dt.timedelta = LEASE) -> None:
        self._service = service
        self._sinks = {sink.name: sink for sink in sinks}
        responder = Responder(service, list(self._sinks))
        self._alerts = QueueWorker(service.store.alerts, responder.respond, lease=lease)
        self._notices = QueueWorker(service.store.notices, self._send, lease=lease)

    def wake(self) -> None:
        """Say that a delivery was put down."""
        self._alerts.wake()

    async def run(self) -> None:
        """Work until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._alerts.run())
                tasks.create_task(self._notices.run())
        finally:
            for sink in self._sinks.values():
                await sink.close()

    async def _send(self, held: Lease) -> None:
        notice = Notice.model_validate(held.payload["notice"])
        sink = self._sinks.get(held.payload["place"])
        if sink is None:
            _logger.warning(
                "a notice for %s is dropped: the settings name no such place any more", held.payload["place"]
            )
            return
        try:
            await sink.send(notice)
        except Exception:
            self._service.metrics.notices.labels(sink.name, "failed").inc()
            raise
        self._service.metrics.notices.labels(sink.name, "sent").inc()
