"""Whatever is tried, nothing but reading what is on the allow-list leaves."""

from __future__ import annotations

import asyncio
import re
import select
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kubernetes.aio.client import (
    ApiClient,
    AppsV1Api,
    AuthorizationV1Api,
    Configuration,
    CoreV1Api,
    CustomObjectsApi,
)
from kubernetes.aio.client.exceptions import ApiException

from bot.diagnosis.live.gate import Gate
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.live.transport import ReadOnlyRESTClient, Refused
from bot.diagnosis.reader import LogWindow, Unreadable
from bot.diagnosis.resources import ALLOWED, resource
from tests.doubles.kubernetes_api import Fault, kubernetes_api

SHOP = "/api/v1/namespaces/shop"
SYSTEM = "/api/v1/namespaces/kube-system"
TERWAY = "/apis/network.alibabacloud.com/v1beta1"


@dataclass(frozen=True)
class Attempt:
    """A request that must not leave; ``url`` is below the server's address."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None

    def __str__(self) -> str:
        return " ".join([self.method, ascii(self.url)[:70], *self.headers])


def below(path: str, *names: str) -> list[Attempt]:
    return [Attempt(f"{path}{name}") for name in names]


VERBS = [
    Attempt(url, method)
    for url in (f"{SHOP}/pods/web", f"{SHOP}/pods?limit=5")
    for method in (
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "HEAD",
        "CONNECT",
        "TRACE",
        "PROPFIND",
        "get",
        "GET ",
        "",
    )
]

BODIES = [
    Attempt(f"{SHOP}/pods/web", body={"kind": "DeleteOptions"}),
    Attempt("/version", body="x"),
    Attempt(f"{SHOP}/pods?limit=5", body=b"x"),
]

SUBRESOURCES = [
    *below(
        f"{SHOP}/pods/web/", "exec", "attach", "portforward", "proxy", "proxy/metrics", "status", "eviction", "binding"
    ),
    *below(
        f"{SHOP}/pods/web/",
        "ephemeralcontainers",
        "resize",
        "log?limitBytes=9&container=app",
        "exec?command=ls&stdout=true",
    ),
    *below(
        f"{SYSTEM}/pods/web/", "exec", "attach", "portforward", "log/", "log/x", "logs?limitBytes=9", "LOG?limitBytes=9"
    ),
    *below(
        "/api/v1/nodes/node-1/", "proxy", "proxy/configz", "proxy/run/shop/web/app", "status", "log", "metrics", "stats"
    ),
    *below(f"{SHOP}/services/web/", "proxy", "proxy/", "status"),
    *below(f"{SHOP}/serviceaccounts/default/", "token", ""),
    *below("/api/v1/namespaces/shop/", "finalize", "status"),
    *below("/apis/apps/v1/namespaces/shop/deployments/web/", "scale", "status", "rollback"),
    *below("/apis/apps/v1/namespaces/shop/daemonsets/web/", "status"),
    *below(f"{TERWAY}/nodes/node-1/", "status", "proxy", "scale"),
]

SECRETS = [
    *below(f"{SHOP}/", "secrets", "secrets?limit=5", "secrets/db", "Secrets?limit=5", "SECRETS/db", "secret/db"),
    *below("/api/v1/", "secrets", "secrets?limit=5", "secrets/db", "watch/secrets", "watch/namespaces/shop/secrets"),
    *below("/apis/", "v1/namespaces/shop/secrets/db", "core/v1/namespaces/shop/secrets/db", "/v1/secrets?limit=5"),
    *below("/apis/apps/v1/namespaces/shop/", "secrets?limit=5", "secrets/db"),
    *below(f"{TERWAY}/", "secrets?limit=5", "namespaces/shop/secrets/db"),
    *below("/api/v2/namespaces/shop/", "secrets/db", "pods/web"),
    *below(f"{SHOP}/", "configmaps/../secrets/db", "configmaps/%2e%2e/secrets/db", "configmaps/..%2fsecrets%2fdb"),
    *below(f"{SHOP}/", "configmaps/a/../../secrets/db", "configmaps/.%2E/secrets/db", "configmaps/x%00/../secrets"),
    *below(
        f"{SHOP}/", "%73ecrets/db", "secrets%3Flimit=5", "se%63rets?limit=5", "secrets;a=b/db", "pods;/../secrets/db"
    ),
    *below("/openapi/v3/../../api/v1/", "secrets?limit=5"),
    *below("//api/v1/", "secrets?limit=5", "namespaces/shop/pods/web"),
    *below("/api//v1/", "pods?limit=5"),
    *below(
        "/api/v1/namespaces/", "/pods?limit=5", "shop//pods?limit=5", "shop/secrets/../pods/web", "../secrets?limit=5"
    ),
]

OTHER_KINDS = [
    *below("/api/v1/", "pods/web", "persistentvolumes?limit=5", "componentstatuses?limit=5", "bindings?limit=5"),
    *below(f"{SHOP}/", "nodes?limit=5", "nodes/node-1", "serviceaccounts?limit=5", "endpoints/web", "podtemplates/x"),
    *below("/apis/apps/v1/", "replicasets?limit=5", "controllerrevisions?limit=5", "deployments/web"),
    *below("/apis/apps/v1beta1/", "deployments?limit=5"),
    *below("/apis/rbac.authorization.k8s.io/v1/", "clusterroles?limit=5", "clusterrolebindings/cluster-admin"),
    *below("/apis/authorization.k8s.io/v1/", "selfsubjectaccessreviews", "selfsubjectrulesreviews"),
    *below("/apis/certificates.k8s.io/v1/", "certificatesigningrequests?limit=5"),
    *below("/apis/metrics.k8s.io/v1beta1/", "nodes?limit=5"),
    *below("/apis/cilium.io/v2/", "ciliumnodes?limit=5"),
    *below(f"{TERWAY}/", "networkinterfaces?limit=5", "namespaces/shop/nodes/node-1", "podenis/web"),
    *below("/apis/", "apps/v1", "rbac.authorization.k8s.io", "apps/", "..", "network.alibabacloud.com/v1beta1", "Apps"),
    *below(
        "/", "", "api", "api/v1", "metrics", "logs", "debug/pprof/", "healthz", "openapi/v2", "swagger.json", "version/"
    ),
    *below(
        "/", "Version", "version/openid", ".well-known/openid-configuration", "openid/v1/jwks", "API/v1/pods?limit=5"
    ),
]

NAMES = [
    *below(
        f"{SHOP}/pods/",
        "-o",
        "--all",
        "-n",
        "..",
        ".",
        "...",
        "a/..",
        "a..b",
        ".a",
        "a.",
        "a_b",
        "A",
        "Web",
        "web ",
        " ",
    ),
    *below(
        f"{SHOP}/pods/",
        "a/b",
        "a//b",
        "a\\b",
        "a%2fb",
        "a%2Fb",
        "a%252fb",
        "a%5cb",
        "web%20",
        "web%0a",
        "web\n",
        "web\t",
    ),
    *below(
        f"{SHOP}/pods/",
        "web\r\nX-Evil: 1",
        "web#frag",
        "web;v=1",
        "web,x",
        "web:80",
        "web@x",
        "wéb",
        "web\u202e",
        "\ud800",
    ),
    *below(
        f"{SHOP}/pods/",
        "web%3fwatch=true",
        "web?watch=true",
        "web?pretty=true",
        "web?",
        "web?limit=5",
        "web?x",
        "$(id)",
    ),
    *below(
        f"{SHOP}/pods/", "a" * 254, ".".join(["a" * 64, "b"]), "{name}", "*", "%", "%%", "web%", "web\x00", "web\x7f"
    ),
    *below(
        "/api/v1/namespaces/",
        "kube.system/pods?limit=5",
        "-shop/pods?limit=5",
        "a" * 64 + "/pods?limit=5",
        "*/pods?limit=5",
    ),
    *below("/api/v1/namespaces/", "SHOP/pods?limit=5", "%73hop/pods?limit=5", "shop%2fpods%2fweb", "shop?limit=5"),
]

QUERIES = [
    *below(
        f"{SHOP}/pods?",
        "",
        "limit=0",
        "limit=501",
        "limit=-1",
        "limit=5x",
        "limit=5.0",
        "limit=1e2",
        "limit=05",
        "limit=",
    ),
    *below(
        f"{SHOP}/pods?",
        "limit=99999999999",
        "limit=5&limit=6",
        "limit=5&watch=true",
        "limit=5&watch=1",
        "limit=5&watch",
    ),
    *below(
        f"{SHOP}/pods?",
        "limit=5&allowWatchBookmarks=true",
        "limit=5&resourceVersion=0",
        "limit=5&pretty=true",
        "LIMIT=5",
    ),
    *below(
        f"{SHOP}/pods?", "limit=5&timeoutSeconds=9", "limit=5&sendInitialEvents=true", "limit=5;watch=true", "limit=5&&"
    ),
    *below(
        f"{SHOP}/pods?", "limit=5&%77atch=true", "%6cimit=5", "limit=5%26watch=true", "limit=5&dryRun=All", "limit=5&=x"
    ),
    *below(
        f"{SHOP}/pods?limit=5&labelSelector=", "", "a", "a%3Db%26watch%3Dtrue", "a%20in%20(b)", "!a", "a%21%3Db", "a=b,"
    ),
    *below(
        f"{SHOP}/pods?limit=5&labelSelector=", "a%3Db%0a", "a=%2561", "a=b+c", "a=b/../c", "a%3D%22b%22", "%ff=a", "a=é"
    ),
    *below(
        f"{SHOP}/pods?limit=5&fieldSelector=",
        "spec.nodeName",
        "spec.nodeName!=a",
        "spec..=a b",
        "a=b&c=d",
        "a=%00",
        "=a",
    ),
    *below(f"{SHOP}/pods?limit=5&continue=", "", "a.b", "a%2fb", "..", "a%20b", "x" * 4097),
    *below("/version?", "", "timeout=32s", "limit=5"),
    *below("/apis?", "limit=5"),
    Attempt(f"{SHOP}/pods"),
    Attempt("/api/v1/pods"),
    Attempt("/api/v1/watch/pods?limit=5"),
    Attempt("/api/v1/watch/namespaces/shop/pods/web"),
]

LOGS = [
    *below(
        f"{SYSTEM}/pods/web/log",
        "",
        "?container=app",
        "?limitBytes=0",
        "?limitBytes=9&follow=true",
        "?limitBytes=9&follow=1",
    ),
    *below(
        f"{SYSTEM}/pods/web/log?limitBytes=9&", "timestamps=true", "sinceTime=2025-01-01T00:00:00Z", "stream=All", "x=y"
    ),
    *below(
        f"{SYSTEM}/pods/web/log?limitBytes=9&",
        "insecureSkipTLSVerifyBackend=true",
        "container=../x",
        "container=A",
        "tailLines=a",
    ),
    *below(
        f"{SYSTEM}/pods/web/log?limitBytes=9&", "previous=yes", "previous=1", "tailLines=-1", "container=a&container=b"
    ),
    Attempt("/api/v1/pods/web/log?limitBytes=9"),
    Attempt("/api/v1/namespaces/kube-system-2/pods/web/log?limitBytes=9"),
    Attempt("/api/v1/namespaces/kube-system/pods/log?limitBytes=9"),
    Attempt("/api/v1/namespaces/default/pods/web/log?limitBytes=9"),
    Attempt("/api/v1/namespaces/kube%2dsystem/pods/web/log?limitBytes=9"),
    Attempt("/api/v1/namespaces/shop/pods/../../kube-system/pods/web/log?limitBytes=9"),
    Attempt(f"{SYSTEM}/services/web/log?limitBytes=9"),
]

HEADERS = [
    Attempt(f"{SHOP}/pods/web", headers={name: value})
    for name, value in {
        "Impersonate-User": "system:admin",
        "impersonate-user": "system:admin",
        "IMPERSONATE-GROUP": "system:masters",
        "Impersonate-Uid": "1",
        "Impersonate-Extra-scopes": "all",
        "X-Remote-User": "admin",
        "X-Remote-Group": "system:masters",
        "X-HTTP-Method-Override": "DELETE",
        "X-Original-URL": "/api/v1/secrets",
        "X-Forwarded-For": "127.0.0.1",
        "Upgrade": "SPDY/3.1",
        "Connection": "Upgrade",
        "Transfer-Encoding": "chunked",
        "Content-Length": "10",
        "Content-Type": "application/json",
        "Expect": "100-continue",
        "Cookie": "session=1",
        "Forwarded": "host=evil",
        "Host": "evil.example",
        "host": "evil.example:443/../",
        "Sec-WebSocket-Protocol": "v4.channel.k8s.io",
        "Accept": "application/json\r\nImpersonate-User: system:admin",
        "User-Agent": "x\nImpersonate-User: system:admin",
        "Authorization ": "Bearer x",
    }.items()
]

# The address is that of a listening server; what is asked of it is allowed, were it the configured one.
SERVERS = [
    Attempt(url)
    for url in (
        "http://{other}/version",
        "http://{other}/api/v1/namespaces/shop/pods/web",
        "http://user@{other}/version",
        "http://user:password@{other}/version",
        "http://{host}:80@{other}/version",
        "{server}@{other}/version",
        "{server}.evil.example/version",
        "{server}0/version",
        "https://{address}/version",
        "HTTP://{address}/version",
        "ftp://{address}/version",
        "ws://{address}/version",
        "file:///etc/passwd",
        "http:/{address}/version",
        "http:///version",
        "//{address}/version",
        "http://localhost:{port}/version",
        "http://127.1:{port}/version",
        "http://2130706433:{port}/version",
        "http://0x7f.1:{port}/version",
        "http://[::1]:{port}/version",
        "http://{address}./version",
        "http://{address}\\version",
        "http://{address}/version#/../x",
        "http://{address}?/version",
        "http://{address}",
        "http://{host}/version",
        "http://{host}:0/version",
        "http://{host}:99999/version",
        "http://{host}:{port}{port}/version",
        " {server}/version",
        "{server} /version",
        "",
        "version",
        "/version",
        "unix:///run/docker.sock",
    )
]

CORPUS = [*VERBS, *BODIES, *SUBRESOURCES, *SECRETS, *OTHER_KINDS, *NAMES, *QUERIES, *LOGS, *HEADERS]


class Listener:
    """A socket that listens and never answers; it knows whether anybody came."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.host, self.port = self._socket.getsockname()
        self.address = f"{self.host}:{self.port}"
        self.url = f"http://{self.address}"

    @property
    def reached(self) -> bool:
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def other() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def client(listener: Listener, runner: asyncio.Runner) -> Iterator[ApiClient]:
    """The official client, with the gate; one for all tests, since it takes long to make."""
    client = gated(listener.url)
    yield client
    runner.run(client.close())


