"""Flannel: pods that call themselves through a Service."""

from __future__ import annotations

from tests.scenarios.building.flannel_parts import ECS, HAIRPIN, ROUTES, chain, pair, single
from tests.scenarios.building.scenario import Collection, Scenario, scope_of

SCENARIOS = Collection()

_ECS = ["by_hand", "open", "ruled_out"]


@SCENARIOS.add
def off_after_upgrade() -> Scenario:
    p = pair("hairpin-upgraded", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single()
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="A current Flannel with the configuration of an old cluster",
        question="orders/api calls itself by service name, about every second call times out",
        scope=scope_of(pod),
        expect={HAIRPIN: "confirmed", ECS: _ECS, ROUTES: "ruled_out"},
        why="delegate has no hairpinMode although Flannel is v0.15.1.23, and Service api selects the calling pod: "
        "with two replicas half of the calls come back to it.",
    )


@SCENARIOS.add
def off_and_old() -> Scenario:
    p = pair("hairpin-old-flannel", "orders", "api", server="v1.18.8-aliyun.1", flannel="v0.11.0.2-g6e46593e-aliyun")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(hairpinMode=False)
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="hairpinMode false on a Flannel from before v0.15.1.4",
        question="curl to own service from inside the pod hangs, other pods fine",
        scope=scope_of(pod) | {"service": "api"},
        expect={HAIRPIN: "confirmed", ROUTES: "ruled_out"},
        why="hairpinMode is false and the Service leads back to the pod; an upgrade alone would not switch it on.",
    )


@SCENARIOS.add
def not_restarted() -> Scenario:
    p = pair("hairpin-not-restarted", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.changed = "2h"
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="hairpinMode was switched on two hours ago, Flannel runs since weeks",
        question="hairpinMode true is set in kube-flannel-cfg, the pod still cannot reach its own service",
        scope=scope_of(pod),
        expect={HAIRPIN: "confirmed", ROUTES: "ruled_out"},
        why="Flannel's pod on the node is older than the change, so the node's CNI file is still the old one.",
    )


@SCENARIOS.add
def pod_not_recreated() -> Scenario:
    p = pair("hairpin-old-pod", "orders", "api", here={"agent_age": "4h"}, other={"agent_age": "4h"})
    assert p.cluster.flannel_config
    p.cluster.flannel_config.changed = "5h"
    pod = p.app.pod(p.here, age="9d")
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="Flannel was restarted after the change, the pod was not",
        question="set hairpinMode and restarted all flannel pods, no difference for api",
        scope=scope_of(pod),
        expect={HAIRPIN: "confirmed", ROUTES: "ruled_out"},
        why="The setting of a pod's port dates from its creation nine days ago, before the change.",
    )


@SCENARIOS.add
def pod_older_than_an_upgrade() -> Scenario:
    p = pair("hairpin-flannel-upgraded-since", "orders", "api", here={"agent_age": "3d"}, other={"agent_age": "3d"})
    pod = p.app.pod(p.here, age="30d")
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="The setting is older than the pod; only Flannel's pods are younger",
        question="does api have hairpin? flannel got upgraded this week",
        scope=scope_of(pod),
        expect={HAIRPIN: ["open", "ruled_out"], ROUTES: "ruled_out"},
        why="hairpinMode is on for two months; that Flannel restarted since then says nothing about the pod.",
    )


@SCENARIOS.add
def headless() -> Scenario:
    p = pair("hairpin-headless", "orders", "db")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single()
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "db", p.app, cluster_ips=["None"])
    return Scenario(
        p.cluster,
        title="The Service is headless",
        question="db cannot connect to itself via db.orders, flannel has no hairpinMode. is that it?",
        scope=scope_of(pod) | {"service": "db"},
        expect={HAIRPIN: "ruled_out", ROUTES: "ruled_out"},
        why="A headless Service has no cluster IP to be sent back from: its name leads to the pods' own addresses.",
    )


@SCENARIOS.add
def other_target() -> Scenario:
    p = pair("hairpin-other-target", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = chain()
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    stock = p.cluster.deployment("orders", "stock", [p.other])
    p.cluster.service("orders", "stock", stock)
    return Scenario(
        p.cluster,
        title="The Service that fails is served by other pods",
        question="api gets timeouts from http://stock, hairpin problem?",
        scope=scope_of(pod) | {"service": "stock"},
        expect={HAIRPIN: "ruled_out", ROUTES: "ruled_out"},
        why="hairpinMode is off, but Service stock does not select the calling pod.",
    )


@SCENARIOS.add
def switched_on() -> Scenario:
    p = pair("hairpin-on", "orders", "api")
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="hairpinMode is on, and everything is younger than that",
        question="api cannot call itself through its service from time to time",
        scope=scope_of(pod),
        expect={HAIRPIN: ["ruled_out", "open"], ROUTES: "ruled_out"},
        why="The setting is true, Flannel is younger than the change and the pod younger than Flannel.",
    )


@SCENARIOS.add
def services_forbidden() -> Scenario:
    p = pair("hairpin-services-forbidden", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single()
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="Services may not be read",
        question="api cannot reach its own service",
        scope=scope_of(pod),
        expect={HAIRPIN: ["unreadable", "open"], ROUTES: "ruled_out"},
        forbidden=["services", "endpointslices"],
        why="hairpinMode is off; whether a Service leads back to the pod cannot be seen.",
    )


@SCENARIOS.add
def promiscuous() -> Scenario:
    p = pair("hairpin-promisc", "orders", "api", here={"agent_age": "50m"})
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = chain(hairpinMode=True, promiscMode=True)
    p.cluster.flannel_config.changed = "1h"
    pod = p.stuck("failed to delegate add: cannot set hairpin mode and promiscuous mode at the same time")
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="hairpinMode together with promiscMode",
        question="new pods on .9 hang in ContainerCreating after we switched hairpinMode on",
        scope=scope_of(pod),
        expect={HAIRPIN: "confirmed", "flannel-ip-leak": "ruled_out", "flannel-pod-cidr-exhausted": "ruled_out"},
        why="The bridge plugin refuses both at once, and says so in the pod's event.",
    )


@SCENARIOS.add
def hand_made_backends() -> Scenario:
    p = pair("hairpin-hand-made-backends", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single()
    pod = p.app.pod(p.here)
    p.cluster.service("orders", "legacy-api", [pod])
    return Scenario(
        p.cluster,
        title="A Service without selector whose hand-made backend is the caller",
        question="api -> legacy-api times out, and legacy-api is just api under its old name",
        scope=scope_of(pod) | {"service": "legacy-api"},
        expect={HAIRPIN: "confirmed", ROUTES: "ruled_out"},
        why="The EndpointSlice of legacy-api refers to the calling pod itself, and hairpinMode is off.",
    )


@SCENARIOS.add
def on_the_node_network() -> Scenario:
    p = pair("hairpin-host-network", "orders", "api")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single()
    pod = p.app.pod(p.here, host_network=True)
    p.cluster.service("orders", "api", p.app)
    return Scenario(
        p.cluster,
        title="The caller uses the node's network",
        question="our hostNetwork api cannot reach its own service ip",
        scope=scope_of(pod),
        expect={HAIRPIN: "ruled_out", ECS: ["ruled_out", "by_hand", "open"]},
        why="hostNetwork: no bridge port of Flannel is involved.",
    )
