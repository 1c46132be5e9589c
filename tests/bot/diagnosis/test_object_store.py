"""Objects in memory answer as the API server would, and never pass off "not captured" as "not there"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.diagnosis.object_store import ObjectStore
from bot.diagnosis.reader import Unreadable
from bot.diagnosis.resources import ALLOWED, resource

PODS, NODES, EVENTS = resource("pods"), resource("nodes"), resource("events")
CR_NODES = resource("nodes.network.alibabacloud.com")


def obj(name, namespace=None, labels=None, **rest):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {}) | ({"labels": labels} if labels else {})
    return {"metadata": metadata, **rest}


@pytest.fixture
def store():
    store = ObjectStore("the snapshot")
    for pod in (
        obj("b", "shop", {"app": "web", "tier": "front"}, spec={"nodeName": "n1"}, status={"phase": "Running"}),
        obj("a", "shop", {"app": "web"}, spec={"nodeName": "n2"}, status={"phase": "Pending"}),
        obj("a", "batch", {"app": "job"}, spec={}, status={"phase": "Pending"}),
    ):
        store.add(PODS, pod)
    store.add(NODES, obj("n1"))
    store.add(
        EVENTS,
        obj("e1", "shop", involvedObject={"kind": "Pod", "name": "a", "uid": "1"}, reason="Failed", type="Warning"),
    )
    return store


def names(listing):
    return [(item["metadata"].get("namespace"), item["metadata"]["name"]) for item in listing.items]


def unreadable(call, *args, **kwargs):
    with pytest.raises(Unreadable) as caught:
        call(*args, **kwargs)
    return caught.value


def test_lists_come_in_order_of_namespace_and_name(store):
    listing = store.list(PODS, limit=10)
    assert names(listing) == [("batch", "a"), ("shop", "a"), ("shop", "b")]
    assert listing.complete


def test_a_namespace_narrows_a_list(store):
    assert names(store.list(PODS, namespace="shop", limit=10)) == [("shop", "a"), ("shop", "b")]
    empty = store.list(PODS, namespace="nowhere", limit=10)
    assert (empty.items, empty.complete) == ([], True)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"app": "web"}, ["a", "b"]),
        ({"app": "web", "tier": "front"}, ["b"]),
        ({"app": "none"}, []),
        ({"missing": ""}, []),
        ({}, ["a", "b"]),
    ],
)
def test_all_labels_have_to_match(store, labels, expected):
    assert [name for _, name in names(store.list(PODS, namespace="shop", labels=labels, limit=10))] == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"spec.nodeName": "n1"}, [("shop", "b")]),
        ({"status.phase": "Pending"}, [("batch", "a"), ("shop", "a")]),
        ({"spec.nodeName": "", "status.phase": "Pending"}, [("batch", "a")]),
        ({"metadata.name": "a", "metadata.namespace": "batch"}, [("batch", "a")]),
    ],
)
def test_fields_select_as_the_server_does_where_a_missing_one_is_empty(store, fields, expected):
    assert names(store.list(PODS, fields=fields, limit=10)) == expected


def test_events_are_selected_by_their_object(store):
    fields = {"involvedObject.kind": "Pod", "involvedObject.name": "a", "reason": "Failed", "type": "Warning"}
    assert len(store.list(EVENTS, namespace="shop", fields=fields, limit=10).items) == 1
    assert not store.list(EVENTS, namespace="shop", fields={"involvedObject.uid": "2"}, limit=10).items


@pytest.mark.parametrize(
    ("of_kind", "field"),
    [(PODS, "spec.image"), (PODS, "reason"), (NODES, "spec.nodeName"), (EVENTS, "involvedObject.color"), (NODES, "")],
)
def test_a_field_that_the_server_would_refuse_is_an_error(store, of_kind, field):
    with pytest.raises(ValueError, match="cannot be selected"):
        store.list(of_kind, fields={field: "x"}, limit=10)


def test_a_list_cut_by_its_limit_says_so_and_one_that_just_fits_does_not(store):
    assert not store.list(PODS, limit=2).complete
    assert len(store.list(PODS, limit=2).items) == 2
    assert store.list(PODS, limit=3).complete


def test_an_object_is_found_by_name_and_namespace_only(store):
    assert store.get(PODS, "b", "shop")["spec"]["nodeName"] == "n1"
    assert store.get(PODS, "b", "batch") is None
    assert store.get(NODES, "n1") is not None


def test_a_later_object_of_the_name_takes_the_place_of_an_earlier(store):
    store.list(PODS, limit=1)
    store.add(PODS, obj("b", "shop", status={"phase": "Failed"}))
    assert store.get(PODS, "b", "shop")["status"]["phase"] == "Failed"
    assert [item["status"]["phase"] for item in store.list(PODS, namespace="shop", limit=9).items] == [
        "Pending",
        "Failed",
    ]


def test_a_kind_without_any_object_is_not_captured_rather_than_absent(store):
    for error in (
        unreadable(store.get, CR_NODES, "n1"),
        unreadable(store.list, CR_NODES, limit=5),
        unreadable(store.list, resource("services"), namespace="shop", limit=5),
    ):
        assert error.reason == "not_captured"
        assert "the snapshot" in error.detail
    assert not store.holds(CR_NODES)


def test_core_nodes_and_the_custom_resource_of_that_name_are_two_kinds(store):
    store.add(CR_NODES, obj("n1", spec={"eni": {}}))
    assert "spec" not in store.get(NODES, "n1")
    assert store.get(CR_NODES, "n1")["spec"] == {"eni": {}}


def test_a_kind_held_without_objects_is_known_to_be_absent(store):
    store.hold(CR_NODES)
    assert store.get(CR_NODES, "n1") is None
    assert store.list(CR_NODES, limit=5).complete


def test_a_kind_held_for_one_namespace_is_unknown_elsewhere(store):
    store.hold(resource("services"), "shop")
    assert store.get(resource("services"), "web", "shop") is None
    assert unreadable(store.get, resource("services"), "web", "batch").reason == "not_captured"
    assert unreadable(store.list, resource("services"), namespace="batch", limit=5).reason == "not_captured"
    assert not store.list(resource("services"), limit=5).complete
    store.hold(resource("services"))
    store.hold(resource("services"), "shop")
    assert store.get(resource("services"), "web", "batch") is None


@pytest.mark.parametrize("of_kind", [PODS, None])
def test_a_kind_held_in_part_shows_what_it_has_and_denies_nothing(store, of_kind):
    store.hold_in_part(of_kind)
    assert store.get(PODS, "b", "shop") is not None
    assert unreadable(store.get, PODS, "c", "shop").reason == "not_captured"
    assert not store.list(PODS, namespace="shop", limit=10).complete


@pytest.mark.parametrize("reason", ["forbidden", "not_served"])
def test_a_refused_kind_stays_unreadable_for_its_reason(store, reason):
    store.refuse("pods", reason, "then")
    assert unreadable(store.get, PODS, "b", "shop").reason == reason
    assert unreadable(store.list, PODS, limit=3).detail == "then"
    assert not store.holds(PODS)


def test_refused_logs_are_unreadable(store):
    store.check_logs("log of a")
    store.refuse("pods/log", "forbidden")
    assert unreadable(store.check_logs, "log of a").reason == "forbidden"


def test_an_object_of_unknown_namespace_counts_for_all_after_those_that_are_known(store):
    store.add(PODS, obj("c", status={"phase": "Pending"}))
    store.add(PODS, obj("a", status={"phase": "Unknown"}))
    assert store.get(PODS, "c", "shop")["status"]["phase"] == "Pending"
    assert store.get(PODS, "a", "shop")["status"]["phase"] == "Pending"
    assert (None, "c") in names(store.list(PODS, namespace="batch", limit=10))


def test_a_scope_that_the_kind_does_not_have_is_an_error(store):
    with pytest.raises(ValueError, match="are in a namespace"):
        store.get(PODS, "b")
    with pytest.raises(ValueError, match="have no namespace"):
        store.get(NODES, "n1", "shop")
    with pytest.raises(ValueError, match="have no namespace"):
        store.list(NODES, namespace="shop", limit=3)


def test_a_list_without_room_is_an_error(store):
    with pytest.raises(ValueError, match="at least one"):
        store.list(PODS, limit=0)


@given(
    odd=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    )
)
def test_oddly_shaped_objects_never_break_a_list(odd):
    store = ObjectStore("the snapshot")
    for of_kind in ALLOWED:
        store.add(of_kind, {"metadata": {"name": "x", "namespace": odd, "labels": odd}, "spec": odd, "status": odd})
        store.list(of_kind, labels={"a": "b"}, limit=1)
    store.list(PODS, fields={"spec.nodeName": "n", "status.phase": "Running"}, limit=1)
