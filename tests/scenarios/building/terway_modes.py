"""Terway: ENI modes, datapaths, capacity and pod states, which are facts rather than faults."""

from __future__ import annotations

import json
from typing import Any

from tests.scenarios.building.messages import vswitch_short
from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import TERWAY_IGNORED, Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, NO_MAC, QUOTA, Pair, pair

SCENARIOS = Collection()

MODES = "terway-eni-modes"
MODE = "terway-identify-eni-mode"
DATAPATH = "terway-identify-datapath"
DATAPATH_V2 = "terway-datapath-v2"
BYPASS = "terway-ipvs-bypass"
CAPACITY = "terway-pod-capacity"
STATUS = "terway-pod-status"
EXCLUSIVE = "k8s.aliyun.com/exclusive-mode-eni-type"

assert {MODES, MODE, DATAPATH, DATAPATH_V2, BYPASS, CAPACITY, STATUS} <= set(TERWAY_IGNORED)


def exclusive(p: Pair, node: Any = None) -> None:
    """Turn a node into one that gives each pod an ENI of its own."""
    node = node or p.here
    node.report, node.datapath = "legacy", "veth"
    slots = node.instance.adapters - 1
    for place in ("capacity", "allocatable"):
        node.object["status"][place]["aliyun/eni"] = str(slots)


# Modes


