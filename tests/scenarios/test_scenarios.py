"""Every scenario comes out exact: as the API answers, and some through real sources as well."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from bot.diagnosis.facts.registry import MISREAD
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.shown_commands import NO_COMMAND
from corpus import Corpus, load_corpus
from tests.scenarios.loading import load_scenario, run, scenario_directories, wrong_verdicts
from tests.scenarios.sources import run_live, run_snapshot

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "scenarios"
DIRECTORIES = scenario_directories(HERE, SHARED)
EVERY = 6
"""Every so many scenarios are run through the real sources, which take longer."""


@cache
def corpus() -> Corpus:
    return load_corpus()


def name(directory: Path) -> str:
    return directory.name


def test_there_are_enough_scenarios() -> None:
    assert len(scenario_directories(HERE)) >= 120


@cache
def diagnosed(directory: Path) -> Diagnosis:
    return run(load_scenario(directory), corpus())


@pytest.mark.parametrize("directory", DIRECTORIES, ids=name)
def test_every_verdict_is_exact_and_nothing_is_confirmed_wrongly(directory: Path) -> None:
    scenario = load_scenario(directory)
    assert wrong_verdicts(scenario, diagnosed(directory)) == {}


@pytest.mark.parametrize("directory", DIRECTORIES, ids=name)
def test_what_is_confirmed_has_evidence_and_what_is_unreadable_names_what_is_missing(directory: Path) -> None:
    for finding in diagnosed(directory).findings:
        if finding.verdict == "confirmed":
            assert finding.evidence, finding
        if finding.verdict == "unreadable":
            assert finding.missing, finding
        assert not any(MISREAD in one for one in finding.missing)
        assert NO_COMMAND not in {one.kubectl for one in finding.evidence}


@pytest.mark.parametrize("directory", DIRECTORIES[::EVERY], ids=name)
def test_a_live_cluster_gives_the_same_verdicts(directory: Path, tmp_path: Path) -> None:
    scenario = load_scenario(directory)
    assert run_live(scenario, corpus(), tmp_path).verdicts == diagnosed(directory).verdicts


@pytest.mark.parametrize("directory", DIRECTORIES[::EVERY], ids=name)
def test_a_snapshot_gives_the_same_verdicts(directory: Path, tmp_path: Path) -> None:
    scenario = load_scenario(directory)
    snapshot = run_snapshot(scenario, corpus(), tmp_path)
    assert wrong_verdicts(scenario, snapshot) == {}
