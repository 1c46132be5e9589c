"""What a sender of alerts says at one time about one incident, whoever the sender is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

__all__ = ["MOST_ALERTS", "Alert", "Delivery", "bounded", "digest_of"]

MOST_ALERTS = 500
"""The most alerts of one delivery that are kept; further ones are counted."""

_MOST_NAMES = 64
_LONGEST_NAME = 128
_LONGEST_TEXT = 2000

Text = Annotated[str, StringConstraints(max_length=_LONGEST_TEXT)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Alert(_Frozen):
    """One alert. Its ``fingerprint`` tells it from all others of the sender."""

    fingerprint: str
    firing: bool
    labels: Mapping[str, Text] = {}
    annotations: Mapping[str, Text] = {}

    @property
    def name(self) -> str:
        """What the alert is called."""
        return self.labels.get("alertname") or self.annotations.get("summary") or "alert"


class Delivery(_Frozen):
    """What was said about one incident.

    ``incident`` is the sender's name for it, ``title`` what a person reads. ``complete``: every alert that fires is in
    ``alerts``. ``over``: none fires any more, whatever is in ``alerts``. ``left_out`` alerts are not listed. ``url``
    leads to the sender's page about it.
    """

    source: Literal["alertmanager", "pagerduty", "watch"]
    incident: str
    title: str
    alerts: tuple[Alert, ...]
    complete: bool
    over: bool = False
    left_out: int = 0
    url: str | None = None

    @property
    def firing(self) -> tuple[Alert, ...]:
        """The alerts that fire."""
        return tuple(alert for alert in self.alerts if alert.firing)

    @property
    def settled(self) -> tuple[Alert, ...]:
        """The alerts that fire no more."""
        return tuple(alert for alert in self.alerts if not alert.firing)


def bounded(texts: Mapping[str, Any]) -> dict[str, str]:
    """Return names and texts from outside, so many and so long at most; values that are no text are left out."""
    kept = {
        name[:_LONGEST_NAME]: value[:_LONGEST_TEXT] for name, value in texts.items() if isinstance(value, str) and value
    }
    return dict(list(kept.items())[:_MOST_NAMES])


def digest_of(texts: Mapping[str, str]) -> str:
    """Return a short name for a set of labels."""
    said = "\x00".join(f"{name}\x01{value}" for name, value in sorted(texts.items()))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:16]
