"""Alertmanager's webhook, version 4 of its payload.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bot.oncall.delivery import MOST_ALERTS, Alert, Delivery, bounded, digest_of

__all__ = ["AlertmanagerAlert", "AlertmanagerWebhook", "read_webhook"]

_LONGEST_KEY = 4096
_LONGEST_TITLE = 200
_NAMES_IN_TITLE = 3

_Texts = Mapping[str, Any]


class _FromOutside(BaseModel):
    # A later Alertmanager may send more; what is not known here is not needed.
    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel)


class AlertmanagerAlert(_FromOutside):
    """One alert of a group."""

    status: Literal["firing", "resolved"]
    labels: _Texts = {}
    annotations: _Texts = {}
    fingerprint: Annotated[str, Field(max_length=128)] = ""


class AlertmanagerWebhook(_FromOutside):
    """What Alertmanager posts: the alerts of one group that fire, and those that were resolved since it last did."""

    version: Literal["4"]
    group_key: Annotated[str, Field(min_length=1, max_length=_LONGEST_KEY)]
    status: Literal["firing", "resolved"]
    truncated_alerts: Annotated[int, Field(ge=0)] = 0
    group_labels: _Texts = {}
    external_url: Annotated[str, Field(max_length=2048, alias="externalURL")] = ""
    alerts: Annotated[list[AlertmanagerAlert], Field(min_length=1)]


def read_webhook(webhook: AlertmanagerWebhook) -> Delivery:
    """Return what the webhook says."""
    alerts = [_alert(alert) for alert in webhook.alerts[:MOST_ALERTS]]
    left_out = webhook.truncated_alerts + len(webhook.alerts) - len(alerts)
    return Delivery(
        source="alertmanager",
        incident=f"alertmanager {webhook.group_key}",
        title=_title(webhook, alerts),
        alerts=tuple(alerts),
        complete=left_out == 0,
        over=webhook.status == "resolved",
        left_out=left_out,
        url=webhook.external_url if webhook.external_url.startswith(("http://", "https://")) else None,
    )


def _alert(alert: AlertmanagerAlert) -> Alert:
    labels = bounded(alert.labels)
    return Alert(
        fingerprint=alert.fingerprint or digest_of(labels),
        firing=alert.status == "firing",
        labels=labels,
        annotations=bounded(alert.annotations),
    )


def _title(webhook: AlertmanagerWebhook, alerts: list[Alert]) -> str:
    names = list(dict.fromkeys(alert.name for alert in alerts))
    more = f" and {len(names) - _NAMES_IN_TITLE} more" if len(names) > _NAMES_IN_TITLE else ""
    where = [text for name, text in bounded(webhook.group_labels).items() if name != "alertname"]
    said = ", ".join(names[:_NAMES_IN_TITLE]) + more + (f" ({', '.join(where)})" if where else "")
    return " ".join(said.split())[:_LONGEST_TITLE]
