"""Terway: the vSwitch has no free addresses."""

from __future__ import annotations

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.messages import alloc_ip, openapi, vswitch_short
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, MAC, NO_MAC, QUOTA, TIMEOUT, UNKNOWN_QUOTA, pair

SCENARIOS = Collection()

AGENT_LOG = 'time="{{{{now-{0}}}}}" level=error msg="{1}"\n'


@SCENARIOS.add
def old_error_in_node_event() -> Scenario:
    p = pair(
        "exhausted-old-format",
        "shop",
        "cart",
        terway="v1.2.4",
        server="v1.20.11-aliyun.1",
        ipam="legacy",
        datapath="IPVlan",
        runtime="docker://19.3.15",
        kernel="4.19.91-26.al7.x86_64",
    )
    c, pod = p.cluster, p.stuck(age="9m")
    c.eni(p.here)
    text = vswitch_short(c.vswitch().id, old=True)
    c.event(p.here, "AllocResourceFailed", text, first="9m", last="1m", count=11, component="terway-daemon")
    c.no_address(pod, "error get ip from pool", first="8m", last="50s", count=6)
    return Scenario(
        c,
        title="Old Terway: the code stands in an AllocResourceFailed event of the node, in the SDK's old wording",
        question="cart pod hangs in ContainerCreating on .11 since about ten minutes, docker cluster 1.20, what is it?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="A fresh AllocResourceFailed event of the node carries InvalidVSwitchId.IpNotEnough for the vSwitch that "
        "eni_conf lists for the node's zone. Without Terway's Node resource the ENIs cannot be counted.",
    )


@SCENARIOS.add
def legacy_node_event() -> Scenario:
    p = pair("exhausted-legacy-node-event", "pay", "gateway", terway="v1.8.16", ipam="legacy", datapath="ipvlan")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    short = vswitch_short(c.vswitch().id)
    c.event(p.here, "AllocIPFailed", short, first="7m", last="40s", count=8, component="terway-daemon")
    c.no_address(pod, "context deadline exceeded")
    p.here.condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", "6m", "1m")
    return Scenario(
        c,
        title="Daemon IPAM: the pod only reports a deadline, the node's event has the code",
        question="pay/gateway: new replica stays in ContainerCreating, event says deadline exceeded. Network or not?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="The node's AllocIPFailed event names the node's vSwitch with InvalidVSwitchId.IpNotEnough, and the "
        "condition SufficientIP is False.",
    )


@SCENARIOS.add
def legacy_log_only() -> Scenario:
    p = pair("exhausted-log-only", "media", "encoder", terway="v1.5.6", ipam="legacy", datapath="IPVlan")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, "context deadline exceeded")
    short = vswitch_short(c.vswitch().id).replace('"', '\\"')
    assert p.here.agent is not None
    c.log(
        p.here.agent,
        "terway",
        'time="{{now-50m}}" level=info msg="alloc ip for batch/import-4 took 1.2s"\n'
        + "".join(AGENT_LOG.format(age, f"error assign private ip: {short}") for age in ("6m", "4m", "90s")),
    )
    return Scenario(
        c,
        title="Only the log of the node's Terway names the code",
        question="Why does media/encoder not get past ContainerCreating? kubectl describe only shows DeadlineExceeded.",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="The terway container on the pod's node logged InvalidVSwitchId.IpNotEnough for the node's vSwitch within "
        "the last minutes; no event has it.",
    )


@SCENARIOS.add
def log_forbidden() -> Scenario:
    p = pair("exhausted-log-forbidden", "media", "encoder", terway="v1.5.6", ipam="legacy", datapath="IPVlan")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, "context deadline exceeded")
    short = vswitch_short(c.vswitch().id).replace('"', '\\"')
    assert p.here.agent is not None
    c.log(p.here.agent, "terway", AGENT_LOG.format("90s", f"error assign private ip: {short}"))
    return Scenario(
        c,
        title="The deciding line is in a log that may not be read",
        question="media/encoder hangs with DeadlineExceeded. Is the vSwitch empty?",
        scope=scope_of(pod),
        expect={
            EXHAUSTED: ["unreadable", "open"],
            QUOTA: ["open", "unreadable", "by_hand"],
            MAC: ["ruled_out", "open", "unreadable"],
        },
        forbidden=["pods/log"],
        why="Events carry no code, there is no Terway Node resource, and pods/log is forbidden: nothing decides.",
    )


