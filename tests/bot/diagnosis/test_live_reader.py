from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import json
import socket
import ssl
import subprocess
import time
import tracemalloc
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from bot.diagnosis.live.reader import Budget, LiveReader
from bot.diagnosis.reader import Listing, LogWindow, Reader, Unreadable
from bot.diagnosis.resources import resource
from tests.contracts.reader import Cluster, ReaderContract
from tests.doubles.kubernetes_api import Fault, KubernetesApi, kubernetes_api

PODS = resource("pods")
EVENTS = resource("events")


def pods(count: int, namespace: str = "shop") -> list[dict]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"web-{number:04}", "namespace": namespace},
            "spec": {"nodeName": "node-1", "containers": [{"name": "app"}]},
        }
        for number in range(count)
    ]


class TestContract(ReaderContract):
    def reader(self, cluster: Cluster, directory: Path) -> AbstractAsyncContextManager[Reader]:
        @asynccontextmanager
        async def reader():
            with kubernetes_api(
                cluster.objects,
                logs=cluster.logs,
                previous_logs=cluster.previous_logs,
                version=cluster.version,
                forbidden=cluster.forbidden,
                now=cluster.now,
            ) as api:
                async with LiveReader.open(api.kubeconfig(directory)) as live:
                    yield live

        return reader()


@pytest.fixture
def ask(tmp_path: Path):
    """Asks the cluster behind a double something, and gives what came of it: the answer or Unreadable."""

    def ask(api: KubernetesApi, question: Callable[[LiveReader], Awaitable], **options):
        async def run():
            async with LiveReader.open(api.kubeconfig(tmp_path), **options) as reader:
                try:
                    return await question(reader)
                except Unreadable as unreadable:
                    return unreadable

        return asyncio.run(run())

    return ask


def list_pods(limit: int = 10) -> Callable[[LiveReader], Awaitable[Listing]]:
    return lambda reader: reader.list(PODS, namespace="shop", limit=limit)


def test_only_get_requests_come_and_they_say_who_asks(ask):
    with kubernetes_api(pods(1), token="t0ken") as api:
        ask(api, list_pods())
        ask(api, lambda reader: reader.get(PODS, "web-0000", "shop"))
    assert {request.method for request in api.requests} == {"GET"}
    assert all(not request.body for request in api.requests)
    assert {request.headers["Authorization"] for request in api.requests} == {"Bearer t0ken"}
    assert {request.headers["User-Agent"].split("/")[0] for request in api.requests} == {"acknet"}


# Pages


def test_a_list_is_read_by_the_page_and_no_further_than_its_limit(ask):
    with kubernetes_api(pods(1300)) as api:
        listing = ask(api, list_pods(1200))
    assert [item["metadata"]["name"] for item in listing.items] == [f"web-{number:04}" for number in range(1200)]
    assert not listing.complete
    assert [request.query["limit"] for request in api.requests] == ["500", "500", "200"]


def test_a_list_that_ends_within_its_limit_is_complete(ask):
    with kubernetes_api(pods(700)) as api:
        listing = ask(api, list_pods(2000))
    assert (len(listing.items), listing.complete) == (700, True)


def test_selectors_stay_the_same_on_every_page(ask):
    with kubernetes_api(pods(600)) as api:
        listing = ask(api, lambda reader: reader.list(PODS, fields={"spec.nodeName": "node-1"}, limit=600))
    assert len(listing.items) == 600
    assert [request.query["fieldSelector"] for request in api.requests] == ["spec.nodeName=node-1"] * 2


def test_a_list_that_expires_between_pages_is_read_anew_once(ask):
    with kubernetes_api(pods(700), faults=[Fault("continue=", times=1, status=410)]) as api:
        listing = ask(api, list_pods(2000))
    assert (len(listing.items), listing.complete) == (700, True)
    assert ["continue" in request.query for request in api.requests] == [False, True, False, True]


def test_a_list_that_expires_again_is_unreadable(ask):
    with kubernetes_api(pods(700), faults=[Fault("continue=", status=410)]) as api:
        unreadable = ask(api, list_pods(2000))
    assert (unreadable.reason, len(api.requests)) == ("failed", 4)