@pytest.fixture(scope="module")
def session(client: ApiClient, runner: asyncio.Runner) -> aiohttp.ClientSession:
    async def made() -> aiohttp.ClientSession:
        client.rest_client.pool_manager = client.rest_client._create_pool_manager()
        return client.rest_client.pool_manager

    return runner.run(made())


def gated(server: str) -> ApiClient:
    configuration = Configuration(host=server, api_key={"BearerToken": "Bearer t0ken"})
    client = ApiClient(configuration)
    client.rest_client = ReadOnlyRESTClient(configuration)
    return client


def test_the_corpus_is_large_and_no_attempt_is_in_it_twice():
    assert len(CORPUS) + len(SERVERS) >= 300
    attempts = [(each.method, each.url, *each.headers.items(), str(each.body)) for each in [*CORPUS, *SERVERS]]
    assert len(attempts) == len(set(attempts))


@pytest.mark.parametrize("attempt", CORPUS, ids=str)
def test_an_attempt_is_refused_before_a_byte_leaves(attempt, client, listener, runner):
    url = f"{listener.url}{attempt.url}"
    with pytest.raises(Refused) as refused:
        runner.run(client.rest_client.request(attempt.method, url, attempt.headers, attempt.body))
    assert not listener.reached
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("attempt", SERVERS, ids=str)
def test_an_attempt_at_another_server_is_refused_before_a_byte_leaves(attempt, client, listener, other, runner):
    places = {"server": listener.url, "address": listener.address, "host": listener.host, "port": str(listener.port)}
    url = attempt.url
    for name, place in {**places, "other": other.address}.items():
        url = url.replace(f"{{{name}}}", place)
    assert url != f"{listener.url}/version"
    with pytest.raises(Refused):
        runner.run(client.rest_client.request("GET", url))
    assert not listener.reached
    assert not other.reached