@SCENARIOS.add
def crd_condition_only() -> Scenario:
    p = pair("exhausted-crd-condition", "ml", "trainer", terway="v1.14.3")
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="90s"), count=4)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    p.here.condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", "6m", "1m")
    return Scenario(
        c,
        title="Centralised IPAM: only the ENI's condition InsufficientIP tells",
        question="ml/trainer can't start, allocate IP timeout. The node has 4 ENIs, can't be a limit, right?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", "terway-vswitch-no-internet": "ruled_out", **NO_MAC},
        why="The node's one ENI carries InsufficientIP observed 90 s ago for a configured vSwitch, it has no "
        "idle address, and two of three slots are free.",
    )


@SCENARIOS.add
def crd_create_eni_series_event() -> Scenario:
    p = pair("exhausted-crd-series-event", "risk", "scorer", terway="v1.16.8")
    c = p.cluster
    p.fill(c.eni(p.here), count=3)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    short = vswitch_short(c.vswitch().id)
    text = f"Failed to create ENI type=Secondary vsw={c.vswitch().id}: {short}"
    c.series_event(c.terway_node(p.here), "CreateENIFailed", text, first="6m", last="40s", count=7)
    return Scenario(
        c,
        title="The error is an event of Terway's Node resource, from the newer recorder",
        question="风控的 scorer 起不来，一直 ContainerCreating，是不是交换机 IP 不够了？",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", **NO_MAC},
        why="CreateENIFailed on the network.alibabacloud.com Node (eventTime and series, lastTimestamp null) says that "
        "the vSwitch of its vSwitchOptions is out of addresses; one of three slots is used.",
    )


@SCENARIOS.add
def crd_old_recorder_on_custom_resource() -> Scenario:
    p = pair("exhausted-crd-old-recorder", "risk", "rules", terway="v1.16.1", server="v1.32.1-aliyun.1")
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="4m"), count=3)
    pod = p.stuck(age="20m")
    c.no_address(pod, TIMEOUT, first="19m", count=14)
    short = openapi(
        "InvalidVSwitchID.IPNotEnough", f'The specified VSwitch "{c.vswitch().id}" has not enough IpAddress.'
    )
    c.event(
        c.terway_node(p.here),
        "AllocIPFailed",
        f"error assign private IP: {short}",
        first="19m",
        last="80s",
        count=21,
        component="terway-controlplane",
    )
    return Scenario(
        c,
        title="The code in its other spelling, on Terway's Node resource, from the older recorder",
        question="risk/rules-… waits for an IP since 20 minutes, can you check the vswitch?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", **NO_MAC},
        why="AllocIPFailed of the network.alibabacloud.com Node, last seen 80 s ago, has the code (InvalidVSwitchID "
        "with a capital D) for the node's vSwitch; the ENI's condition agrees.",
    )


@SCENARIOS.add
def private_ip_quota() -> Scenario:
    p = pair("exhausted-private-ip-quota", "iot", "ingest", terway="v1.12.2", ipam="legacy")
    c = p.cluster
    c.eni(p.here)
    pod = p.stuck()
    c.no_address(pod, "context deadline exceeded")
    text = openapi("QuotaExceeded.PrivateIpAddress", "The private IP address quota is exceeded.", c.vswitch().id)
    c.event(
        p.here,
        "AllocIPFailed",
        f'error assign private IP in vsw "{c.vswitch().id}": {text}',
        first="6m",
        last="1m",
        count=5,
        component="terway-daemon",
    )
    return Scenario(
        c,
        title="QuotaExceeded.PrivateIpAddress, which Terway treats like an empty vSwitch",
        question="iot/ingest doesn't start, there's something with QuotaExceeded.PrivateIpAddress in the events",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["confirmed", "open"], QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="A fresh event has QuotaExceeded.PrivateIpAddress for the node's vSwitch: grouped with exhaustion by "
        "Terway, though it may be a quota; it is not the limit of ENIs.",
    )


