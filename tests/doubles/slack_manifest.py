"""What the manifest of the Slack app grants it, so that tests run with no more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

__all__ = ["MANIFEST", "granted"]

MANIFEST = Path(__file__).parents[2] / "deploy" / "slack" / "manifest.yaml"


def granted(manifest: Any = None) -> tuple[set[str], set[str]]:
    """Return the events that an app made from ``manifest`` (else the one that is shipped) gets, and its scopes."""
    manifest = manifest or yaml.safe_load(MANIFEST.read_text())
    events = set(manifest["settings"]["event_subscriptions"]["bot_events"])
    return events, set(manifest["oauth_config"]["scopes"]["bot"])