# The session rewrites paths before it sends them, some of these to what is allowed; they have a test of their own.
THROUGH_THE_SESSION = [
    attempt
    for attempt in [*VERBS, *SUBRESOURCES, *SECRETS, *OTHER_KINDS, *LOGS, *HEADERS]
    if attempt.method not in ("", "get", "GET ")
    and not attempt.headers.keys() & {"Accept", "User-Agent", "Authorization "}
    and not re.search(r"/\.\.|%2[eE]|kube%2dsystem|%73|%63", attempt.url)
]


@pytest.mark.parametrize("attempt", THROUGH_THE_SESSION, ids=str)
def test_who_has_the_session_gets_no_further(attempt, session, listener, runner):
    async def send() -> None:
        async with session.request(attempt.method, f"{listener.url}{attempt.url}", headers=attempt.headers):
            pytest.fail("it was sent")

    # What aiohttp itself will not send never comes to the gate.
    with pytest.raises((Refused, ValueError, aiohttp.InvalidURL)):
        runner.run(send())
    assert not listener.reached


@pytest.mark.parametrize(
    "path", ["/pods/../secrets?limit=5", "/configmaps/%2e%2e/secrets/db", "/pods/a/../../secrets/x"]
)
def test_a_path_that_the_session_rewrites_is_judged_as_it_is_sent(path, session, listener, runner):
    async def send() -> None:
        async with session.get(f"{listener.url}{SHOP}{path}"):
            pytest.fail("it was sent")

    with pytest.raises(Refused):
        runner.run(send())
    assert not listener.reached


