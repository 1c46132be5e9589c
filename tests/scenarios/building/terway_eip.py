"""Terway: elastic IPs that the plugin used to manage, and the upgrade that they block."""

from __future__ import annotations

from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import Collection, Scenario
from tests.scenarios.building.terway_parts import Pair, pair

SCENARIOS = Collection()

EIP = "terway-upgrade-eip-pool"
OLD = {"k8s.aliyun.com/pod-with-eip": "true", "k8s.aliyun.com/pod-eip-instanceid": "eip-bp1k2j3h4g5f6d7s8a9q0"}


def controller(p: Pair) -> None:
    image = "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/ack-extend-network-controller:v0.9.0"
    p.cluster.deployment("kube-system", "ack-extend-network-controller", [p.other], image=image)


def pod_eip(p: Pair, pod: Object) -> None:
    meta = pod["metadata"]
    p.cluster.resource(
        "alibabacloud.com/v1beta1",
        "PodEIP",
        meta["name"],
        namespace=meta["namespace"],
        age="3d",
        spec={"allocationID": "eip-bp1k2j3h4g5f6d7s8a9q0", "allocationType": {"type": "Static"}},
        status={"eipAddress": "47.99.1.17", "status": "InUse", "privateIPAddress": pod["status"]["podIP"]},
    )


@SCENARIOS.add
def still_in_terway() -> Scenario:
    p = pair(
        "eip-still-in-terway",
        "voip",
        "sip",
        terway="v1.5.6",
        ipam="legacy",
        datapath="IPVlan",
        server="v1.22.15-aliyun.1",
    )
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.eni_conf["enable_eip_pool"] = "true"
    pod = p.app.pod(p.here, annotations=OLD)
    assert pod
    return Scenario(
        p.cluster,
        title="Terway 1.5 manages EIPs",
        question="Terway upgrade from the console fails: eip pool is not supported. What stands in the way?",
        expect={EIP: "confirmed"},
        crds=[],
        why='enable_eip_pool is "true" with Terway below 1.7.0, and a pod carries its EIP annotations.',
    )


@SCENARIOS.add
def migration_unfinished() -> Scenario:
    p = pair(
        "eip-migration-unfinished",
        "voip",
        "rtp",
        terway="v1.6.3",
        ipam="legacy",
        datapath="IPVlan",
        server="v1.24.6-aliyun.1",
    )
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.eni_conf |= {"enable_eip_pool": "true", "enable_eip_migrate": True}
    controller(p)
    done = p.app.pod(p.here, annotations=OLD)
    pod_eip(p, done)
    p.app.pod(p.other, annotations=OLD | {"k8s.aliyun.com/pod-eip-instanceid": "eip-bp1second000000000002"})
    return Scenario(
        p.cluster,
        title="The migration has begun and one pod is missing",
        question="eip pool is not supported beim Terway-Upgrade, die Migration läuft doch schon",
        expect={EIP: "confirmed"},
        why='enable_eip_pool is still "true" on v1.6.3, and one of two pods with an EIP has no PodEIP.',
    )


@SCENARIOS.add
def migrated() -> Scenario:
    p = pair(
        "eip-migrated", "voip", "turn", terway="v1.6.3", ipam="legacy", datapath="IPVlan", server="v1.24.6-aliyun.1"
    )
    controller(p)
    pod_eip(p, p.app.pod(p.here, annotations=OLD))
    return Scenario(
        p.cluster,
        title="All EIPs are with the controller, the switch is gone",
        question="we moved the EIPs to ack-extend-network-controller, can we upgrade Terway now?",
        expect={EIP: ["confirmed", "ruled_out", "open"]},
        why="No enable_eip_pool, the controller is available, and the one pod with an EIP has its PodEIP.",
    )


@SCENARIOS.add
def never_used() -> Scenario:
    p = pair(
        "eip-never-used", "voip", "stun", terway="v1.5.6", ipam="legacy", datapath="IPVlan", server="v1.22.15-aliyun.1"
    )
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.eni_conf["enable_eip_pool"] = "false"
    p.app.pod(p.here)
    return Scenario(
        p.cluster,
        title="The key is false and no pod has an EIP of Terway's",
        question="Terway upgrade fails, do we have the EIP pool problem?",
        expect={EIP: ["ruled_out", "open", "by_hand"]},
        crds=[],
        why='enable_eip_pool is "false" and no pod carries the annotations.',
    )


@SCENARIOS.add
def leftover_key() -> Scenario:
    p = pair("eip-leftover-key", "voip", "bridge", terway="v1.10.9", ipam="legacy")
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.eni_conf["enable_eip_pool"] = "true"
    return Scenario(
        p.cluster,
        title="The key outlived the feature",
        question="enable_eip_pool is still in eni_conf with Terway 1.10, does it block the next upgrade?",
        expect={EIP: ["ruled_out", "open"]},
        why="Terway 1.10 no longer has the field and ignores it; no pod carries the annotations.",
    )


@SCENARIOS.add
def config_maps_forbidden() -> Scenario:
    p = pair(
        "eip-configmaps-forbidden",
        "voip",
        "proxy",
        terway="v1.5.6",
        ipam="legacy",
        datapath="IPVlan",
        server="v1.22.15-aliyun.1",
    )
    return Scenario(
        p.cluster,
        title="ConfigMaps may not be read",
        question="eip pool is not supported - which setting is it?",
        expect={EIP: ["unreadable", "open"]},
        forbidden=["configmaps"],
        also_ignored=["terway-pod-start-latency"],
        crds=[],
        why="enable_eip_pool is a field of eni_conf in ConfigMap eni-config.",
    )
