"""Webhooks as Alertmanager and PagerDuty post them."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["alert", "alertmanager", "pagerduty", "sign"]


def alert(
    name: str = "KubePodNotReady",
    *,
    status: str = "firing",
    summary: str = "a pod is not ready for 15 minutes",
    fingerprint: str | None = None,
    **labels: str,
) -> dict[str, Any]:
    labels = {"alertname": name, **labels}
    digest = hashlib.sha256(json.dumps(labels, sort_keys=True).encode()).hexdigest()[:16]
    return {
        "status": status,
        "labels": labels,
        "annotations": {"summary": summary},
        "startsAt": "2026-03-02T03:00:05.123Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus.example/graph",
        "fingerprint": digest if fingerprint is None else fingerprint,
    }


def alertmanager(
    *alerts: Mapping[str, Any], group: str = '{}:{alertname="KubePodNotReady"}', truncated: int = 0
) -> dict[str, Any]:
    return {
        "version": "4",
        "groupKey": group,
        "truncatedAlerts": truncated,
        "status": "firing" if any(one["status"] == "firing" for one in alerts) else "resolved",
        "receiver": "acknet",
        "groupLabels": {"alertname": "KubePodNotReady"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": list(alerts),
    }


def pagerduty(
    event: str = "incident.triggered",
    *,
    title: str = "[FIRING:1] KubePodNotReady namespace=shop pod=web-1",
    incident: str = "Q1",
    number: str = "01E",
    body: Any = None,
) -> bytes:
    data = {
        "id": incident,
        "type": "incident",
        "self": f"https://api.pagerduty.com/incidents/{incident}",
        "html_url": f"https://acme.pagerduty.com/incidents/{incident}",
        "number": 2,
        "status": "triggered",
        "title": title,
        "service": {"id": "PF9KMXH", "summary": "ACK", "type": "service_reference"},
        "urgency": "high",
        "body": body,
    }
    said = {"id": number, "event_type": event, "resource_type": "incident", "occurred_at": "2026-03-02T03:04:05.000Z"}
    return json.dumps({"event": {**said, "agent": None, "client": None, "data": data}}).encode()


def sign(body: bytes, *secrets: str) -> dict[str, str]:
    signatures = ["v1=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"X-PagerDuty-Signature": ",".join(signatures), "Content-Type": "application/json"}


def resolved(alerts: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**one, "status": "resolved", "endsAt": "2026-03-02T04:00:00Z"} for one in alerts]
