"""Terway: the device of an ENI is missing on the node."""

from __future__ import annotations

from typing import Any

from tests.scenarios.building.messages import alloc_ip, mac_not_found
from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, MAC, QUOTA, Pair, pair

SCENARIOS = Collection()


def complain(p: Pair, pod: Object, mac: str, **more: Any) -> None:
    """Let the pod report that the device with that MAC is missing, as Terway and as kubelet do."""
    cause = mac_not_found(mac)
    p.cluster.event(pod, "AllocIPFailed", cause, component="terway-daemon", **more)
    p.cluster.sandbox_failure(pod, cause, **more)


@SCENARIOS.add
def persistent() -> Scenario:
    p = pair("mac-persistent", "gpu", "render", terway="v1.14.3")
    eni = p.cluster.eni(p.here, idle=4)
    pod = p.stuck(age="16m")
    complain(p, pod, eni.mac, first="15m", last="25s", count=19)
    return Scenario(
        p.cluster,
        title="The same MAC for a quarter of an hour, the ENI is InUse",
        question="gpu/render: can't found dev by mac, does not go away",
        scope=scope_of(pod),
        expect={MAC: "confirmed", EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="Nineteen times in fifteen minutes with one MAC, whose ENI the Node resource has as InUse with idle "
        "addresses: "
        "the node did not bring the device up.",
    )


@SCENARIOS.add
def several_pods() -> Scenario:
    p = pair("mac-several-pods", "gpu", "train", terway="v1.16.8")
    eni = p.cluster.eni(p.here, idle=4)
    pods = [p.stuck(age="13m") for _ in range(2)]
    for pod in pods:
        complain(p, pod, eni.mac.upper(), first="12m", last="30s", count=14)
    return Scenario(
        p.cluster,
        title="Two pods of one node, the MAC in capitals",
        question="all gpu/train pods that land on .11 fail with the same mac address not found",
        scope={"node": p.here.name},
        expect={MAC: "confirmed", EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="Both name the MAC (whatever its case) of an ENI that is InUse, for twelve minutes.",
    )


@SCENARIOS.add
def persistent_legacy() -> Scenario:
    p = pair(
        "mac-legacy",
        "gpu",
        "infer",
        terway="v1.4.3",
        ipam="legacy",
        datapath="IPVlan",
        server="v1.22.15-aliyun.1",
        runtime="docker://19.3.15",
    )
    p.cluster.eni(p.here)
    pod = p.stuck(age="31m")
    complain(p, pod, "00:16:3e:0c:5d:f1", first="30m", last="1m", count=33)
    return Scenario(
        p.cluster,
        title="Old Terway on docker; what the ENI does is not visible",
        question="gpu/infer: error parse config, can't found dev by mac 00:16:3e:0c:5d:f1",
        scope=scope_of(pod),
        expect={MAC: ["confirmed", "open"], EXHAUSTED: ["ruled_out", "open"], QUOTA: ["open", "ruled_out", "by_hand"]},
        why="The error repeats for half an hour with one MAC; without a Node resource the ENI's state is for "
        "the console.",
    )


@SCENARIOS.add
def transient() -> Scenario:
    p = pair("mac-transient", "gpu", "label", terway="v1.8.6", ipam="legacy")
    pod = p.app.pod(p.here, age="9m", since="8m")
    complain(p, pod, "00:16:3e:1a:2b:3c", first="9m", last="9m", count=2)
    p.cluster.event(
        pod,
        "AllocIPSucceed",
        f"Alloc IP {pod['status']['podIP']} took 2.3s",
        type_="Normal",
        first="8m",
        last="8m",
        count=1,
        component="terway-daemon",
    )
    return Scenario(
        p.cluster,
        title="Two failures, then an address: the device came up late",
        question="gpu/label had 'can't found dev by mac' but runs now. Worry?",
        scope=scope_of(pod),
        expect={MAC: ["confirmed", "open"], EXHAUSTED: ["ruled_out", "open"]},
        why="AllocIPSucceed is newer than the error and the pod runs: transient; v1.8.6 is one of the releases "
        "that report "
        "this more often.",
    )


@SCENARIOS.add
def just_once() -> Scenario:
    p = pair("mac-once", "gpu", "eval", terway="v1.10.9", ipam="legacy")
    p.cluster.eni(p.here)
    pod = p.stuck(age="40s")
    complain(p, pod, "00:16:3e:77:10:ab", first="20s", last="20s", count=1)
    return Scenario(
        p.cluster,
        title="One failure twenty seconds ago",
        question="gpu/eval: can't found dev by mac. Reboot the node?",
        scope=scope_of(pod),
        expect={MAC: ["open", "confirmed"], EXHAUSTED: ["ruled_out", "open"]},
        why="Seen once, twenty seconds ago: whether it passes with the next attempt is not known yet.",
    )


@SCENARIOS.add
def eni_attaching() -> Scenario:
    p = pair("mac-eni-attaching", "gpu", "dataset", terway="v1.14.3")
    p.cluster.eni(p.here, idle=1)
    late = p.cluster.eni(p.here, status="Attaching")
    pod = p.stuck(age="9m")
    complain(p, pod, late.mac, first="8m", last="30s", count=9)
    return Scenario(
        p.cluster,
        title="The ENI with that MAC is still being attached",
        question="gpu/dataset pods complain about a missing mac since 8 minutes",
        scope=scope_of(pod),
        expect={MAC: ["confirmed", "open"], EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="The Node resource has the MAC's ENI as Attaching: the cloud has not finished, so not the node's driver.",
    )


@SCENARIOS.add
def eni_unknown() -> Scenario:
    p = pair("mac-eni-unknown", "gpu", "viewer", terway="v1.15.2")
    p.cluster.eni(p.here, idle=3)
    pod = p.stuck(age="21m")
    complain(p, pod, "00:16:3e:de:ad:01", first="20m", last="40s", count=25)
    return Scenario(
        p.cluster,
        title="No ENI of the node has that MAC",
        question="gpu/viewer: dev by mac 00:16:3e:de:ad:01 not found, but the node has no such card at all",
        scope=scope_of(pod),
        expect={MAC: ["confirmed", "open"], EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="The error persists, and the Node resource has no ENI with the MAC: Terway and the cloud disagree.",
    )


@SCENARIOS.add
def another_configuration_error() -> Scenario:
    p = pair("mac-other-config-error", "gpu", "queue", terway="v1.14.3")
    p.cluster.eni(p.here, idle=4)
    pod = p.stuck()
    p.cluster.event(pod, "AllocIPFailed", "eth0 config is missing", count=5, component="terway-daemon")
    p.cluster.sandbox_failure(pod, "eth0 config is missing", count=5)
    return Scenario(
        p.cluster,
        title="Another error of the same step",
        question="gpu/queue fails in the CNI, mac address problem again?",
        scope=scope_of(pod),
        expect={MAC: ["ruled_out", "open"], EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="The text is `eth0 config is missing`; no device is looked for by its MAC.",
    )


@SCENARIOS.add
def forgotten() -> Scenario:
    p = pair("mac-events-gone", "gpu", "board", terway="v1.14.3")
    p.cluster.eni(p.here, idle=4)
    pod = p.app.pod(p.here, age="5h")
    return Scenario(
        p.cluster,
        title="Hours later, nothing is left to see",
        question="this morning gpu/board failed with can't found dev by mac. What was it?",
        scope=scope_of(pod),
        expect={MAC: ["open", "ruled_out", "by_hand"], EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out"},
        why="The pod runs for five hours and events are kept for one: their absence proves nothing.",
    )


@SCENARIOS.add
def exhaustion_instead() -> Scenario:
    p = pair("mac-agent-starting", "gpu", "front", terway="v1.14.3", here={"agent_state": "init_failing"})
    p.cluster.eni(p.here, idle=4)
    pod = p.stuck()
    p.cluster.sandbox_failure(
        pod,
        alloc_ip("rpc error: code = Unavailable desc = dial unix /var/run/eni/eni.socket: connect: connection refused"),
    )
    assert p.here.agent is not None
    p.cluster.log(
        p.here.agent,
        "terway-init",
        'time="{{now-4m}}" level=fatal msg="failed process input" error="invalid character \'#\'"\n',
    )
    return Scenario(
        p.cluster,
        title="Terway does not start on the node because of its configuration",
        question="gpu/front can't get network on .11, CNI error. mac issue?",
        scope=scope_of(pod),
        expect={MAC: ["ruled_out", "open"], EXHAUSTED: "ruled_out", QUOTA: "ruled_out"},
        why="terway-init fails on the node, nobody serves the socket; addresses are idle.",
    )
