"""Watching passes the gate for events and pods of the configured namespaces, with an end, and for nothing else."""

from __future__ import annotations

import pytest

from bot.diagnosis.live.gate import Gate, Refused

SERVER = "https://cluster.example:6443"
RIGHT = "watch=1&allowWatchBookmarks=true&fieldSelector=type%3DWarning&resourceVersion=4711&timeoutSeconds=300"
GATE = Gate(SERVER, watched=["shop", "pay"])


@pytest.mark.parametrize(
    "target",
    [
        f"/api/v1/namespaces/shop/events?{RIGHT}",
        f"/api/v1/namespaces/pay/pods?{RIGHT}",
        "/api/v1/namespaces/shop/pods?watch=1&timeoutSeconds=600",
        "/api/v1/namespaces/shop/pods?limit=500",
    ],
)
def test_what_was_configured_may_be_watched_and_still_listed(target):
    GATE.check("GET", f"{SERVER}{target}", {})


@pytest.mark.parametrize(
    "target",
    [
        # Elsewhere, everywhere, and one object.
        f"/api/v1/namespaces/other/events?{RIGHT}",
        f"/api/v1/namespaces/shop2/events?{RIGHT}",
        f"/api/v1/namespaces/Shop/events?{RIGHT}",
        f"/api/v1/events?{RIGHT}",
        f"/api/v1/pods?{RIGHT}",
        f"/api/v1/namespaces/shop/pods/web?{RIGHT}",
        f"/api/v1/watch/namespaces/shop/pods?{RIGHT}",
        # Other kinds.
        f"/api/v1/namespaces/shop/services?{RIGHT}",
        f"/api/v1/namespaces/shop/secrets?{RIGHT}",
        f"/api/v1/namespaces/shop/configmaps?{RIGHT}",
        f"/api/v1/nodes?{RIGHT}",
        f"/apis/apps/v1/namespaces/shop/daemonsets?{RIGHT}",
        # Other words.
        f"/api/v1/namespaces/shop/events?{RIGHT}&watch=1",
        f"/api/v1/namespaces/shop/events?{RIGHT}&limit=5",
        f"/api/v1/namespaces/shop/events?{RIGHT}&sendInitialEvents=true",
        "/api/v1/namespaces/shop/events?watch=true&timeoutSeconds=300",
        "/api/v1/namespaces/shop/events?watch=0&limit=500",
        "/api/v1/namespaces/shop/events?watch&timeoutSeconds=300",
        "/api/v1/namespaces/shop/events?Watch=1&timeoutSeconds=300",
        "/api/v1/namespaces/shop/events?%77atch=1&timeoutSeconds=300",
        # Without an end.
        "/api/v1/namespaces/shop/events?watch=1",
        "/api/v1/namespaces/shop/events?watch=1&timeoutSeconds=0",
        "/api/v1/namespaces/shop/events?watch=1&timeoutSeconds=601",
        "/api/v1/namespaces/shop/events?watch=1&timeoutSeconds=-1",
    ],
)
def test_nothing_else_may_be_watched(target):
    with pytest.raises(Refused):
        GATE.check("GET", f"{SERVER}{target}", {})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "get"])
def test_watching_is_reading(method):
    with pytest.raises(Refused):
        GATE.check(method, f"{SERVER}/api/v1/namespaces/shop/events?{RIGHT}", {})


def test_without_a_namespace_configured_nothing_may_be_watched():
    with pytest.raises(Refused):
        Gate(SERVER).check("GET", f"{SERVER}/api/v1/namespaces/shop/events?{RIGHT}", {})


@pytest.mark.parametrize("name", ["", "*", "a/b", "..", "Shop", "shop?x", "x" * 64])
def test_what_is_no_name_of_a_namespace_is_not_configured(name):
    with pytest.raises(ValueError, match="namespace"):
        Gate(SERVER, watched=[name])
