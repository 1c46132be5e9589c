"""The committed scenario directories are what the builder makes of their descriptions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.scenarios.building.collected import scenarios
from tests.scenarios.building.scenario import DIRECTORY, Scenario, files, stale

SCENARIOS = scenarios()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_a_committed_scenario_is_what_the_builder_makes(scenario: Scenario) -> None:
    directory = DIRECTORY / scenario.name
    committed = {
        str(path.relative_to(directory)): path.read_text(encoding="utf-8")
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }
    assert committed == files(scenario), "run `python -m tests.scenarios.building`"


def test_no_directory_is_left_of_a_scenario_that_is_gone() -> None:
    left: list[Path] = stale(SCENARIOS)
    assert left == [], "run `python -m tests.scenarios.building`"