def test_a_server_that_ignores_the_limit_does_not_make_a_list_longer(ask):
    body = b'{"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}, {"metadata": {"name": "c"}}]}'
    with kubernetes_api(faults=[Fault(body=body)]) as api:
        listing = ask(api, list_pods(2))
    assert (len(listing.items), listing.complete) == (2, False)


def test_pages_that_hold_nothing_do_not_go_on_for_ever(ask):
    with kubernetes_api(faults=[Fault(body=b'{"metadata": {"continue": "bW9yZQ"}, "items": []}')]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, len(api.requests)) == ("failed", 1)


@pytest.mark.parametrize("token", ["../..", "a b", "a&watch=true", "%2e", "x" * 5000])
def test_a_token_that_is_none_is_not_sent_back(ask, token):
    body = f'{{"metadata": {{"continue": "{token}"}}, "items": [{{"metadata": {{"name": "a"}}}}]}}'.encode()
    with kubernetes_api(faults=[Fault(body=body)]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, len(api.requests)) == ("failed", 1)


# What the server refuses or does not have


def test_a_missing_permission_is_named(ask):
    with kubernetes_api(forbidden=["events", "nodes.network.alibabacloud.com", "pods/log", "/version"]) as api:
        listed = ask(api, lambda reader: reader.list(EVENTS, namespace="shop", limit=5))
        got = ask(api, lambda reader: reader.get(resource("nodes.network.alibabacloud.com"), "node-1"))
        log = ask(api, lambda reader: reader.log("kube-system", "p", "c", LogWindow()))
        version = ask(api, lambda reader: reader.version())
    assert (listed.what, listed.reason, listed.detail) == ("list events in namespace shop", "forbidden", "list events")
    assert (got.reason, got.detail) == ("forbidden", "get nodes.network.alibabacloud.com")
    assert (log.reason, log.detail) == ("forbidden", "get pods/log")
    assert (version.reason, version.detail) == ("forbidden", "get /version")


def test_roles_decide_what_may_be_read(ask):
    reads_nodes = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}
    reads_one = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"], "resourceNames": ["eni-config"]}
    roles = [
        {"kind": "ClusterRole", "metadata": {"name": "a"}, "rules": [reads_nodes]},
        {"kind": "Role", "metadata": {"name": "b", "namespace": "kube-system"}, "rules": [reads_one]},
    ]
    with kubernetes_api(rbac=roles) as api:

        async def outcomes(reader: LiveReader) -> list[str]:
            found = []
            for kind, name, namespace in [
                ("nodes", "node-1", None),
                ("configmaps", "eni-config", "kube-system"),
                ("configmaps", "other", "kube-system"),
                ("configmaps", "eni-config", "shop"),
            ]:
                try:
                    found.append(str(await reader.get(resource(kind), name, namespace)))
                except Unreadable as unreadable:
                    found.append(unreadable.reason)
            with pytest.raises(Unreadable):
                await reader.list(resource("nodes"), limit=5)
            return found

        assert ask(api, outcomes) == ["None", "None", "forbidden", "forbidden"]


def test_a_refusal_by_something_else_names_no_permission(ask):
    with kubernetes_api(faults=[Fault(status=403, body=b"<html>blocked by a gateway</html>")]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server answers 403 Forbidden")


def test_wrong_credentials_are_said_to_be_wrong(ask, tmp_path):
    with kubernetes_api(token="right") as api:
        config = api.kubeconfig(tmp_path, user={"token": "wr0ng-and-secret"}, name="other")

        async def run() -> None:
            async with LiveReader.open(config) as reader:
                await reader.version()

        with pytest.raises(Unreadable) as unreadable:
            asyncio.run(run())
    assert unreadable.value.reason == "failed"
    assert "credentials" in unreadable.value.detail
    assert "wr0ng" not in str(unreadable.value)


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"404 page not found\n", "not_served"),
        (404, b'{"kind": "Status", "reason": "NotFound", "details": {}, "code": 404}', "not_served"),
        (404, b"<html>no such page</html>", "failed"),
        (404, b"", "failed"),
        (400, b'{"kind": "Status", "message": "no", "code": 400}', "failed"),
        (418, b"", "failed"),
        (299, b"{}", "failed"),
    ],
)
def test_only_the_servers_own_word_says_that_a_kind_is_not_there(ask, status, body, reason):
    with kubernetes_api(faults=[Fault(status=status, body=body)]) as api:
        got = ask(api, lambda reader: reader.get(PODS, "web", "shop"))
        listed = ask(api, list_pods())
    assert (got.reason, listed.reason) == (reason, reason)


