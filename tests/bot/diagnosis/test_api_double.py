"""The API double behaves as the API server does where readers depend on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import httpx
import pytest

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource, resource
from tests.doubles.kubernetes_api import Fault, KubernetesApi, kubernetes_api
from tests.doubles.kubernetes_objects import InMemoryObjects


def ask(api: KubernetesApi, target: str, method: str = "GET", **options) -> httpx.Response:
    return httpx.request(method, f"{api.url}{target}", trust_env=False, verify=False, timeout=90, **options)


def pod(name: str, namespace: str = "shop", **labels: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": "node-1", "containers": [{"name": "app"}, {"name": "proxy"}]},
    }


PODS = [pod("a", app="web", tier="front"), pod("b", app="web"), pod("c", app="db"), pod("d")]


def test_a_server_selects_by_the_fields_that_its_version_knows():
    selected = {}
    for version in ("v1.27.3", "v1.28.0-aliyun.1", "v1.31.2"):
        with kubernetes_api(PODS, version=version) as api:
            fields = {"pods": "spec.hostNetwork=false", "services": "spec.type=ClusterIP"}
            selected[version] = [
                ask(api, f"/api/v1/{kind}", params={"fieldSelector": selector}).status_code
                for kind, selector in fields.items()
            ]
    assert selected == {"v1.27.3": [400, 400], "v1.28.0-aliyun.1": [200, 400], "v1.31.2": [200, 200]}


def test_a_server_can_be_one_that_lacks_a_kind():
    with kubernetes_api(unserved=["endpointslices"]) as api:
        listed = ask(api, "/apis/discovery.k8s.io/v1/endpointslices")
        groups = {group["name"] for group in ask(api, "/apis").json()["groups"]}
    assert (listed.status_code, "discovery.k8s.io" in groups) == (404, False)


def test_times_of_events_that_have_microseconds_show_them():
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "eventTime": "2025-06-11T08:20:00Z",
        "series": {"count": 2, "lastObservedTime": "2025-06-11T08:21:00.25Z"},
        "lastTimestamp": "2025-06-11T08:22:00Z",
    }
    with kubernetes_api([event]) as api:
        served = ask(api, "/api/v1/namespaces/shop/events/e").json()
    assert served["eventTime"] == "2025-06-11T08:20:00.000000Z"
    assert served["series"] == {"count": 2, "lastObservedTime": "2025-06-11T08:21:00.250000Z"}
    assert served["lastTimestamp"] == "2025-06-11T08:22:00Z"


def test_custom_kinds_come_with_their_definition_their_objects_or_by_name():
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": True}, {"name": "v1alpha1", "served": False}],
        },
    }
    node = {"apiVersion": "network.alibabacloud.com/v1beta1", "kind": "Node", "metadata": {"name": "n"}}
    with kubernetes_api([definition, node], crds=[resource("podeips.alibabacloud.com")]) as api:
        groups = {group["name"] for group in ask(api, "/apis").json()["groups"]}
        widgets = ask(api, "/apis/example.com/v1/namespaces/x/widgets").json()
        unserved = ask(api, "/apis/example.com/v1alpha1/widgets")
        kinds = ask(api, "/apis/network.alibabacloud.com/v1beta1").json()["resources"]
    assert {"example.com", "network.alibabacloud.com", "alibabacloud.com", "apps"} <= groups
    assert (widgets["kind"], widgets["items"]) == ("WidgetList", [])
    assert unserved.status_code == 404
    assert [kind["name"] for kind in kinds] == ["nodes"]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_nothing_can_be_changed_and_every_try_is_written_down(method):
    with kubernetes_api(PODS) as api:
        reply = ask(api, "/api/v1/namespaces/shop/pods/a", method)
        assert len(ask(api, "/api/v1/pods").json()["items"]) == 4
    assert reply.status_code == 405
    assert [request.method for request in api.requests] == [method, "GET"]


def test_without_its_token_nobody_gets_in():
    with kubernetes_api(token="right") as api:
        codes = [
            ask(api, "/version", headers={"Authorization": value} if value else {}).status_code
            for value in ("Bearer right", "Bearer wrong", "")
        ]
    assert codes == [200, 401, 401]


@pytest.mark.parametrize(
    ("query", "status", "text"),
    [
        ("container=app", 200, "one\ntwo\nthree\n"),
        ("container=app&tailLines=2", 200, "two\nthree\n"),
        ("container=app&tailLines=2&limitBytes=5", 200, "two\nt"),
        ("container=app&tailLines=0", 200, ""),
        ("container=proxy", 200, ""),
        ("", 400, "a container name must be specified for pod a, choose one of: [app proxy]"),
        ("container=x", 400, "container x is not valid for pod a"),
        ("container=app&previous=true", 400, 'previous terminated container "app" in pod "a" not found'),
        ("container=app&limitBytes=0", 422, "limitBytes"),
        ("container=app&tailLines=x", 400, "invalid syntax"),
    ],
)
def test_a_log_is_handed_out_as_the_kubelet_does(query, status, text):
    with kubernetes_api(PODS, logs={("shop", "a", "app"): "one\ntwo\nthree\n"}) as api:
        reply = ask(api, f"/api/v1/namespaces/shop/pods/a/log?{query}")
    said = reply.text if status == 200 else reply.json()["message"]
    assert (reply.status_code, text in said, said == text or status != 200) == (status, True, True)


def test_a_fault_befalls_as_many_requests_as_it_says():
    with kubernetes_api(faults=[Fault("/version", times=2, status=503)]) as api:
        codes = [ask(api, target).status_code for target in ["/version", "/apis", "/version", "/version"]]
    assert codes == [503, 200, 503, 200]


def test_objects_can_come_and_go():
    source = InMemoryObjects([pod("a")])
    with kubernetes_api(source) as api:
        source.put(pod("b"))
        source.remove(pod("a"))
        items = ask(api, "/api/v1/pods").json()["items"]
    assert [item["metadata"]["name"] for item in items] == ["b"]


class ManyPods:
    """Makes 150,000 pods on 5,000 nodes, but only those that are asked for."""

    custom: Sequence[Resource] = ()
    nodes, pods_a_node = 5_000, 30

    def __init__(self) -> None:
        self.made = 0

    def get(self, kind: Resource, namespace: str | None, name: str) -> Object | None:
        return self._pod(*map(int, name.removeprefix("web-").split("-")))

    def list(
        self, kind: Resource, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]
    ) -> Iterator[Object]:
        node = fields.get("spec.nodeName")
        for number in range(self.nodes) if node is None else [int(node.removeprefix("node-"))]:
            yield from (self._pod(number, each) for each in range(self.pods_a_node))

    def _pod(self, node: int, number: int) -> Object:
        self.made += 1
        made = pod(f"web-{node}-{number}")
        return {**made, "spec": {**made["spec"], "nodeName": f"node-{node}"}}


def test_a_huge_cluster_is_made_as_it_is_asked_for():
    source = ManyPods()
    with kubernetes_api(source) as api:
        page = ask(api, "/api/v1/pods?limit=50").json()
        node = ask(api, "/api/v1/pods?limit=100&fieldSelector=spec.nodeName%3Dnode-4999").json()
        one = ask(api, "/api/v1/namespaces/shop/pods/web-17-3").json()
    assert (len(page["items"]), len(node["items"]), one["spec"]["nodeName"]) == (50, 30, "node-17")
    assert page["metadata"]["continue"]
    assert "remainingItemCount" not in page["metadata"]
    assert source.made < 150
