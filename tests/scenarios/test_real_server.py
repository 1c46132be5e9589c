"""A real API server gives the same verdicts as the double, where KUBEBUILDER_ASSETS names one."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from corpus import Corpus, load_corpus
from tests.doubles.kubernetes_api import Fault
from tests.doubles.kubernetes_objects import kind_of
from tests.doubles.real_cluster import RealCluster
from tests.scenarios.loading import as_json, load_scenario, scenario_directories, wrong_verdicts
from tests.scenarios.sources import run_live, run_real

HERE = Path(__file__).parent
SHARED = HERE.parents[2] / "shared" / "scenarios"
EVERY = 9
DIRECTORIES = [*scenario_directories(HERE)[::EVERY], *scenario_directories(SHARED)]


@cache
def corpus() -> Corpus:
    return load_corpus()


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda directory: directory.name)
def test_a_real_server_gives_the_same_verdicts(directory: Path, real_cluster: RealCluster, tmp_path: Path) -> None:
    # The server's clock is this machine's, and no test can set it.
    scenario = load_scenario(directory, dt.datetime.now(dt.UTC).replace(microsecond=0))
    before = len(real_cluster.plane.recorded())
    real, left = run_real(scenario, corpus(), tmp_path, real_cluster)
    # The double as such a server: of this version, with what that can hold, and without a kubelet.
    held = [one for one in map(as_json, scenario.objects) if one not in left]
    unserved = {kind_of(one).qualified for one in left} - {"events"}
    version, no_kubelet = real_cluster.version, Fault("/log", status=500)
    double = run_live(
        replace(scenario, objects=held), corpus(), tmp_path, version=version, unserved=unserved, faults=[no_kubelet]
    )
    assert real.verdicts == double.verdicts
    wrong = wrong_verdicts(scenario, real)
    assert not any(text.startswith("confirmed") for text in wrong.values()), wrong
    recorded = real_cluster.plane.recorded()[before:]
    assert {one["verb"] for one in recorded} <= {"get", "list"}
    assert len(recorded) == real.requests
    if not left and not scenario.logs:
        assert wrong == {}
