from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.server import RunningServer, running_server
from tests.scenarios.loading import NOW, as_json, load_scenario

SCENARIO = load_scenario(Path(__file__).parents[3] / "scenarios" / "terway-exhausted-crd-condition")


@dataclass(frozen=True)
class Site:
    """A server with a page, its engine and its store, and a cluster with a confirmed fault in ``scope``."""

    server: RunningServer
    engine: StandInEngine
    store_url: StoreUrl
    scope: dict[str, str]

    @property
    def url(self) -> str:
        return self.server.url


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("site")
    engine = StandInEngine()
    with (
        pytest.MonkeyPatch.context() as patch,
        kubernetes_api([as_json(one) for one in SCENARIO.objects], logs=SCENARIO.logs, now=NOW) as api,
    ):
        # Machines that test are busy.
        patch.setattr("bot.service.Store", partial(Store, seconds=60))
        settings = Settings(
            kubeconfig=api.kubeconfig(directory),
            port=0,
            store_url=StoreUrl(f"sqlite:///{directory}/acknet.db"),
            request_timeout=300,
            diagnosis_timeout=300,
        )
        with running_server(lambda _: engine, settings) as running:
            yield Site(running, engine, settings.store_url, dict(SCENARIO.data["scope"]))