@SCENARIOS.add
def control_plane_finds_no_vswitch() -> Scenario:
    p = pair("exhausted-no-available-vswitch", "edge", "relay", terway="v1.17.1", server="v1.34.0-aliyun.1")
    c = p.cluster
    pod = p.stuck()
    used = c.vswitch()
    p.fill(c.eni(p.here, insufficient="3m"), count=2)
    text = f"Pod create error: no available vSwitch for zone {used.zone}, vswList [{used.id}]"
    c.series_event(pod, "PodCreateFailed", text, controller="terway-controlplane/pod", last="35s")
    c.sandbox_failure(pod, alloc_ip("error wait pod eni info, timed out waiting for the condition"))
    return Scenario(
        c,
        title="The control plane finds no vSwitch with addresses in the zone",
        question="edge/relay stuck: PodCreateFailed no available vSwitch for zone. But the vSwitch is configured!",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", **NO_MAC},
        why="The pod's event lists the only vSwitch of the node's zone as unavailable, and the ENI carries "
        "InsufficientIP for it; two slots are free.",
    )


@SCENARIOS.add
def old_event_name_of_control_plane() -> Scenario:
    p = pair("exhausted-cni-pod-create-error", "edge", "relay", terway="v1.8.10", ipam="legacy")
    c = p.cluster
    pod = p.stuck()
    c.eni(p.here)
    text = f"PodCreateError: can not found available vSwitch for zone {p.here.zone}, vswList [{c.vswitch().id}]"
    c.event(pod, "CniPodCreateError", text, first="6m", last="1m", count=6, component="terway-controlplane/pod")
    return Scenario(
        c,
        title="The same from an older control plane: CniPodCreateError",
        question="edge/relay: CniPodCreateError, can not found available vSwitch. what do I do",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["confirmed", "open"], QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="Before v1.17 the event is called CniPodCreateError; it says that the zone's vSwitch has nothing left.",
    )


@SCENARIOS.add
def detail_in_pod_event_but_no_resource() -> Scenario:
    p = pair("exhausted-detail-without-crs", "ride", "match", terway="v1.17.2")
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="2m"), count=2)
    pod = p.stuck()
    eni = p.here.enis[0].id
    c.no_address(pod, f"{TIMEOUT}: {eni} InsufficientIP: {c.vswitch().id} ip is not enough")
    return Scenario(
        c,
        title="Node resources may not be read, but the pod's event names the vSwitch",
        question="ride/match allocate IP timeout, InsufficientIP. Which vSwitch do I have to extend?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: ["unreadable", "open"], **NO_MAC},
        forbidden=["nodes.network.alibabacloud.com"],
        why="From v1.17.1 on the pod's event says which vSwitch is short, and eni_conf lists that id under the node's "
        "zone. ENIs and slots stand in the forbidden resource only.",
    )


@SCENARIOS.add
def combined_event() -> Scenario:
    p = pair("exhausted-combined-events", "search", "indexer", terway="v1.13.8", ipam="legacy")
    c, pod = p.cluster, p.stuck(age="50m")
    c.eni(p.here)
    text = alloc_ip(vswitch_short(c.vswitch().id))
    c.event(
        pod,
        "AllocIPFailed",
        f"(combined from similar events): {text}",
        first="49m",
        last="30s",
        count=77,
        component="terway-daemon",
    )
    return Scenario(
        c,
        title="The event was combined from similar ones and is nearly an hour old, but still repeats",
        question="search/indexer has been creating for 50 minutes. Terway?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="First seen 49 minutes ago, last seen 30 s ago: fresh. The prefix of combined events changes nothing.",
    )


