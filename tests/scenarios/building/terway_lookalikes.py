"""Terway: what looks like an exhausted vSwitch and is not, several faults at once, healthy clusters."""

from __future__ import annotations

from tests.scenarios.building.messages import alloc_ip, openapi, vswitch_short
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import (
    EXHAUSTED,
    MAC,
    NO_MAC,
    NOT_NETWORK,
    QUOTA,
    TIMEOUT,
    UNKNOWN_QUOTA,
    pair,
)

SCENARIOS = Collection()


@SCENARIOS.add
def vswitch_of_another_node() -> Scenario:
    p = pair("exhausted-elsewhere", "docs", "render", terway="v1.16.8", other={"zone": "cn-hangzhou-i"})
    c = p.cluster
    c.eni(p.here, idle=3)
    pod = p.stuck()
    c.event(
        pod,
        "FailedMount",
        'MountVolume.SetUp failed for volume "fonts" : secret "fonts-license" not found',
        first="7m",
        last="20s",
        count=11,
        host=p.here.name,
    )
    foreign = c.vswitch("cn-hangzhou-i")
    c.series_event(c.terway_node(p.other), "AllocIPFailed", vswitch_short(foreign.id))
    p.other.enis[0].insufficient = "2m"
    p.other.enis[0].idle = 0
    return Scenario(
        c,
        title="A vSwitch is empty in another zone; this pod waits for a Secret",
        question="docs/render does not start on .11. I see IpNotEnough in the default namespace, is that why?",
        scope=scope_of(pod),
        expect=NOT_NETWORK,
        why="The pod's only trouble is FailedMount, its node has idle addresses; the exhaustion concerns a node of the "
        "other zone.",
    )


@SCENARIOS.add
def foreign_vswitch_in_event() -> Scenario:
    p = pair(
        "exhausted-vswitch-not-configured",
        "docs",
        "convert",
        terway="v1.16.8",
        here={"agent_age": "3h"},
        other={"agent_age": "3h"},
    )
    c = p.cluster
    old = c.vswitch(label="former")
    c.vswitch()
    p.fill(c.eni(p.here, old), count=2)
    c.eni(p.here, idle=4)
    assert c.eni_config is not None
    c.eni_config.changed = "200m"
    pod = p.stuck()
    c.sandbox_failure(pod, alloc_ip("rpc error: code = Unavailable desc = connection error"), first="6m", last="40s")
    c.series_event(c.terway_node(p.here), "AllocIPFailed", vswitch_short(old.id), first="240m", last="210m", count=30)
    return Scenario(
        c,
        title="The exhausted vSwitch left the configuration hours ago",
        question="docs/convert stuck. Terway complained about vsw addresses earlier today, that must be it?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        also_ignored=["terway-pod-ip-outside-vswitch"],
        why="The event is more than three hours old and about a vSwitch that is not in the node's vSwitchOptions; an "
        "ENI in the configured one has four idle addresses.",
    )


@SCENARIOS.add
def recovered_pod() -> Scenario:
    p = pair("exhausted-recovered", "hr", "portal", terway="v1.10.9", ipam="legacy")
    c = p.cluster
    pod = p.app.pod(p.here, age="52m", since="33m")
    c.no_address(pod, vswitch_short(c.vswitch().id), first="51m", last="35m", count=12)
    address = pod["status"]["podIP"]
    c.event(
        pod,
        "AllocIPSucceed",
        f"Alloc IP {address} took 1.40s",
        type_="Normal",
        first="34m",
        last="34m",
        count=1,
        component="terway-daemon",
    )
    return Scenario(
        c,
        title="The pod had the error half an hour ago and runs since",
        question="hr/portal showed IpNotEnough earlier, is the vSwitch still empty?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="AllocIPSucceed is newer than the last failure and the pod is Running: what the events say is over.",
    )