def test_a_list_in_a_namespace_that_the_server_misses_is_empty(ask):
    body = b'{"kind": "Status", "reason": "NotFound", "details": {"name": "shop", "kind": "namespaces"}, "code": 404}'
    with kubernetes_api(faults=[Fault(status=404, body=body)]) as api:
        listing = ask(api, list_pods())
    assert (list(listing.items), listing.complete) == ([], True)


# Trying again


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_server_that_cannot_now_is_asked_again(ask, status):
    with kubernetes_api(pods(1), faults=[Fault(status=status, times=2)]) as api:
        listing = ask(api, list_pods())
    assert (len(listing.items), len(api.requests)) == (1, 3)


def test_a_server_that_never_can_is_asked_three_times(ask):
    with kubernetes_api(faults=[Fault(status=503)]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server answers 503 Service Unavailable")
    assert len(api.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409])
def test_what_the_server_means_is_not_asked_again(ask, status):
    with kubernetes_api(faults=[Fault(status=status)]) as api:
        ask(api, list_pods())
    assert len(api.requests) == 1


def test_a_server_that_names_a_time_is_left_alone_until_then(ask):
    with kubernetes_api(pods(1), faults=[Fault(status=429, retry_after="1", times=1)]) as api:
        start = time.monotonic()
        ask(api, list_pods())
        assert time.monotonic() - start >= 1.0
    assert len(api.requests) == 2


def test_a_wait_that_would_outlast_the_time_limit_is_not_begun(ask):
    with kubernetes_api(faults=[Fault(status=429, retry_after="3600")]) as api:
        unreadable = ask(api, list_pods(), budget=Budget(seconds=4.0))
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server answers 429 Too Many Requests")
    assert len(api.requests) == 1


# Budget and time


@pytest.mark.parametrize("fault", [Fault(hang=True), Fault(delay=300.0)])
def test_a_server_that_does_not_answer_is_given_up(ask, fault):
    with kubernetes_api(faults=[fault]) as api:
        unreadable = ask(api, list_pods(), budget=Budget(seconds=0.3))
    assert (unreadable.reason, unreadable.detail) == ("timeout", "no answer within 0.3 s")


