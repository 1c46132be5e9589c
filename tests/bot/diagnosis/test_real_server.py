"""What acknet reads from a real API server, where KUBEBUILDER_ASSETS names one; it has no kubelet, so no logs."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from bot.diagnosis.live import watching
from bot.diagnosis.live.reader import LiveReader
from bot.diagnosis.live.watching import ClusterWatch, Expired
from bot.diagnosis.rbac import manifests, watch_roles
from bot.diagnosis.reader import LogWindow, Reader, Unreadable
from bot.diagnosis.resources import ALLOWED, LOGS, resource
from tests.contracts.reader import CLUSTER, Cluster, ReaderContract
from tests.doubles.kubernetes_api import Fault, kubernetes_api
from tests.doubles.real_cluster import ACKNET, RealCluster

PODS, EVENTS = resource("pods"), resource("events")
SERVER = CLUSTER.objects
"""What most tests here have the server hold."""


def reads_all(*but: str) -> dict[str, Any]:
    """Return a role that may read what acknet reads, but some."""
    rules = [
        {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": ["get", "list"]}
        for kind in ALLOWED
        if kind.qualified not in but
    ]
    if LOGS not in but:
        rules.append({"apiGroups": [""], "resources": [LOGS], "verbs": ["get"]})
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": rules,
    }


class TestContract(ReaderContract):
    reads_logs = False  # there is no kubelet

    @pytest.fixture(autouse=True)
    def _cluster(self, real_cluster: RealCluster) -> None:
        self.cluster = real_cluster

    def reader(self, cluster: Cluster, directory: Path) -> AbstractAsyncContextManager[Reader]:
        @asynccontextmanager
        async def reader():
            self.cluster.load(cluster.objects)
            user = self.cluster.user([reads_all(*cluster.forbidden)])
            async with LiveReader.open(self.cluster.kubeconfig(directory, user=user)) as live:
                yield live

        return reader()

    def version(self) -> str:
        return self.cluster.version

    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC)


@pytest.fixture
def ask(real_cluster: RealCluster, tmp_path: Path):
    """Asks the server something, by default as acknet's service account; gives the answer or Unreadable."""

    def ask(question: Callable[[LiveReader], Awaitable], user: dict[str, Any] | None = None):
        async def run():
            async with LiveReader.open(real_cluster.kubeconfig(tmp_path, user=user)) as reader:
                try:
                    return await question(reader)
                except Unreadable as unreadable:
                    return unreadable

        return asyncio.run(run())

    return ask


# Permissions


def granted() -> Iterator[tuple[dict[str, Any], int, str]]:
    """Each resource of each rule that is shipped, and in which role it is."""
    for role in yaml.safe_load_all(manifests()["roles.yaml"]):
        for number, rule in enumerate(role["rules"]):
            yield from ((role, number, one) for one in rule["resources"])


def reading(role: dict[str, Any], number: int, plural: str) -> list[Callable[[LiveReader], Awaitable]]:
    """Return the ways of reading that a rule permits."""
    rule = role["rules"][number]
    group, names = rule["apiGroups"][0], rule.get("resourceNames", ["any"])
    if plural == LOGS:
        return [lambda reader: reader.log("kube-system", "agent-1", "app", LogWindow())]
    kind = next(kind for kind in ALLOWED if (kind.group, kind.plural) == (group, plural))
    space = (role["metadata"].get("namespace") or "shop") if kind.namespaced else None
    ways = {
        "get": lambda reader: reader.get(kind, names[0], space),
        "list": lambda reader: reader.list(kind, namespace=space, limit=5),
    }
    return [ways[verb] for verb in rule["verbs"]]


@pytest.mark.parametrize(("role", "number", "plural"), list(granted()), ids=lambda value: str(value)[:20])
def test_each_rule_permits_what_is_forbidden_without_it(real_cluster, ask, role, number, plural):
    # Terway's kinds have to be there: who may not, does not learn that they are not.
    real_cluster.load(SERVER, [kind for kind in ALLOWED if kind.group.endswith("alibabacloud.com")])
    rules = [{**rule, "resources": [*rule["resources"]]} for rule in role["rules"]]
    rules[number]["resources"].remove(plural)
    without = real_cluster.user([{**role, "rules": [rule for rule in rules if rule["resources"]]}])
    for read in reading(role, number, plural):
        before, after = ask(read), ask(read, without)
        assert getattr(before, "reason", "") in (("failed",) if plural == LOGS else ("", "not_served"))
        assert after.reason == "forbidden"


