"""Flannel: all its scenarios."""

from __future__ import annotations

from tests.scenarios.building import flannel_addresses, flannel_cni, flannel_hairpin, flannel_routes
from tests.scenarios.building.scenario import Scenario

SCENARIOS: list[Scenario] = [
    *flannel_cni.SCENARIOS,
    *flannel_hairpin.SCENARIOS,
    *flannel_routes.SCENARIOS,
    *flannel_addresses.SCENARIOS,
]
