"""How often the Web API may be called."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["RateLimits"]


@dataclass(slots=True)
class _Bucket:
    level: float
    at: float


@dataclass(slots=True)
class RateLimits:
    """Calls a minute by tier and posts a second by channel, as token buckets.

    ``distributed`` reads history as an app does that is sold outside Slack's marketplace: once a minute, 15 messages.
    Set ``enabled`` to False for tests of other things that call much.
    """

    enabled: bool = True
    per_minute: Mapping[int, int] = field(default_factory=lambda: {1: 10, 2: 20, 3: 50, 4: 100})
    posts_per_second: float = 1.0
    posting_burst: int = 10
    distributed: bool = False
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def wait(self, method: str, tier: int, channel: str | None, now: float) -> int | None:
        """Count a call; return after how many whole seconds it may be made again where it comes too early."""
        if not self.enabled:
            return None
        if self.distributed and method in ("conversations.history", "conversations.replies"):
            return self._take((method, ""), 1, 1 / 60, now)
        if method in ("chat.postMessage", "chat.postEphemeral"):
            return self._take((method, channel or ""), self.posting_burst, self.posts_per_second, now)
        most = self.per_minute[tier]
        return self._take((method, ""), most, most / 60, now)

    def _take(self, key: tuple[str, str], capacity: float, refill: float, now: float) -> int | None:
        bucket = self._buckets.setdefault(key, _Bucket(capacity, now))
        bucket.level = min(capacity, bucket.level + (now - bucket.at) * refill)
        bucket.at = now
        if bucket.level < 1:
            return max(1, math.ceil((1 - bucket.level) / refill))
        bucket.level -= 1
        return None
