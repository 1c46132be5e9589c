"""Flannel: no address for a pod, because the node's subnet is full or because addresses leaked."""

from __future__ import annotations

from tests.scenarios.building.flannel_parts import CNI, FULL, LEAK, ROUTES, Pair, pair, range_text, single
from tests.scenarios.building.identity import ago
from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import Collection, Scenario, scope_of

SCENARIOS = Collection()

_OLD = {"server": "v1.18.8-aliyun.1", "flannel": "v0.15.1.4-e02c8f12-aliyun", "runtime": "docker://19.3.15"}
_RANGE = range_text("172.20.0.1", "172.20.0.62")
"""The range of the first node, 172.20.0.0/26."""


def _old(name: str, **more: object) -> Pair:
    p = pair(name, **_OLD, **more)  # type: ignore[arg-type]
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(hairpinMode=True)
    return p


@SCENARIOS.add
def leak_after_reboot() -> Scenario:
    p = pair("leak-reboot", server="v1.22.15-aliyun.1", flannel="v0.15.1.4-e02c8f12-aliyun")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(hairpinMode=True)
    p.fill(18)
    pod = p.stuck(_RANGE)
    boot = f"Node {p.here.name} has been rebooted, boot id: 7be0f4a2-51f6-4c4a-8a57-0c7c2a9d1f3e"
    p.cluster.event(p.here, "Rebooted", boot, first="35m", last="35m", count=1, about_uid=p.here.name)
    return Scenario(
        p.cluster,
        title="18 of 61 addresses in use after a crash of the node",
        question="since the node crashed no new pod gets an IP there, range set error, only 18 pods on it",
        scope=scope_of(pod),
        expect={LEAK: "confirmed", FULL: "ruled_out", ROUTES: "ruled_out", CNI: "ruled_out"},
        why="The range of the fresh error is the node's, 18 of 61 addresses are held, and Flannel v0.15.1.4 "
        "keeps leases on disk over a reboot.",
    )


@SCENARIOS.add
def leak_anywhere() -> Scenario:
    p = _old("leak-unscoped")
    p.fill(12)
    p.stuck(_RANGE)
    p.stuck(f"(combined from similar events): {_RANGE}", age="5m", first="4m")
    return Scenario(
        p.cluster,
        title="Somebody asks without naming pod or node",
        question="pods stuck in ContainerCreating: no IP addresses available in range set. what now?",
        expect={LEAK: "confirmed", FULL: "ruled_out", ROUTES: "ruled_out"},
        why="Both stuck pods are on one node, where 12 of 61 addresses are held; kubelet and Flannel are old.",
    )


@SCENARIOS.add
def leak_directory_not_moved() -> Scenario:
    p = pair("leak-directory", server="v1.24.6-aliyun.1", flannel="v0.15.1.19-d460293f-aliyun")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(hairpinMode=True)
    p.fill(20)
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="New enough in every version, but the leases are still on disk",
        question="We are on flannel 0.15.1.19, that leaks no more I thought? range set error again",
        scope=scope_of(pod),
        expect={LEAK: "confirmed", FULL: "ruled_out", ROUTES: "ruled_out"},
        why="The configuration was never changed, so leases lie in /var/lib/cni/networks whatever the version.",
    )


@SCENARIOS.add
def no_known_cause() -> Scenario:
    p = pair("leak-no-known-cause", server="v1.24.6-aliyun.1", flannel="v0.15.1.22-20a397e6-aliyun")
    p.fill(20)
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="Addresses are gone although neither known cause fits",
        question="no IP addresses available on a node with 20 pods, kubelet 1.24, flannel .22",
        scope=scope_of(pod),
        expect={LEAK: ["open", "by_hand"], FULL: "ruled_out", ROUTES: "ruled_out"},
        why="Kubelet and Flannel are past the fixed versions and leases lie in memory: a runtime defect perhaps.",
    )


@SCENARIOS.add
def subnet_full() -> Scenario:
    p = _old("full", here={"pods": 110})
    p.fill(60)
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="60 of 61 addresses are held by running pods",
        question="new web pod: no IP addresses available in range set 172.20.0.1-172.20.0.62. leak or really full?",
        scope=scope_of(pod),
        expect={FULL: "confirmed", LEAK: "ruled_out", ROUTES: "ruled_out"},
        why="Old kubelet and old Flannel make a leak possible, but pods hold the addresses: /26 has 61 usable ones.",
    )


