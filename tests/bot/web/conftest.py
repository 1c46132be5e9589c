from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.doubles.engine import StandInEngine
from tests.doubles.server import RunningServer, running_server


@pytest.fixture(scope="module")
def engine() -> StandInEngine:
    return StandInEngine()


@pytest.fixture(scope="module")
def server(engine: StandInEngine) -> Iterator[RunningServer]:
    with running_server(lambda _: engine) as running:
        yield running