def test_a_server_that_takes_no_connection_is_given_up(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # It accepts, and then nothing: no TLS ever comes about.
        config = _config(tmp_path, f"https://127.0.0.1:{listener.getsockname()[1]}")

        async def run() -> None:
            async with LiveReader.open(config, budget=Budget(seconds=0.3)) as reader:
                await reader.version()

        with pytest.raises(Unreadable) as unreadable:
            asyncio.run(run())
    assert unreadable.value.reason == "timeout"


def test_hung_reads_side_by_side_take_no_longer_than_one(ask):
    took: list[float] = []

    async def many(reader: LiveReader) -> list[object]:
        start = time.monotonic()

        async def read(number: int) -> None:
            try:
                await reader.list(PODS, namespace=f"shop-{number}", limit=5)
            finally:
                took.append(time.monotonic() - start)

        return await asyncio.gather(*map(read, range(40)), return_exceptions=True)

    with kubernetes_api(faults=[Fault(hang=True)]) as api:
        outcomes = ask(api, many, budget=Budget(seconds=0.5))
    assert took[-1] < 20 * took[0]  # one after the other the last would take forty times as long as the first
    assert [outcome.reason for outcome in outcomes] == ["timeout"] * 40


def test_no_more_requests_leave_than_the_budget_has(ask):
    async def many(reader: LiveReader) -> tuple[list[object], int]:
        reads = (reader.list(PODS, namespace=f"shop-{number}", limit=5) for number in range(20))
        return await asyncio.gather(*reads, return_exceptions=True), reader.requests

    with kubernetes_api() as api:
        outcomes, requests = ask(api, many, budget=Budget(requests=7))
    assert (len(api.requests), requests) == (7, 7)
    assert [outcome.reason for outcome in outcomes if isinstance(outcome, Unreadable)] == ["budget"] * 13


def test_further_tries_count_as_requests(ask):
    with kubernetes_api(faults=[Fault(status=500)]) as api:
        unreadable = ask(api, list_pods(), budget=Budget(requests=2))
    assert (unreadable.reason, len(api.requests)) == ("budget", 2)


def test_no_more_bytes_are_read_than_the_budget_has(ask):
    async def size(reader: LiveReader) -> tuple[str, int]:
        with pytest.raises(Unreadable) as unreadable:
            await reader.list(PODS, limit=500)
        return unreadable.value.reason, reader.bytes

    with kubernetes_api(pods(500)) as api:
        reason, read = ask(api, size, budget=Budget(bytes=10_000))
    assert reason == "budget"
    assert read <= 10_000


def test_a_body_without_end_is_not_kept(ask):
    async def size(reader: LiveReader) -> tuple[str, int]:
        with pytest.raises(Unreadable) as unreadable:
            await reader.list(PODS, limit=500)
        return unreadable.value.reason, reader.bytes

    with kubernetes_api(faults=[Fault(endless=True, body=b" " * 50_000)]) as api:
        reason, read = ask(api, size, budget=Budget(bytes=1_000_000))
    assert reason == "budget"
    assert read < 1_300_000


def test_what_was_read_is_counted(ask):
    async def cost(reader: LiveReader) -> tuple[int, int]:
        await reader.version()
        await reader.get(PODS, "absent", "shop")
        return reader.requests, reader.bytes

    with kubernetes_api() as api:
        requests, read = ask(api, cost)
    assert requests == 2
    assert 200 < read < 1000


# Answers that are none


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b"[]",
        b"null",
        b"{",
        b'{"items": 5}',
        b'{"items": [5]}',
        b'{"items": [{"metadata": {}}]}',
        b'{"items": [{"metadata": {"name": 7}}]}',
        b'{"items": [{"metadata": {"name": "a", "namespace": "another"}}]}',
        b'{"items": [], "metadata": {"continue": 5}}',
        b'{"kind": "Status", "status": "Success"}',
        b'{"items": [], "size": NaN}',
        b'{"items": [{"metadata": {"name": "\\ud800"}}]}',
        b"\xff\xfe\x00",
        b"[" * 200_000,
    ],
)
def test_a_list_that_makes_no_sense_is_unreadable(ask, body):
    with kubernetes_api(faults=[Fault(body=body)]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server's answer makes no sense")


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"metadata": {"name": "other"}}', b'{"metadata": {"name": "web", "namespace": "other"}}'],
)
def test_another_object_than_the_one_asked_for_is_none(ask, body):
    with kubernetes_api(faults=[Fault(body=body)]) as api:
        unreadable = ask(api, lambda reader: reader.get(PODS, "web", "shop"))
    assert unreadable.reason == "failed"


def test_a_list_written_as_null_is_empty(ask):
    with kubernetes_api(faults=[Fault(body=b'{"items": null}')]) as api:
        listing = ask(api, list_pods())
    assert (list(listing.items), listing.complete) == ([], True)


def test_an_answer_that_breaks_off_is_unreadable(ask):
    with kubernetes_api(pods(50), faults=[Fault(cut=100)]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, unreadable.detail) == ("failed", "the connection broke off")


def test_long_answers_come_packed_and_count_as_they_came(ask):
    long = pods(500)
    for one in long:
        one["metadata"]["annotations"] = {"note": "as long as real pods are " * 20}

    async def read(reader: LiveReader) -> tuple[int, int]:
        return len((await reader.list(PODS, namespace="shop", limit=500)).items), reader.bytes

    with kubernetes_api(long) as api:
        count, came = ask(api, read)
    assert api.requests[0].headers["Accept-Encoding"] == "gzip"
    assert count == 500
    assert came < len(json.dumps(long)) / 4


