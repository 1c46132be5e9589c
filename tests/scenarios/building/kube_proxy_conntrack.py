"""Nodes whose table of tracked connections is full, or is thought to be."""

from __future__ import annotations

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.kube_proxy_parts import MODIFY, TABLE, UDP, proxied
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.scenario import Collection, Scenario

SCENARIOS = Collection()

FULL = "nf_conntrack: nf_conntrack: table full, dropping packet"


def warned(c: Cluster, node: Node, **when: str) -> None:
    c.event(node, "ConntrackFull", FULL, component="node-problem-detector", host=node.name, about_uid=node.name, **when)


@SCENARIOS.add
def detector_warns() -> Scenario:
    c, nodes = proxied("conntrack-detector-warns")
    warned(c, nodes[0], first="12m", last="70s")
    return Scenario(
        c,
        title="The node problem detector warns of a full table",
        question="new connections through 172.16.4.20 fail now and then, old ones are fine",
        scope={"node": nodes[0].name},
        expect={TABLE: "confirmed", UDP: "ruled_out"},
        why="A fresh event of the node quotes the kernel's line.",
    )


@SCENARIOS.add
def small_node() -> Scenario:
    c, nodes = proxied(
        "conntrack-two-cores",
        settings={"conntrack": {"maxPerCore": 65536}},
        changed="4h",
        proxy={"proxy_age": "3h"},
        instance_type="ecs.c7.large",
    )
    nodes[1].condition(
        "ConntrackFullProblem", "True", "ConntrackFull", "131069 of 131072 entries are used", "9m", "20s"
    )
    return Scenario(
        c,
        title="A condition says so on a node with two cores, where the floor decides",
        question="2 核节点 maxPerCore 从 32768 调到 65536 也没用，还是丢包",
        expect={TABLE: "confirmed", MODIFY: "confirmed", UDP: "ruled_out"},
        why="The condition is True and beats; 65536 on 2 cores is the floor of 131072, as 32768 was.",
    )


@SCENARIOS.add
def without_scope_among_noise() -> Scenario:
    c, nodes = proxied("conntrack-among-noise", nodes=3)
    hanging = c.pod("shop", "import-0", node=nodes[0], state="creating", age="5m")
    c.event(hanging, "FailedMount", 'MountVolume.SetUp failed for volume "data" : timed out', first="4m")
    warned(c, nodes[2], first="20m", last="3m")
    return Scenario(
        c,
        title="Nobody named the node, and another node has a hanging pod",
        question="random timeouts for new connections somewhere in the cluster, table full?",
        expect={TABLE: "confirmed", UDP: "ruled_out"},
        why="The event is of the third node; the pod on the first waits for a volume.",
    )


@SCENARIOS.add
def warned_long_ago() -> Scenario:
    c, nodes = proxied("conntrack-warned-before")
    warned(c, nodes[0], first="58m", last="41m")
    return Scenario(
        c,
        title="The warning is 41 minutes old",
        question="is the conntrack table of .20 still full?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["open", "by_hand"]},
        why="An event of 41 minutes ago says nothing about now.",
    )


@SCENARIOS.add
def other_node() -> Scenario:
    c, nodes = proxied("conntrack-other-node")
    warned(c, nodes[1], first="12m", last="1m")
    return Scenario(
        c,
        title="It is the neighbour that is full",
        question="does .20 drop packets for lack of conntrack entries?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["open", "by_hand"]},
        why="The event is about the other node.",
    )


@SCENARIOS.add
def condition_false() -> Scenario:
    c, nodes = proxied("conntrack-condition-false")
    nodes[0].condition("ConntrackFullProblem", "False", "ConntrackIsNotFull", "conntrack table has room", "20d", "30s")
    c.event(
        nodes[0],
        "ConntrackIsNotFull",
        "Node condition ConntrackFullProblem is now: False, reason: ConntrackIsNotFull",
        type_="Normal",
        first="10m",
        last="10m",
        count=1,
        component="node-problem-detector",
    )
    return Scenario(
        c,
        title="The detector looks and finds room",
        question="timeouts on .20, conntrack?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["open", "ruled_out", "by_hand"]},
        why="The condition is False and the only event is that it became so.",
    )


