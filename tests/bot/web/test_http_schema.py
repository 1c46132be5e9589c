"""Requests made up from ``/openapi.json``, right and wrong: no server errors, nothing but what is described."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode

from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.server import running_server


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    """The description of a real server, which looks into a cluster without anything in it."""
    directory: Path = tmp_path_factory.mktemp("schema")
    with kubernetes_api([]) as cluster:
        chosen = Settings(
            store_url=StoreUrl(f"sqlite:///{directory / 'acknet.db'}"), kubeconfig=cluster.kubeconfig(directory)
        )
        with running_server(lambda _: StandInEngine(), chosen) as server:
            yield schemathesis.openapi.from_url(f"{server.url}/openapi.json")


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_every_reply_is_one_that_is_described_and_none_is_a_server_error(
    api: schemathesis.BaseSchema, mode: GenerationMode
) -> None:
    operations = [found.ok() for found in api.get_all_operations()]
    if mode is GenerationMode.NEGATIVE:  # there is nothing to be wrong about the others
        operations = [operation for operation in operations if operation.method == "post"]
    assert len(operations) >= 3
    for operation in operations:

        @settings(
            max_examples=10,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def check(case: Case) -> None:
            case.call_and_validate(timeout=60)

        check()