@SCENARIOS.add
def exclusive_cluster() -> Scenario:
    p = pair(
        "mode-exclusive-cluster",
        "app",
        "api",
        terway="v1.5.6",
        ipam="legacy",
        exclusive=True,
        server="v1.22.15-aliyun.1",
    )
    return Scenario(
        p.cluster,
        title="An old cluster in exclusive ENI mode",
        question="How can I see whether this cluster is shared or exclusive ENI?",
        expect={MODE: "confirmed", MODES: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="DaemonSet terway-eni exists and terway-eniip does not.",
    )


@SCENARIOS.add
def mixed_cluster() -> Scenario:
    p = pair(
        "mode-mixed", "app", "api", terway="v1.11.0-1718bc8", ipam="legacy", here={"labels": {EXCLUSIVE: "ENIOnly"}}
    )
    exclusive(p)
    return Scenario(
        p.cluster,
        title="One node is exclusive by its label (whatever its case), the other shared; the tag has a hash",
        question="which ENI mode does node .11 run?",
        scope={"node": p.here.name},
        expect={MODE: "confirmed", MODES: "confirmed"},
        why="v1.11.0-1718bc8 is 1.11.0 for this purpose and honours the label eniOnly, compared without case.",
    )


@SCENARIOS.add
def shared_cluster() -> Scenario:
    p = pair("mode-shared", "app", "api", terway="registry.internal:5000/acs/terway:v1.14.3")
    return Scenario(
        p.cluster,
        title="A shared cluster",
        question="这个集群是共享 ENI 还是独占 ENI？",
        expect={MODE: "confirmed", MODES: "confirmed", QUOTA: ["ruled_out", "open"]},
        why="DaemonSet terway-eniip, Terway 1.14 (the port is no tag) and no node with the eniOnly label; "
        "several pods share an ENI.",
    )


@SCENARIOS.add
def label_without_effect() -> Scenario:
    p = pair(
        "mode-label-without-effect",
        "app",
        "api",
        terway="v1.10.9",
        ipam="legacy",
        here={"labels": {EXCLUSIVE: "eniOnly"}},
    )
    return Scenario(
        p.cluster,
        title="The label is older than the Terway that would know it",
        question="we labelled .11 eniOnly, is it exclusive now? terway 1.10",
        scope={"node": p.here.name},
        expect={MODE: ["open", "confirmed"], MODES: ["confirmed", "open"]},
        why="Below v1.11.0 the label has no effect: the DaemonSet terway-eniip runs the node in shared mode.",
    )


@SCENARIOS.add
def label_changed_later() -> Scenario:
    p = pair(
        "mode-label-changed",
        "app",
        "api",
        terway="v1.14.3",
        here={"labels": {EXCLUSIVE: "eniOnly"}, "agent_state": "init_failing"},
    )
    c = p.cluster
    c.eni(p.here, idle=3)
    assert p.here.agent is not None
    c.log(p.here.agent, "terway-init", 'time="{{now-4m}}" level=fatal msg="exclusive eni mode changed"\n')
    c.series_event(
        p.here,
        "ConfigError",
        "node exclusive mode changed to eniOnly, this is not allowd",
        controller="terway-controlplane/node",
        first="50m",
        last="2m",
    )
    return Scenario(
        c,
        title="The label was set on a node that already ran in shared mode",
        question="after labelling .11 eniOnly the terway pod there crashes in init",
        scope={"node": p.here.name},
        expect={MODE: "confirmed", MODES: ["confirmed", "open"], EXHAUSTED: ["ruled_out", "open"]},
        why="ConfigError and terway-init say that the mode changed on a living node, which Terway refuses.",
    )


@SCENARIOS.add
def digest_only() -> Scenario:
    image = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway@sha256:" + "5f" * 32
    p = pair("mode-digest-only", "app", "api", terway=image, ipam="legacy", here={"labels": {EXCLUSIVE: "eniOnly"}})
    return Scenario(
        p.cluster,
        title="The image has a digest and no tag",
        question="exclusive or shared on .11? image is pinned by digest",
        scope={"node": p.here.name},
        expect={MODE: ["open", "confirmed"], MODES: ["open", "confirmed"]},
        why="Whether Terway honours the label depends on its version, and a digest does not tell it.",
    )


@SCENARIOS.add
def daemon_sets_forbidden() -> Scenario:
    p = pair("mode-daemonsets-forbidden", "app", "api", terway="v1.14.3")
    return Scenario(
        p.cluster,
        title="DaemonSets may not be read",
        question="which mode are we in?",
        expect={
            MODE: ["unreadable", "open"],
            MODES: ["unreadable", "open"],
            EXHAUSTED: ["unreadable", "open", "ruled_out"],
        },
        forbidden=["daemonsets"],
        also_ignored=["terway-pod-start-latency"],
        why="Plugin and mode are told by DaemonSet names.",
    )


# Datapath


@SCENARIOS.add
def reported_datapath() -> Scenario:
    p = pair("datapath-moved-at-reboot", "app", "api", terway="v1.17.1", datapath="ipvlan", server="v1.34.0-aliyun.1")
    p.here.datapath, p.other.datapath = "datapathv2", "ipvlan"
    return Scenario(
        p.cluster,
        title="IPvlan is configured, the rebooted node runs DataPath V2",
        question="eni-config says ipvlan. Is .11 really still on IPvlan?",
        scope={"node": p.here.name},
        expect={DATAPATH: "confirmed", DATAPATH_V2: ["confirmed", "open"]},
        why="The Node resource reports datapathv2, which beats the ConfigMap; from v1.13.0 on IPvlan nodes "
        "change when they "
        "reboot.",
    )


@SCENARIOS.add
def datapath_by_log() -> Scenario:
    p = pair("datapath-by-log", "app", "api", terway="v1.11.5", ipam="legacy")
    for node in (p.here, p.other):
        assert node.agent is not None
        p.cluster.log(node.agent, "terway-init", 'time="{{now-20d}}" level=info msg="datapathv2 enabled"\n')
    return Scenario(
        p.cluster,
        title="terway-init logged that DataPath V2 is on",
        question="Is acceleration on and which kind?",
        scope={"node": p.here.name},
        expect={DATAPATH: "confirmed", DATAPATH_V2: ["confirmed", "open"]},
        why="Before v1.17.1 no field reports the datapath; the log of terway-init on the node does.",
    )


@SCENARIOS.add
def datapath_mode_veth_is_v2() -> Scenario:
    p = pair("datapath-cilium-says-veth", "app", "api", terway="v1.9.7", ipam="legacy")
    for node in (p.here, p.other):
        assert node.agent is not None
        text = "using cilium as network routing & policy\nlevel=info msg=\"  --datapath-mode='veth'\" subsys=daemon\n"
        p.cluster.log(node.agent, "policy", text)
    return Scenario(
        p.cluster,
        title="Cilium's datapath mode veth is DataPath V2",
        question="policy log says --datapath-mode=veth, so we have no acceleration although datapathv2 is configured?",
        scope={"node": p.here.name},
        expect={DATAPATH: ["confirmed", "open"], DATAPATH_V2: ["confirmed", "open"]},
        why="Cilium runs as router and its mode veth means DataPath V2; plain veth would run no accelerating Cilium.",
    )


@SCENARIOS.add
def only_configured() -> Scenario:
    p = pair("datapath-only-configured", "app", "api", terway="v1.12.2", ipam="legacy")
    return Scenario(
        p.cluster,
        title="DataPath V2 is configured; nothing on the node proves it",
        question="do we use datapath v2?",
        scope={"node": p.here.name},
        expect={DATAPATH: ["open", "confirmed"], DATAPATH_V2: ["open", "confirmed"]},
        why="eniip_virtual_type asks for it; neither a reported datapath nor a log line of the node is there.",
    )


@SCENARIOS.add
def absent_but_ebpf_provider() -> Scenario:
    p = pair("datapath-absent-ebpf", "app", "api", terway="v1.12.2", ipam="legacy", datapath=None)
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.terway_conf["network_policy_provider"] = "ebpf"
    p.cluster.eni_config.flags = {"disable_network_policy": "false"}
    return Scenario(
        p.cluster,
        title="The field is absent, but the policy provider is ebpf",
        question="there is no eniip_virtual_type in our config, so no acceleration?",
        scope={"node": p.here.name},
        expect={DATAPATH: ["open", "confirmed"], DATAPATH_V2: ["open", "confirmed"]},
        also_ignored=["terway-pod-start-latency"],
        why="With the ebpf provider and policy on, veth may be raised to DataPath V2 at run time; nothing says "
        "whether it was.",
    )


@SCENARIOS.add
def exclusive_is_not_accelerated() -> Scenario:
    p = pair(
        "datapath-exclusive-node",
        "app",
        "api",
        terway="v1.17.1",
        server="v1.34.0-aliyun.1",
        here={"labels": {EXCLUSIVE: "eniOnly"}},
    )
    exclusive(p)
    pod = p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="An exclusive node has no acceleration",
        question="does app/api on the exclusive node bypass IPVS?",
        scope=scope_of(pod),
        expect={DATAPATH: ["confirmed", "ruled_out"], BYPASS: ["ruled_out", "confirmed"], MODE: "confirmed"},
        why="The node is labelled eniOnly and reports veth: its Service traffic goes through kube-proxy.",
    )