@SCENARIOS.add
def host_network_pod() -> Scenario:
    p = pair("exhausted-host-network", "ops", "probe", terway="v1.13.8", ipam="legacy")
    c = p.cluster
    c.eni(p.here)
    pod = p.app.pod(p.here, state="crashing", age="25m", host_network=True)
    c.event(
        pod, "BackOff", "Back-off restarting failed container app", first="24m", last="30s", count=90, host=p.here.name
    )
    c.event(
        p.here,
        "AllocIPFailed",
        vswitch_short(c.vswitch().id),
        first="12m",
        last="1m",
        count=8,
        component="terway-daemon",
        about_uid=p.here.name,
    )
    return Scenario(
        c,
        title="The pod uses the host's network; the exhausted vSwitch is not its trouble",
        question="ops/probe on .11 keeps dying. Node has AllocIPFailed events, so no IP for it?",
        scope=scope_of(pod),
        expect=NOT_NETWORK,
        why="hostNetwork is true: Terway gives this pod no address, whatever its node reports.",
    )


@SCENARIOS.add
def unscheduled_pod() -> Scenario:
    p = pair("exhausted-unscheduled", "bi", "cube", terway="v1.14.3")
    c = p.cluster
    c.eni(p.here, insufficient="2m")
    message = "0/2 nodes are available: 2 Insufficient memory. preemption: 0/2 nodes are available."
    pod = p.app.pod(None, state="unscheduled", age="12m", message=message)
    c.event(pod, "FailedScheduling", message, first="12m", last="2m", count=3, component="default-scheduler")
    return Scenario(
        c,
        title="The pod is Pending because no node has the memory",
        question="bi/cube Pending for 12 min, and .11 is out of pod IPs. Because of that?",
        scope=scope_of(pod),
        expect={**NOT_NETWORK, "terway-pod-status": ["confirmed", "open"]},
        why="PodScheduled is False for memory: the pod has no node, so no CNI was ever called for it.",
    )


@SCENARIOS.add
def image_pull() -> Scenario:
    p = pair("exhausted-image-pull", "cms", "editor", terway="v1.8.16", ipam="legacy")
    c = p.cluster
    pod = p.app.pod(p.here, state="image_pull", age="18m")
    c.event(
        pod,
        "Failed",
        'Failed to pull image "registry.example.com/cms/editor:2.3.1": unauthorized',
        first="18m",
        last="2m",
        count=6,
        host=p.here.name,
    )
    c.event(
        p.here,
        "ResourceInvalid",
        "Mark as invalid, ip: 10.1.0.99",
        first="41m",
        last="41m",
        count=1,
        component="terway-daemon",
    )
    return Scenario(
        c,
        title="The pod has its address and cannot pull its image",
        question="cms/editor hangs at start since 18 minutes, Terway cluster",
        scope=scope_of(pod),
        expect={**NOT_NETWORK, "terway-pod-status": ["confirmed", "open"]},
        why="podIP is set and the container waits in ImagePullBackOff: the network is done.",
    )


@SCENARIOS.add
def missing_volume() -> Scenario:
    p = pair("exhausted-missing-volume", "cms", "search", terway="v1.14.3")
    c = p.cluster
    c.eni(p.here, idle=2)
    pod = p.stuck(age="11m")
    c.event(
        pod,
        "FailedMount",
        'MountVolume.SetUp failed for volume "conf" : configmap "search-conf" not found',
        first="11m",
        last="40s",
        count=13,
        host=p.here.name,
    )
    return Scenario(
        c,
        title="ContainerCreating because of a missing ConfigMap",
        question="cms/search in ContainerCreating. vSwitch empty again like last month?",
        scope=scope_of(pod),
        expect=NOT_NETWORK,
        why="The only events are FailedMount; the node's ENI has idle addresses.",
    )


@SCENARIOS.add
def agent_down() -> Scenario:
    p = pair("exhausted-agent-down", "tms", "route", terway="v1.14.3", here={"agent_state": "crashing"})
    c = p.cluster
    c.eni(p.here, idle=5)
    pod = p.stuck()
    cause = (
        "cmdAdd: error alloc ip rpc error: code = Unavailable desc = connection error: desc = "
        '"transport: Error while dialing: dial unix /var/run/eni/eni.socket: connect: no such file or directory"'
    )
    c.sandbox_failure(pod, cause)
    return Scenario(
        c,
        title="The node's Terway crashes; addresses are idle",
        question="tms/route: no IP. Do we need a bigger vSwitch?",
        scope=scope_of(pod),
        expect=NOT_NETWORK,
        why="Nobody listens on Terway's socket and its pod is in CrashLoopBackOff; the ENI has five idle addresses.",
    )


