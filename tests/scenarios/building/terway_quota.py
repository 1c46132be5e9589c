"""Terway: a node has used up its ENIs, and what looks like it."""

from __future__ import annotations

from tests.scenarios.building.messages import alloc_ip, openapi, vswitch_short
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, NO_MAC, QUOTA, TIMEOUT, Pair, pair

SCENARIOS = Collection()

SMALL = {"instance_type": "ecs.t6-c1m2.large", "agent_age": "26h"}


def new_vswitch(p: Pair, changed: str = "27h") -> str:
    """Add a vSwitch to the zone of the nodes in eni-config, behind the one in use."""
    c = p.cluster
    assert c.eni_config is not None
    c.vswitch()
    added = c.vswitch(label="added").id
    c.eni_config.eni_conf["vswitches"]["cn-hangzhou-h"].append(added)
    c.eni_config.changed = changed
    return added


@SCENARIOS.add
def all_slots_used() -> Scenario:
    p = pair("quota-all-slots-used", "shop", "stock", terway="v1.14.3", here=SMALL, other={"agent_age": "26h"})
    c = p.cluster
    new_vswitch(p)
    for _ in range(2):
        p.fill(c.eni(p.here))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    return Scenario(
        c,
        title="Both slots hold full ENIs of the former vSwitch",
        question="Added a second pod vSwitch yesterday, restarted Terway; shop/stock on .11 still gets no IP. Why?",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="Two ENIs for two slots of spec.flavor, each with both its addresses in use, none in the added vSwitch.",
    )


@SCENARIOS.add
def all_slots_used_and_old_vswitch_short() -> Scenario:
    p = pair("quota-slots-used-and-short", "shop", "price", terway="v1.16.8", here=SMALL, other={"agent_age": "26h"})
    c = p.cluster
    new_vswitch(p)
    p.fill(c.eni(p.here, insufficient="3h"))
    p.fill(c.eni(p.here, insufficient="3h"))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    return Scenario(
        c,
        title="The same, with InsufficientIP left over from hours ago on the full ENIs",
        question="price pods hang on one small node, allocate IP timeout; the new vSwitch has thousands of IPs free",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="All slots hold ENIs of the old vSwitch and all addresses are taken; the conditions are three hours old, "
        "no fresh text says that a vSwitch is short.",
    )


@SCENARIOS.add
def instance_limit_event() -> Scenario:
    p = pair("quota-legacy-event", "bank", "ledger", terway="v1.8.16", ipam="legacy")
    c = p.cluster
    new_vswitch(p, "50d")
    c.eni(p.here)
    pod = p.stuck()
    text = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENIs of the instance is exceeded.", "ledger")
    c.event(
        p.here, "AllocIPFailed", f"error create eni: {text}", first="7m", last="1m", count=7, component="terway-daemon"
    )
    c.no_address(pod, "context deadline exceeded")
    return Scenario(
        c,
        title="Daemon IPAM: the cloud refuses another ENI for the instance",
        question="bank/ledger never gets an address on .11, we have plenty of free IPs in the new vswitch",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="A fresh AllocIPFailed event of the node has EniPerInstanceLimitExceeded.",
    )


@SCENARIOS.add
def max_eni_exceeded() -> Scenario:
    p = pair(
        "quota-max-eni-exceeded",
        "bank",
        "audit",
        terway="v1.2.4",
        ipam="legacy",
        datapath="IPVlan",
        server="v1.20.11-aliyun.1",
        runtime="docker://19.3.15",
    )
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, "max ENI exceeded", last="30s", count=8)
    return Scenario(
        c,
        title="Old Terway's own words for it",
        question="audit pod: max ENI exceeded. What does that mean and what can I do?",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="The pod's fresh events say max ENI exceeded, old Terway's text for a node without free ENI slots.",
    )


