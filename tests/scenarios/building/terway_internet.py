"""Terway: pods without access to the internet after a vSwitch was added."""

from __future__ import annotations

from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, NO_MAC, OUTSIDE, QUOTA, Pair, pair

SCENARIOS = Collection()

INTERNET = "terway-vswitch-no-internet"


def two_vswitches(name: str, **more: str) -> Pair:
    """``here`` has an ENI in the vSwitch added yesterday, ``other`` in the former; both are configured."""
    settings = {"terway": "v1.14.3"} | more
    p = pair(f"internet-{name}", "ext", "fetch", here={"agent_age": "20h"}, other={"agent_age": "20h"}, **settings)
    c = p.cluster
    added = c.vswitch(label="added", cidr="10.60.0.0/22")
    assert c.eni_config is not None
    c.eni_config.eni_conf["vswitches"]["cn-hangzhou-h"].append(added.id)
    c.eni_config.changed = "22h"
    c.eni(p.here, added, idle=2)
    return p


@SCENARIOS.add
def in_the_new_vswitch() -> Scenario:
    p = two_vswitches("new-vswitch")
    pod = p.app.pod(p.here, age="19h")
    return Scenario(
        p.cluster,
        title="The pod sits in the vSwitch that was added yesterday",
        question="since we added a vSwitch, ext/fetch on .11 can't reach the internet, on .12 it can",
        scope=scope_of(pod),
        expect={
            INTERNET: ["by_hand", "open"],
            OUTSIDE: "ruled_out",
            EXHAUSTED: ["ruled_out", "open"],
            QUOTA: "ruled_out",
            **NO_MAC,
        },
        why="Its ENI is in the added vSwitch, which fits a missing SNAT rule; SNAT and routes are outside the cluster.",
    )


@SCENARIOS.add
def in_the_old_vswitch() -> Scenario:
    p = two_vswitches("old-vswitch")
    pod = p.app.pods[0]
    return Scenario(
        p.cluster,
        title="The failing pod is in the former vSwitch",
        question="ext/fetch on .12 has no internet since yesterday. We added a vSwitch, SNAT forgotten?",
        scope=scope_of(pod),
        expect={INTERNET: ["ruled_out", "by_hand", "open"], OUTSIDE: "ruled_out", **NO_MAC},
        why="The pod's ENI is in the vSwitch that has been there all the time, so the new one's SNAT is not "
        "what it lacks.",
    )


@SCENARIOS.add
def host_network() -> Scenario:
    p = two_vswitches("host-network")
    pod = p.app.pod(p.here, host_network=True)
    return Scenario(
        p.cluster,
        title="The pod uses the node's vSwitch",
        question="hostNetwork pod of ext/fetch without internet since the new vSwitch",
        scope=scope_of(pod),
        expect={INTERNET: ["ruled_out", "by_hand", "open"], OUTSIDE: "ruled_out", **NO_MAC},
        why="hostNetwork: the pod vSwitches play no part.",
    )


@SCENARIOS.add
def egress_policy() -> Scenario:
    p = two_vswitches("egress-policy")
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.flags = {"disable_network_policy": "false"}
    pod = p.app.pod(p.here, age="19h")
    p.cluster.network_policy(
        "ext",
        "inside-only",
        {
            "podSelector": {"matchLabels": {"app": "fetch"}},
            "policyTypes": ["Egress"],
            "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        },
        age="18h",
    )
    return Scenario(
        p.cluster,
        title="An egress policy lets the pod reach 10.0.0.0/8 only",
        question="ext/fetch can't reach the internet, everything inside works",
        scope=scope_of(pod),
        expect={INTERNET: ["confirmed", "open", "by_hand"], OUTSIDE: "ruled_out", **NO_MAC},
        also_ignored=["terway-pod-start-latency"],
        why="NetworkPolicy inside-only selects the pod and allows egress to 10.0.0.0/8; enforcement is on. That "
        "explains it "
        "before any SNAT rule does.",
    )


@SCENARIOS.add
def names_only() -> Scenario:
    p = two_vswitches("dns-down")
    for pod in p.cluster.coredns_pods():
        pod["status"]["conditions"][1]["status"] = "False"
        pod["status"]["containerStatuses"][0]["ready"] = False
    pod = p.app.pod(p.here, age="19h")
    return Scenario(
        p.cluster,
        title="CoreDNS is not ready",
        question="curl https://example.com from ext/fetch: could not resolve host. No internet?",
        scope=scope_of(pod),
        expect={INTERNET: ["confirmed", "open", "by_hand"], OUTSIDE: "ruled_out", **NO_MAC},
        also_ignored=["ipvs-udp-timeout"],
        why="Both CoreDNS pods are not ready, so names fail whatever SNAT does.",
    )


@SCENARIOS.add
def legacy() -> Scenario:
    p = two_vswitches("legacy", terway="v1.8.16", ipam="legacy")
    pod = p.app.pod(p.here, age="19h")
    return Scenario(
        p.cluster,
        title="Daemon IPAM: which vSwitch the pod is in cannot be seen",
        question="新增交换机后 ext/fetch 访问不了公网",
        scope=scope_of(pod),
        expect={INTERNET: ["by_hand", "open"], OUTSIDE: ["open", "by_hand"], **NO_MAC},
        crds=[],
        why="Neither the ENI's vSwitch nor SNAT is visible.",
    )