@SCENARIOS.add
def not_a_node_of_terway() -> Scenario:
    p = pair(
        "exhausted-virtual-node",
        "burst",
        "job",
        terway="v1.14.3",
        here={"labels": {"type": "virtual-kubelet"}, "agent": False, "proxy": False},
    )
    c = p.cluster
    pod = p.stuck(age="6m")
    c.event(
        pod, "ProviderCreateFailed", "create eci failed: InvalidVSwitchId.IpNotEnough", first="5m", last="1m", count=5
    )
    c.vswitch()
    return Scenario(
        c,
        title="A virtual node: Terway does not serve it",
        question="burst/job on the virtual node: IpNotEnough. extend Terway's vSwitch?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: ["ruled_out", "open"], **NO_MAC},
        why="The node is labelled type=virtual-kubelet and has no Terway pod: the address is not Terway's to give.",
    )


@SCENARIOS.add
def same_name_elsewhere() -> Scenario:
    p = pair("exhausted-same-name", "prod", "web", terway="v1.12.2")
    c = p.cluster
    c.eni(p.here, idle=3)
    mine = c.deployment("prod", "db", kind="StatefulSet").pod(p.here, state="creating", age="8m")
    c.event(
        mine,
        "FailedAttachVolume",
        'AttachVolume.Attach failed for volume "d-bp1x" : disk is attached to another instance',
        first="8m",
        last="1m",
        count=6,
        component="attachdetach-controller",
    )
    theirs = c.deployment("qa", "db", kind="StatefulSet").pod(p.here, age="50m", since="30m")
    c.no_address(theirs, vswitch_short(c.vswitch().id), first="49m", last="31m", count=13)
    return Scenario(
        c,
        title="A pod of the same name in another namespace has the error",
        question="db-0 (prod): IpNotEnough?",
        scope=scope_of(mine),
        expect=NOT_NETWORK,
        why="prod/db-0 waits for its disk; the exhaustion events belong to qa/db-0, which runs by now.",
    )


@SCENARIOS.add
def ram_forbidden() -> Scenario:
    p = pair("exhausted-ram-forbidden", "lab", "notebook", terway="v1.15.2")
    c = p.cluster
    text = openapi("Forbidden.RAM", "User not authorized to operate on the specified resource.", "ram")
    p.fill(c.eni(p.here, operation_error=("2m", text)), count=3)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.series_event(
        c.terway_node(p.here), "CreateENIFailed", f"Failed to create ENI type=Secondary vsw={c.vswitch().id}: {text}"
    )
    p.here.condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", "6m", "1m")
    return Scenario(
        c,
        title="ENIs cannot be created for lack of permission",
        question="lab/notebook gets no IP, node says InsufficientIP. Add a vSwitch?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: ["ruled_out", "open"], **NO_MAC},
        why="CreateENIFailed and the ENI's OperationErr say Forbidden.RAM: neither the vSwitch nor the number of ENIs; "
        "two slots are free. SufficientIP False only repeats that there is no address.",
    )


@SCENARIOS.add
def security_group_full() -> Scenario:
    p = pair("exhausted-security-group-full", "lab", "jobs", terway="v1.16.8")
    c = p.cluster
    p.fill(c.eni(p.here), count=3)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    text = openapi(
        "SecurityGroupInstanceLimitExceed", "The maximum number of addresses in a security group is exceeded."
    )
    c.series_event(
        c.terway_node(p.here), "CreateENIFailed", f"Failed to create ENI type=Secondary vsw={c.vswitch().id}: {text}"
    )
    return Scenario(
        c,
        title="The security group takes no more members",
        question="lab/jobs: allocate IP timeout. quota? vswitch?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: ["ruled_out", "open"], **NO_MAC},
        why="The code is that of the security group; ENI slots are free and no text speaks of the vSwitch.",
    )


