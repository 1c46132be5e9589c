"""Terway: addresses from an unexpected vSwitch, and pods that shall have addresses of a fixed block."""

from __future__ import annotations

import json
from typing import Any

from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, NO_MAC, OUTSIDE, QUOTA, Pair, Verdicts, pair

SCENARIOS = Collection()

ALLOWLIST = "terway-pod-cidr-allowlist"
ZONE = "cn-hangzhou-h"


@SCENARIOS.add
def configuration_edited() -> Scenario:
    p = pair(
        "outside-config-edited", "crm", "leads", terway="v1.15.2", here={"agent_age": "4h"}, other={"agent_age": "4h"}
    )
    c = p.cluster
    former = c.vswitch(label="former", cidr="10.40.0.0/24")
    c.vswitch()
    assert c.eni_config is not None
    c.eni_config.changed = "5h"
    c.eni(p.here, former, idle=3)
    pod = p.app.pod(p.here, age="90m")
    return Scenario(
        c,
        title="A new pod takes an idle address of an ENI from before the change",
        question="Pod vSwitch replaced five hours ago, Terway restarted. Why does a fresh crm/leads pod have "
        "10.40.0.x?",
        scope=scope_of(pod),
        expect={OUTSIDE: "confirmed", EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="The ENI that holds the pod's address is in a vSwitch missing from the node's vSwitchOptions; eni-config "
        "changed after the node was created.",
    )


@SCENARIOS.add
def reused_node() -> Scenario:
    p = pair("outside-reused-node", "crm", "deals", terway="v1.14.3", here={"age": "2h", "agent_age": "2h"})
    c = p.cluster
    c.vswitch()
    c.eni(p.here, c.vswitch(label="other-cluster", cidr="172.31.8.0/22"), idle=2)
    pod = p.app.pod(p.here, age="80m")
    return Scenario(
        c,
        title="The node brought an ENI along from another cluster",
        question="crm/deals 的 Pod 拿到了 172.31 段的地址，我们从来没配置过这个交换机",
        scope=scope_of(pod),
        expect={OUTSIDE: "confirmed", EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="The node joined two hours ago, long after the last change of eni-config, yet has an ENI in a vSwitch "
        "that is not configured.",
    )


@SCENARIOS.add
def node_configuration_explains_it() -> Scenario:
    p = pair("outside-node-config", "crm", "calls", terway="v1.14.3", here={"labels": {"terway-config": "crm-pool"}})
    c = p.cluster
    own = c.vswitch(label="crm-pool", cidr="10.77.0.0/22")
    c.vswitch()
    body = {"vswitches": {ZONE: [own.id]}}
    c.config_map("kube-system", "crm-pool", {"eni_conf": json.dumps(body, indent=2) + "\n"}, changed="70d")
    p.here.vswitch_options = [own.id]
    c.eni(p.here, own, idle=2)
    pod = p.app.pod(p.here)
    return Scenario(
        c,
        title="The node has a ConfigMap of its own, the address is right",
        question="crm/calls on .11 has 10.77.x although eni-config only lists the 10.1 vSwitch",
        scope=scope_of(pod),
        expect={OUTSIDE: "ruled_out", EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        also_ignored=[ALLOWLIST],
        why="Label terway-config=crm-pool: its ConfigMap lists that vSwitch, and the node's vSwitchOptions has it.",
    )


@SCENARIOS.add
def zone_fallback() -> Scenario:
    p = pair(
        "outside-zone-fallback",
        "crm",
        "tasks",
        terway="v1.14.3",
        first="192.168.0.211",
        second="192.168.0.212",
        here={"zone": "cn-hangzhou-k"},
    )
    c = p.cluster
    primary = c.vswitch("cn-hangzhou-k", label="primary", cidr="192.168.0.0/24")
    p.here.vswitch_options = [primary.id]
    c.eni(p.here, primary, idle=2)
    pod = p.app.pod(p.here)
    return Scenario(
        c,
        title="No vSwitch is configured for the node's zone",
        question="why does crm/tasks get an address from the node vSwitch instead of the pod vSwitch?",
        scope=scope_of(pod),
        expect={OUTSIDE: "ruled_out", QUOTA: "ruled_out", **NO_MAC},
        why="eni_conf has nothing for cn-hangzhou-k, so Terway falls back to the primary ENI's vSwitch, which is what "
        "vSwitchOptions shows.",
    )


@SCENARIOS.add
def foreign_looking_range() -> Scenario:
    p = pair("outside-secondary-cidr", "crm", "notes", terway="v1.14.3", cidr="100.64.16.0/20")
    c = p.cluster
    c.eni(p.here, c.vswitch(), idle=2)
    pod = p.app.pod(p.here)
    return Scenario(
        c,
        title="The vSwitch lies in a secondary range of the VPC and only looks foreign",
        question="crm/notes has 100.64.16.x, our VPC is 10.0.0.0/8. Where does that come from?",
        scope=scope_of(pod),
        expect={OUTSIDE: "ruled_out", QUOTA: "ruled_out", **NO_MAC},
        why="The ENI's vSwitch is the one that eni_conf and vSwitchOptions name; its range is simply 100.64.16.0/20.",
    )


@SCENARIOS.add
def pod_networking_explains_it() -> Scenario:
    p = pair("outside-pod-networking", "sec", "vault", terway="v1.14.3")
    c = p.cluster
    own = c.vswitch(label="vault", cidr="10.91.0.0/24")
    c.eni(p.here, idle=2)
    address = own.next_addresses()[0]
    pod = p.app.pod(
        p.here,
        addresses=[address],
        annotations={"k8s.aliyun.com/pod-eni": "true", "k8s.aliyun.com/pod-networking": "vault-net"},
    )
    c.resource(
        "network.alibabacloud.com/v1beta1",
        "PodNetworking",
        "vault-net",
        spec={
            "selector": {"podSelector": {"matchLabels": {"app": "vault"}}},
            "vSwitchOptions": [own.id],
            "securityGroupIDs": [c.security_group],
        },
        status={"status": "Ready", "vSwitches": [{"id": own.id, "zone": ZONE}]},
    )
    meta = pod["metadata"]
    c.resource(
        "network.alibabacloud.com/v1beta1",
        "PodENI",
        meta["name"],
        namespace="sec",
        age="6d",
        labels={"k8s.aliyun.com/node": p.here.name},
        annotations={"k8s.aliyun.com/pod-uid": meta["uid"]},
        spec={
            "allocations": [
                {
                    "eni": {
                        "id": "eni-bp1vault0000000000001",
                        "mac": "00:16:3e:aa:10:01",
                        "vSwitchID": own.id,
                        "zone": ZONE,
                        "securityGroupIDs": [c.security_group],
                    },
                    "ipv4": address,
                    "ipv4CIDR": own.cidr,
                    "interface": "eth0",
                }
            ]
        },
        status={"phase": "Bind"},
    )
    return Scenario(
        c,
        title="A PodNetworking gives the pod its own vSwitch",
        question="sec/vault is the only pod with a 10.91.0.x address. Wrong vSwitch?",
        scope=scope_of(pod),
        expect={OUTSIDE: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="The pod's PodENI is in the vSwitch that PodNetworking vault-net, which selects it, names.",
    )


@SCENARIOS.add
def legacy_by_hand() -> Scenario:
    p = pair("outside-legacy", "crm", "forms", terway="v1.10.9", ipam="legacy")
    c = p.cluster
    c.eni(p.here, c.vswitch(label="former", cidr="10.40.0.0/24"), idle=1)
    c.vswitch()
    pod = p.app.pod(p.here)
    return Scenario(
        c,
        title="Daemon IPAM: which vSwitch the address is from cannot be seen",
        question="crm/forms still has a 10.40.0.x address of the vSwitch we removed",
        scope=scope_of(pod),
        expect={OUTSIDE: ["open", "by_hand"], QUOTA: ["open", "ruled_out", "by_hand"], **NO_MAC},
        why="No ENI is reported, and the ranges of vSwitches are not in the cluster.",
    )


@SCENARIOS.add
def host_network() -> Scenario:
    p = pair("outside-host-network", "ops", "agent", terway="v1.14.3")
    c = p.cluster
    c.eni(p.here, idle=2)
    pod = p.app.pod(p.here, host_network=True)
    return Scenario(
        c,
        title="The pod shows the node's address because it uses the node's network",
        question="ops/agent has an IP of the node vSwitch instead of the pod vSwitch",
        scope=scope_of(pod),
        expect={OUTSIDE: "ruled_out", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="hostNetwork is true.",
    )


@SCENARIOS.add
def resources_forbidden() -> Scenario:
    p = pair("outside-crs-forbidden", "crm", "wiki", terway="v1.15.2")
    c = p.cluster
    c.vswitch()
    c.eni(p.here, c.vswitch(label="former", cidr="10.40.0.0/24"), idle=3)
    pod = p.app.pod(p.here)
    return Scenario(
        c,
        title="Node resources may not be read",
        question="crm/wiki has an address that is not in our vSwitch, please check",
        scope=scope_of(pod),
        expect={OUTSIDE: ["unreadable", "open"], QUOTA: ["ruled_out", "unreadable", "open"], **NO_MAC},
        forbidden=["nodes.network.alibabacloud.com"],
        why="The ENI that holds the address stands in the forbidden resource.",
    )


# Addresses of a fixed block


def pool(
    name: str,
    *,
    terway: str = "v1.14.3",
    body: Any = None,
    zone: str = ZONE,
    label: bool = True,
    config: bool = True,
    changed: str = "50d",
    agent_age: str = "20d",
    options: bool = True,
    enis: tuple[str, ...] = ("fixed",),
    taint: bool = True,
) -> tuple[Pair, Object]:
    """A pool of one node for ``fin/ledger`` whose pods shall have addresses of vSwitch ``fixed``."""
    labels = {"terway-config": "fin-pool"} if label else {}
    p = pair(f"allowlist-{name}", "fin", "rates", terway=terway, here={"labels": labels, "agent_age": agent_age})
    c = p.cluster
    fixed = c.vswitch(label="fixed", cidr="10.200.8.0/24")
    usual = c.vswitch()
    if body is None:
        body = {"vswitches": {zone: [fixed.id]}, "security_group": c.security_group}
    if config:
        text = body if isinstance(body, str) else json.dumps(body, indent=2) + "\n"
        c.config_map("kube-system", "fin-pool", {"eni_conf": text}, changed=changed, age="55d")
    p.here.vswitch_options = [fixed.id if options else usual.id]
    for one in enis:
        c.eni(p.here, c.vswitch(label=one), idle=1)
    if taint:
        p.here.taint("fin-only", "NoSchedule", "true")
    spec = {
        "nodeSelector": {"terway-config": "fin-pool"},
        "tolerations": [{"key": "fin-only", "operator": "Exists", "effect": "NoSchedule"}],
    }
    ledger = c.deployment("fin", "ledger", spec=spec)
    return p, ledger.pod(p.here)


def allowlist(
    p: Pair,
    pod: Object,
    *,
    title: str,
    question: str,
    verdict: str | list[str],
    why: str,
    outside: str | None = None,
    **more: Any,
) -> Scenario:
    expect: Verdicts = {ALLOWLIST: verdict, QUOTA: ["ruled_out", "open"], **NO_MAC}
    expect |= {OUTSIDE: outside} if outside else {}
    return Scenario(p.cluster, title=title, question=question, scope=scope_of(pod), expect=expect, why=why, **more)


@SCENARIOS.add
def allowlist_in_order() -> Scenario:
    p, pod = pool("in-order")
    return allowlist(
        p,
        pod,
        title="Label, ConfigMap, zone, ENI and placement are all in order",
        question="fin/ledger has addresses of the fixed block, still the database refuses it. Is Terway set up right?",
        verdict=["ruled_out", "by_hand", "open"],
        why="Every step holds: label, ConfigMap with the node's zone, vSwitchOptions, ENI and address in the block, "
        "nodeSelector and toleration. What is left (allowlist, SNAT, security group) is outside the cluster.",
    )


@SCENARIOS.add
def allowlist_config_map_missing() -> Scenario:
    p, pod = pool("configmap-missing", config=False, options=False, enis=("pods",))
    p.cluster.series_event(
        p.here,
        "ConfigError",
        'error get configmap kube-system/fin-pool: configmaps "fin-pool" not found',
        controller="terway-controlplane/node",
        last="4m",
    )
    return allowlist(
        p,
        pod,
        title="The label names a ConfigMap that does not exist",
        question="fin/ledger should come from 10.200.8.0/24, but has ordinary pod addresses. label is on the node",
        verdict="confirmed",
        why="terway-config=fin-pool, and kube-system has no ConfigMap fin-pool; a ConfigError event says the same.",
    )


@SCENARIOS.add
def allowlist_invalid_json() -> Scenario:
    p, pod = pool(
        "invalid-json",
        options=False,
        enis=("pods",),
        body='{\n  "vswitches": {\n    "cn-hangzhou-h": ["vsw-bp1fixed00000000000001"],  // dedicated\n  },\n}\n',
    )
    return allowlist(
        p,
        pod,
        title="The ConfigMap's eni_conf is no valid JSON",
        question="terway-config label and ConfigMap are there, ledger still gets the wrong vSwitch",
        verdict="confirmed",
        why="eni_conf has a comment and trailing commas: Terway cannot read it.",
    )


@SCENARIOS.add
def allowlist_placeholder() -> Scenario:
    p, pod = pool(
        "placeholder",
        options=False,
        enis=("pods",),
        body={"vswitches": {ZONE: ["vsw-bp1****"]}, "security_groups": ["sg-bp1****"]},
    )
    return allowlist(
        p,
        pod,
        title="Ids were copied from an example, asterisks included",
        question="I followed the doc for a fixed pod CIDR (fin-pool), nothing changed for fin/ledger",
        verdict="confirmed",
        why="vswitches and security_groups of fin-pool are placeholders with asterisks, not ids.",
    )


@SCENARIOS.add
def allowlist_zone_missing() -> Scenario:
    p, pod = pool("zone-missing", options=False, enis=("pods",), zone="cn-hangzhou-i")
    return allowlist(
        p,
        pod,
        title="The ConfigMap has no vSwitch for the node's zone",
        question="fixed CIDR for fin/ledger works nowhere. Node is labelled, ConfigMap exists, JSON is fine",
        verdict="confirmed",
        why="The node is in cn-hangzhou-h; vswitches of fin-pool has cn-hangzhou-i only.",
    )


@SCENARIOS.add
def allowlist_agent_older() -> Scenario:
    p, pod = pool("agent-older", changed="2h", agent_age="20d", options=False, enis=("pods",))
    return allowlist(
        p,
        pod,
        title="Terway on the node started before the ConfigMap was written",
        question="wrote fin-pool two hours ago for fin/ledger, pods keep their old kind of addresses",
        verdict="confirmed",
        why="The ConfigMap changed two hours ago, the node's Terway pod runs for twenty days; vSwitchOptions still has "
        "the usual vSwitch.",
    )


@SCENARIOS.add
def allowlist_old_eni() -> Scenario:
    p, pod = pool("old-eni", enis=("pods", "fixed"))
    return allowlist(
        p,
        pod,
        title="The node still has an ENI of the usual vSwitch",
        question="some ledger pods come from 10.200.8.0/24, some don't. same node!",
        verdict="confirmed",
        why="vSwitchOptions has the fixed vSwitch only, but one of two ENIs is in the usual one and serves the pod.",
        outside="confirmed",
    )


@SCENARIOS.add
def allowlist_not_placed() -> Scenario:
    p, _ = pool("not-placed")
    pod = p.cluster.deployment("fin", "quotes").pod(p.other)
    return allowlist(
        p,
        pod,
        title="The workload has no nodeSelector and runs on an ordinary node",
        question="fin/quotes must use the fixed block too. The pool works for ledger, not for quotes",
        verdict=["confirmed", "open"],
        why="The pod's node lacks the label terway-config, and its workload has no nodeSelector for it.",
    )


@SCENARIOS.add
def allowlist_no_taint() -> Scenario:
    p, pod = pool("no-taint", taint=False)
    p.cluster.deployment("batch", "crawler", [p.here])
    return allowlist(
        p,
        pod,
        title="Without a taint others use addresses of the block",
        question="the firewall team sees traffic of a crawler from our fixed ledger block, how come?",
        verdict=["confirmed", "ruled_out", "open"],
        why="The node has no taint, and batch/crawler without any selector runs on it.",
    )


@SCENARIOS.add
def allowlist_config_maps_forbidden() -> Scenario:
    p, pod = pool("configmaps-forbidden")
    return allowlist(
        p,
        pod,
        title="ConfigMaps may not be read",
        question="is the fixed pod CIDR for fin/ledger set up correctly?",
        verdict=["unreadable", "open"],
        forbidden=["configmaps"],
        also_ignored=["terway-pod-start-latency"],
        why="Whether fin-pool exists and what it says cannot be known.",
    )
