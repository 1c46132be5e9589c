"""Ports of the node that pods ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tests.scenarios.building import objects as kube
from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.flannel_parts import chain, single
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object, json_text
from tests.scenarios.building.scenario import Collection, Scenario, scope_of

SCENARIOS = Collection()

HOST_PORT = "host-port"


def _flannel(name: str, **more: Any) -> tuple[Cluster, Node, Node]:
    c = Cluster(f"general-host-port-{name}", plugin="flannel", **more)
    return c, c.node("172.16.4.9"), c.node("172.16.4.10")


def _probe(port: int = 9443, host_ip: str | None = None) -> Sequence[Object]:
    asked: Object = {"containerPort": 9443, "hostPort": port, "protocol": "TCP"}
    asked |= {"hostIP": host_ip} if host_ip else {}
    return [kube.container("probe", "registry.example.com/ops/probe:1.8", ports=[asked])]


@SCENARIOS.add
def flannel_supports_it() -> Scenario:
    c, here, other = _flannel("flannel")
    ports = [{"containerPort": 9443, "hostPort": 9443, "protocol": "TCP"}]
    c.daemon_set(
        "ops", "probe", [here, other], "registry.example.com/ops/probe:1.8", age="9d", container_spec={"ports": ports}
    )
    return Scenario(
        c,
        title="Asked without pointing at a pod; a DaemonSet has hostPort",
        question="Does hostPort do anything on this cluster?",
        expect={HOST_PORT: "confirmed"},
        why="portmap is in the chain, Flannel is new enough, and the DaemonSet's pods are younger than Flannel's.",
    )


@SCENARIOS.add
def flannel_without_portmap() -> Scenario:
    c, here, _ = _flannel("no-portmap", server="v1.18.8-aliyun.1", flannel="v0.15.1.4-e02c8f12-aliyun")
    assert c.flannel_config
    c.flannel_config.cni_conf = single(hairpinMode=True)
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="A configuration of a single plugin has no portmap",
        question="hostPort 9443 of ops/probe-1 is closed on the node",
        scope=scope_of(pod),
        expect={HOST_PORT: ["open", "by_hand"]},
        why="Without portmap in a chain nothing maps the port, on Flannel either; how it came to be so is not visible.",
    )


@SCENARIOS.add
def pod_from_before() -> Scenario:
    c = Cluster("general-host-port-old-pod", plugin="flannel")
    here = c.node("172.16.4.9", agent_age="2d")
    c.node("172.16.4.10", agent_age="2d")
    assert c.flannel_config
    c.flannel_config.changed = "3d"
    pod = c.pod("ops", "probe-1", node=here, age="40d", containers=_probe())
    return Scenario(
        c,
        title="The pod is older than portmap in the chain",
        question="we added portmap to flannel but probe-1's host port is still not reachable",
        scope=scope_of(pod),
        expect={HOST_PORT: ["open", "by_hand"]},
        why="What is mapped for a pod is decided when it is created; it was before the change.",
    )


@SCENARIOS.add
def port_taken() -> Scenario:
    c, here, other = _flannel("taken")
    for node, name in ((here, "probe-1"), (other, "probe-2")):
        c.pod("ops", name, node=node, containers=_probe())
    message = "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports."
    pod = c.pod("ops", "probe-3", state="unscheduled", age="10m", containers=_probe(), message=message)
    c.event(pod, "FailedScheduling", message, first="10m", last="1m", component="default-scheduler")
    return Scenario(
        c,
        title="The port is taken on every node",
        question="third replica of probe stays Pending",
        scope=scope_of(pod),
        expect={HOST_PORT: "confirmed", "flannel-ip-leak": "ruled_out"},
        why="The scheduler finds no node where host port 9443 is free.",
    )


@SCENARIOS.add
def other_addresses() -> Scenario:
    c, here, _ = _flannel("two-addresses")
    assert c.flannel_config
    c.flannel_config.cni_conf = single(hairpinMode=True)
    c.pod("ops", "probe-1", node=here, containers=_probe(host_ip="172.16.4.9"))
    c.pod("ops", "probe-2", node=here, containers=_probe(host_ip="127.0.0.1"))
    return Scenario(
        c,
        title="The same port at different addresses of the node",
        question="do probe-1 and probe-2 get into each other's way?",
        scope={"namespace": "ops"},
        expect={HOST_PORT: ["open", "by_hand", "ruled_out"]},
        why="hostIP differs, so there is no conflict; without portmap nothing is mapped anyway.",
    )


@SCENARIOS.add
def node_network() -> Scenario:
    c, here, _ = _flannel("node-network")
    assert c.flannel_config
    c.flannel_config.cni_conf = single(hairpinMode=True)
    pod = c.pod("ops", "probe-1", node=here, containers=_probe(), host_network=True)
    return Scenario(
        c,
        title="The pod uses the node's network",
        question="probe-1 shows hostPort in kubectl get -o yaml although I never set it",
        scope=scope_of(pod),
        expect={HOST_PORT: "ruled_out"},
        why="With hostNetwork the API mirrors containerPort into hostPort; the plugin plays no part.",
    )


@SCENARIOS.add
def configmaps_forbidden() -> Scenario:
    c, here, _ = _flannel("forbidden")
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="Flannel's configuration may not be read",
        question="will hostPort work for probe-1?",
        scope=scope_of(pod),
        expect={HOST_PORT: ["unreadable", "open"]},
        forbidden=["configmaps"],
        why="Whether portmap is in the chain stands in a ConfigMap.",
    )


def _terway(name: str, **more: Any) -> tuple[Cluster, Node]:
    c = Cluster(f"general-host-port-{name}", plugin="terway", **more)
    here, _ = c.node("192.168.0.11"), c.node("192.168.0.12")
    return c, here


@SCENARIOS.add
def terway_does_not() -> Scenario:
    c, here = _terway("terway")
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="hostPort on Terway",
        question="host port 9443 of probe-1 refuses connections",
        scope=scope_of(pod),
        expect={HOST_PORT: "confirmed"},
        why="A Terway node with kube-proxy, no portmap in eni-config, and a pod with hostPort on its own network.",
    )


@SCENARIOS.add
def terway_with_chain() -> Scenario:
    c, here = _terway("terway-chain")
    assert c.eni_config
    body = {"plugins": [c.eni_config.terway_conf, {"type": "portmap", "capabilities": {"portMappings": True}}]}
    c.eni_config.flags = {
        **(c.eni_config.flags or {}),
        "10-terway.conflist": json_text({"cniVersion": "0.4.0", **body}),
    }
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="Terway with a chain of the customer's own",
        question="we put portmap into 10-terway.conflist, is hostPort supported then?",
        scope=scope_of(pod),
        expect={HOST_PORT: ["open", "by_hand"]},
        why="portmap is there; it is nothing that ACK promises, and nothing that is excluded.",
    )


@SCENARIOS.add
def terway_without_kube_proxy() -> Scenario:
    c, here = _terway("terway-no-kube-proxy", terway="v1.16.8")
    here.object["metadata"]["labels"]["k8s.aliyun.com/no-kube-proxy"] = "true"
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="A node whose data path stands in for kube-proxy",
        question="hostPort on the nodes without kube-proxy, yes or no?",
        scope=scope_of(pod),
        expect={HOST_PORT: ["open", "by_hand"]},
        why="There the data path may serve host ports itself.",
    )


@SCENARIOS.add
def chain_on_old_flannel() -> Scenario:
    c, here, _ = _flannel("old-flannel", server="v1.18.8-aliyun.1", flannel="v0.11.0.2-g6e46593e-aliyun")
    assert c.flannel_config
    c.flannel_config.cni_conf = chain(hairpinMode=True, moved=False)
    pod = c.pod("ops", "probe-1", node=here, containers=_probe())
    return Scenario(
        c,
        title="portmap in the chain of a Flannel that is too old",
        question="portmap is configured, hostPort still dead",
        scope=scope_of(pod),
        expect={HOST_PORT: ["open", "by_hand"]},
        why="hostPort is supported from v0.15.1.4 on.",
    )