@SCENARIOS.add
def throttled() -> Scenario:
    p = pair("exhausted-throttled", "lab", "sweep", terway="v1.10.9", ipam="legacy")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, openapi("Throttling.User", "Request was denied due to user flow control.", "sweep"))
    return Scenario(
        c,
        title="The cloud throttles requests",
        question="many lab/sweep pods start at once and hang. vSwitch out of IPs?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: UNKNOWN_QUOTA, **NO_MAC},
        why="The text is of another class: Throttling. Nothing says that addresses are missing.",
    )


@SCENARIOS.add
def events_forbidden() -> Scenario:
    p = pair("exhausted-events-forbidden", "mall", "coupon", terway="v1.10.9", ipam="legacy")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here)
    c.no_address(pod, vswitch_short(c.vswitch().id))
    return Scenario(
        c,
        title="Events and logs may not be read",
        question="mall/coupon is stuck in ContainerCreating, is the vSwitch out of addresses?",
        scope=scope_of(pod),
        expect={EXHAUSTED: ["unreadable", "open"], QUOTA: ["unreadable", "open"], MAC: ["unreadable", "open"]},
        forbidden=["events", "pods/log"],
        why="What Terway says about the pod lies in events and logs only; both are forbidden.",
    )


@SCENARIOS.add
def pods_forbidden() -> Scenario:
    p = pair("exhausted-pods-forbidden", "mall", "stock", terway="v1.14.3")
    c, pod = p.cluster, p.stuck()
    c.eni(p.here, idle=3)
    c.event(
        pod,
        "FailedMount",
        'MountVolume.SetUp failed for volume "conf" : configmap "stock" not found',
        first="7m",
        last="30s",
        count=9,
        host=p.here.name,
    )
    return Scenario(
        c,
        title="Pods may not be read",
        question="mall/stock doesn't come up, network?",
        scope=scope_of(pod),
        expect={
            EXHAUSTED: ["unreadable", "open", "ruled_out"],
            QUOTA: ["unreadable", "open", "ruled_out"],
            MAC: ["open", "ruled_out", "unreadable"],
        },
        forbidden=["pods"],
        why="Without the pod its node is not known; the events show only a missing ConfigMap.",
    )


@SCENARIOS.add
def idle_addresses_but_waiting() -> Scenario:
    p = pair("exhausted-stale-condition", "news", "feed", terway="v1.14.3")
    c = p.cluster
    c.eni(p.here, idle=4, insufficient="200m")
    p.app.pod(p.here, age="3h")
    pod = p.app.pod(p.here, age="6m", since="5m")
    address = pod["status"]["podIP"]
    c.event(
        pod,
        "AllocIPSucceed",
        f"Alloc IP {address} took 812ms",
        type_="Normal",
        first="6m",
        last="6m",
        count=1,
        component="terway-daemon",
    )
    return Scenario(
        c,
        title="An old InsufficientIP condition beside idle addresses",
        question="the CR of .11 has InsufficientIP, do I have to act? news/feed runs fine",
        scope={"node": p.here.name},
        expect={EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="The condition was last observed more than three hours ago, four addresses are idle and pods start.",
    )


@SCENARIOS.add
def two_faults_at_once() -> Scenario:
    p = pair("two-faults-at-once", "mix", "api", terway="v1.16.8")
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="1m"), count=3)
    first = p.stuck(age="8m")
    c.no_address(first, TIMEOUT)
    c.series_event(c.terway_node(p.here), "AllocIPFailed", vswitch_short(c.vswitch().id))
    eni = p.other.enis[0]
    second = p.app.pod(p.other, state="creating", age="14m")
    c.scheduled(second, age="14m")
    cause = f"error parse config, can't found dev by mac {eni.mac}: not found"
    c.event(second, "AllocIPFailed", cause, first="13m", last="30s", count=16, component="terway-daemon")
    c.sandbox_failure(second, cause, first="13m", last="30s", count=16)
    return Scenario(
        c,
        title="Two pods of one workload, two different faults",
        question="mix/api: two pods don't start, one on each node. Same reason?",
        scope={"namespace": "mix"},
        expect={EXHAUSTED: "confirmed", MAC: "confirmed", QUOTA: ["ruled_out", "open"]},
        why="On .11 the vSwitch is short (condition and event); on .12 the device of an ENI is missing for more "
        "than ten minutes. Two of three slots are free on both.",
    )