async def _as_post(request: aiohttp.ClientRequest, handler: Callable) -> aiohttp.ClientResponse:
    request.method = "POST"
    return await handler(request)


@pytest.mark.parametrize(
    "options",
    [
        {"json": {"kind": "DeleteOptions"}},
        {"data": b"x"},
        {"data": {"a": "b"}},
        {"params": {"watch": "true"}},
        {"headers": {"Impersonate-User": "admin"}},
        {"cookies": {"session": "1"}},
        {"compress": True, "data": b"x"},
        {"expect100": True},
        {"proxy": "http://{other}"},
        {"headers": {"Host": "evil.example"}},
        {"middlewares": [_as_post]},
    ],
    ids=" ".join,
)
def test_no_option_of_the_session_gets_past(options, session, listener, other, runner):
    if "proxy" in options:
        options = {"proxy": other.url}

    async def send() -> None:
        async with session.get(f"{listener.url}{SHOP}/pods/web", **options):
            pytest.fail("it was sent")

    with pytest.raises(Refused):
        runner.run(send())
    assert not listener.reached
    assert not other.reached


def test_no_websocket_is_opened(session, listener, runner):
    async def open_one() -> None:
        async with session.ws_connect(f"{listener.url}{SHOP}/pods/web/exec?command=ls"):
            pytest.fail("it was opened")

    with pytest.raises(Refused):
        runner.run(open_one())
    assert not listener.reached