@SCENARIOS.add
def code_cut_off() -> Scenario:
    p = pair("exhausted-code-cut-off", "search", "ranker", terway="v1.13.8", ipam="legacy")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    noise = "; ".join(f"retry {number}: failed to call OpenAPI" for number in range(40))
    c.no_address(pod, f"error alloc ip after several attempts: {noise}"[:700])
    return Scenario(
        c,
        title="The message is cut before the code, nothing else tells",
        question="search/ranker can't get an address. vSwitch or ENI limit?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["open", "by_hand"], QUOTA: ["open", "by_hand"], **NO_MAC},
        why="The cause was lost where events are cut; daemon IPAM reports nothing else, SufficientIP is no proof.",
    )


@SCENARIOS.add
def sufficient_ip_true() -> Scenario:
    p = pair("exhausted-sufficient-ip-true", "erp", "invoice", terway="v1.10.9", ipam="legacy")
    c, pod = p.cluster, p.stuck(age="14m")
    c.eni(p.here)
    c.no_address(pod, vswitch_short(c.vswitch().id), first="13m", last="1m", count=9)
    message = "node has sufficient IP or pass the exhaustive period: 10m0s"
    p.here.condition("SufficientIP", "True", "SufficientIP", message, "2m", "1m")
    return Scenario(
        c,
        title="SufficientIP says True although the vSwitch is empty",
        question="the node has SufficientIP=True, so why IpNotEnough for erp/invoice?",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="The pod's own events have the code, last seen a minute ago; the condition returns to True after ten "
        "minutes without proof.",
    )


@SCENARIOS.add
def weaker_signs() -> Scenario:
    p = pair("exhausted-weak-signs", "crm", "sync", terway="v1.13.8")
    c = p.cluster
    p.fill(c.eni(p.here), count=5)
    pod = p.stuck(age="95m")
    p.here.condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", "90m", "1m")
    c.events.clear()
    return Scenario(
        c,
        title="Events are gone; the condition is False, no address is idle, slots are free",
        question="crm/sync has been in ContainerCreating since this morning, events are empty. Ideas?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["confirmed", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="SufficientIP False, no idle address and two free ENI slots together make a short vSwitch likely; no text "
        "says so any more.",
    )


@SCENARIOS.add
def new_vswitch_in_the_wrong_zone() -> Scenario:
    p = pair(
        "exhausted-new-vswitch-wrong-zone",
        "live",
        "chat",
        terway="v1.16.8",
        here={"agent_age": "35m"},
        other={"agent_age": "35m"},
    )
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="2m"), count=4)
    new = c.vswitch("cn-hangzhou-i", label="added")
    assert c.eni_config is not None
    c.eni_config.eni_conf["vswitches"]["cn-hangzhou-i"] = [new.id]
    c.eni_config.changed = "40m"
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    short = vswitch_short(c.vswitch().id)
    c.series_event(c.terway_node(p.here), "AllocIPFailed", f"error assign private IP: {short}")
    return Scenario(
        c,
        title="A vSwitch was added under another zone, the node's own stays empty",
        question="Added a fresh vSwitch to eni-config 40 min ago and restarted terway, live/chat still gets no address",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", **NO_MAC},
        why="The node is in cn-hangzhou-h, the new id stands under cn-hangzhou-i, so vSwitchOptions has the short "
        "one only; two of three slots are free.",
    )


