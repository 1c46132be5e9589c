"""PagerDuty's webhooks, version 3.

https://developer.pagerduty.com/docs/webhooks-overview and /docs/verifying-webhook-signatures
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from bot.oncall.delivery import Alert, Delivery, bounded

__all__ = ["PagerDutyEvent", "PagerDutyIncident", "PagerDutyWebhook", "is_signed", "read_webhook"]

_FIRING = frozenset(
    {
        "incident.triggered",
        "incident.acknowledged",
        "incident.unacknowledged",
        "incident.escalated",
        "incident.reopened",
        "incident.priority_updated",
    }
)
_OVER = frozenset({"incident.resolved"})
_MOST_SIGNATURES = 16
_MOST_TEXT = 20_000
# As templates and people write labels: namespace=shop, namespace: shop, namespace = "shop".
_PAIR = re.compile(r"\b([A-Za-z_][A-Za-z0-9_]{1,40})[\"']?\s{0,3}[=:]\s{0,3}[\"']?([A-Za-z0-9][-A-Za-z0-9._]{0,252})")
_DEPTH = 6


class _FromOutside(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class PagerDutyIncident(_FromOutside):
    """The incident that an event is about; other resources have no title."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    type: Annotated[str, Field(max_length=100)] = ""
    title: Annotated[str, Field(max_length=_MOST_TEXT)] = ""
    html_url: Annotated[str, Field(max_length=2048)] | None = None
    body: Any = None
    custom_fields: Any = None


class PagerDutyEvent(_FromOutside):
    """Something that happened to an incident."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    event_type: Annotated[str, Field(max_length=100)]
    data: PagerDutyIncident


class PagerDutyWebhook(_FromOutside):
    """What PagerDuty posts."""

    event: PagerDutyEvent


def is_signed(body: bytes, header: str, secrets: Iterable[str]) -> bool:
    """Tell whether a signature in ``header`` (``v1=HEX,v1=HEX``) is that of ``body`` by one of ``secrets``."""
    given = [part.strip() for part in header.split(",")[:_MOST_SIGNATURES]]
    signed = False
    for secret in secrets:
        right = "v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        for signature in given:
            signed |= hmac.compare_digest(right.encode(), signature.encode("utf-8", "replace"))
    return signed


def read_webhook(webhook: PagerDutyWebhook) -> Delivery | None:
    """Return what the webhook says of an incident; None: it is of something else, a note or a ping for example."""
    event, incident = webhook.event, webhook.event.data
    if event.event_type not in _FIRING | _OVER:
        return None
    over = event.event_type in _OVER
    title = " ".join(incident.title.split())[:200]
    details = " ".join(" ".join(_texts([incident.body, incident.custom_fields])).split())[:_MOST_TEXT]
    alert = Alert(
        fingerprint=incident.id,
        firing=not over,
        labels=bounded(_labels(f"{incident.title}\n{details}")),
        annotations=bounded({"summary": title, "description": details}),
    )
    url = incident.html_url or ""
    return Delivery(
        source="pagerduty",
        incident=f"pagerduty {incident.id}",
        title=title or f"PagerDuty incident {incident.id}",
        alerts=(alert,),
        complete=True,
        over=over,
        url=url if url.startswith("https://") else None,
    )


def _labels(text: str) -> dict[str, str]:
    """Return what reads like labels in ``text``; the first of a name counts."""
    found: dict[str, str] = {}
    for name, value in _PAIR.findall(text):
        found.setdefault(name, value.rstrip("."))
    return found


def _texts(value: Any, depth: int = 0, name: str = "") -> Iterator[str]:
    """Yield the texts in a JSON value, with the names of those that have one."""
    if depth > _DEPTH:
        return
    if isinstance(value, str):
        yield f"{name}: {value[:_MOST_TEXT]}" if name else value[:_MOST_TEXT]
    elif isinstance(value, Mapping):
        for key, item in list(value.items())[:100]:
            # Custom fields are named beside their value.
            yield from _texts(
                item, depth + 1, str(key) if key not in ("value", "details") else str(value.get("name", ""))
            )
    elif isinstance(value, list):
        for item in value[:100]:
            yield from _texts(item, depth + 1, name)