# Bypass


@SCENARIOS.add
def bypassing_client() -> Scenario:
    p = pair("bypass-client-pod", "app", "caller", terway="v1.17.1", server="v1.34.0-aliyun.1")
    pod = p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="An ordinary pod on a DataPath V2 node",
        question="changing the IPVS scheduler did nothing for calls from app/caller, do they pass IPVS at all?",
        scope=scope_of(pod),
        expect={BYPASS: "confirmed", DATAPATH: "confirmed", DATAPATH_V2: ["confirmed", "open"]},
        why="The client's node reports datapathv2 and the pod does not use the host's network.",
    )


@SCENARIOS.add
def host_network_client() -> Scenario:
    p = pair("bypass-host-network", "app", "caller", terway="v1.17.1", server="v1.34.0-aliyun.1")
    pod = p.app.pod(p.here, host_network=True)
    return Scenario(
        p.cluster,
        title="The client uses the node's network",
        question="does my hostNetwork client app/caller bypass IPVS?",
        scope=scope_of(pod),
        expect={BYPASS: ["ruled_out", "confirmed"], DATAPATH: "confirmed"},
        why="hostNetwork traffic is handled by kube-proxy although the node runs datapathv2.",
    )


@SCENARIOS.add
def plain_veth_client() -> Scenario:
    p = pair("bypass-plain-veth", "app", "caller", terway="v1.17.2", datapath="veth", server="v1.34.0-aliyun.1")
    pod = p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="Plain veth: kube-proxy handles Services",
        question="does Service traffic of app/caller skip IPVS here?",
        scope=scope_of(pod),
        expect={BYPASS: ["ruled_out", "confirmed", "open"], DATAPATH: ["confirmed", "ruled_out", "open"]},
        why="ConfigMap and Node resource both say veth.",
    )


# Capacity


@SCENARIOS.add
def scheduler_overplaces() -> Scenario:
    p = pair("capacity-overplacement", "app", "api", terway="v1.14.3", here={"instance_type": "ecs.t6-c1m2.large"})
    p.cluster.eni(p.here, idle=1)
    return Scenario(
        p.cluster,
        title="Kubernetes allows 110 pods, Terway has four addresses",
        question="how many pods fit on .11?",
        scope={"node": p.here.name},
        expect={CAPACITY: "confirmed", EXHAUSTED: ["ruled_out", "open"], QUOTA: ["ruled_out", "open"]},
        why="(3 adapters − 1) × 2 addresses = 4 from the Node resource; allocatable.pods is 110.",
    )


@SCENARIOS.add
def capacity_from_legacy_resource() -> Scenario:
    p = pair(
        "capacity-legacy-resource",
        "app",
        "api",
        terway="v1.11.0",
        ipam="legacy",
        here={"annotations": {"k8s.aliyun.com/max-available-ip": "7"}},
    )
    return Scenario(
        p.cluster,
        title="Terway 1.11.0 wrote a wrong annotation; nodeCap is right",
        question="max-available-ip says 7 for .11, the ECS page says 30. Which one holds?",
        scope={"node": p.here.name},
        expect={CAPACITY: "confirmed", QUOTA: ["open", "ruled_out", "by_hand"]},
        why="nodeCap (4 adapters, 10 addresses each) gives 30; v1.11.0 computed the annotation wrongly.",
    )