@SCENARIOS.add
def full_of_terminating_pods() -> Scenario:
    p = pair("full-terminating", here={"pods": 110})
    for pod in p.fill(60)[:25]:
        pod["metadata"] |= {"deletionTimestamp": ago("3h"), "deletionGracePeriodSeconds": 30}
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="25 of the holders hang in deletion",
        question="kubectl get pods shows lots of Terminating on .9 and new pods get no ip",
        scope=scope_of(pod),
        expect={FULL: ["confirmed", "open"], LEAK: "ruled_out"},
        why="Pods in deletion still hold their addresses: 60 of 61.",
    )


@SCENARIOS.add
def in_between() -> Scenario:
    p = _old("between", here={"pods": 110})
    p.fill(55)
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="55 of 61: too many for a clear leak, too few for a full subnet",
        question="range set error on .9",
        scope=scope_of(pod),
        expect={FULL: "open", LEAK: "open", ROUTES: "ruled_out"},
        why="Sandboxes that come and go hold addresses for seconds; 55 decides nothing.",
    )


@SCENARIOS.add
def range_of_before() -> Scenario:
    p = _old("other-range")
    p.fill(9)
    pod = p.stuck(range_text("172.20.7.129", "172.20.7.190"))
    return Scenario(
        p.cluster,
        title="The error names a range that is not the node's",
        question="no IP addresses available in range set: 172.20.7.129-172.20.7.190, but only a few pods run",
        scope=scope_of(pod),
        expect={FULL: ["ruled_out", "open"], LEAK: ["ruled_out", "open"]},
        why="The node's podCIDR is 172.20.0.0/26: it was registered anew, its subnet file is from before.",
    )


@SCENARIOS.add
def no_subnet_file() -> Scenario:
    p = _old("subnet-env", here={"agent_state": "crashing"})
    p.fill(3)
    text = "failed to load flannel 'subnet.env' file: open /run/flannel/subnet.env: no such file or directory. "
    pod = p.stuck(f"{text}Check the flannel pod log for this node.")
    return Scenario(
        p.cluster,
        title="Flannel does not run, so there is no subnet at all",
        question="ContainerCreating on .9, something about subnet.env",
        scope=scope_of(pod),
        expect={FULL: "ruled_out", LEAK: "ruled_out"},
        why="The event blames the missing subnet file, which the crashing Flannel pod would write.",
    )


@SCENARIOS.add
def long_ago() -> Scenario:
    p = _old("stale-error")
    p.fill(15)
    pod = p.stuck(_RANGE, age="2h", first="110m", last="40m", count=240)
    return Scenario(
        p.cluster,
        title="The error has not come back for 40 minutes",
        question="web hangs in ContainerCreating since two hours",
        scope=scope_of(pod),
        expect={LEAK: ["open", "by_hand"], FULL: "ruled_out"},
        why="What the event says is no longer fresh; 15 held addresses rule a full subnet out.",
    )


@SCENARIOS.add
def runs_by_now() -> Scenario:
    p = _old("recovered")
    p.fill(15)
    pod = p.app.pod(p.here, age="12m")
    p.cluster.sandbox_failure(pod, _RANGE, first="11m", last="3m", count=30)
    return Scenario(
        p.cluster,
        title="The pod got its address three minutes ago",
        question="web had the range set error, does the node leak?",
        scope=scope_of(pod),
        expect={LEAK: ["ruled_out", "open"], FULL: "ruled_out"},
        why="The pod runs and has its address.",
    )


@SCENARIOS.add
def all_run_by_now() -> Scenario:
    p = _old("recovered-node")
    p.fill(15)
    pod = p.app.pod(p.here, age="12m")
    p.cluster.sandbox_failure(pod, _RANGE, first="11m", last="4m", count=30)
    return Scenario(
        p.cluster,
        title="Every pod of the node has its address by now",
        question="172.16.4.9 had range set errors ten minutes ago",
        scope={"node": p.here.name},
        expect={LEAK: ["open", "ruled_out"], FULL: "ruled_out"},
        why="The error is recent, but the pod that had it runs.",
    )