TYPED: dict[str, Callable[[ApiClient], Any]] = {
    "create a pod": lambda client: CoreV1Api(client).create_namespaced_pod("shop", {"metadata": {"name": "x"}}),
    "delete a pod": lambda client: CoreV1Api(client).delete_namespaced_pod("web", "shop"),
    "delete all pods": lambda client: CoreV1Api(client).delete_collection_namespaced_pod("shop"),
    "patch a pod": lambda client: CoreV1Api(client).patch_namespaced_pod("web", "shop", {"metadata": {}}),
    "replace a node": lambda client: CoreV1Api(client).replace_node("node-1", {"metadata": {"name": "node-1"}}),
    "evict a pod": lambda client: CoreV1Api(client).create_namespaced_pod_eviction("web", "shop", {}),
    "bind a pod": lambda client: CoreV1Api(client).create_namespaced_pod_binding("web", "shop", {"target": {}}),
    "make a token": lambda client: CoreV1Api(client).create_namespaced_service_account_token("default", "shop", {}),
    "read a secret": lambda client: CoreV1Api(client).read_namespaced_secret("db", "shop"),
    "list secrets": lambda client: CoreV1Api(client).list_secret_for_all_namespaces(limit=5),
    "exec": lambda client: CoreV1Api(client).connect_get_namespaced_pod_exec("web", "shop", command=["ls"]),
    "attach": lambda client: CoreV1Api(client).connect_get_namespaced_pod_attach("web", "shop"),
    "forward a port": lambda client: CoreV1Api(client).connect_get_namespaced_pod_portforward("web", "shop"),
    "proxy to a pod": lambda client: CoreV1Api(client).connect_get_namespaced_pod_proxy("web", "shop"),
    "proxy to a node": lambda client: CoreV1Api(client).connect_get_node_proxy_with_path("node-1", "configz"),
    "a pod's status": lambda client: CoreV1Api(client).read_namespaced_pod_status("web", "shop"),
    "the log of an application": lambda client: CoreV1Api(client).read_namespaced_pod_log("web", "shop", limit_bytes=9),
    "follow a log": lambda client: CoreV1Api(client).read_namespaced_pod_log(
        "a", "kube-system", limit_bytes=9, follow=True
    ),
    "watch": lambda client: CoreV1Api(client).list_namespaced_pod("shop", limit=5, watch=True),
    "list without a limit": lambda client: CoreV1Api(client).list_pod_for_all_namespaces(),
    "scale": lambda client: AppsV1Api(client).patch_namespaced_deployment_scale(
        "web", "shop", {"spec": {"replicas": 0}}
    ),
    "read a scale": lambda client: AppsV1Api(client).read_namespaced_deployment_scale("web", "shop"),
    "review access": lambda client: AuthorizationV1Api(client).create_self_subject_access_review({"spec": {}}),
    "a name with a path": lambda client: CoreV1Api(client).read_namespaced_pod("../secrets/db", "shop"),
    "a name with a query": lambda client: CoreV1Api(client).read_namespaced_pod("web?watch=true", "shop"),
    "a namespace with a path": lambda client: CoreV1Api(client).read_namespaced_pod("web", "shop/secrets"),
    "secrets as custom objects": lambda client: CustomObjectsApi(client).get_namespaced_custom_object(
        "", "v1", "shop", "secrets", "db"
    ),
    "secrets below another group": lambda client: CustomObjectsApi(client).get_cluster_custom_object(
        "../api", "v1", "secrets", "db"
    ),
    "delete a custom object": lambda client: CustomObjectsApi(client).delete_cluster_custom_object(
        "network.alibabacloud.com", "v1beta1", "nodes", "node-1"
    ),
    "impersonate": lambda client: CoreV1Api(client).read_namespaced_pod(
        "web", "shop", _headers={"Impersonate-User": "system:admin"}
    ),
}