@SCENARIOS.add
def node_config_overrides() -> Scenario:
    p = pair(
        "exhausted-node-config-overrides",
        "live",
        "gift",
        terway="v1.16.8",
        here={"labels": {"terway-config": "pool-b"}, "agent_age": "50m"},
        other={"agent_age": "50m"},
    )
    c = p.cluster
    assert c.eni_config is not None
    own, new = c.vswitch(label="pool-b"), c.vswitch(label="added")
    p.here.vswitch_options = [own.id]
    p.fill(c.eni(p.here, own, insufficient="100s"), count=3)
    c.vswitch()
    c.eni_config.eni_conf["vswitches"]["cn-hangzhou-h"].append(new.id)
    c.eni_config.changed = "1h"
    body = f'{{"vswitches": {{"cn-hangzhou-h": ["{own.id}"]}}}}\n'
    c.config_map("kube-system", "pool-b", {"eni_conf": body}, changed="30d")
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.series_event(c.terway_node(p.here), "AllocIPFailed", vswitch_short(own.id))
    return Scenario(
        c,
        title="eni-config was extended, but the node follows a ConfigMap of its own",
        question="vSwitch added to eni-config an hour ago. live/gift on .11 still says not enough IPs, others are fine",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: "ruled_out", **NO_MAC},
        also_ignored=["terway-pod-cidr-allowlist"],
        why="Label terway-config=pool-b: that list replaces the zone's, and its one vSwitch is the one that is short.",
    )


@SCENARIOS.add
def control_plane_log() -> Scenario:
    p = pair("exhausted-control-plane-log", "core", "match", terway="v1.14.3", dedicated=True)
    c = p.cluster
    master = c.node("192.168.0.5", master=True, zone="cn-hangzhou-i")
    p.fill(c.eni(p.here), count=3)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    image = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway-controlplane:v1.14.3"
    labels = {"k8s-app": "terway-controlplane"}
    app = c.deployment(
        "kube-system", "terway-controlplane", labels=labels, image=image, container="terway-controlplane"
    )
    plane = app.pod(master, host_network=True)
    short = vswitch_short(c.vswitch().id).replace('"', '\\"')
    c.log(plane, "terway-controlplane", AGENT_LOG.format("1m", f"node {p.here.name}: error assign private IP: {short}"))
    return Scenario(
        c,
        title="A dedicated cluster: the code is in the control plane's log",
        question="core/match gets no address, nothing in the events. dedicated cluster, so we see the control plane",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["confirmed", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="The Node resource has no condition yet, but terway-controlplane logged the code for this node's vSwitch a "
        "minute ago; two of three slots are free.",
    )


@SCENARIOS.add
def old_daemon_set_name() -> Scenario:
    c = Cluster(
        "terway-exhausted-daemon-set-terway",
        plugin="terway",
        terway="registry.aliyuncs.com/acs/terway:v1.2.4",
        server="v1.20.11-aliyun.1",
        ipam="legacy",
        datapath=None,
    )
    c.terway_daemon_set = "terway"
    a, b = c.node("192.168.0.11"), c.node("192.168.0.12")
    c.coredns([b, b])
    pod = c.deployment("shop", "till", [b]).pod(a, state="creating", age="6m")
    c.eni(a)
    c.no_address(pod, vswitch_short(c.vswitch().id, old=True), first="5m")
    return Scenario(
        c,
        title="The DaemonSet is called terway, as in old open-source installations",
        question="shop/till has no IP, self installed Terway",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="DaemonSet terway is Terway too; the pod's events have InvalidVSwitchId.IpNotEnough in the old wording.",
    )


@SCENARIOS.add
def too_early_to_judge() -> Scenario:
    p = pair(
        "exhausted-too-early",
        "game",
        "lobby",
        terway="v1.12.2",
        ipam="legacy",
        here={"agent_age": "2m"},
        other={"agent_age": "2m"},
    )
    c, pod = p.cluster, p.stuck(age="22m")
    assert c.eni_config is not None
    c.eni(p.here)
    new = c.vswitch(label="added")
    c.eni_config.eni_conf["vswitches"]["cn-hangzhou-h"].append(new.id)
    c.eni_config.changed = "4m"
    c.no_address(pod, vswitch_short(c.vswitch().id), first="21m", last="5m", count=11)
    return Scenario(
        c,
        title="The fix is two minutes old; the last error is older than the restart",
        question="extended the vSwitch list and restarted terway just now. game/lobby still creating, did it not work?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["open", "ruled_out"], QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="All errors precede the restart of the node's Terway pod two minutes ago; ten minutes have to pass before "
        "another verdict.",
    )