@SCENARIOS.add
def capacity_of_exclusive_node() -> Scenario:
    p = pair(
        "capacity-exclusive",
        "app",
        "api",
        terway="v1.14.3",
        here={"labels": {EXCLUSIVE: "eniOnly"}, "instance_type": "ecs.t6-c1m1.large"},
    )
    exclusive(p)
    p.app.pod(p.here)
    message = "0/2 nodes are available: 1 Insufficient aliyun/eni, 1 node(s) didn't match Pod's node affinity/selector."
    pod = p.app.pod(None, state="unscheduled", age="9m", message=message)
    p.cluster.event(pod, "FailedScheduling", message, first="9m", last="1m", count=4, component="default-scheduler")
    return Scenario(
        p.cluster,
        title="The exclusive node has handed out its ENIs; the pod stays unscheduled",
        question="app/api Pending: Insufficient aliyun/eni. what is aliyun/eni?",
        scope=scope_of(pod),
        expect={
            CAPACITY: ["confirmed", "open"],
            STATUS: "confirmed",
            EXHAUSTED: "ruled_out",
            QUOTA: ["ruled_out", "open"],
            **NO_MAC,
        },
        why="FailedScheduling names aliyun/eni: on an exclusive node adapters − 1 pods fit. The pod has no node, so no "
        "address was asked for.",
    )


@SCENARIOS.add
def capacity_unknown() -> Scenario:
    p = pair("capacity-unknown", "app", "api", terway="v1.8.16", ipam="legacy")
    return Scenario(
        p.cluster,
        title="Old Terway: no Node resource, no annotation",
        question="max pods per node on ecs.g7.xlarge with Terway?",
        scope={"node": p.here.name},
        expect={CAPACITY: ["open", "by_hand"], QUOTA: ["open", "ruled_out", "by_hand"]},
        crds=[],
        why="Only the instance type is known; its ENI figures stand in the ECS documentation.",
    )


@SCENARIOS.add
def capacity_from_annotation() -> Scenario:
    kind = {
        "InstanceTypeID": "ecs.g7.xlarge",
        "EniQuantity": 4,
        "EniPrivateIpAddressQuantity": 10,
        "EniIpv6AddressQuantity": 10,
        "EniTotalQuantity": 4,
    }
    p = pair(
        "capacity-annotation",
        "app",
        "api",
        terway="v1.8.16",
        ipam="legacy",
        here={"annotations": {"alibabacloud.com/instance-type-info": json.dumps(kind)}},
    )
    return Scenario(
        p.cluster,
        title="The node's annotation has the figures of its instance type",
        question="pod limit of node .11?",
        scope={"node": p.here.name},
        expect={CAPACITY: ["confirmed", "open"]},
        crds=[],
        why="instance-type-info has 4 ENIs with 10 addresses: (4 − 1) × 10 = 30.",
    )


# States of pods


def state(
    p: Pair, pod: Object, *, title: str, question: str, why: str, exhausted: str | list[str] = "ruled_out"
) -> Scenario:
    expect: dict[str, str | list[str]] = {STATUS: "confirmed", EXHAUSTED: exhausted, **NO_MAC}
    return Scenario(p.cluster, title=title, question=question, scope=scope_of(pod), expect=expect, why=why)


@SCENARIOS.add
def status_not_scheduled() -> Scenario:
    p = pair("status-not-scheduled", "app", "big", terway="v1.12.2")
    message = "0/2 nodes are available: 2 node(s) had untolerated taint {team: other}."
    pod = p.app.pod(None, state="unscheduled", age="4m", message=message)
    p.cluster.event(pod, "FailedScheduling", message, first="4m", last="4m", count=1, component="default-scheduler")
    return state(
        p,
        pod,
        title="Pending without a node",
        question="what does Pending mean for app/big, does Terway hold it up?",
        why="PodScheduled is False because of taints; Terway was not asked.",
    )


@SCENARIOS.add
def status_network_setup() -> Scenario:
    p = pair("status-network-setup", "app", "web", terway="v1.16.8")
    p.fill(p.cluster.eni(p.here, insufficient="1m"), count=2)
    pod = p.stuck()
    p.cluster.no_address(pod, "allocate IP timeout")
    p.cluster.series_event(p.cluster.terway_node(p.here), "AllocIPFailed", vswitch_short(p.cluster.vswitch().id))
    return state(
        p,
        pod,
        title="Pending with a node and without an address: the network step fails",
        question="app/web shows ContainerCreating and phase Pending, which is it?",
        why="PodScheduled is True, there is no podIP and FailedCreatePodSandBox repeats.",
        exhausted="confirmed",
    )


@SCENARIOS.add
def status_not_ready() -> Scenario:
    p = pair("status-not-ready", "app", "slow", terway="v1.14.3")
    pod = p.app.pod(p.here, state="not_ready", age="12m")
    p.cluster.event(
        pod,
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 503",
        first="11m",
        last="8s",
        count=66,
        host=p.here.name,
    )
    return state(
        p,
        pod,
        title="Running and not ready: the network is in place",
        question="app/slow is Running 0/1. Network?",
        why="It has an address and fails its probe with 503.",
    )
