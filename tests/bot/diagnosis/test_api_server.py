"""The API double and, where KUBEBUILDER_ASSETS names one, a real API server answer alike."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import httpx
import pytest

from bot.diagnosis.reader import Object
from tests.contracts.api_server import READS, ApiServerContract, Ask
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.real_cluster import RealCluster


def asking(client: httpx.Client) -> Ask:
    return lambda target, method="GET", **options: client.request(method, target, **options)


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


class TestDouble(ApiServerContract):
    @pytest.fixture(autouse=True)
    def _opened(self, opened: ExitStack) -> None:
        self.opened = opened

    def serve(self, objects: Sequence[Object], *, everything: bool) -> Ask:
        roles = None if everything else [READS]
        api = self.opened.enter_context(kubernetes_api(objects, token="right", rbac=roles))
        headers = {"Authorization": "Bearer right"}
        client = httpx.Client(base_url=api.url, headers=headers, timeout=90, trust_env=False)
        return asking(self.opened.enter_context(client))


class TestRealServer(ApiServerContract):
    @pytest.fixture(autouse=True)
    def _opened(self, opened: ExitStack, real_cluster: RealCluster) -> None:
        self.opened, self.cluster = opened, real_cluster

    def serve(self, objects: Sequence[Object], *, everything: bool) -> Ask:
        self.cluster.load(objects)
        plane = self.cluster.plane
        trust = ssl.create_default_context(cafile=str(plane.authority))
        if everything:
            headers = {"Authorization": f"Bearer {plane.token}"}
        else:
            user, headers = self.cluster.user([READS]), {}
            trust.load_cert_chain(user["client-certificate"], user["client-key"])
        client = httpx.Client(base_url=plane.url, verify=trust, headers=headers, timeout=90, trust_env=False)
        return asking(self.opened.enter_context(client))