@pytest.mark.parametrize("call", TYPED.values(), ids=TYPED)
def test_no_call_of_the_official_client_gets_past(call, client, listener, runner):
    with pytest.raises(Refused):
        runner.run(call(client))
    assert not listener.reached


@pytest.mark.parametrize(
    "options",
    [
        {"retries": 5},
        {"client_session_kwargs": {"headers": {"Impersonate-User": "admin"}, "raise_for_status": True}},
        {"trace_configs": [aiohttp.TraceConfig()]},
    ],
    ids=" ".join,
)
def test_no_configuration_of_the_official_client_gets_past(options, listener, runner):
    async def send() -> None:
        configuration = Configuration(host=listener.url, **options)
        rest = ReadOnlyRESTClient(configuration)
        try:
            await rest.request("DELETE", f"{listener.url}{SHOP}/pods/web")
        finally:
            await rest.close()

    with pytest.raises(Refused):
        runner.run(send())
    assert not listener.reached


def test_headers_of_the_configuration_are_not_sent():
    async def send(server: str) -> None:
        extra = {"headers": {"Impersonate-User": "admin"}}
        rest = ReadOnlyRESTClient(Configuration(host=server, client_session_kwargs=extra))
        try:
            assert (await rest.request("GET", f"{server}/version")).status == 200
        finally:
            await rest.close()

    with kubernetes_api() as api:
        asyncio.run(send(api.url))
    assert "Impersonate-User" not in api.requests[0].headers


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status, other):
    async def send(server: str) -> int:
        client = gated(server)
        try:
            return (await client.rest_client.request("GET", f"{server}/version")).status
        finally:
            await client.close()

    with kubernetes_api(faults=[Fault(redirect=f"{other.url}/version", status=status)]) as api:
        assert asyncio.run(send(api.url)) == status
    assert len(api.requests) == 1
    assert not other.reached


