"""The plain part of an observation, to build another kind of observation from."""

from __future__ import annotations

from typing import Any

from bot.diagnosis.observation import Observation

__all__ = ["observed"]


def observed(seen: Observation, **changes: Any) -> dict[str, Any]:
    """Return the fields that every observation has, with some of them changed."""
    return {field: getattr(seen, field) for field in Observation.model_fields} | changes
