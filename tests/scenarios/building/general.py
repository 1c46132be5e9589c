"""What concerns both plugins: all its scenarios."""

from __future__ import annotations

from tests.scenarios.building import general_cluster, general_host_port
from tests.scenarios.building.scenario import Scenario

SCENARIOS: list[Scenario] = [*general_host_port.SCENARIOS, *general_cluster.SCENARIOS]
