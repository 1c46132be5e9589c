from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.doubles.engine import StandInEngine
from tests.doubles.kubernetes_api import KubernetesApi, kubernetes_api
from tests.doubles.kubernetes_objects import InMemoryObjects
from tests.doubles.postgres import MISSING, Postgres, postgres_binaries, running_postgres
from tests.doubles.server import RunningServer, running_server
from tests.doubles.webhook_receiver import WebhookReceiver, webhook_receiver
from tests.scenarios.loading import NOW, Scenario, as_json, load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SECRET = "s3cr3t-of-the-webhook"
OnCall = Callable[..., AbstractContextManager[RunningServer]]


def scenario(name: str) -> Scenario:
    return load_scenario(SCENARIOS / name)


def objects(name: str) -> InMemoryObjects:
    return InMemoryObjects([as_json(one) for one in scenario(name).objects], ())


@pytest.fixture
def exhausted() -> Scenario:
    """A cluster in which one pod gets no address because its vSwitch has none left."""
    return scenario("terway-exhausted-crd-condition")


@pytest.fixture
def api(exhausted: Scenario) -> Iterator[KubernetesApi]:
    found = [as_json(one) for one in exhausted.objects]
    with kubernetes_api(found, logs=exhausted.logs, now=NOW) as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    with webhook_receiver() as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, api: KubernetesApi, receiver: WebhookReceiver) -> Callable[..., Settings]:
    """Makes the settings of a server with a store, the cluster and the receiver, and what is given on top."""

    def settings(**more: Any) -> Settings:
        given = {
            "kubeconfig": api.kubeconfig(tmp_path),
            "store_url": StoreUrl(f"sqlite:///{tmp_path}/acknet.db"),
            "incident_webhook_url": receiver.url,
            "incident_webhook_secret": SECRET,
            "diagnosis_timeout": 60.0,
        }
        return Settings(**(given | more))

    return settings


@pytest.fixture
def serve(settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch) -> OnCall:
    """Runs a real server whose engine is the stand-in, with settings on top."""
    # Machines that test are busy.
    monkeypatch.setattr("bot.service.Store", partial(Store, seconds=60))

    @contextmanager
    def serve(**more: Any) -> Iterator[RunningServer]:
        with running_server(lambda _: StandInEngine(), settings(**more)) as server:
            yield server

    return serve


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    if postgres_binaries() is None:
        pytest.skip(MISSING)
    with running_postgres() as server:
        yield server