def _packed(body: bytes) -> Fault:
    return Fault(body=body, headers={"Content-Encoding": "gzip"})


def test_a_packed_answer_is_unpacked_no_further_than_the_budget_goes(ask):
    bomb = gzip.compress(b"[" + b" " * 64 * 1024 * 1024, compresslevel=9)
    with kubernetes_api(faults=[_packed(bomb)]) as api:
        tracemalloc.start()
        unreadable = ask(api, list_pods(), budget=Budget(bytes=2 * 1024 * 1024))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert (unreadable.reason, "unpacked" in unreadable.detail) == ("budget", True)
    assert peak < 16 * 1024 * 1024


def test_an_error_is_unpacked_no_further_than_an_error_is_long(ask):
    bomb = gzip.compress(b" " * 8 * 1024 * 1024, compresslevel=9)
    with kubernetes_api(faults=[_packed(bomb)]) as api:
        unreadable = ask(api, lambda reader: reader.version())
    assert (unreadable.reason, "more than was asked for" in unreadable.detail) == ("failed", True)


# Without a time: names of tests have to be the same in every process that collects them.
EMPTY_LIST = gzip.compress(b'{"items": []}', mtime=0)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"items": []}', "cannot be unpacked"),
        (EMPTY_LIST[:-6], "cut off"),
        (b"", "cut off"),
        (EMPTY_LIST[:12] + b"\xff\xff" + EMPTY_LIST[14:], "cannot be unpacked"),
        (EMPTY_LIST[:-8] + b"\0\0\0\0" + EMPTY_LIST[-4:], "cannot be unpacked"),
        (EMPTY_LIST + b"x", "after its end"),
        (EMPTY_LIST * 2, "after its end"),
    ],
)
def test_a_damaged_packed_answer_is_unreadable(ask, body, why):
    with kubernetes_api(faults=[_packed(body)]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, why in unreadable.detail) == ("failed", True)


def test_an_answer_packed_in_another_way_is_unreadable(ask):
    with kubernetes_api(faults=[Fault(headers={"Content-Encoding": "br"})]) as api:
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, "packed" in unreadable.detail) == ("failed", True)


def test_a_redirect_is_not_followed(ask):
    with (
        kubernetes_api(pods(1)) as other,
        kubernetes_api(faults=[Fault(redirect=f"{other.url}/api/v1/namespaces/shop/pods?limit=10")]) as api,
    ):
        unreadable = ask(api, list_pods())
    assert (unreadable.reason, "elsewhere" in unreadable.detail) == ("failed", True)
    assert (len(api.requests), len(other.requests)) == (1, 0)


def test_cookies_are_not_sent_back(ask):
    async def twice(reader: LiveReader) -> None:
        await reader.get(PODS, "web", "shop")
        await reader.get(PODS, "web", "shop")

    with kubernetes_api(faults=[Fault(headers={"Set-Cookie": "session=1; Path=/"})]) as api:
        ask(api, twice)
    assert [request.headers.get("Cookie") for request in api.requests] == [None, None]


# Connections


def _config(directory: Path, server: str) -> Path:
    path = directory / "kubeconfig"
    path.write_text(
        f"{{clusters: [{{name: c, cluster: {{server: '{server}'}}}}], users: [], current-context: x, "
        "contexts: [{name: x, context: {cluster: c}}]}"
    )
    return path


def _version_of(config: Path) -> Unreadable | str:
    async def run() -> str:
        async with LiveReader.open(config, budget=Budget(seconds=60.0)) as reader:
            return await reader.version()

    try:
        return asyncio.run(run())
    except Unreadable as unreadable:
        return unreadable


def test_a_refused_connection_is_said_to_be_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    unreadable = _version_of(_config(tmp_path, f"http://127.0.0.1:{port}"))
    assert (unreadable.reason, unreadable.detail) == ("failed", f"127.0.0.1:{port} refuses the connection")


def test_a_name_that_does_not_resolve_is_named(tmp_path):
    unreadable = _version_of(_config(tmp_path, "http://no-such-host.invalid:6443"))
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server's name no-such-host.invalid is not found")


