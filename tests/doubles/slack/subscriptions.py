"""Which events reach the app, in what envelope, and when Slack stops sending them."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.doubles.slack.delivery import Deliveries, Delivery
from tests.doubles.slack.people import Channel
from tests.doubles.slack.workspace import Workspace

__all__ = ["EventLimits", "Subscriptions"]

_HOUR = 3600.0
_SCOPES: Mapping[str, str] = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "message.mpim": "mpim:history",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
_MESSAGES = {"channel": "message.channels", "group": "message.groups", "im": "message.im", "mpim": "message.mpim"}


@dataclass(frozen=True, slots=True)
class EventLimits:
    """``hourly`` deliveries at most.

    From ``judged_from`` attempts over HTTP in an hour on, sending stops where fewer than one in twenty succeeded.
    """

    hourly: int = 30_000
    judged_from: int = 1000


class Subscriptions:
    """Sends events that the app subscribes to and may see."""

    def __init__(self, workspace: Workspace, deliveries: Deliveries, limits: EventLimits) -> None:
        self._workspace, self._deliveries, self._limits = workspace, deliveries, limits
        self.enabled = True
        self._begun: deque[float] = deque()
        self._ended: deque[tuple[float, bool]] = deque()
        self._succeeded = 0
        self._warned = 0.0
        self._count = 0

    def emit(self, event: dict[str, Any], channel: Channel | None, acting: str | None = None) -> Delivery | None:
        """Send ``event`` unless the app is not to have it; ``acting`` names a user that the event does not tell."""
        if not self.enabled or not self._wanted(event, channel):
            return None
        now = self._workspace.clock.now()
        _forget(self._begun, now)
        if len(self._begun) >= self._limits.hourly:
            self._warn(now)
            return None
        self._begun.append(now)
        return self._deliveries.begin(Delivery("events_api", self._envelope(event, channel, acting, now)))

    def judge(self, delivery: Delivery) -> None:
        """Count what came of a delivery over HTTP; stop sending where hardly any succeeds."""
        now = self._workspace.clock.now()
        for attempt in delivery.attempts:
            self._ended.append((now, not attempt.failure))
            self._succeeded += not attempt.failure
        while self._ended and self._ended[0][0] < now - _HOUR:
            self._succeeded -= self._ended.popleft()[1]
        if len(self._ended) >= self._limits.judged_from and self._succeeded < 0.05 * len(self._ended):
            self.enabled = False

    def _wanted(self, event: dict[str, Any], channel: Channel | None) -> bool:
        app = self._workspace.app
        name = event["type"]
        if name == "message" and channel is not None:
            name = _MESSAGES[channel.kind]
        if name not in app.events or app.revoked:
            return False
        if name in _SCOPES and _SCOPES[name] not in app.scopes:
            return False
        return channel is None or app.bot_user in channel.members

    def _envelope(
        self, event: dict[str, Any], channel: Channel | None, acting: str | None, now: float
    ) -> dict[str, Any]:
        team, app = self._workspace.team, self._workspace.app
        self._count += 1
        shared = channel is not None and channel.is_ext_shared
        return {
            "token": app.verification_token,
            "team_id": team.id,
            **({"enterprise_id": team.enterprise_id} if team.enterprise_id else {}),
            "context_team_id": team.id,
            "context_enterprise_id": team.enterprise_id,
            "api_app_id": app.id,
            "event": event,
            "type": "event_callback",
            "event_id": f"Ev{self._count:010d}",
            "event_time": int(now),
            "authorizations": [
                {
                    "enterprise_id": team.enterprise_id,
                    "team_id": None if team.org_wide else team.id,
                    "user_id": acting or app.bot_user,
                    "is_bot": acting is None,
                    "is_enterprise_install": team.org_wide,
                }
            ],
            "is_ext_shared_channel": shared,
            "event_context": f"4-event-{self._count}",
        }

    def _warn(self, now: float) -> None:
        if now - self._warned < 60:
            return
        self._warned = now
        team, app = self._workspace.team, self._workspace.app
        payload = {
            "token": app.verification_token,
            "type": "app_rate_limited",
            "team_id": team.id,
            "minute_rate_limited": int(now // 60 * 60),
            "api_app_id": app.id,
        }
        self._deliveries.begin(Delivery("events_api", payload))


def _forget(times: deque[float], now: float) -> None:
    while times and times[0] < now - _HOUR:
        times.popleft()
