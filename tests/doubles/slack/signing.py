"""How Slack signs what it sends to an app."""

from __future__ import annotations

import hashlib
import hmac

__all__ = ["signed_headers"]


def signed_headers(
    body: bytes, secret: str, timestamp: float, content_type: str = "application/json"
) -> dict[str, str]:
    """Return the headers of a request with that body, signed at ``timestamp``."""
    seconds = str(int(timestamp))
    digest = hmac.new(secret.encode(), b"v0:" + seconds.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "Content-Type": content_type,
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": seconds,
        "X-Slack-Signature": f"v0={digest}",
    }