def test_a_server_that_speaks_no_tls_is_named(tmp_path):
    with kubernetes_api() as api:
        unreadable = _version_of(_config(tmp_path, api.url.replace("http:", "https:")))
    assert (unreadable.reason, "TLS" in unreadable.detail) == ("failed", True)
    assert api.requests == []


def test_something_that_is_no_http_server_is_named(tmp_path):
    async def run() -> Unreadable:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(100)
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            async with LiveReader.open(_config(tmp_path, f"http://127.0.0.1:{port}")) as reader:
                with pytest.raises(Unreadable) as unreadable:
                    await reader.version()
                return unreadable.value

    unreadable = asyncio.run(run())
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server's answer is not HTTP")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    made, key = directory / "server.crt", directory / "server.key"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=double"
    own = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    subprocess.run([*command.split(), *own], check=True, capture_output=True)
    return made, key


def test_a_server_whose_authority_is_known_is_read_over_tls(ask, certificate):
    with kubernetes_api(certificate=certificate, version="v1.31.0") as api:
        assert ask(api, lambda reader: reader.version()) == "v1.31.0"


def test_a_server_whose_authority_is_unknown_gets_no_request(certificate, tmp_path):
    with kubernetes_api(certificate=certificate, token="t0ken") as api:
        unreadable = _version_of(_config(tmp_path, api.url))
    assert unreadable.reason == "failed"
    assert unreadable.detail.startswith("the server's certificate is not trusted: self")
    assert api.requests == []


def test_a_pods_service_account_is_used_where_there_is_no_kubeconfig(certificate, tmp_path, monkeypatch):
    token = tmp_path / "token"
    token.write_text("p0d-token\n")
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr("kubernetes.aio.config.incluster_config.SERVICE_CERT_FILENAME", str(certificate[0]))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    with kubernetes_api(certificate=certificate) as api:
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", api.url.rpartition(":")[2])

        async def run() -> tuple[str, str]:
            async with LiveReader.open() as reader:
                return reader.source, await reader.version()

        assert asyncio.run(run()) == ("in-cluster service account", "v1.32.1-aliyun.1")
    assert api.requests[0].headers["Authorization"].lower() == "bearer p0d-token"


def test_no_tls_is_ever_weaker_than_asked_for(certificate, tmp_path):
    # The server's certificate is for an address, not for this name.
    with kubernetes_api(certificate=certificate) as api:
        config = api.kubeconfig(tmp_path)
        config.write_text(config.read_text().replace("127.0.0.1", "localhost"))
        unreadable = _version_of(config)
    assert isinstance(unreadable, Unreadable)
    assert "Hostname mismatch" in unreadable.detail
    assert ssl.create_default_context().check_hostname


# Time and version


def test_the_time_is_the_servers_and_goes_on(ask):
    async def twice(reader: LiveReader) -> tuple[dt.datetime, dt.datetime]:
        first = await reader.now()
        await asyncio.sleep(0.2)
        return first, await reader.now()

    then = dt.datetime(2024, 2, 29, 12, 0, 0, tzinfo=dt.UTC)
    with kubernetes_api(now=then) as api:
        first, second = ask(api, twice)
    assert then <= first < then + dt.timedelta(minutes=1)
    assert second - first >= dt.timedelta(seconds=0.2)
    assert len(api.requests) == 1


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 01 Jan 1900 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_without_a_usable_time_of_the_server_it_is_this_machines(ask, date):
    with kubernetes_api(faults=[Fault(headers={"Date": date})]) as api:
        now = ask(api, lambda reader: reader.now())
    assert abs(now - dt.datetime.now(dt.UTC)) < dt.timedelta(days=1)


def test_a_server_that_fails_still_tells_the_time(ask):
    then = dt.datetime(2024, 2, 29, 12, 0, 0, tzinfo=dt.UTC)
    with kubernetes_api(now=then, forbidden=["/version"]) as api:
        now = ask(api, lambda reader: reader.now())
    assert abs(now - then) < dt.timedelta(minutes=1)


