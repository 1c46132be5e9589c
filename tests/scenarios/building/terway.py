"""Terway: all its scenarios."""

from __future__ import annotations

from tests.scenarios.building import (
    terway_eip,
    terway_exhausted,
    terway_flags,
    terway_internet,
    terway_lookalikes,
    terway_mac,
    terway_modes,
    terway_outside,
    terway_quota,
)
from tests.scenarios.building.scenario import Scenario

SCENARIOS: list[Scenario] = [
    *terway_exhausted.SCENARIOS,
    *terway_lookalikes.SCENARIOS,
    *terway_quota.SCENARIOS,
    *terway_outside.SCENARIOS,
    *terway_flags.SCENARIOS,
    *terway_mac.SCENARIOS,
    *terway_modes.SCENARIOS,
    *terway_eip.SCENARIOS,
    *terway_internet.SCENARIOS,
]