@SCENARIOS.add
def capped_by_max_eni() -> Scenario:
    p = pair("quota-capped-by-max-eni", "iot", "hub", terway="v1.14.3", here=SMALL, other={"agent_age": "26h"})
    c = p.cluster
    new_vswitch(p)
    assert c.eni_config is not None
    c.eni_config.eni_conf["max_eni"] = 1
    p.here.flavor = p.other.flavor = 1
    p.fill(c.eni(p.here))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    return Scenario(
        c,
        title="max_eni leaves Terway one of two slots",
        question="iot/hub gets no IP although the instance type allows 3 ENIs and only 2 are attached",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="spec.flavor counts one slot (max_eni 1) although adapters is 3; that ENI is full and in the former "
        "vSwitch.",
    )


@SCENARIOS.add
def capped_by_ratio() -> Scenario:
    p = pair(
        "quota-capped-by-ratio",
        "iot",
        "rule",
        terway="v1.13.8",
        here=SMALL,
        other={"agent_age": "26h"},
    )
    c = p.cluster
    new_vswitch(p)
    assert c.eni_config is not None
    c.eni_config.eni_conf["eni_cap_ratio"] = 0.7
    p.here.flavor, p.other.flavor = 1, 1
    p.fill(c.eni(p.here))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    return Scenario(
        c,
        title="eni_cap_ratio 0.7 leaves one slot of two",
        question="新加了交换机，iot/rule 还是拿不到 IP，ECS 上明明还能再挂弹性网卡",
        scope=scope_of(pod),
        expect={QUOTA: "confirmed", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="int(3 × 0.7) − 1 = 1 slot in spec.flavor; its ENI is full and in the former vSwitch.",
    )


@SCENARIOS.add
def foreign_enis() -> Scenario:
    p = pair("quota-foreign-enis", "vpn", "gate", terway="v1.14.3", here=SMALL, other={"agent_age": "26h"})
    c = p.cluster
    new_vswitch(p)
    text = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENIs of the instance is exceeded.", "gate")
    p.fill(c.eni(p.here, operation_error=("90s", text)))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.series_event(
        c.terway_node(p.here),
        "CreateENIFailed",
        f"Failed to create ENI type=Secondary vsw={c.vswitch().id}: {text}",
        last="50s",
    )
    return Scenario(
        c,
        title="The instance is full although Terway knows of one ENI only",
        question="vpn/gate: EniPerInstanceLimitExceeded, but Terway's node object shows a single ENI?!",
        scope=scope_of(pod),
        expect={QUOTA: ["confirmed", "open"], EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="The cloud has just refused another ENI with EniPerInstanceLimitExceeded. ENIs attached outside "
        "Terway count "
        "against the instance and are missing from the Node resource.",
    )


@SCENARIOS.add
def quota_text_with_a_free_slot() -> Scenario:
    p = pair("quota-slot-free-again", "auth", "token", terway="v1.14.3", here=SMALL)
    c = p.cluster
    p.here.synced = "1m"
    p.fill(c.eni(p.here), count=1)
    text = openapi("EniPerInstanceLimitExceeded", "The maximum number of ENIs of the instance is exceeded.", "token")
    c.series_event(
        c.terway_node(p.here),
        "CreateENIFailed",
        f"Failed to create ENI type=Secondary vsw={c.vswitch().id}: {text}",
        first="58m",
        last="44m",
    )
    pod = p.app.pod(p.here, state="not_ready", age="6m")
    c.event(
        pod,
        "Unhealthy",
        "Readiness probe failed: connection refused",
        first="5m",
        last="10s",
        count=30,
        host=p.here.name,
    )
    return Scenario(
        c,
        title="The limit was hit three quarters of an hour ago; a slot is free since",
        question="auth/token not ready, and I saw EniPerInstanceLimitExceeded before. Same thing?",
        scope=scope_of(pod),
        expect={QUOTA: ["ruled_out", "open"], EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="The pod has an address and fails its probe; the Node resource, synchronised a minute ago, has one "
        "ENI for two "
        "slots, and the quota text is 44 minutes old.",
    )


@SCENARIOS.add
def slot_free_new_vswitch_not_read() -> Scenario:
    p = pair("quota-agent-not-restarted", "mail", "imap", terway="v1.16.8", here={"agent_age": "20d"})
    c = p.cluster
    new_vswitch(p, "3h")
    p.here.vswitch_options = p.other.vswitch_options = [c.vswitch().id]
    p.fill(c.eni(p.here, insufficient="1m"), count=4)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.series_event(c.terway_node(p.here), "AllocIPFailed", vswitch_short(c.vswitch().id))
    return Scenario(
        c,
        title="Slots are free; Terway has not read the added vSwitch yet",
        question="added a vSwitch 3 h ago but mail/imap still fails to get an IP. ENI limit?",
        scope=scope_of(pod),
        expect={QUOTA: "ruled_out", EXHAUSTED: "confirmed", **NO_MAC},
        why="One ENI for three slots. vSwitchOptions still has the old, exhausted id only: Terway on the node is older "
        "than the change.",
        also_ignored=["terway-pod-start-latency"],
    )


@SCENARIOS.add
def known_defect() -> Scenario:
    p = pair(
        "quota-known-defect",
        "mail",
        "smtp",
        terway="v1.8.6",
        ipam="legacy",
        here={"agent_age": "2h"},
        other={"agent_age": "2h"},
    )
    c = p.cluster
    new_vswitch(p, "150m")
    c.eni(p.here)
    pod = p.stuck()
    c.no_address(pod, vswitch_short(c.vswitch().id))
    return Scenario(
        c,
        title="Terway below v1.8.11 creates no further ENI when a vSwitch is short",
        question="smtp pods don't get IPs from the vSwitch that we added two hours ago",
        scope=scope_of(pod),
        expect={EXHAUSTED: "confirmed", QUOTA: ["open", "ruled_out", "by_hand", "confirmed"], **NO_MAC},
        why="The old vSwitch is exhausted by the pod's fresh event; v1.8.6 has the defect that looks like an "
        "ENI limit, and "
        "without a Node resource the ENIs cannot be counted.",
    )


@SCENARIOS.add
def no_eni_can_handle() -> Scenario:
    p = pair("quota-no-eni-can-handle", "etl", "load", terway="v1.10.9", ipam="legacy")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, "no eni can handle the allocation")
    return Scenario(
        c,
        title="Daemon IPAM has no room, the counts are not visible",
        question="etl/load: no eni can handle the allocation. Quota or vSwitch?",
        scope=scope_of(pod),
        expect={QUOTA: ["open", "by_hand"], EXHAUSTED: ["open", "by_hand"], **NO_MAC},
        why="The text fits both causes; in daemon IPAM the Node resource holds capacities only, so ENIs, their "
        "addresses "
        "and vSwitches have to be read in the ECS console.",
    )


@SCENARIOS.add
def legacy_resource_is_no_proof() -> Scenario:
    p = pair("quota-legacy-resource", "etl", "merge", terway="v1.17.1", ipam="legacy", server="v1.34.0-aliyun.1")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, "context deadline exceeded")
    return Scenario(
        c,
        title="A Node resource without IPAM data must not count as 'no ENIs, slots free'",
        question="etl/merge hangs with a deadline. The Terway node object shows no ENIs at all, so slots are free?",
        scope=scope_of(pod),
        expect={QUOTA: ["open", "by_hand"], EXHAUSTED: ["open", "by_hand"], **NO_MAC},
        why="Daemon IPAM fills nodeMetadata, nodeCap and datapath only; the absence of networkInterfaces says nothing.",
    )


@SCENARIOS.add
def node_just_starting() -> Scenario:
    p = pair("quota-node-starting", "etl", "split", terway="v1.16.8", here={"age": "3m", "agent_age": "2m"})
    c = p.cluster
    c.vswitch()
    pod = p.stuck(age="2m")
    c.no_address(
        pod, f"nodes.network.alibabacloud.com {p.here.name} has not been initialized", first="90s", last="15s", count=3
    )
    return Scenario(
        c,
        title="A node that has just joined: no ENI is there yet",
        question="etl/split on the new node waits for an address, quota?",
        scope=scope_of(pod),
        expect={QUOTA: ["open", "ruled_out"], EXHAUSTED: ["open", "ruled_out"], **NO_MAC},
        why="spec.eni is set and networkInterfaces is empty: the node is two minutes old and not initialised.",
    )


@SCENARIOS.add
def eni_being_deleted() -> Scenario:
    p = pair("quota-eni-deleting", "ci", "runner", terway="v1.16.8", here=SMALL)
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="2m"))
    c.eni(p.here, status="Deleting")
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.series_event(c.terway_node(p.here), "AllocIPFailed", vswitch_short(c.vswitch().id))
    return Scenario(
        c,
        title="One of two ENIs is being deleted, so its slot is free",
        question="ci/runner: two ENIs on a node that may have two, is that the limit?",
        scope=scope_of(pod),
        expect={QUOTA: ["ruled_out", "open"], EXHAUSTED: "confirmed", **NO_MAC},
        why="An ENI in status Deleting does not count: one of two slots is used. The vSwitch is short by event "
        "and condition.",
    )