def test_a_redirect_fails_a_call_of_the_official_client(other):
    async def send(server: str) -> None:
        client = gated(server)
        try:
            await CoreV1Api(client).list_node(limit=5)
        finally:
            await client.close()

    with (
        kubernetes_api(faults=[Fault(redirect=f"{other.url}/api/v1/nodes?limit=5")]) as api,
        pytest.raises(ApiException) as error,
    ):
        asyncio.run(send(api.url))
    assert error.value.status == 302
    assert not other.reached


@pytest.mark.parametrize(
    "target", ["http://{other}/version", "//{other}/version", "/api/v1/secrets?limit=5", "/version?a=b"]
)
def test_a_redirect_that_the_session_follows_is_judged_anew(target, other):
    async def send(server: str) -> None:
        client = gated(server)
        try:
            client.rest_client.pool_manager = client.rest_client._create_pool_manager()
            async with client.rest_client.pool_manager.get(f"{server}/version"):
                pytest.fail("it was followed")
        finally:
            await client.close()

    with (
        kubernetes_api(faults=[Fault(redirect=target.replace("{other}", other.address))]) as api,
        pytest.raises(Refused),
    ):
        asyncio.run(send(api.url))
    assert api.targets == ["GET /version"]
    assert not other.reached


# Through the reader


@pytest.mark.parametrize(
    "name", ["../secrets", "a/b", "a?watch=true", "a%2fb", "-o", "", "A", "a\nb", "a b", "é", "x" * 254]
)
def test_a_name_that_is_none_leaves_nothing(name, tmp_path):
    async def ask(config) -> None:
        async with LiveReader.open(config) as reader:
            for read in (
                reader.get(resource("pods"), name or "..", "shop"),
                reader.get(resource("pods"), "web", name or "."),
                reader.get(resource("nodes"), name or ".."),
                reader.list(resource("pods"), namespace=name or ".", limit=5),
                reader.list(resource("pods"), labels={"app": f"{name}&watch=true"}, limit=5),
                reader.list(resource("pods"), labels={f"{name}=b,c": "d e"}, limit=5),
                reader.list(resource("pods"), fields={"spec.nodeName": f"{name}, "}, limit=5),
                reader.log("kube-system", name or "..", "app", LogWindow()),
                reader.log("kube-system", "web", name, LogWindow()),
                reader.log(name or "..", "web", "app", LogWindow()),
            ):
                with pytest.raises(Unreadable, match="not sent"):
                    await read

    with kubernetes_api() as api:
        asyncio.run(ask(api.kubeconfig(tmp_path)))
    assert api.requests == []


# What does pass


def allowed() -> list[str]:
    paths = ["/version", "/apis", *(f"/apis/{group}" for group in sorted({each.group for each in ALLOWED} - {""}))]
    for each in ALLOWED:
        paths.append(f"{each.path()}?limit=500")
        paths.append(f"{each.path('shop' if each.namespaced else None, 'cn-hangzhou.10.0.0.1')}")
        if each.namespaced:
            paths.append(f"{each.path('kube-system')}?limit=1")
    selectors = "labelSelector=app%3Dterway-eniip%2Ca.b%2Fc-d%3D"
    fields = "fieldSelector=involvedObject.kind%3DNode%2CinvolvedObject.apiVersion%3Dnetwork.alibabacloud.com%2Fv1beta1"
    return [
        *paths,
        f"{SHOP}/pods?limit=5&{selectors}",
        f"{SHOP}/pods?labelSelector=a=b&limit=5",
        f"/api/v1/events?limit=5&{fields}",
        f"{SHOP}/pods?limit=5&fieldSelector=spec.nodeName%3D",
        f"{SHOP}/pods?limit=5&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
        f"{SHOP}/pods/log",
        f"{SHOP}/configmaps/kube-root-ca.crt",
        f"{SYSTEM}/pods/terway-eniip-x/log?container=policy&tailLines=2000&limitBytes=262145",
        f"{SYSTEM}/pods/a/log?limitBytes=1&sinceSeconds=3600&previous=true",
    ]


