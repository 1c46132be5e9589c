"""What is watched in a cluster, through a real client, against the API double: events, pods, and what can break."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from bot.diagnosis.rbac import manifests, watch_roles
from bot.settings import Settings
from bot.settings.store_url import StoreUrl
from tests.bot.oncall.conftest import objects, scenario
from tests.bot.oncall.watching import running_watch
from tests.doubles.kubernetes_api import Fault, KubernetesApi, kubernetes_api
from tests.doubles.webhook_receiver import WebhookReceiver

CODE = "InvalidVSwitchId.IpNotEnough"
OTHER = "nf_conntrack: table full, dropping packet"
PATIENCE_SECONDS = 60


def stamp(ago: float = 0.0) -> str:
    return (dt.datetime.now(dt.UTC) - dt.timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def event(name: str, *, message: str = f"sandbox: {CODE}", pod: str = "web-1", namespace: str = "shop", ago: float = 1):
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": namespace, "uid": name},
        "type": "Warning",
        "reason": "FailedCreatePodSandBox",
        "message": message,
        "involvedObject": {"kind": "Pod", "namespace": namespace, "name": pod, "apiVersion": "v1"},
        "firstTimestamp": stamp(ago),
        "lastTimestamp": stamp(ago),
        "count": 1,
    }


def pod(name: str, *, phase: str = "Pending", reason: str = "ContainerCreating", ago: float = 3600, node: str = "n1"):
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": stamp(ago)},
        "spec": {"nodeName": node, "containers": [{"name": "c", "image": "i"}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(ago)}],
            "containerStatuses": [{"name": "c", "ready": False, "state": {"waiting": {"reason": reason}}}],
        },
    }


@pytest.fixture
def api() -> Iterator[KubernetesApi]:
    """A healthy cluster whose clock goes on."""
    found = scenario("terway-exhausted-recovered")
    with kubernetes_api(objects("terway-exhausted-recovered"), logs=found.logs) as running:
        yield running


@pytest.fixture
def settings(tmp_path: Path, api: KubernetesApi, receiver: WebhookReceiver) -> Callable[..., Settings]:
    def settings(**more) -> Settings:
        given = {
            "kubeconfig": api.kubeconfig(tmp_path),
            "store_url": StoreUrl(f"sqlite:///{tmp_path}/acknet.db"),
            "incident_webhook_url": receiver.url,
            "watch_namespaces": ("shop",),
            "diagnosis_timeout": 60.0,
        }
        return Settings(**(given | more))

    return settings


def watched(api: KubernetesApi, count: int = 2) -> None:
    wait(lambda: len(api.watches.open) == count, f"{len(api.watches.open)} watches are open")


def wait(enough: Callable[[], bool], said: str) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not enough():
        assert time.monotonic() < give_up_at, said
        time.sleep(0.02)


def answered(number: int = 1):
    return lambda notices: [notice["kind"] for notice in notices].count("answered") >= number


def lists(api: KubernetesApi) -> int:
    """How often all events were listed; a look lists those of one pod only."""
    return sum("namespaces/shop/events?fieldSelector=type=Warning&limit=" in target for target in api.targets)


def watches(api: KubernetesApi) -> int:
    return sum("namespaces/shop/events?watch=1" in target for target in api.targets)


class TestEvents:
    def test_an_event_of_before_and_one_of_after_are_signs_alike(self, settings, api, receiver):
        api.source.put(event("before", pod="web-1"))
        with running_watch(settings()):
            opened, *_ = receiver.wait(answered())
            assert opened["incident"]["title"].endswith("(namespace shop)")
            watched(api)
            api.watches.change("ADDED", event("after", pod="dns-1", message=OTHER))
            receiver.wait(answered(2))
        assert receiver.kinds.count("opened") == 2
        assert {place["place"] for one in receiver.notices for place in one["incident"]["places"]} >= {"shop/web-1"}

    def test_an_event_that_no_entry_knows_or_that_is_old_is_no_sign(self, settings, api, receiver):
        api.source.put(event("old", ago=3600))
        with running_watch(settings()):
            watched(api)
            api.watches.change("ADDED", event("odd", message="Back-off restarting failed container"))
            api.watches.change("ADDED", {**event("calm"), "type": "Normal"})
            api.watches.change("ADDED", event("known", pod="last"))
            receiver.wait(answered())
        (place,) = receiver.notices[-1]["incident"]["places"]
        assert place["place"] == "shop/last"

    def test_a_storm_is_one_incident_and_few_looks(self, settings, api, receiver):
        with running_watch(settings(incident_looks=2)):
            watched(api)
            for number in range(300):
                api.watches.change("ADDED", event(f"e{number}", pod=f"web-{number}"))
            receiver.wait(answered())
        assert receiver.kinds.count("opened") == 1
        assert receiver.notices[0]["incident"]["firing"] <= 20
        assert len(receiver.notices[-1]["incident"]["places"]) <= 6

    def test_further_signs_within_the_quiet_time_say_nothing(self, settings, api, receiver):
        with running_watch(settings()):
            watched(api)
            api.watches.change("ADDED", event("first"))
            receiver.wait(answered())
            for number in range(5):
                api.watches.change("MODIFIED", {**event("first"), "count": number + 2})
            api.watches.change("ADDED", event("other", message=OTHER))
            receiver.wait(answered(2))
        assert sorted(receiver.kinds) == ["answered", "answered", "opened", "opened"]

    def test_two_replicas_open_one_incident(self, settings, api, receiver):
        with running_watch(settings()), running_watch(settings()):
            watched(api, 4)
            api.watches.change("ADDED", event("first"))
            receiver.wait(answered())
            api.watches.change("ADDED", event("other", message=OTHER))
            receiver.wait(answered(2))
        assert receiver.kinds.count("opened") == 2

    def test_a_trouble_without_further_signs_is_over(self, settings, api, receiver):
        with running_watch(settings(watch_clear_minutes=0.01)):
            watched(api)
            api.watches.change("ADDED", event("first"))
            notices = receiver.wait(lambda notices: any(one["kind"] == "resolved" for one in notices))
        assert notices[-1]["incident"]["state"] == "resolved"


class TestPods:
    def test_pods_that_hang_are_a_sign_and_others_are_not(self, settings, api, receiver):
        for one in (
            pod("hangs"),
            pod("new", ago=10),
            pod("pulls", reason="ImagePullBackOff"),
            pod("runs", phase="Running"),
            pod("unscheduled", node=""),
        ):
            api.source.put(one)
        with running_watch(settings()):
            receiver.wait(answered())
        (place,) = receiver.notices[-1]["incident"]["places"]
        assert place["place"] == "shop/hangs, node n1"
        assert receiver.notices[0]["incident"]["firing"] == 1

    def test_a_pod_that_starts_in_time_is_none(self, settings, api, receiver):
        with running_watch(settings(watch_stuck_minutes=0.05)):
            watched(api)
            api.watches.change("ADDED", pod("quick", ago=0))
            api.watches.change("MODIFIED", pod("quick", ago=0, phase="Running"))
            api.watches.change("ADDED", pod("slow", ago=0))
            receiver.wait(answered())
        assert [place["place"] for place in receiver.notices[-1]["incident"]["places"]] == ["shop/slow, node n1"]


class TestTrouble:
    def test_a_watch_goes_on_where_it_ended_and_reads_nothing_twice(self, settings, api, receiver):
        with running_watch(settings()):
            watched(api)
            api.watches.bookmark()
            listed = lists(api)
            for _ in range(2):
                before = watches(api)
                api.watches.end()
                wait(lambda before=before: watches(api) > before, "it was not watched again")
            watched(api)
            api.watches.change("ADDED", event("after"))
            receiver.wait(answered())
        assert lists(api) == listed

    def test_what_happened_while_the_connection_was_broken_is_heard(self, settings, api, receiver):
        with running_watch(settings()):
            watched(api)
            api.watches.drop()
            api.watches.change("ADDED", event("meanwhile"))
            receiver.wait(answered())
        assert lists(api) == 1

    @pytest.mark.parametrize("bookmark", [False, True])
    def test_a_server_that_forgot_is_listed_anew(self, settings, api, receiver, bookmark):
        with running_watch(settings()):
            watched(api)
            api.source.put(event("unheard"))
            api.watches.forget()
            if bookmark:
                # Whoever knows how far the server is need not list anew.
                api.watches.bookmark()
                api.watches.change("ADDED", event("heard"))
            api.watches.drop()
            receiver.wait(answered())
        assert lists(api) == (1 if bookmark else 2)

    def test_an_expired_watch_that_is_refused_at_once_is_listed_anew(self, settings, api, receiver):
        with running_watch(settings()):
            watched(api)
            api.faults.append(Fault(target="events?watch=1", status=410, times=1))
            api.watches.drop()
            api.watches.change("ADDED", event("after"))
            receiver.wait(answered())
        assert lists(api) == 2

    def test_a_namespace_that_may_not_be_watched_keeps_no_other_from_it(self, settings, api, receiver):
        api.faults.append(Fault(target="/namespaces/closed/", status=403))
        with running_watch(settings(watch_namespaces=("closed", "shop"))) as watch:
            watched(api)
            api.watches.change("ADDED", event("first"))
            receiver.wait(answered())
            condition = watch.condition()
        assert condition.state == "failed"
        assert "closed is not permitted" in condition.detail

    @pytest.mark.parametrize("line", [b"{", b"[]\n", b'{"type":"ODD","object":{}}\n', b"\xff\n"])
    def test_nonsense_is_survived(self, settings, api, receiver, line):
        api.faults.append(Fault(target="events?watch=1", body=line, times=1))
        with running_watch(settings()):
            api.watches.change("ADDED", event("after"))
            receiver.wait(answered())

    def test_without_a_cluster_the_condition_says_so(self, settings, tmp_path):
        with running_watch(settings(kubeconfig=tmp_path / "nowhere")) as watch:
            wait(lambda: watch.condition().state == "failed", "it does not say so")
            assert "no way into a cluster" in watch.condition().detail


class TestPermissions:
    def test_the_roles_are_enough_and_each_verb_is_needed(self, settings, api, receiver, tmp_path):
        reader = list(yaml.safe_load_all(manifests()["roles.yaml"]))
        granted = [*reader, *watch_roles(["shop"])]
        for role, state in ((granted, "ok"), (reader, "failed")):
            with kubernetes_api(objects("terway-exhausted-recovered"), rbac=role) as strict:
                kubeconfig = strict.kubeconfig(tmp_path, name=state)
                with running_watch(settings(kubeconfig=kubeconfig)) as watch:
                    wait(lambda: watches(strict) > 0, "it was not watched")
                    wait(lambda: watch.condition().state == state, f"it is not {state}")  # noqa: B023

    def test_only_events_and_pods_of_the_namespaces_may_be_watched(self):
        (role,) = watch_roles(["shop"])
        assert role["metadata"]["namespace"] == "shop"
        assert role["rules"] == [{"apiGroups": [""], "resources": ["events", "pods"], "verbs": ["watch"]}]
