from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.doubles.real_cluster import real_cluster

__all__ = ["real_cluster"]

# A busy machine makes no test wrong: nothing here is about how long an example takes.
settings.register_profile("acknet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("acknet")

ROOT = Path(__file__).parents[1]
_OF_TESTS = {"ACKNET_TEST_CACHE", "ACKNET_EDITIONS_DIR"}


@pytest.fixture(scope="session", autouse=True)
def _own_places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep tests, and the processes they start, away from what the user of this machine has and sets of acknet."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ACKNET_") and name not in _OF_TESTS]:
            patch.delenv(name)
        for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME"):
            patch.setenv(name, str(tmp_path_factory.mktemp(name.lower())))
        yield


@pytest.fixture(scope="session")
def built_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache directory (what ACKNET_CACHE_DIR names) with the index of the shipped corpus; not to be changed.

    It is built once in a test session, which takes about a minute; ACKNET_TEST_CACHE names a directory that keeps it
    for the next one. Sessions that share a directory wait for each other's build.
    """
    kept = os.environ.get("ACKNET_TEST_CACHE")
    if kept:
        cache = Path(kept).absolute()
    elif os.environ.get("PYTEST_XDIST_WORKER"):
        cache = tmp_path_factory.getbasetemp().parent / "cache"  # the workers of a session share it
    else:
        cache = tmp_path_factory.mktemp("cache")
    # In a process of its own: what builds an index neither warns nor stays here.
    subprocess.run(
        [sys.executable, "-m", "bot", "index", "build"],
        cwd=ROOT,
        env=os.environ | {"ACKNET_CACHE_DIR": str(cache)},
        check=True,
    )
    return cache
