"""How an API server answers, as tests: what plays one inherits from ApiServerContract, and so does a real one.

Messages are those of Kubernetes 1.20; of what later versions word otherwise, only the part that stayed is looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import ALLOWED, LOGS
from tests.contracts.reader import CLUSTER

__all__ = ["READS", "ApiServerContract"]

READS: dict[str, Any] = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "reads"},
    "rules": [
        {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": ["get", "list", "watch"]} for kind in ALLOWED
    ]
    + [{"apiGroups": [""], "resources": [LOGS], "verbs": ["get"]}],
}
"""What the one who asks may do, where not everything."""

Ask = Callable[..., httpx.Response]

_ABSENT = "the server could not find the requested resource"
_NO_PAGE = "404 page not found\n"


def _names(reply: httpx.Response) -> list[str]:
    items = reply.json()["items"]
    return sorted(f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}" for item in items)


def _status(reply: httpx.Response) -> dict[str, Any]:
    said = reply.json()
    fixed = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": reply.status_code}
    assert said.items() >= fixed.items()
    return {name: value for name, value in said.items() if name not in fixed}


class ApiServerContract:
    """Give ``ask``, of a server that holds ``CLUSTER``, and pass."""

    def serve(self, objects: Sequence[Object], *, everything: bool) -> Ask:
        """Have it hold objects; return what asks it, as who may do everything or what READS says."""
        raise NotImplementedError

    @pytest.fixture
    def ask(self) -> Ask:
        """Asks as who may do everything."""
        return self.serve(CLUSTER.objects, everything=True)

    @pytest.fixture
    def reader(self) -> Ask:
        """Asks as who may do what READS says."""
        return self.serve(CLUSTER.objects, everything=False)

    # Selectors

    @pytest.mark.parametrize(
        ("selector", "names"),
        [
            ("app=web", ["blog/web-1", "shop/web-1", "shop/web-2"]),
            ("app==web,tier!=front", ["blog/web-1", "shop/web-2"]),
            ("app in (db, agent),tier", ["shop/db-1"]),
            ("app in(db)", ["shop/db-1"]),
            ("app notin (web,agent)", ["shop/db-1"]),
            ("app in (db,)", ["shop/db-1"]),
            ("app=web,! tier", ["blog/web-1"]),
            ("tier=,app=web", []),
            ("in in (x)", []),
            ("app>5", []),
        ],
    )
    def test_labels_select(self, ask, selector, names):
        assert _names(ask("/api/v1/pods", params={"labelSelector": selector})) == names

    @pytest.mark.parametrize(
        ("selector", "message"),
        [
            ("a=b=c", "found '=', expected: ',' or 'end of string'"),
            ("a=b c=d", "found 'c', expected: ',' or 'end of string'"),
            ("a in web", "unable to parse requirement: found 'web' expected: '('"),
            ("a in (web", "unable to parse requirement: found '', expected: ',' or ')'"),
            ("=b", "found '=', expected: !, identifier, or 'end of string'"),
            (",", "found ',', expected: !, identifier, or 'end of string'"),
            ("a b", "unable to parse requirement: found 'b', expected: "),
            ("a!", "unable to parse requirement: found '!', expected: "),
            ("a===b", "unable to parse requirement: found '=', expected: identifier"),
            ("a=b,,c=d", "found ',', expected: identifier after ','"),
            ("a=b,", "found '', expected: identifier after ','"),
            ("a>x", "unable to parse requirement: "),
        ],
    )
    def test_a_label_selector_that_is_none_is_refused(self, ask, selector, message):
        reply = ask("/api/v1/pods", params={"labelSelector": selector})
        said = _status(reply)
        assert (reply.status_code, said["reason"]) == (400, "BadRequest")
        assert said["message"].startswith(message)

    @pytest.mark.parametrize(
        ("selector", "message"),
        [
            ("-a=b", "consist of alphanumeric characters"),
            ("a=-b", "consist of alphanumeric characters"),
            (f"{'a' * 64}=b", "must be no more than 63 characters"),
            (f"a={'b' * 64}", "must be no more than 63 characters"),
        ],
    )
    def test_what_cannot_be_a_label_selects_nothing(self, ask, selector, message):
        reply = ask("/api/v1/pods", params={"labelSelector": selector})
        assert (reply.status_code, message in reply.json()["message"]) == (400, True)

    @pytest.mark.parametrize(
        ("path", "selector", "names"),
        [
            ("/api/v1/pods", "spec.nodeName=node.2,status.phase!=Pending", ["blog/web-1", "kube-system/agent-2"]),
            ("/api/v1/pods", "spec.nodeName==node.2,", ["blog/web-1", "kube-system/agent-2", "shop/web-2"]),
            ("/api/v1/namespaces/shop/pods", "spec.restartPolicy=Always", ["shop/db-1", "shop/web-1", "shop/web-2"]),
            ("/api/v1/namespaces/blog/pods", "spec.schedulerName=default-scheduler", ["blog/web-1"]),
            ("/api/v1/namespaces/shop/pods", "metadata.namespace=blog", []),
            ("/api/v1/pods", "status.podIPs=10.0.0.1", []),
            ("/api/v1/pods", "status.podIP=10.0.0.1", []),
            ("/api/v1/pods", "status.nominatedNodeName=x", []),
            ("/api/v1/nodes", "spec.unschedulable=false", ["/node.1", "/node.2"]),
            ("/api/v1/events", "involvedObject.uid=uid-of-web-2", ["shop/web-2.1"]),
            ("/api/v1/events", "source=kubelet", []),
            ("/apis/network.alibabacloud.com/v1beta1/nodes", "metadata.name=node.1", ["/node.1"]),
        ],
    )
    def test_fields_select(self, ask, path, selector, names):
        assert _names(ask(path, params={"fieldSelector": selector})) == names

    @pytest.mark.parametrize(
        ("path", "selector", "message"),
        [
            ("/api/v1/pods", "spec.color=red", "field label not supported: spec.color"),
            ("/api/v1/pods", "=red", "field label not supported: "),
            ("/api/v1/events", "message=x", "field label not supported: message"),
            ("/api/v1/nodes", "status.phase=x", "field label not supported: status.phase"),
            ("/apis/network.alibabacloud.com/v1beta1/nodes", "spec.x=a", "field label not supported: spec.x"),
            (
                "/apis/apps/v1/daemonsets",
                "spec.nodeName=a",
                '"spec.nodeName" is not a known field selector: only "metadata.name", "metadata.namespace"',
            ),
        ],
    )
    def test_a_field_that_cannot_select_is_refused(self, ask, path, selector, message):
        reply = ask(path, params={"fieldSelector": selector})
        assert reply.status_code == 400
        assert _status(reply) == {"reason": "BadRequest", "message": message}

    # Lists

    def test_pages_follow_each_other_and_count_what_remains(self, ask):
        first = ask("/api/v1/pods?limit=4")
        metadata = first.json()["metadata"]
        second = ask("/api/v1/pods", params={"limit": "4", "continue": metadata["continue"]})
        assert metadata["remainingItemCount"] == 2
        assert _names(first) + _names(second) == _names(ask("/api/v1/pods"))
        assert "continue" not in second.json()["metadata"]
        assert "continue" not in ask("/api/v1/pods?limit=6").json()["metadata"]

    @pytest.mark.parametrize("selector", ["labelSelector=app%3Dweb", "fieldSelector=spec.nodeName%3Dnode.1"])
    def test_what_remains_of_a_selection_is_not_counted(self, ask, selector):
        metadata = ask(f"/api/v1/pods?limit=1&{selector}").json()["metadata"]
        assert metadata["continue"]
        assert "remainingItemCount" not in metadata

    @pytest.mark.parametrize("query", ["limit=1&resourceVersion=0", "limit=0", "limit=-1"])
    def test_some_limits_limit_nothing(self, ask, query):
        assert len(ask(f"/api/v1/pods?{query}").json()["items"]) == 6

    @pytest.mark.parametrize(
        ("query", "message"),
        [
            ("limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
            ("timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
            ("limit=1&resourceVersion=x", "invalid resource version: "),
            ("limit=1&continue=x", "invalid continue token: continue key is not valid: "),
            ("limit=1&continue=eyJhIjoxfQ", "invalid continue token: continue key is not valid: "),
        ],
    )
    def test_what_cannot_be_read_of_a_question_is_refused(self, ask, query, message):
        reply = ask(f"/api/v1/pods?{query}")
        said = _status(reply)
        assert (reply.status_code, said["reason"], said["message"].startswith(message)) == (400, "BadRequest", True)

    def test_what_lies_in_a_list_says_its_kind_only_where_nobody_knows_it(self, ask):
        pods = ask("/api/v1/namespaces/shop/pods?limit=1").json()
        nodes = ask("/apis/network.alibabacloud.com/v1beta1/nodes").json()
        assert (pods["kind"], pods["apiVersion"], "kind" in pods["items"][0]) == ("PodList", "v1", False)
        assert (nodes["kind"], nodes["items"][0]["kind"]) == ("NodeList", "Node")

    def test_only_what_is_long_comes_packed_and_only_where_it_can_be_unpacked(self, ask):
        pod = next(item for item in CLUSTER.objects if item["kind"] == "Pod")
        note = {"note": "as long as some are " * 5000}
        many = [
            {**pod, "metadata": {"name": f"long-{number}", "namespace": "shop", "annotations": note}}
            for number in range(2)
        ]
        ask = self.serve(many, everything=True)
        path = "/api/v1/namespaces/shop/pods"
        replies = [
            ask(path, headers={"Accept-Encoding": "gzip"}),
            ask(path, headers={"Accept-Encoding": "identity"}),
            ask(f"{path}?limit=1", headers={"Accept-Encoding": "gzip"}),
        ]
        assert [reply.headers.get("Content-Encoding") for reply in replies] == ["gzip", None, None]
        assert {reply.json()["items"][0]["metadata"]["name"] for reply in replies} == {"long-0"}

    # What is not there

    @pytest.mark.parametrize(
        ("path", "details"),
        [
            ("/api/v1/namespaces/shop/pods/web-9", {"name": "web-9", "kind": "pods"}),
            ("/api/v1/namespaces/nowhere/pods/web-1", {"name": "web-1", "kind": "pods"}),
            ("/api/v1/nodes/node.9", {"name": "node.9", "kind": "nodes"}),
            (
                "/apis/apps/v1/namespaces/kube-system/deployments/x",
                {"name": "x", "group": "apps", "kind": "deployments"},
            ),
            (
                "/apis/network.alibabacloud.com/v1beta1/nodes/node.2",
                {"name": "node.2", "group": "network.alibabacloud.com", "kind": "nodes"},
            ),
        ],
    )
    def test_an_object_that_is_absent_is_named(self, ask, path, details):
        reply = ask(path)
        what = f"{details['kind']}.{details['group']}" if "group" in details else details["kind"]
        message = f'{what} "{details["name"]}" not found'
        assert reply.status_code == 404
        assert _status(reply) == {"reason": "NotFound", "message": message, "details": details}

    @pytest.mark.parametrize(
        "path",
        [
            "/api/v1/things",
            "/api/v9/pods",
            "/api/v1/pods/web-1",
            "/api/v1/namespaces/shop/nodes",
            "/api/v1/namespaces/shop/nodes/node.1",
            "/api/v1/namespaces/shop/pods/web-1/nothing",
            "/apis/apps/v1/namespaces/shop/things/x",
            "/apis/apps/v2/daemonsets",
            "/apis/apps/v2",
        ],
    )
    def test_what_its_own_groups_lack_is_said_without_a_name(self, ask, path):
        reply = ask(path)
        assert reply.status_code == 404
        assert _status(reply) == {"reason": "NotFound", "message": _ABSENT, "details": {}}

    @pytest.mark.parametrize(
        "path",
        [
            "/apis/no.such.group",
            "/apis/no.such.group/v1/things",
            "/apis/alibabacloud.com/v1beta1/podeips",
            "/apis/network.alibabacloud.com/v9/nodes",
            "/apis/network.alibabacloud.com/v1beta1/podnetworkings",
            "/apis/network.alibabacloud.com/v1beta1/namespaces/shop/nodes",
        ],
    )
    def test_of_other_groups_there_is_no_page(self, ask, path):
        reply = ask(path)
        assert (reply.status_code, reply.text) == (404, _NO_PAGE)

    def test_a_list_in_a_namespace_that_is_absent_is_empty(self, ask):
        assert _names(ask("/api/v1/namespaces/nowhere/pods")) == []

    # Paths

    @pytest.mark.parametrize("path", ["/api/v1/pods/", "/api/v1/namespaces/shop/pods/web-1/", "/version/", "/apis/"])
    def test_a_slash_at_the_end_changes_nothing(self, ask, path):
        assert ask(path).status_code == 200

    def test_a_path_is_decoded_before_it_is_split(self, ask, reader):
        assert ask("/api/v1/namespaces/shop%2Fpods/web%2D1").json()["metadata"]["name"] == "web-1"
        refused = reader("/api/v1/namespaces/shop/pods/web%2F1").json()["message"]
        assert refused.endswith('cannot get resource "pods/1" in API group "" in the namespace "shop"')

    # Permissions

    @pytest.mark.parametrize(
        ("method", "path", "message"),
        [
            ("GET", "/api/v1/secrets", 'list resource "secrets" in API group "" at the cluster scope'),
            (
                "GET",
                "/api/v1/namespaces/shop/secrets/x",
                'get resource "secrets" in API group "" in the namespace "shop"',
            ),
            ("GET", "/apis/no.such/v1/things", 'list resource "things" in API group "no.such" at the cluster scope'),
            ("POST", "/api/v1/namespaces/shop/pods", 'create resource "pods" in API group "" in the namespace "shop"'),
            ("PUT", "/api/v1/nodes/node.1", 'update resource "nodes" in API group "" at the cluster scope'),
            ("PATCH", "/api/v1/nodes/node.1", 'patch resource "nodes" in API group "" at the cluster scope'),
            ("DELETE", "/api/v1/nodes/node.1", 'delete resource "nodes" in API group "" at the cluster scope'),
            ("DELETE", "/api/v1/nodes", 'deletecollection resource "nodes" in API group "" at the cluster scope'),
            ("OPTIONS", "/api/v1/nodes/node.1", ' resource "nodes" in API group "" at the cluster scope'),
            ("POST", "/version", 'post path "/version"'),
            ("GET", "/metrics", 'get path "/metrics"'),
            ("GET", "/nothing", 'get path "/nothing"'),
        ],
    )
    def test_who_may_not_is_told_what(self, reader, method, path, message):
        reply = reader(path, method)
        said = _status(reply)
        assert (reply.status_code, said["reason"]) == (403, "Forbidden")
        assert said["message"].endswith(f" cannot {message}")
        assert "details" in said

    def test_everyone_may_discover(self, reader):
        paths = ["/version", "/api", "/apis", "/apis/apps", "/apis/apps/v1", "/healthz", "/readyz"]
        assert [reader(path).status_code for path in paths] == [200] * len(paths)

    def test_who_is_not_known_is_let_nowhere(self, ask):
        reply = ask("/version", headers={"Authorization": "Bearer wrong"})
        assert reply.status_code == 401
        assert _status(reply) == {"reason": "Unauthorized", "message": "Unauthorized"}

    @pytest.mark.parametrize("path", ["/version", "/api", "/api/v1/namespaces/shop/pods/web-1"])
    def test_a_method_that_there_is_not_is_refused(self, ask, path):
        reply = ask(path, "OPTIONS")
        assert (reply.status_code, _status(reply)["reason"]) == (405, "MethodNotAllowed")

    # Discovery

    def test_groups_say_their_versions(self, ask):
        groups = {group["name"]: group for group in ask("/apis").json()["groups"]}
        apps = {"groupVersion": "apps/v1", "version": "v1"}
        assert groups["apps"] == {"name": "apps", "versions": [apps], "preferredVersion": apps}
        assert groups["network.alibabacloud.com"]["versions"][0]["version"] == "v1beta1"
        assert ask("/apis/apps").json() == {"kind": "APIGroup", "apiVersion": "v1", **groups["apps"]}

    def test_versions_say_their_kinds(self, ask):
        found = ask("/apis/network.alibabacloud.com/v1beta1").json()
        assert found["groupVersion"] == "network.alibabacloud.com/v1beta1"
        nodes = next(each for each in found["resources"] if each["name"] == "nodes")
        assert (nodes["kind"], nodes["namespaced"], "list" in nodes["verbs"]) == ("Node", False, True)

    # Logs: what the server itself says before it asks a kubelet

    @pytest.mark.parametrize(
        ("query", "status", "message"),
        [
            ("container=nobody", 400, "container nobody is not valid for pod agent-1"),
            ("", 400, "a container name must be specified for pod agent-1, choose one of: [app sidecar]"),
            ("container=app&tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
            ("container=app&tailLines=-1", 422, "tailLines: Invalid value: -1: must be greater than or equal to 0"),
            ("container=app&sinceSeconds=0", 422, "sinceSeconds: Invalid value: 0: must be greater than 0"),
            ("container=app&limitBytes=0", 422, "limitBytes: Invalid value: 0: must be greater than 0"),
        ],
    )
    def test_what_a_log_cannot_be_asked_is_refused(self, ask, query, status, message):
        reply = ask(f"/api/v1/namespaces/kube-system/pods/agent-1/log?{query}")
        assert (reply.status_code, reply.json()["message"].endswith(message)) == (status, True)

    # Watches

    def test_a_watch_from_nowhere_begins_with_what_is_there(self, ask):
        query = {
            "watch": "1",
            "timeoutSeconds": "1",
            "labelSelector": "app=web",
            "fieldSelector": "status.phase=Pending",
        }
        told = [json.loads(line) for line in ask("/api/v1/pods", params=query).text.splitlines()]
        assert [(each["type"], each["object"]["metadata"]["name"]) for each in told] == [("ADDED", "web-2")]

    def test_a_watch_from_now_on_begins_with_nothing(self, ask):
        version = ask("/api/v1/pods?limit=1").json()["metadata"]["resourceVersion"]
        assert ask(f"/api/v1/pods?watch=true&timeoutSeconds=1&resourceVersion={version}").text == ""