def test_the_version_is_asked_for_once(ask):
    async def twice(reader: LiveReader) -> set[str]:
        return {await reader.version(), await reader.version()}

    with kubernetes_api(version="v1.28.3-aliyun.1") as api:
        assert ask(api, twice) == {"v1.28.3-aliyun.1"}
    assert len(api.requests) == 1


@pytest.mark.parametrize("body", [b"{}", b'{"gitVersion": 1}', b'{"gitVersion": ""}', b"[]"])
def test_a_version_that_is_none_is_unreadable(ask, body):
    with kubernetes_api(faults=[Fault(body=body)]) as api:
        assert ask(api, lambda reader: reader.version()).reason == "failed"


# Logs


def agent(**status) -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "agent", "namespace": "kube-system"},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app"}, {"name": "policy"}]},
        "status": {"containerStatuses": [{"name": "app", **status}]},
    }


def test_a_log_that_is_cut_is_read_again_for_its_newest_lines(ask):
    lines = [f"line {number:05} {'x' * 100}\n" for number in range(5000)]
    with kubernetes_api([agent()], logs={("kube-system", "agent", "app"): "".join(lines)}) as api:
        part = ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow(limit_bytes=20_000)))
    assert part.splitlines(keepends=True) == lines[-len(part.splitlines()) :]
    assert 5_000 < len(part) <= 20_000
    assert len(api.requests) == 2


def test_a_log_whose_newest_line_is_too_long_is_unreadable(ask):
    text = "short\n" * 1000 + "x" * 3000 + "\n"
    with kubernetes_api([agent()], logs={("kube-system", "agent", "app"): text}) as api:
        unreadable = ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow(limit_bytes=1000)))
    assert (unreadable.reason, len(api.requests) <= 4) == ("failed", True)


def test_a_server_that_sends_more_log_than_asked_for_is_cut_off(ask):
    with kubernetes_api([agent()], faults=[Fault(endless=True, body=b"x" * 10_000)]) as api:
        unreadable = ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow(limit_bytes=200_000)))
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server sent more than was asked for")


def test_a_container_that_waits_to_start_has_no_log(ask):
    with kubernetes_api([agent(state={"waiting": {"reason": "ContainerCreating"}})]) as api:
        assert ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow())) is None


def test_a_kubelet_that_is_not_reached_leaves_the_log_unreadable(ask):
    body = b'{"kind": "Status", "message": "Get \\"https://10.0.0.1:10250/containerLogs\\": i/o timeout", "code": 500}'
    with kubernetes_api([agent()], faults=[Fault("/log", status=500, body=body)]) as api:
        unreadable = ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow()))
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server answers 500 Internal Server Error")


def test_a_log_that_is_no_utf8_is_read_all_the_same(ask):
    with kubernetes_api([agent()], faults=[Fault("/log", body=b"caf\xe9\n")]) as api:
        assert ask(api, lambda reader: reader.log("kube-system", "agent", "app", LogWindow())) == "caf\ufffd\n"


def test_logs_of_applications_are_not_read(ask):
    with kubernetes_api(pods(1)) as api:
        unreadable = ask(api, lambda reader: reader.log("shop", "web-0000", "app", LogWindow()))
    assert (unreadable.reason, unreadable.detail[:9]) == ("failed", "not sent:")
    assert api.requests == []


# Secrets


def test_no_error_quotes_a_body_or_a_credential(ask):
    secret = b"LTAI5tSecretSecret"
    with kubernetes_api(token="t0p-s3cret") as api:
        texts = []
        for fault in [
            Fault(body=secret),
            Fault(status=400, body=b'{"kind": "Status", "message": "%s"}' % secret),
            Fault(status=403, body=b'{"kind": "Status", "message": "%s"}' % secret),
            Fault(status=500, body=secret),
            Fault(body=secret, cut=5),
            Fault(redirect="https://elsewhere/?token=LTAI5tSecretSecret"),
        ]:
            api.faults[:] = [fault]
            texts += [str(ask(api, list_pods())), str(ask(api, lambda reader: reader.version()))]
    assert len(texts) == 12
    assert not [text for text in texts if "LTAI" in text or "t0p-s3cret" in text]
