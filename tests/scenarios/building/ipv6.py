"""IPv6: all its scenarios."""

from __future__ import annotations

from tests.scenarios.building import ipv6_pods, ipv6_services
from tests.scenarios.building.scenario import Scenario

SCENARIOS: list[Scenario] = [*ipv6_pods.SCENARIOS, *ipv6_services.SCENARIOS]