@SCENARIOS.add
def cut_off() -> Scenario:
    p = _old("cut-off")
    p.fill(20)
    pod = p.stuck()
    text = "Failed to create pod sandbox: rpc error: code = Unknown desc = [failed to set up sandbox container "
    text += f'"{"0a1b2c3d" * 100}", ' + "x" * 300
    cut = text[: 1024 - len(_RANGE) + 1] + _RANGE[:-1]
    p.cluster.event(pod, "FailedCreatePodSandBox", cut, host=p.here.name)
    return Scenario(
        p.cluster,
        title="The event lost the end of its text",
        question="web: no IP addresses available in range set: 172.20.0.1-172.20.0.6",
        scope=scope_of(pod),
        expect={LEAK: ["open", "confirmed"], FULL: "ruled_out"},
        why="Events are cut at 1024 bytes; the last address is not known, so the range cannot be compared.",
    )


@SCENARIOS.add
def image_missing() -> Scenario:
    p = _old("image-pull")
    p.fill(20)
    pod = p.app.pod(
        p.here, state="image_pull", age="20m", message='Back-off pulling image "registry.example.com/shop/web:9"'
    )
    text = 'Failed to pull image "registry.example.com/shop/web:9": not found'
    p.cluster.event(pod, "Failed", text, first="20m", last="1m", host=p.here.name)
    return Scenario(
        p.cluster,
        title="The image does not exist",
        question="new version of web does not start on .9, out of IPs again?",
        scope=scope_of(pod),
        expect={LEAK: "ruled_out", FULL: "ruled_out"},
        why="The pod has an address and waits for its image.",
    )


@SCENARIOS.add
def volume_missing() -> Scenario:
    p = _old("volume")
    p.fill(20)
    pod = p.stuck()
    text = 'MountVolume.SetUp failed for volume "conf" : configmap "web-conf" not found'
    p.cluster.event(pod, "FailedMount", text, first="6m", last="40s", host=p.here.name)
    return Scenario(
        p.cluster,
        title="A ConfigMap that the pod mounts is missing",
        question="web stuck in ContainerCreating on .9",
        scope=scope_of(pod),
        expect={LEAK: "ruled_out", FULL: "ruled_out"},
        why="kubelet waits for a volume; the network is not set up before that.",
    )


@SCENARIOS.add
def pods_forbidden() -> Scenario:
    p = _old("pods-forbidden")
    p.fill(12)
    p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="Pods may not be read, so nobody can count",
        question="range set error on 172.16.4.9. leak?",
        scope={"node": p.here.name},
        expect={LEAK: ["unreadable", "open"], FULL: ["unreadable", "open"]},
        forbidden=["pods"],
        why="The error can be seen in the events, who holds the addresses cannot.",
    )


@SCENARIOS.add
def second_family() -> Scenario:
    p = pair("dual-stack-range", server="v1.22.15-aliyun.1", flannel="v0.15.1.4-e02c8f12-aliyun", dual_stack=True)
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(hairpinMode=True)
    p.fill(10)
    text = "failed to allocate for range 1: no IP addresses available in range set: fd00:20:0:1::1-fd00:20:0:1::ffff"
    pod = p.stuck(text)
    return Scenario(
        p.cluster,
        title="It is the IPv6 range that has no address",
        question="dual stack flannel, failed to allocate for range 1",
        scope=scope_of(pod),
        expect={LEAK: ["open", "ruled_out"], FULL: ["open", "ruled_out"]},
        also_ignored=["ipv6-pod-unreachable"],
        why="Range 1 is IPv6; counting IPv4 addresses says nothing about it.",
    )


@SCENARIOS.add
def few_pods_no_error() -> Scenario:
    p = _old("no-error")
    p.fill(10)
    return Scenario(
        p.cluster,
        title="Old versions, no error",
        question="could 172.16.4.9 be leaking addresses? flannel is really old",
        scope={"node": p.here.name},
        expect={LEAK: ["open", "ruled_out", "by_hand"], FULL: "ruled_out"},
        why="Possible by the versions, but no pod lacks an address.",
    )


def _completed(p: Pair, count: int) -> list[Object]:
    return [
        p.cluster.pod("batch", f"report-{number}", node=p.here, state="completed", age=f"{5 + number}m")
        for number in range(count)
    ]


@SCENARIOS.add
def completed_pods_hold_nothing() -> Scenario:
    p = _old("leak-completed-pods")
    p.fill(16)
    _completed(p, 45)
    pod = p.stuck(_RANGE)
    return Scenario(
        p.cluster,
        title="61 pods on the node, but 45 of them have ended",
        question="kubectl get pods counts 61 on .9 and /26 has 61 addresses, so it is full?",
        scope=scope_of(pod),
        expect={LEAK: "confirmed", FULL: "ruled_out"},
        why="Completed pods hold no address: 16 of 61 are held.",
    )