@pytest.mark.parametrize("path", allowed())
def test_what_is_on_the_allow_list_is_sent_as_it_was_written(path, passing):
    api, request = passing
    request(path)
    assert (api.requests[-1].method, api.requests[-1].target) == ("GET", path)
    assert api.requests[-1].headers["Authorization"] == "Bearer t0ken"


@pytest.fixture(scope="module")
def passing(runner: asyncio.Runner) -> Iterator[tuple[Any, Callable[[str], None]]]:
    with kubernetes_api() as api:
        client = gated(api.url)

        async def send(path: str) -> None:
            reply = await client.rest_client.request("GET", f"{api.url}{path}", {"Authorization": "Bearer t0ken"})
            await reply.read()

        yield api, lambda path: runner.run(send(path))
        runner.run(client.close())


def test_a_typed_call_of_the_official_client_is_answered():
    async def ask(server: str) -> list[str]:
        client = gated(server)
        try:
            return [node.metadata.name for node in (await CoreV1Api(client).list_node(limit=5)).items]
        finally:
            await client.close()

    with kubernetes_api([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"}}]) as api:
        assert asyncio.run(ask(api.url)) == ["node-1"]


@pytest.mark.parametrize(
    ("server", "url"),
    [
        ("https://10.0.0.1:6443", "https://10.0.0.1:6443/version"),
        ("https://10.0.0.1:6443/", "https://10.0.0.1:6443/version"),
        ("https://api.example", "https://api.example:443/version"),
        ("https://API.example:443", "https://api.example/version"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443/version"),
        ("https://gateway/k8s/clusters/c-1", "https://gateway/k8s/clusters/c-1/version"),
    ],
)
def test_a_server_is_known_however_it_is_written(server, url):
    Gate(server).check("GET", url, {})


@pytest.mark.parametrize(
    "url",
    [
        "https://gateway/version",
        "https://gateway/k8s/clusters/c-2/version",
        "https://gateway/k8s/clusters/c-1/../c-2/version",
        "https://gateway/k8s/clusters/c-1version",
        "https://gateway/k8s/clusters/c-1//version",
        "http://gateway/k8s/clusters/c-1/version",
    ],
)
def test_behind_a_gateway_only_the_configured_cluster_is_asked(url):
    with pytest.raises(Refused):
        Gate("https://gateway/k8s/clusters/c-1").check("GET", url, {})


@pytest.mark.parametrize(
    "server",
    [
        "",
        "10.0.0.1:6443",
        "https://",
        "ftp://x",
        "https://u:p@x",
        "https://x?y",
        "https://x#y",
        "https://x:99999",
        "https://x/../y%20",
    ],
)
def test_a_gate_needs_a_servers_address(server):
    with pytest.raises(ValueError, match="address"):
        Gate(server)


def is_subdomain(name: str) -> bool:
    def is_label(label: str) -> bool:
        inner = set("abcdefghijklmnopqrstuvwxyz0123456789-")
        return 0 < len(label) < 64 and set(label) <= inner and "-" not in (label[0], label[-1])

    return len(name) < 254 and all(map(is_label, name.split(".")))


GATE = Gate("https://api.example:6443")


@settings(max_examples=500, deadline=None)
@given(st.one_of(st.text(max_size=300), st.from_regex(r"[a-z0-9.-]{1,260}", fullmatch=True)))
@example("a" * 253)
@example("a.b-c.d")
def test_only_names_of_objects_pass_as_names(name):
    try:
        GATE.check("GET", f"https://api.example:6443{SHOP}/pods/{name}", {})
    except Refused:
        assert not is_subdomain(name)
    else:
        assert is_subdomain(name)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet="abps/.%2eE-_?&=#:@\\ \n" + "limt5", max_size=60))
def test_no_path_passes_that_no_pattern_of_the_allow_list_spells_out(path):
    try:
        GATE.check("GET", f"https://api.example:6443/api/v1/{path}", {})
    except Refused:
        return
    core = "|".join(each.plural for each in ALLOWED if not each.group)
    assert re.fullmatch(rf"(namespaces/[a-z0-9-]+/)?({core})(/[a-z0-9.-]+)?(\?limit=\d+)?", path)