@SCENARIOS.add
def eni_attaching() -> Scenario:
    p = pair("quota-eni-attaching", "ci", "cache", terway="v1.15.2", here=SMALL)
    c = p.cluster
    p.fill(c.eni(p.here))
    c.eni(p.here, status="Attaching")
    pod = p.stuck()
    c.no_address(pod, TIMEOUT, first="3m", count=2)
    c.series_event(
        c.terway_node(p.here),
        "CreateENISucceed",
        f"ENI {p.here.enis[1].id} created (1.2s), attach in progress",
        type_="Normal",
        first="4m",
        last="4m",
        count=1,
    )
    return Scenario(
        c,
        title="The second ENI is still being attached",
        question="ci/cache waits 7 min for its IP, limit reached?",
        scope=scope_of(pod),
        expect={QUOTA: ["open", "ruled_out"], EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="Both slots are taken, but one ENI is Attaching and has no addresses yet: not every ENI is full.",
    )


@SCENARIOS.add
def resources_forbidden() -> Scenario:
    p = pair("quota-crs-forbidden", "ads", "bidder", terway="v1.14.3", here=SMALL)
    c = p.cluster
    for _ in range(2):
        p.fill(c.eni(p.here))
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    return Scenario(
        c,
        title="Centralised IPAM, Node resources forbidden",
        question="ads/bidder: is the node at its ENI limit?",
        scope=scope_of(pod),
        expect={QUOTA: ["unreadable", "open"], EXHAUSTED: ["unreadable", "open"], **NO_MAC},
        forbidden=["nodes.network.alibabacloud.com"],
        why="The pod's event has no detail before v1.17.1; slots, ENIs and conditions are in the forbidden resource.",
    )


@SCENARIOS.add
def address_limit_of_one_eni() -> Scenario:
    p = pair("quota-per-eni-limit", "ads", "pixel", terway="v1.12.2")
    c = p.cluster
    text = openapi(
        "InvalidOperation.Ipv4CountExceeded", "The number of private IPv4 addresses exceeds the limit.", "pixel"
    )
    p.fill(c.eni(p.here, operation_error=("2m", text)), count=9)
    c.eni(p.here, idle=4)
    pod = p.stuck(age="2m")
    c.sandbox_failure(pod, alloc_ip(text), first="100s", last="80s", count=1)
    return Scenario(
        c,
        title="One ENI takes no more addresses, another has idle ones",
        question="ads/pixel: Ipv4CountExceeded. Is that the ENI quota of the instance?",
        scope=scope_of(pod),
        expect={QUOTA: "ruled_out", EXHAUSTED: ["ruled_out", "open"], **NO_MAC},
        why="The code concerns the addresses of one ENI; one of three slots is free and the second ENI has four idle "
        "addresses.",
    )
