"""kube-proxy: all its scenarios."""

from __future__ import annotations

from tests.scenarios.building import kube_proxy_config, kube_proxy_conntrack, kube_proxy_ipvs
from tests.scenarios.building.scenario import Scenario

SCENARIOS: list[Scenario] = [
    *kube_proxy_config.SCENARIOS,
    *kube_proxy_conntrack.SCENARIOS,
    *kube_proxy_ipvs.SCENARIOS,
]
