"""All scenarios of all modules."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec

from tests.scenarios.building.scenario import Scenario

__all__ = ["MODULES", "scenarios"]

MODULES = ("terway", "flannel", "kube_proxy", "ipv6", "general")


def scenarios(modules: Iterable[str] = MODULES) -> list[Scenario]:
    """Return the modules' scenarios; their names are unique."""
    names = [f"tests.scenarios.building.{one}" for one in modules]
    found = [scenario for name in names if find_spec(name) for scenario in import_module(name).SCENARIOS]
    seen: set[str] = set()
    for one in found:
        if one.name in seen:
            raise ValueError(f"two scenarios are named {one.name}")
        seen.add(one.name)
    return found