@pytest.mark.parametrize(
    ("kind", "name", "namespace"),
    [
        ("configmaps", "extension-apiserver-authentication", "kube-public"),
        ("configmaps", "any", "kube-flannel"),
        ("deployments", "any", "kube-system"),
        ("deployments", "coredns", "shop"),
        ("namespaces", "kube-system", None),
    ],
)
def test_the_service_account_reads_nothing_else(real_cluster, ask, kind, name, namespace):
    unreadable = ask(lambda reader: reader.get(resource(kind), name, namespace))
    assert (unreadable.reason, unreadable.detail) == ("forbidden", f"get {kind}")


def test_wrong_credentials_are_said_to_be_wrong(ask):
    unreadable = ask(lambda reader: reader.version(), {"token": "wr0ng-and-secret"})
    assert (unreadable.reason, "credentials" in unreadable.detail) == ("failed", True)
    assert "wr0ng" not in str(unreadable)


# What is there, what is not


def test_a_group_that_is_not_served_is_told_from_an_object_that_is_absent(real_cluster, ask):
    real_cluster.load([item for item in SERVER if "alibabacloud.com" not in item["apiVersion"]])
    node = resource("nodes.network.alibabacloud.com")
    assert ask(lambda reader: reader.get(node, "node.1")).reason == "not_served"
    assert ask(lambda reader: reader.list(node, limit=5)).reason == "not_served"
    real_cluster.load(SERVER)
    assert ask(lambda reader: reader.get(node, "node.9")) is None


def test_kinds_newer_than_the_server_are_not_served_and_no_list_is_empty(real_cluster, ask):
    slices = resource("endpointslices")
    versions = real_cluster.plane.admin.get("/apis/discovery.k8s.io").json()["versions"]
    served = {"groupVersion": "discovery.k8s.io/v1", "version": "v1"} in versions
    read = ask(lambda reader: reader.list(slices, namespace="shop", limit=5))
    assert getattr(read, "reason", "") == ("" if served else "not_served")


def test_a_log_without_a_kubelet_is_unreadable(real_cluster, ask):
    real_cluster.load(SERVER)
    unreadable = ask(lambda reader: reader.log("kube-system", "agent-1", "app", LogWindow()))
    assert (unreadable.reason, unreadable.detail) == ("failed", "the server answers 500 Internal Server Error")
    assert ask(lambda reader: reader.log("kube-system", "agent-1", "nobody", LogWindow())) is None
    assert ask(lambda reader: reader.log("kube-system", "agent-9", "app", LogWindow())) is None


def pods(count: int) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"web-{number:04}", "namespace": "shop"},
            "spec": {"nodeName": "node-1", "containers": [{"name": "app", "image": "example/app:1"}]},
        }
        for number in range(count)
    ]


def test_pages_follow_each_other_and_long_ones_come_packed(real_cluster, ask):
    async def read(reader: LiveReader) -> tuple[list[str], bool, int]:
        listing = await reader.list(PODS, namespace="shop", fields={"spec.nodeName": "node-1"}, limit=600)
        return [item["metadata"]["name"] for item in listing.items], listing.complete, reader.bytes

    real_cluster.load(pods(620))
    names, complete, size = ask(read)
    assert names == [f"web-{number:04}" for number in range(600)]
    assert not complete
    assert size < 600 * 400  # a pod's JSON is twice as long


def test_a_page_of_a_list_that_is_forgotten_expires(real_cluster):
    real_cluster.load(pods(5))
    admin, path = real_cluster.plane.admin, "/api/v1/namespaces/shop/pods"
    token = admin.get(path, params={"limit": "2"}).json()["metadata"]["continue"]
    real_cluster.load(pods(4))
    real_cluster.plane.forget_history()
    expired = admin.get(path, params={"limit": "2", "continue": token})
    with kubernetes_api(pods(5), faults=[Fault("continue=", status=410)]) as api:
        double = httpx.get(f"{api.url}{path}", params={"limit": "2", "continue": token}, trust_env=False)
    said, played = expired.json(), double.json()
    assert expired.status_code == 410
    # With it the rest can be had, of another time.
    assert said["metadata"].pop("continue")
    assert played["metadata"].pop("continue")
    assert said == played


# Watches