@SCENARIOS.add
def detector_silent() -> Scenario:
    c, nodes = proxied("conntrack-detector-silent")
    nodes[0].condition("ConntrackFullProblem", "True", "ConntrackFull", "131070 of 131072", "6d", "5d")
    return Scenario(
        c,
        title="A condition that nobody has renewed for days",
        question="kubectl describe node shows ConntrackFullProblem True on .20, what does that mean?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["open", "by_hand"]},
        why="Its last heartbeat is five days old: the detector is gone, the condition stayed.",
    )


@SCENARIOS.add
def read_only_sys() -> Scenario:
    c, nodes = proxied("conntrack-sys-read-only", server="v1.20.11-aliyun.1")
    text = "CRI error: /sys is read-only: cannot modify conntrack limits, problems may arise later"
    c.event(nodes[0], "ReadOnlySysFS", text, component="kube-proxy", host=nodes[0].name, first="8m", last="8m", count=1)
    return Scenario(
        c,
        title="kube-proxy could not set the limit, which is not the same as a full table",
        question="there is a conntrack warning on node .20, are we dropping connections?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["open", "by_hand"]},
        why="The warning is kube-proxy's own about /sys; nothing says that the table is full.",
    )


@SCENARIOS.add
def nothing_to_see() -> Scenario:
    c, _ = proxied(
        "conntrack-nothing-to-see",
        settings={"conntrack": {"maxPerCore": 131072}},
        changed="5d",
        proxy={"proxy_age": "4d"},
    )
    return Scenario(
        c,
        title="No detector, no event",
        question="504s at peak time, we already doubled maxPerCore. Is the conntrack table full?",
        expect={TABLE: ["open", "by_hand"], UDP: "ruled_out"},
        why="Nothing in the API shows how full the table is.",
    )


@SCENARIOS.add
def left_to_sysctl() -> Scenario:
    c, _ = proxied(
        "conntrack-left-to-sysctl", settings={"conntrack": {"maxPerCore": 0}}, changed="9d", proxy={"proxy_age": "8d"}
    )
    return Scenario(
        c,
        title="kube-proxy leaves the limit alone",
        question="does kube-proxy limit our conntrack table? we get timeouts",
        expect={TABLE: ["ruled_out", "open"], UDP: "ruled_out"},
        why="maxPerCore is 0, so kube-proxy sets no limit, and nothing says that the table is full.",
    )


@SCENARIOS.add
def tracked_elsewhere() -> Scenario:
    c = Cluster("conntrack-tracked-elsewhere", plugin="terway", terway="v1.17.2", datapath="datapathv2")
    a, b = c.node("192.168.0.31"), c.node("192.168.0.32")
    web = c.deployment("shop", "web", [a, b])
    c.service("shop", "web", web)
    return Scenario(
        c,
        title="DataPath V2 tracks the pods' connections in its own maps",
        question="will a larger maxPerCore help our pods on DataPath V2? they see timeouts under load",
        scope={"namespace": "shop", "pod": web.pods[0]["metadata"]["name"]},
        expect={TABLE: ["ruled_out", "open"], UDP: "ruled_out"},
        why="spec.datapath of the Node resource says datapathv2; the pod is not on the host's network.",
    )


@SCENARIOS.add
def host_network_on_v2() -> Scenario:
    c = Cluster("conntrack-ingress-on-v2", plugin="terway", terway="v1.17.2", datapath="datapathv2")
    a, _ = c.node("192.168.0.31"), c.node("192.168.0.32")
    gate = c.deployment("edge", "gate")
    pod = gate.pod(a, host_network=True)
    return Scenario(
        c,
        title="An ingress on the host's network is tracked by the kernel all the same",
        question="our hostNetwork nginx on a DataPath V2 node loses new connections",
        scope={"namespace": "edge", "pod": pod["metadata"]["name"]},
        expect={TABLE: ["open", "by_hand"]},
        why="The node has DataPath V2, but the pod is on its network; how full the table is cannot be seen.",
    )


@SCENARIOS.add
def events_forbidden() -> Scenario:
    c, nodes = proxied("conntrack-events-forbidden")
    warned(c, nodes[0], first="12m", last="70s")
    return Scenario(
        c,
        title="Events may not be read",
        question="table full on .20?",
        scope={"node": nodes[0].name},
        expect={TABLE: ["unreadable", "open", "by_hand"]},
        forbidden=["events"],
        why="The warning is there, but may not be read.",
    )