@SCENARIOS.add
def noise() -> Scenario:
    p = pair("exhausted-among-noise", "main", "order", terway="v1.16.2-1718bc8")
    c = p.cluster
    p.fill(c.eni(p.here, insufficient="1m"), count=3)
    pod = p.stuck()
    c.no_address(pod, TIMEOUT)
    c.event(
        c.terway_node(p.here),
        "AllocIPFailed",
        vswitch_short(c.vswitch().id),
        first="8m",
        last="1m",
        count=9,
        component="terway-controlplane",
    )
    c.config_map(
        "kube-system",
        "kube-flannel-cfg",
        {"net-conf.json": '{"Network": "172.20.0.0/16", "Backend": {"Type": "alloc"}}\n'},
        changed="190d",
    )
    crash = c.deployment("legacy", "report").pod(p.other, state="crashing", age="3d")
    c.event(
        crash,
        "BackOff",
        "Back-off restarting failed container app",
        first="59m",
        last="20s",
        count=410,
        host=p.other.name,
    )
    c.event(
        p.other,
        "Rebooted",
        f"Node {p.other.name} has been rebooted",
        first="55m",
        last="55m",
        count=1,
        about_uid=p.other.name,
        host=p.other.name,
    )
    lost = c.pod("legacy", "old-job", node=p.other, state="completed", age="20h")
    c.event(
        lost,
        "FailedCreatePodSandBox",
        "failed to allocate for range 0: no IP addresses available in range set: 172.20.0.1-172.20.0.62",
        first="58m",
        last="57m",
        count=2,
        host=p.other.name,
    )
    return Scenario(
        c,
        title="A real exhaustion among leftovers of Flannel, crashes and old events",
        question="main/order on .11 waits for an IP",
        scope=scope_of(pod),
        expect={
            EXHAUSTED: "confirmed",
            QUOTA: "ruled_out",
            "flannel-ip-leak": ["ruled_out", "open"],
            "flannel-pod-cidr-exhausted": ["ruled_out", "open"],
            **NO_MAC,
        },
        why="The plugin is Terway by its DaemonSet, whatever ConfigMap was left; the node's event and the ENI's "
        "condition name the short vSwitch. The other events concern other pods.",
    )


@SCENARIOS.add
def healthy_crd() -> Scenario:
    p = pair("healthy-crd", "shop", "front", terway="v1.17.1", server="v1.34.0-aliyun.1")
    p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="A healthy cluster with centralised IPAM",
        question="is anything wrong with the pod network?",
        expect={
            EXHAUSTED: ["ruled_out", "open"],
            QUOTA: ["ruled_out", "open"],
            "terway-pod-ip-outside-vswitch": ["ruled_out", "open"],
            "terway-pod-start-latency": ["ruled_out", "open"],
            "terway-upgrade-eip-pool": ["ruled_out", "open"],
            "flannel-hairpin": "ruled_out",
            "flannel-cni-version": "ruled_out",
            **NO_MAC,
        },
        why="All pods run in the configured vSwitch, addresses are idle, no event complains.",
    )


@SCENARIOS.add
def healthy_legacy() -> Scenario:
    p = pair(
        "healthy-legacy",
        "shop",
        "front",
        terway="v1.0.10.443-gaa1bfcc-aliyun",
        server="v1.18.8-aliyun.1",
        ipam="legacy",
        datapath="IPVlan",
        runtime="docker://19.3.5",
    )
    p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="A healthy old cluster: no Node resources, a tag of four parts",
        question="all fine with Terway here?",
        expect={
            EXHAUSTED: ["ruled_out", "open"],
            QUOTA: ["open", "ruled_out", "by_hand"],
            "terway-pod-ip-outside-vswitch": ["open", "ruled_out", "by_hand"],
            "terway-pod-start-latency": ["ruled_out", "open"],
            "terway-upgrade-eip-pool": ["ruled_out", "open"],
            "flannel-hairpin": "ruled_out",
            **NO_MAC,
        },
        crds=[],
        why="Nothing is stuck and no event complains; the API group of Terway's resources is not installed.",
    )
