"""What every reader of a cluster has to do, as tests: a reader's own test class inherits from ReaderContract."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import pytest

from bot.diagnosis.reader import LogWindow, Object, Reader, Unreadable
from bot.diagnosis.resources import resource

__all__ = ["CLUSTER", "Cluster", "ReaderContract"]

T = TypeVar("T")

_TERWAY = "network.alibabacloud.com/v1beta1"


@dataclass(frozen=True)
class Cluster:
    """What there is to read: ``logs`` by namespace, pod and container, ``forbidden`` by qualified name.

    ``empty`` are kinds that are there though nothing of them is, ``absent`` one that is not.
    """

    objects: Sequence[Object]
    logs: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    previous_logs: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    empty: Sequence[str] = ("namespaces", "deployments")
    absent: str = "podnetworkings.network.alibabacloud.com"
    forbidden: Sequence[str] = ()
    version: str = "v1.30.7-aliyun.1"
    now: dt.datetime = dt.datetime(2025, 6, 11, 8, 30, 0, tzinfo=dt.UTC)


def _pod(name: str, namespace: str, node: str, *, phase: str = "Running", **labels: str) -> Object:
    containers = ["app", "sidecar"] if namespace == "kube-system" else ["app"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": {"nodeName": node, "containers": [{"name": each, "image": "example/é:1"} for each in containers]},
        "status": {
            "phase": phase,
            "containerStatuses": [
                {"name": each, "restartCount": int(each == "app" and name == "agent-1"), "state": {"running": {}}}
                for each in containers
            ],
        },
    }


def _event(name: str, namespace: str, kind: str, about: str, reason: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace},
        "involvedObject": {"kind": kind, "name": about, "namespace": namespace, "uid": f"uid-of-{about}"},
        "reason": reason,
        "type": "Warning",
        "message": "it did not work",
    }


CLUSTER = Cluster(
    objects=[
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node.1"}, "spec": {"podCIDR": "10.0.0.0/24"}},
        {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node.2"}, "spec": {"podCIDR": "10.0.1.0/24"}},
        {"apiVersion": _TERWAY, "kind": "Node", "metadata": {"name": "node.1"}, "spec": {"eni": {"vSwitch": "vsw-1"}}},
        _pod("web-1", "shop", "node.1", app="web", tier="front"),
        _pod("web-2", "shop", "node.2", phase="Pending", app="web", tier="back"),
        _pod("db-1", "shop", "node.1", app="db", tier="back"),
        _pod("web-1", "blog", "node.2", app="web"),
        _pod("agent-1", "kube-system", "node.1", app="agent"),
        _pod("agent-2", "kube-system", "node.2", app="agent"),
        _event("web-1.1", "shop", "Pod", "web-1", "FailedCreatePodSandBox"),
        _event("web-1.2", "shop", "Pod", "web-1", "BackOff"),
        _event("web-2.1", "shop", "Pod", "web-2", "FailedCreatePodSandBox"),
        _event("node.1", "default", "Node", "node.1", "NodeNotReady"),
    ],
    logs={
        ("kube-system", "agent-1", "app"): "".join(f"2025-06-11T08:2{at}:00Z línea {at}\n" for at in range(10)),
        ("kube-system", "agent-1", "sidecar"): "",
        ("kube-system", "agent-2", "app"): "of the other pod\n",
        ("kube-system", "agent-2", "sidecar"): "without an end",
    },
    previous_logs={("kube-system", "agent-1", "app"): "before\nit crashed\n"},
)


def _names(items: Sequence[Object]) -> list[str]:
    return [f"{item['metadata'].get('namespace', '')}/{item['metadata']['name']}" for item in items]


class ReaderContract:
    """Give ``reader`` (one that reads ``cluster``), say what it cannot know, and pass."""

    reads_logs = True
    knows_forbidden = True

    def reader(self, cluster: Cluster, directory: Path) -> AbstractAsyncContextManager[Reader]:
        """Open a reader of ``cluster``; ``directory`` is empty, and its own."""
        raise NotImplementedError

    def version(self) -> str:
        """Return the version that the server of every cluster has."""
        return CLUSTER.version

    def now(self) -> dt.datetime:
        """Return the time that it is at every cluster."""
        return CLUSTER.now

    @pytest.fixture
    def ask(self, tmp_path: Path) -> Callable[..., object]:
        """Asks a reader of ``cluster`` something, in a loop of its own."""

        def ask(question: Callable[[Reader], Awaitable[T]], cluster: Cluster = CLUSTER) -> T:
            async def run() -> T:
                async with self.reader(cluster, tmp_path) as reader:
                    return await question(reader)

            return asyncio.run(run())

        return ask

    # One object

    def test_an_object_is_found_by_kind_namespace_and_name(self, ask):
        found = ask(lambda reader: reader.get(resource("pods"), "web-1", "shop"))
        assert (found["apiVersion"], found["kind"]) == ("v1", "Pod")
        assert found["metadata"]["labels"] == {"app": "web", "tier": "front"}
        assert [(each["name"], each["image"]) for each in found["spec"]["containers"]] == [("app", "example/é:1")]

    def test_objects_of_one_name_in_two_namespaces_are_told_apart(self, ask):
        found = ask(lambda reader: reader.get(resource("pods"), "web-1", "blog"))
        assert found["spec"]["nodeName"] == "node.2"

    def test_kinds_of_one_name_in_two_groups_are_told_apart(self, ask):
        core = ask(lambda reader: reader.get(resource("nodes"), "node.1"))
        custom = ask(lambda reader: reader.get(resource("nodes.network.alibabacloud.com"), "node.1"))
        assert (core["spec"]["podCIDR"], custom["spec"]) == ("10.0.0.0/24", {"eni": {"vSwitch": "vsw-1"}})

    @pytest.mark.parametrize(
        ("kind", "name", "namespace"),
        [
            ("pods", "web-9", "shop"),
            ("pods", "db-1", "blog"),
            ("pods", "web-1", "nowhere"),
            ("nodes", "node.9", None),
            ("nodes.network.alibabacloud.com", "node.2", None),
            ("namespaces", "nowhere", None),
        ],
    )
    def test_an_object_that_is_not_there_is_none(self, ask, kind, name, namespace):
        assert ask(lambda reader: reader.get(resource(kind), name, namespace)) is None

    @pytest.mark.parametrize(("kind", "namespace"), [("pods", None), ("nodes", "shop")])
    def test_one_object_is_asked_for_where_its_kind_lies(self, ask, kind, namespace):
        with pytest.raises(ValueError, match="namespace"):
            ask(lambda reader: reader.get(resource(kind), "any", namespace))

    # Lists

    def test_a_list_holds_what_its_namespace_holds(self, ask):
        listing = ask(lambda reader: reader.list(resource("pods"), namespace="shop", limit=10))
        assert _names(listing.items) == ["shop/db-1", "shop/web-1", "shop/web-2"]
        assert listing.complete

    def test_a_list_without_a_namespace_holds_all_by_namespace_and_name(self, ask):
        listing = ask(lambda reader: reader.list(resource("pods"), labels={"app": "web"}, limit=10))
        assert _names(listing.items) == ["blog/web-1", "shop/web-1", "shop/web-2"]
        assert listing.complete

    def test_what_is_listed_says_what_it_is(self, ask):
        pods = ask(lambda reader: reader.list(resource("pods"), namespace="shop", limit=10))
        nodes = ask(lambda reader: reader.list(resource("nodes.network.alibabacloud.com"), limit=10))
        assert {(item["apiVersion"], item["kind"]) for item in pods.items} == {("v1", "Pod")}
        assert [(item["apiVersion"], item["kind"]) for item in nodes.items] == [(_TERWAY, "Node")]

    def test_all_labels_have_to_match(self, ask):
        wanted = {"app": "web", "tier": "back"}
        listing = ask(lambda reader: reader.list(resource("pods"), namespace="shop", labels=wanted, limit=10))
        assert _names(listing.items) == ["shop/web-2"]

    @pytest.mark.parametrize(
        ("kind", "namespace", "fields", "names"),
        [
            ("pods", None, {"spec.nodeName": "node.1"}, ["kube-system/agent-1", "shop/db-1", "shop/web-1"]),
            ("pods", "shop", {"spec.nodeName": "node.1"}, ["shop/db-1", "shop/web-1"]),
            ("pods", None, {"status.phase": "Pending"}, ["shop/web-2"]),
            ("pods", None, {"metadata.name": "web-1"}, ["blog/web-1", "shop/web-1"]),
            ("pods", None, {"metadata.namespace": "blog"}, ["blog/web-1"]),
            ("nodes", None, {"metadata.name": "node.2"}, ["/node.2"]),
            ("events", "shop", {"involvedObject.name": "web-1"}, ["shop/web-1.1", "shop/web-1.2"]),
            (
                "events",
                "shop",
                {"involvedObject.kind": "Pod", "involvedObject.name": "web-1", "reason": "BackOff"},
                ["shop/web-1.2"],
            ),
            ("events", None, {"involvedObject.kind": "Node", "type": "Warning"}, ["default/node.1"]),
            ("events", "shop", {"involvedObject.uid": "uid-of-web-2"}, ["shop/web-2.1"]),
        ],
    )
    def test_fields_select(self, ask, kind, namespace, fields, names):
        listing = ask(lambda reader: reader.list(resource(kind), namespace=namespace, fields=fields, limit=10))
        assert _names(listing.items) == names
        assert listing.complete

    def test_labels_and_fields_select_together(self, ask):
        listing = ask(
            lambda reader: reader.list(
                resource("pods"), labels={"app": "web"}, fields={"spec.nodeName": "node.2"}, limit=10
            )
        )
        assert _names(listing.items) == ["blog/web-1", "shop/web-2"]

    @pytest.mark.parametrize(("kind", "field"), [("pods", "spec.replicas"), ("events", "message"), ("nodes", "reason")])
    def test_a_field_that_no_server_selects_by_is_a_mistake(self, ask, kind, field):
        with pytest.raises(ValueError, match=field):
            ask(lambda reader: reader.list(resource(kind), fields={field: "x"}, limit=10))

    @pytest.mark.parametrize(
        ("kind", "namespace", "selector"),
        [
            ("pods", "nowhere", {}),
            ("pods", "shop", {"labels": {"app": "cache"}}),
            ("pods", "shop", {"labels": {"no-such-label": "x"}}),
            ("pods", None, {"fields": {"spec.nodeName": "node.9"}}),
            ("deployments", "shop", {}),
            ("deployments", None, {}),
        ],
    )
    def test_where_nothing_is_the_list_is_empty_and_complete(self, ask, kind, namespace, selector):
        listing = ask(lambda reader: reader.list(resource(kind), namespace=namespace, limit=10, **selector))
        assert (list(listing.items), listing.complete) == ([], True)

    @pytest.mark.parametrize(("limit", "complete"), [(1, False), (2, False), (3, True), (4, True)])
    def test_a_list_that_its_limit_cuts_is_not_complete(self, ask, limit, complete):
        listing = ask(lambda reader: reader.list(resource("pods"), namespace="shop", limit=limit))
        assert _names(listing.items) == ["shop/db-1", "shop/web-1", "shop/web-2"][:limit]
        assert listing.complete is complete

    @pytest.mark.parametrize("limit", [0, -1])
    def test_a_list_of_nothing_cannot_be_asked_for(self, ask, limit):
        with pytest.raises(ValueError, match="at least one"):
            ask(lambda reader: reader.list(resource("pods"), limit=limit))

    def test_a_kind_without_namespaces_is_not_listed_in_one(self, ask):
        with pytest.raises(ValueError, match="namespace"):
            ask(lambda reader: reader.list(resource("nodes"), namespace="shop", limit=10))

    # What cannot be known

    def test_of_a_kind_that_is_not_there_nothing_is_known(self, ask):
        kind = resource(CLUSTER.absent)
        with pytest.raises(Unreadable) as listed:
            ask(lambda reader: reader.list(kind, limit=10))
        with pytest.raises(Unreadable) as got:
            ask(lambda reader: reader.get(kind, "any"))
        assert {listed.value.reason, got.value.reason} <= {"not_served", "not_captured"}
        assert CLUSTER.absent in listed.value.what

    def test_what_may_not_be_read_is_forbidden_and_no_list_is_empty(self, ask):
        if not self.knows_forbidden:
            pytest.skip("this source does not know what is forbidden")
        cluster = replace(CLUSTER, forbidden=["events", "nodes.network.alibabacloud.com"])
        with pytest.raises(Unreadable) as listed:
            ask(lambda reader: reader.list(resource("events"), namespace="shop", limit=10), cluster)
        with pytest.raises(Unreadable) as got:
            ask(lambda reader: reader.get(resource("nodes.network.alibabacloud.com"), "node.1"), cluster)
        assert (listed.value.reason, got.value.reason) == ("forbidden", "forbidden")
        assert ask(lambda reader: reader.get(resource("nodes"), "node.1"), cluster) is not None

    # Logs

    @pytest.fixture
    def log(self, ask) -> Callable[..., str | None]:
        if not self.reads_logs:
            pytest.skip("this source has no logs")

        def log(pod: str, container: str, window: LogWindow | None = None, cluster: Cluster = CLUSTER) -> str | None:
            return ask(lambda reader: reader.log("kube-system", pod, container, window or LogWindow()), cluster)

        return log

    def test_a_log_is_that_of_its_container(self, log):
        assert log("agent-1", "app") == CLUSTER.logs["kube-system", "agent-1", "app"]
        assert log("agent-2", "app") == "of the other pod\n"

    def test_a_log_without_a_last_newline_is_whole(self, log):
        assert log("agent-2", "sidecar") == "without an end"

    def test_an_empty_log_is_empty_and_not_absent(self, log):
        assert log("agent-1", "sidecar") == ""

    @pytest.mark.parametrize(("tail", "first"), [(1, 9), (3, 7), (10, 0), (99, 0)])
    def test_the_newest_lines_count(self, log, tail, first):
        lines = CLUSTER.logs["kube-system", "agent-1", "app"].splitlines(keepends=True)
        assert log("agent-1", "app", LogWindow(tail_lines=tail)) == "".join(lines[first:])

    @pytest.mark.parametrize("limit", [40, 100, 299, 310, 311])
    def test_what_does_not_fit_is_cut_before_the_newest_lines(self, log, limit):
        whole = CLUSTER.logs["kube-system", "agent-1", "app"]
        part = log("agent-1", "app", LogWindow(limit_bytes=limit))
        assert part
        assert len(part.encode()) <= limit
        assert f"\n{whole}".endswith(f"\n{part}")

    def test_a_log_that_just_fits_is_whole(self, log):
        whole = CLUSTER.logs["kube-system", "agent-1", "app"]
        assert log("agent-1", "app", LogWindow(limit_bytes=len(whole.encode()))) == whole

    def test_lines_that_are_too_old_are_left_out(self, log):
        part = log("agent-1", "app", LogWindow(since_seconds=3 * 60 + 30))
        assert part.splitlines()[0].startswith("2025-06-11T08:27:00Z")

    def test_the_log_of_the_previous_run_is_another_one(self, log):
        assert log("agent-1", "app", LogWindow(previous=True)) == "before\nit crashed\n"

    @pytest.mark.parametrize(
        ("pod", "container", "previous"),
        [("agent-9", "app", False), ("agent-1", "nobody", False), ("agent-2", "app", True)],
    )
    def test_no_pod_no_container_or_no_previous_run_has_no_log(self, log, pod, container, previous):
        assert log(pod, container, LogWindow(previous=previous)) is None

    def test_logs_that_may_not_be_read_are_forbidden(self, log):
        if not self.knows_forbidden:
            pytest.skip("this source does not know what is forbidden")
        with pytest.raises(Unreadable) as error:
            log("agent-1", "app", cluster=replace(CLUSTER, forbidden=["pods/log"]))
        assert error.value.reason == "forbidden"

    # The source

    def test_it_knows_the_servers_version(self, ask):
        assert ask(lambda reader: reader.version()) == self.version()

    def test_it_knows_what_time_it_is_there(self, ask):
        now = ask(lambda reader: reader.now())
        assert now.utcoffset() is not None
        assert abs(now - self.now()) < dt.timedelta(seconds=30)

    def test_it_says_what_it_reads_and_counts_what_it_cost(self, ask):
        async def cost(reader: Reader) -> tuple[str, list[tuple[int, int]]]:
            before = (reader.requests, reader.bytes)
            await reader.list(resource("pods"), limit=10)
            return reader.source, [before, (reader.requests, reader.bytes)]

        source, ((requests, size), (requests_after, size_after)) = ask(cost)
        assert source
        assert 0 <= requests <= requests_after
        assert 0 <= size <= size_after
