"""Alerts over a real server, store, cluster API and webhook receiver: what becomes of them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac

import pytest

from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.bot.oncall.conftest import SECRET, objects
from tests.bot.oncall.payloads import alert, alertmanager, pagerduty, resolved, sign
from tests.doubles.kubernetes_api import Fault

ENTRY = "terway-vswitch-ip-exhausted"
WHERE = {"namespace": "ml", "pod": "trainer-2swx89qmk-b2sww"}
HOOK = "/v1/alerts/alertmanager"


def post(server, *alerts, **more):
    reply = server.http.post(HOOK, json=alertmanager(*alerts, **more))
    assert reply.status_code == 202, reply.text
    return reply.json()


def count(kinds, kind):
    return lambda notices: [notice["kind"] for notice in notices].count(kind) >= kinds


def looks(api) -> int:
    """How many looks there were: each asks for the version once."""
    return sum(request.path == "/version" for request in api.requests)


def in_store(settings, steps):
    async def run():
        async with Store(settings.store_url, seconds=30) as store:
            return await steps(store)

    return asyncio.run(run())


class TestFirstDelivery:
    def test_an_alert_becomes_an_incident_that_is_answered_with_what_the_cluster_shows(self, serve, receiver, api):
        with serve() as server:
            assert post(server, alert(**WHERE)) == {"status": "accepted", "alerts": 1}
            opened, answered = receiver.wait(count(1, "answered"))
        assert [opened["kind"], answered["kind"]] == ["opened", "answered"]
        assert opened["incident"]["title"] == "KubePodNotReady"
        assert (opened["incident"]["state"], opened["incident"]["firing"]) == ("open", 1)
        assert answered["answer"]["answer"]["entry"] == ENTRY
        assert answered["answer"]["diagnosis"]["verdicts"][ENTRY] == "confirmed"
        (place,) = answered["incident"]["places"]
        assert place == {"place": f"{WHERE['namespace']}/{WHERE['pod']}", "scope": WHERE, "entry": ENTRY,
                         "confirmed": [ENTRY]}  # fmt: skip
        assert looks(api) == 1

    def test_what_is_posted_is_signed_and_told_apart(self, serve, receiver):
        with serve() as server:
            post(server, alert(**WHERE))
            receiver.wait(count(1, "answered"))
        for one in receiver.posts:
            right = hmac.new(SECRET.encode(), one.body, hashlib.sha256).hexdigest()
            assert one.headers["x-acknet-signature"] == f"v1={right}"
            assert one.headers["idempotency-key"] == one.notice["key"]

    def test_a_receiver_that_fails_gets_everything_once_it_works(self, serve, receiver):
        receiver.refuse = 1
        with serve() as server:
            post(server, alert(**WHERE))
            notices = receiver.wait(count(1, "answered"))
        assert [notice["kind"] for notice in notices] == ["opened", "answered"]
        assert len(receiver.posts) == 2

    def test_without_a_cluster_the_faq_answers_and_says_that_nothing_was_looked_into(self, serve, receiver, tmp_path):
        with serve(kubeconfig=tmp_path / "nowhere") as server:
            post(server, alert(summary=f"{ENTRY}?", **WHERE))
            *_, answered = receiver.wait(count(1, "answered"))
        assert answered["answer"]["answer"]["entry"] == ENTRY
        assert answered["answer"]["diagnosis"] is None
        assert "no cluster access is configured" in answered["text"]
        assert str(tmp_path) not in answered["text"]

    def test_a_runbook_that_names_an_entry_is_answered_with_it(self, serve, receiver):
        one = alert(namespace="default", pod="any")
        one["annotations"]["runbook_url"] = "https://acknet.example.com/entries/flannel-hairpin"
        with serve() as server:
            post(server, one)
            *_, answered = receiver.wait(count(1, "answered"))
        assert answered["answer"]["answer"]["entry"] == "flannel-hairpin"

    def test_what_a_cluster_is_set_up_to_be_is_no_cause_of_an_alert(self, serve, receiver, api):
        api.source = objects("terway-exhausted-recovered")
        with serve() as server:
            post(server, alert("KubeNodeNotReady", node="cn-hangzhou.192.168.0.11"))
            *_, answered = receiver.wait(count(1, "answered"))
        # The cluster has no IPv6 addresses, which confirms two entries about that.
        assert answered["incident"]["places"][0]["confirmed"] == []

    def test_credentials_in_an_alert_go_no_further(self, serve, receiver, settings):
        password = "hunter2hunter2"
        with serve() as server:
            post(server, alert(summary=f"login failed password={password}", **WHERE))
            receiver.wait(count(1, "answered"))
        assert all(password not in one.body.decode() for one in receiver.posts)
        assert password not in repr(in_store(settings(), lambda store: store.incidents.list()))


class TestRepeats:
    def test_a_repeat_within_the_quiet_time_says_nothing_and_looks_nowhere(self, serve, receiver, api):
        with serve() as server:
            post(server, alert(**WHERE))
            receiver.wait(count(1, "answered"))
            before = len(api.requests)
            for _ in range(3):
                post(server, alert(**WHERE))
            # Another incident: what came before it has been worked on once that is answered.
            post(server, alert(**WHERE), group="{}:{other}")
            notices = receiver.wait(count(2, "answered"))
        assert [notice["kind"] for notice in notices].count("opened") == 2
        assert not {"updated", "reopened"} & {notice["kind"] for notice in notices}
        assert len(api.requests) == before

    def test_a_repeat_after_the_quiet_time_updates_the_incident(self, serve, receiver):
        with serve(incident_quiet_minutes=0) as server:
            post(server, alert(**WHERE))
            receiver.wait(count(1, "answered"))
            post(server, alert(**WHERE), alert(container="b", **WHERE))
            *_, updated = receiver.wait(count(1, "updated"))
        assert updated["incident"]["firing"] == 2
        assert len({notice["incident"]["id"] for notice in receiver.notices}) == 1

    def test_a_storm_costs_one_look_a_place(self, serve, receiver, api):
        places = [{"namespace": "ml", "pod": f"trainer-{number}"} for number in range(4)]
        alerts = [alert(f"Alert{number}", **places[number % 4]) for number in range(40)]
        with serve() as server:
            for start in range(0, 40, 8):
                post(server, *alerts[: start + 8])
            receiver.wait(lambda notices: bool(notices) and any(len(one["incident"]["places"]) == 4 for one in notices))
            post(server, *alerts, group="{}:{other}")
            receiver.wait(count(2, "opened"))
            receiver.wait(lambda notices: sum(len(one["incident"]["places"]) == 4 for one in notices) > 1)
        assert looks(api) == 4
        assert receiver.kinds.count("opened") == 2

    def test_pods_without_number_are_looked_into_by_namespace(self, serve, receiver, api):
        alerts = [alert(namespace=f"team-{number % 2}", pod=f"p-{number}") for number in range(40)]
        with serve(incident_looks=4) as server:
            post(server, *alerts)
            receiver.wait(lambda notices: any(len(one["incident"]["places"]) == 2 for one in notices))
        assert looks(api) == 2

    def test_alerts_that_were_left_out_are_said(self, serve, receiver):
        with serve() as server:
            post(server, alert(**WHERE), truncated=7)
            opened, *_ = receiver.wait(count(1, "answered"))
        assert opened["incident"]["left_out"] == 7
        assert "1 alert firing and 7 more that alertmanager did not list" in opened["text"]


class TestResolved:
    def test_an_incident_stays_open_while_the_cluster_still_shows_it(self, serve, receiver, settings):
        alerts = [alert(**WHERE)]
        with serve() as server:
            post(server, *alerts)
            receiver.wait(count(1, "answered"))
            post(server, *resolved(alerts))
            *_, said = receiver.wait(count(1, "still_confirmed"))
        assert said["incident"]["state"] == "open"
        assert "still confirms" in said["text"]
        assert "InsufficientIP" in said["text"]

        async def left(store):
            return await store.incidents.list("open"), await store.alerts.depth()

        (incident,), depth = in_store(settings(), left)
        assert incident.fingerprints == frozenset()
        assert depth.waiting == 1, "it has to be looked at again"

    def test_an_incident_is_closed_once_the_cluster_shows_it_no_more(self, serve, receiver, api, settings):
        alerts = [alert(**WHERE)]
        with serve() as server:
            post(server, *alerts)
            receiver.wait(count(1, "answered"))
            before = api.source
            api.source = objects("terway-exhausted-recovered")
            post(server, *resolved(alerts))
            *_, said = receiver.wait(count(1, "resolved"))
            api.source = before
        assert said["incident"]["state"] == "resolved"
        assert "no longer shows" in said["text"]
        assert in_store(settings(), lambda store: store.incidents.list("open")) == ()

    def test_one_that_cannot_be_looked_at_again_is_closed_and_says_so(self, serve, receiver, api):
        alerts = [alert(**WHERE)]
        with serve(diagnosis_timeout=60.0) as server:
            post(server, *alerts)
            receiver.wait(count(1, "answered"))
            api.faults.append(Fault(target="/api", status=403))
            post(server, *resolved(alerts))
            *_, said = receiver.wait(count(1, "resolved"))
        assert "could not be looked at again" in said["text"]

    def test_part_of_the_alerts_leaves_it_open(self, serve, receiver, settings):
        alerts = [alert(**WHERE), alert("Other", **WHERE)]
        with serve() as server:
            post(server, *alerts)
            receiver.wait(count(1, "answered"))
            post(server, alerts[0], *resolved(alerts[1:]))
            post(server, alert(), group="{}:{other}")
            receiver.wait(count(2, "answered"))
        found = {one.details["title"]: one for one in in_store(settings(), lambda store: store.incidents.list("open"))}
        assert {len(one.fingerprints) for one in found.values()} == {1}

    def test_what_comes_back_within_the_quiet_time_is_the_same_incident(self, serve, receiver, api):
        alerts = [alert("Nothing", namespace="default")]
        with serve() as server:
            post(server, *alerts)
            receiver.wait(count(1, "answered"))
            for number in range(1, 3):
                post(server, *resolved(alerts))
                receiver.wait(count(number, "resolved"))
                post(server, *alerts)
                receiver.wait(count(number, "reopened"))
        assert len({notice["incident"]["id"] for notice in receiver.notices}) == 1
        assert receiver.kinds.count("opened") == 1

    def test_the_resolution_of_what_nobody_heard_of_is_nothing(self, serve, receiver, settings):
        with serve() as server:
            post(server, *resolved([alert(**WHERE)]))
            post(server, alert(**WHERE), group="{}:{other}")
            receiver.wait(count(1, "answered"))
        assert receiver.kinds == ["opened", "answered"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"version": "3"}, "#/version"),
            ({"version": None}, "#/version"),
            ({"groupKey": ""}, "#/groupKey"),
            ({"groupKey": "x" * 5000}, "#/groupKey"),
            ({"status": "odd"}, "#/status"),
            ({"alerts": []}, "#/alerts"),
            ({"alerts": [{"status": "firing", "labels": ["a"]}]}, "#/alerts/0/labels"),
            ({"truncatedAlerts": -1}, "#/truncatedAlerts"),
        ],
    )
    def test_what_is_no_webhook_of_version_4_is_refused(self, serve, change, pointer):
        with serve() as server:
            reply = server.http.post(HOOK, json={**alertmanager(alert()), **change})
        assert reply.status_code == 422
        assert reply.headers["content-type"] == "application/problem+json"
        assert pointer in {error["pointer"] for error in reply.json()["errors"]}

    def test_what_a_later_alertmanager_adds_is_no_hindrance(self, serve, receiver):
        with serve() as server:
            reply = server.http.post(
                HOOK, json={**alertmanager({**alert(**WHERE), "new": 1}), "notificationReason": "x"}
            )
            assert reply.status_code == 202
            receiver.wait(count(1, "answered"))

    @pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"version": NaN}', b"\xff"])
    def test_what_is_no_json_object_is_refused(self, serve, body):
        with serve() as server:
            reply = server.http.post(HOOK, content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code in {400, 422}

    def test_hostile_labels_neither_break_nor_steer_anything(self, serve, receiver, api):
        odd = {"namespace": "../../secrets", "pod": "a b", "node": "x" * 5000, "n\0": "\0", "many": "y" * 100_000}
        labels = {**odd, **{f"l{number}": "z" for number in range(500)}}
        with serve() as server:
            post(server, alert("<!channel> `*|&<http://x|y>`", **labels))
            receiver.wait(count(1, "answered"))
        assert not [
            request for request in api.requests if "secret" in request.target or "%2e" in request.target.lower()
        ]

    def test_a_store_that_cannot_be_used_has_the_sender_come_again(self, serve, tmp_path):
        (tmp_path / "file").write_text("in the way")
        with serve(store_url=StoreUrl(f"sqlite:///{tmp_path}/file/acknet.db")) as server:
            reply = server.http.post(HOOK, json=alertmanager(alert()))
        assert reply.status_code == 503
        assert reply.json()["type"] == "urn:acknet:problem:not-kept"
        assert int(reply.headers["retry-after"]) > 0


class TestPagerDuty:
    HOOK = "/v1/alerts/pagerduty"

    def test_a_signed_incident_is_looked_into_and_closed(self, serve, receiver, api):
        title = f"KubePodNotReady namespace={WHERE['namespace']} pod={WHERE['pod']}"
        with serve(pagerduty_secrets=("old", "new")) as server:
            body = pagerduty(title=title)
            reply = server.http.post(self.HOOK, content=body, headers=sign(body, "unknown", "new"))
            assert (reply.status_code, reply.json()["alerts"]) == (202, 1)
            *_, answered = receiver.wait(count(1, "answered"))
            assert answered["incident"]["places"][0]["scope"] == WHERE
            assert answered["incident"]["url"] == "https://acme.pagerduty.com/incidents/Q1"
            api.source = objects("terway-exhausted-recovered")
            body = pagerduty("incident.resolved", title=title, number="01F")
            assert server.http.post(self.HOOK, content=body, headers=sign(body, "old")).status_code == 202
            receiver.wait(count(1, "resolved"))
        assert receiver.kinds.count("opened") == 1

    def test_an_event_that_is_delivered_twice_counts_once(self, serve, receiver, settings):
        with serve(pagerduty_secrets=("s",), incident_quiet_minutes=0) as server:
            body = pagerduty()
            for _ in range(3):
                assert server.http.post(self.HOOK, content=body, headers=sign(body, "s")).status_code == 202
            other = pagerduty(incident="Q2", number="02")
            server.http.post(self.HOOK, content=other, headers=sign(other, "s"))
            receiver.wait(count(2, "answered"))
        assert "updated" not in receiver.kinds

    def test_labels_are_read_from_details_and_custom_fields(self, serve, receiver):
        details = {"type": "incident_body", "details": {"firing": f"Labels:\n - namespace = {WHERE['namespace']}\n"
                                                        f" - pod = {WHERE['pod']}\n"}}  # fmt: skip
        with serve(pagerduty_secrets=("s",)) as server:
            body = pagerduty(title="Something is wrong", body=details)
            server.http.post(self.HOOK, content=body, headers=sign(body, "s"))
            *_, answered = receiver.wait(count(1, "answered"))
        assert answered["incident"]["places"][0]["scope"] == WHERE

    def test_what_is_no_incident_is_ignored(self, serve):
        with serve(pagerduty_secrets=("s",)) as server:
            for event in ("pagey.ping", "incident.annotated"):
                body = pagerduty(event)
                reply = server.http.post(self.HOOK, content=body, headers=sign(body, "s"))
                assert (reply.status_code, reply.json()["status"]) == (202, "ignored")

    @pytest.mark.parametrize("headers", [{}, {"X-PagerDuty-Signature": "v1=00"}, {"X-PagerDuty-Signature": "é,v1="}])
    @pytest.mark.parametrize("secrets", [(), ("s",)])
    def test_without_a_right_signature_nothing_is_taken(self, serve, headers, secrets):
        headers = {name: value.encode() for name, value in headers.items()}
        with serve(pagerduty_secrets=secrets) as server:
            reply = server.http.post(
                self.HOOK, content=pagerduty(), headers={"Content-Type": "application/json", **headers}
            )
        assert reply.status_code == 401
        assert reply.json()["type"] == "urn:acknet:problem:bad-signature"

    def test_a_body_that_was_changed_is_refused(self, serve):
        with serve(pagerduty_secrets=("s",)) as server:
            body = pagerduty()
            reply = server.http.post(self.HOOK, content=body.replace(b"web-1", b"web-2"), headers=sign(body, "s"))
        assert reply.status_code == 401