@pytest.fixture
def watch(real_cluster: RealCluster, tmp_path: Path):
    """Runs something with a watch of the namespace shop, as who has the shipped roles and that of watching."""

    def watch(follow: Callable[[ClusterWatch], Awaitable]):
        roles = [*yaml.safe_load_all(manifests()["roles.yaml"]), *watch_roles(["shop"])]
        config = real_cluster.kubeconfig(tmp_path, user=real_cluster.user(roles), name="watcher")

        async def run():
            async with ClusterWatch.open(config, None, ["shop"]) as opened, asyncio.timeout(90):
                return await follow(opened)

        return asyncio.run(run())

    return watch


def test_a_watch_goes_on_where_the_list_ended(real_cluster, watch):
    real_cluster.load(SERVER)
    event = next(item for item in SERVER if item["kind"] == "Event" and item["metadata"]["name"] == "web-1.1")
    path = "/api/v1/namespaces/shop/events"
    fresh = {**event, "metadata": {"name": "fresh", "namespace": "shop"}}

    async def follow(opened: ClusterWatch) -> list[tuple[str, str]]:
        fields = {"type": "Warning"}
        listed = await opened.list(EVENTS, "shop", fields)
        assert len(listed.items) == 3
        for method, target, body in [
            ("POST", path, fresh),
            ("PUT", f"{path}/fresh", {**fresh, "count": 2}),
            ("DELETE", f"{path}/fresh", None),
        ]:
            reply = await asyncio.to_thread(real_cluster.plane.admin.request, method, target, json=body)
            assert reply.is_success, reply.text
        seen: list[tuple[str, str]] = []
        async for change in opened.changes(EVENTS, "shop", fields, listed.version):
            if change.kind != "BOOKMARK":
                seen.append((change.kind, change.item["metadata"]["name"]))
            if len(seen) == 3:
                return seen
        raise AssertionError(seen)

    assert watch(follow) == [("ADDED", "fresh"), ("MODIFIED", "fresh"), ("DELETED", "fresh")]


def test_bookmarks_say_how_far_a_watch_is_and_it_ends_in_time(real_cluster, watch, monkeypatch):
    monkeypatch.setattr(watching, "_WATCH_SECONDS", 10)
    real_cluster.load(SERVER)
    elsewhere, path = {**pods(1)[0], "metadata": {"name": "other", "namespace": "blog"}}, "/api/v1/namespaces/blog/pods"

    async def others_change(ended: asyncio.Event) -> None:
        while not ended.is_set():
            for method, target, body in [
                ("POST", path, elsewhere),
                ("DELETE", f"{path}/other", {"gracePeriodSeconds": 0}),
            ]:
                reply = await asyncio.to_thread(real_cluster.plane.admin.request, method, target, json=body)
                assert reply.is_success, reply.text

    async def follow(opened: ClusterWatch) -> list[str]:
        listed = await opened.list(PODS, "shop", {"status.phase": "Pending"})
        changes = opened.changes(PODS, "shop", {"status.phase": "Pending"}, listed.version)
        # What happens to other pods is nothing to tell; how far the server is with them, is.
        changing = asyncio.create_task(others_change(ended := asyncio.Event()))
        try:
            return [change.kind async for change in changes if int(change.version) > int(listed.version)]
        finally:
            ended.set()
            await changing

    assert set(watch(follow)) == {"BOOKMARK"}


def test_a_watch_from_what_is_forgotten_expires(real_cluster, watch):
    real_cluster.load(SERVER)

    async def follow(opened: ClusterWatch) -> None:
        listed = await opened.list(EVENTS, "shop", {"type": "Warning"})
        real_cluster.load(SERVER[:-1])
        real_cluster.plane.forget_history()
        with pytest.raises(Expired):
            async for _ in opened.changes(EVENTS, "shop", {"type": "Warning"}, listed.version):
                pass

    watch(follow)


# Reading only


def test_the_servers_own_record_shows_nothing_but_reading(real_cluster, ask):
    real_cluster.load(SERVER)

    async def read(reader: LiveReader) -> None:
        await reader.version()
        await reader.list(PODS, namespace="shop", limit=2)
        await reader.get(PODS, "web-1", "shop")

    ask(read)
    recorded = [one for one in real_cluster.plane.recorded() if one["user"].get("username") == ACKNET]
    assert {one["verb"] for one in recorded} == {"get", "list"}
    assert not [one for one in recorded if "impersonatedUser" in one]
    assert {one["objectRef"]["resource"] for one in recorded if "objectRef" in one} <= {kind.plural for kind in ALLOWED}
    assert {one["objectRef"]["subresource"] for one in recorded if "subresource" in one.get("objectRef", {})} <= {"log"}
