"""Every part of `acknet serve`. A new one is a line here."""

from __future__ import annotations

from bot.oncall.part import AlertsPart
from bot.part import Part
from bot.service import Service
from bot.settings.slack import has_slack
from bot.web.foundation import ClusterPart, IndexPart, StorePart
from bot.web.pages.router import PagePart
from bot.web.routes import ApiPart

__all__ = ["serve_parts"]


def serve_parts(service: Service) -> tuple[Part, ...]:
    """Return the parts in the order in which they are started; they are stopped in the reverse one."""
    alerts = AlertsPart(service)
    parts: list[Part] = [
        IndexPart(service),
        StorePart(service),
        ClusterPart(service),
        ApiPart(service),
        PagePart(service),
        alerts,
    ]
    if service.settings.watch_namespaces:
        # The client of the Kubernetes API takes half a second to import.
        from bot.oncall.watch.part import WatchPart

        parts.append(WatchPart(service, alerts.wake))
    if has_slack(service.settings):
        # Half a second of imports that only some need.
        from bot.slack.part import SlackPart

        parts.append(SlackPart(service))
    return tuple(parts)
