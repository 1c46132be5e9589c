"""Pods in dual-stack clusters: which addresses they have, and who reaches them by IPv6."""

from __future__ import annotations

from typing import Any

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.objects import Object
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.workloads import Workload

__all__ = ["NO_OUT", "NO_PUBLIC", "POD_SHOWS", "SCENARIOS", "UNREACHABLE", "dual"]

SCENARIOS = Collection()

POD_SHOWS = "ipv6-pod-shows-ipv4"
UNREACHABLE = "ipv6-pod-unreachable"
NO_PUBLIC = "ipv6-pod-no-public-access"
NO_OUT = "ipv6-no-outbound"
NOT_WITHOUT_IPV6 = {UNREACHABLE: "ruled_out", NO_PUBLIC: "ruled_out", NO_OUT: "ruled_out"}

OWN_POLICY = ["terway-pod-start-latency", "terway-vswitch-no-internet"]
"""What a cluster with enforced policies may truthfully be told besides."""


def dual(name: str, **more: Any) -> tuple[Cluster, Node, Node, Workload]:
    """A dual-stack Terway cluster with an application of two pods."""
    settings: dict[str, Any] = {"terway": "v1.14.3", "dual_stack": True} | more
    c = Cluster(f"ipv6-{name}", plugin="terway", **settings)
    a, b = c.node("192.168.0.41"), c.node("192.168.0.42")
    return c, a, b, c.deployment("shop", "portal", [a, b])


def enforced(c: Cluster) -> None:
    assert c.eni_config is not None
    c.eni_config.flags = {"disable_network_policy": "false"}


def policy(c: Cluster, **spec: Any) -> None:
    types = [kind.capitalize() for kind in spec]
    selector = {"podSelector": {"matchLabels": {"app": "portal"}}, "policyTypes": types}
    c.network_policy("shop", "portal", selector | spec)


def only_ipv4(pod: Object) -> None:
    """Take the pod's second address away."""
    pod["status"]["podIPs"] = pod["status"]["podIPs"][:1]


@SCENARIOS.add
def shown_by_the_column_only() -> Scenario:
    c, _, _, app = dual("both-addresses")
    return Scenario(
        c,
        title="The pod has both addresses, kubectl's column shows one",
        question="dual-stack cluster, but kubectl get pod -o wide shows only 10.x for shop/portal",
        scope=scope_of(app.pods[0]),
        expect={POD_SHOWS: ["confirmed", "ruled_out"], UNREACHABLE: ["by_hand", "open"], NO_OUT: ["by_hand", "open"]},
        why="podIPs has an IPv6 entry.",
    )


@SCENARIOS.add
def single_stack_cluster() -> Scenario:
    c, _, _, app = dual("single-stack-cluster", dual_stack=False)
    return Scenario(
        c,
        title="The cluster has one family",
        question="how do I see the IPv6 address of shop/portal? there is none in podIPs",
        scope=scope_of(app.pods[0]),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        why="podIPs has one entry, ipStack in ack-cluster-profile is ipv4 and serviceCIDR has one range.",
    )


@SCENARIOS.add
def unequal_quotas() -> Scenario:
    c, a, _, app = dual("unequal-quotas", terway="v1.17.2")
    pod = app.pods[0]
    only_ipv4(pod)
    text = "Instance not support k8s dual stack. ipv4 and ipv6 count is not equal."
    c.series_event(c.terway_node(a), "ConfigError", text, first="40m", last="4m", controller="terway-controlplane/node")
    return Scenario(
        c,
        title="The instance type's quotas differ, so Terway left IPv6 off on the node",
        question="pods on .41 have no IPv6, those on .42 do. same deployment",
        scope=scope_of(pod),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        also_ignored=["terway-pod-ip-outside-vswitch"],
        why="podIPs has one entry; a ConfigError on the node's Terway resource says why.",
    )


@SCENARIOS.add
def daemon_says_so_in_its_log() -> Scenario:
    c, a, _, app = dual("said-in-the-log", terway="v1.8.16", ipam="legacy")
    pod = app.pods[0]
    only_ipv4(pod)
    assert a.agent is not None
    c.log(a.agent, "terway", 'time="2026-03-01T20:11:09Z" level=warning msg="instance is not support ipv6"\n')
    return Scenario(
        c,
        title="Daemon IPAM tells it in its log only",
        question="a pod of shop/portal got no IPv6, its sibling on the other node has one",
        scope=scope_of(pod),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        why="podIPs has one entry, and Terway on that node says that the instance does not support IPv6.",
    )


@SCENARIOS.add
def quotas_of_the_instance_type() -> Scenario:
    c, a, _, app = dual("quotas-reported", terway="v1.17.2", ipam="legacy")
    pod = app.pods[0]
    only_ipv4(pod)
    a.ipv6_quota = 1
    return Scenario(
        c,
        title="The Node resource has the instance's quotas, and they differ",
        question="shop/portal on .41 没有 IPv6 地址",
        scope=scope_of(pod),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        why="nodeCap has ipv4PerAdapter 10 and ipv6PerAdapter 1; such a node gets no IPv6.",
    )


@SCENARIOS.add
def older_than_its_sibling() -> Scenario:
    c, a, _, app = dual("older-than-sibling")
    pod = app.pods[0]
    only_ipv4(pod)
    pod["metadata"]["creationTimestamp"] = pod["status"]["startTime"] = "{{now-70d}}"
    app.pod(a, age="3d")
    return Scenario(
        c,
        title="The pod runs since before IPv6 was switched on",
        question="one pod of shop/portal has a v6 address, the old one on the same node has none",
        scope=scope_of(pod),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        why="It is older than the last change of eni-config and the start of Terway; a younger pod beside it has both.",
    )


@SCENARIOS.add
def all_of_a_namespace() -> Scenario:
    c, _, _, app = dual("namespace-asked")
    only_ipv4(app.pods[0])
    return Scenario(
        c,
        title="Nobody names the pod",
        question="in namespace shop some pods have IPv6 and some don't",
        scope={"namespace": "shop"},
        expect={POD_SHOWS: "confirmed", UNREACHABLE: ["by_hand", "open"], NO_OUT: ["by_hand", "open"]},
        why="One of the two pods has one entry in podIPs, the other has two.",
    )


@SCENARIOS.add
def host_network_of_an_ipv4_node() -> Scenario:
    c, a, _, _ = dual("host-network")
    a.object["status"]["addresses"] = [one for one in a.object["status"]["addresses"] if ":" not in one["address"]]
    pod = c.pod("ops", "exporter", node=a, host_network=True)
    only_ipv4(pod)
    return Scenario(
        c,
        title="On the host's network of a node without IPv6",
        question="why has ops/exporter no v6 address in our dual-stack cluster",
        scope=scope_of(pod),
        expect={POD_SHOWS: "confirmed", **NOT_WITHOUT_IPV6},
        why="hostNetwork, and the node's InternalIPs are IPv4 only.",
    )


@SCENARIOS.add
def not_started_yet() -> Scenario:
    c, a, _, app = dual("not-started")
    pod = app.pod(a, state="creating", age="1m")
    return Scenario(
        c,
        title="The pod has no address at all yet",
        question="shop/portal, the new one, has no IPv6 address",
        scope=scope_of(pod),
        expect={POD_SHOWS: ["open", "ruled_out", "by_hand"], UNREACHABLE: ["ruled_out", "open"]},
        why="It is a minute old and waits for its sandbox; which addresses it gets is not known.",
    )


@SCENARIOS.add
def pods_forbidden() -> Scenario:
    c, _, _, app = dual("pods-forbidden")
    return Scenario(
        c,
        title="Pods may not be read",
        question="does shop/portal have an IPv6 address?",
        scope=scope_of(app.pods[0]),
        expect={POD_SHOWS: ["unreadable", "open"], UNREACHABLE: ["unreadable", "open", "by_hand"]},
        forbidden=["pods"],
        why="Addresses of pods stand in the pods.",
    )


@SCENARIOS.add
def ready_says_nothing() -> Scenario:
    c, _, _, app = dual("listens-somewhere")
    return Scenario(
        c,
        title="Ready, dual stack, no policy: what it listens on cannot be seen",
        question="curl -6 to shop/portal's pod address is refused, IPv4 works. The pod is Ready",
        scope=scope_of(app.pods[0]),
        expect={UNREACHABLE: ["by_hand", "open"], POD_SHOWS: ["confirmed", "ruled_out"]},
        why="The pod has an IPv6 address; readiness is probed by IPv4, so only a look into the pod tells.",
    )


@SCENARIOS.add
def lets_in_ipv4_ranges() -> Scenario:
    c, _, _, app = dual("ingress-ipv4-ranges")
    enforced(c)
    policy(c, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"ipBlock": {"cidr": "192.168.0.0/16"}}]}])
    return Scenario(
        c,
        title="An enforced policy lets in IPv4 ranges only",
        question="shop/portal answers on IPv4 to everybody inside, on IPv6 to nobody",
        scope=scope_of(app.pods[0]),
        expect={UNREACHABLE: "confirmed", NO_OUT: ["by_hand", "open"]},
        also_ignored=OWN_POLICY,
        why="NetworkPolicy portal isolates the pod and names two IPv4 ranges; policies are enforced.",
    )


@SCENARIOS.add
def policies_switched_off() -> Scenario:
    c, _, _, app = dual("policies-off")
    policy(
        c,
        ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}],
        egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}],
    )
    return Scenario(
        c,
        title="The policy is there, enforcement is off",
        question="is it the NetworkPolicy that keeps IPv6 away from shop/portal?",
        scope=scope_of(app.pods[0]),
        expect={UNREACHABLE: ["by_hand", "open"], NO_OUT: ["by_hand", "open"]},
        why="disable_network_policy is true, so no policy has an effect.",
    )


@SCENARIOS.add
def policy_with_pods() -> Scenario:
    c, _, _, app = dual("ingress-from-pods")
    enforced(c)
    policy(c, ingress=[{"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}, {"namespaceSelector": {}}]}])
    return Scenario(
        c,
        title="The policy lets in pods as well, whatever family they use",
        question="IPv6 from another pod to shop/portal times out, NetworkPolicy?",
        scope=scope_of(app.pods[0]),
        expect={UNREACHABLE: ["by_hand", "open"]},
        also_ignored=OWN_POLICY,
        why="namespaceSelector {} lets in every pod of the cluster.",
    )


@SCENARIOS.add
def flannel_has_no_policies() -> Scenario:
    c = Cluster("ipv6-flannel-policy", plugin="flannel", dual_stack=True)
    a = c.node("172.16.4.41")
    app = c.deployment("shop", "portal", [a])
    policy(c, egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    return Scenario(
        c,
        title="On Flannel a policy has no effect",
        question="shop/portal cannot reach 2606:4700::1111, our policy allows 0.0.0.0/0 only",
        scope=scope_of(app.pods[0]),
        expect={NO_OUT: ["by_hand", "open"]},
        why="Flannel does not enforce NetworkPolicy.",
    )


@SCENARIOS.add
def lets_out_to_ipv4() -> Scenario:
    c, _, _, app = dual("egress-ipv4-any")
    enforced(c)
    policy(c, egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}, {"to": [{"namespaceSelector": {}}]}])
    return Scenario(
        c,
        title="Egress to 0.0.0.0/0 does not include IPv6",
        question="from shop/portal curl -4 to the internet works, curl -6 hangs",
        scope=scope_of(app.pods[0]),
        expect={NO_OUT: "confirmed", UNREACHABLE: ["by_hand", "open"]},
        also_ignored=OWN_POLICY,
        why="The policy isolates egress and allows every IPv4 address and pods, no IPv6 range; it is enforced.",
    )


@SCENARIOS.add
def lets_out_to_all() -> Scenario:
    c, _, _, app = dual("egress-both-any")
    enforced(c)
    policy(c, egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}, {"ipBlock": {"cidr": "::/0"}}]}])
    return Scenario(
        c,
        title="Egress is allowed in both families",
        question="curl -6 to the internet hangs from shop/portal although the policy has ::/0",
        scope=scope_of(app.pods[0]),
        expect={NO_OUT: ["by_hand", "open"]},
        also_ignored=OWN_POLICY,
        why="The policy allows ::/0; gateway, bandwidth and security group cannot be seen.",
    )


@SCENARIOS.add
def other_pods_policy() -> Scenario:
    c, _, b, _ = dual("egress-of-others")
    enforced(c)
    policy(c, egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    crawler = c.deployment("shop", "crawler", [b])
    return Scenario(
        c,
        title="The policy selects another application",
        question="shop/crawler has no IPv6 internet",
        scope=scope_of(crawler.pods[0]),
        expect={NO_OUT: ["by_hand", "open"]},
        also_ignored=OWN_POLICY,
        why="NetworkPolicy portal selects app=portal, the pod is app=crawler.",
    )


@SCENARIOS.add
def policies_forbidden() -> Scenario:
    c, _, _, app = dual("policies-forbidden")
    enforced(c)
    policy(c, egress=[{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}])
    return Scenario(
        c,
        title="NetworkPolicies may not be read",
        question="curl -6 hangs from shop/portal",
        scope=scope_of(app.pods[0]),
        expect={NO_OUT: ["unreadable", "by_hand", "open"], UNREACHABLE: ["unreadable", "by_hand", "open"]},
        also_ignored=OWN_POLICY,
        forbidden=["networkpolicies"],
        why="Whether a policy keeps IPv6 in cannot be read.",
    )


def gateway(c: Cluster, pod: Object, *, status: dict[str, Any], **spec: Any) -> None:
    meta = pod["metadata"]
    c.resource(
        "alibabacloud.com/v1beta1",
        "PodIPv6GW",
        meta["name"],
        namespace=meta["namespace"],
        spec={"ipv6Address": pod["status"]["podIPs"][1]["ip"]} | spec,
        status=status,
    )


@SCENARIOS.add
def egress_only() -> Scenario:
    c, a, _, app = dual("egress-only")
    pod = app.pod(a, annotations={"k8s.aliyun.com/ipv6-egress-only": "true", "k8s.aliyun.com/ipv6-bandwidth": "10"})
    gateway(
        c,
        pod,
        bandwidth="10",
        egressOnlyRule=True,
        status={"ipv6GatewayID": "ipv6gw-bp1example", "ipv6EgressOnlyRuleID": "ipv6py-bp1example"},
    )
    return Scenario(
        c,
        title="The address may open connections but takes none",
        question="visitors cannot open the IPv6 address of shop/portal from the internet",
        scope=scope_of(pod),
        expect={NO_PUBLIC: "confirmed", NO_OUT: ["by_hand", "open", "ruled_out"]},
        why="The annotation asks for an egress-only rule and the PodIPv6GW has one.",
    )


@SCENARIOS.add
def bandwidth_is_there() -> Scenario:
    c, a, _, app = dual("with-bandwidth")
    pod = app.pod(a, annotations={"k8s.aliyun.com/ipv6-bandwidth": "20"})
    gateway(
        c,
        pod,
        bandwidth="20",
        status={"ipv6GatewayID": "ipv6gw-bp1example", "ipv6InternetBandwidthID": "ipv6bw-bp1example"},
    )
    return Scenario(
        c,
        title="Bandwidth is allocated, yet nobody gets in",
        question="shop/portal has 20 Mbit/s of IPv6 bandwidth, still no visitors from outside",
        scope=scope_of(pod),
        expect={NO_PUBLIC: ["by_hand", "ruled_out", "open"], NO_OUT: ["by_hand", "ruled_out", "open"]},
        why="status.ipv6InternetBandwidthID is filled; what is left is the security group.",
    )


@SCENARIOS.add
def bandwidth_unknown() -> Scenario:
    c, _, _, app = dual("bandwidth-unknown")
    return Scenario(
        c,
        title="Nothing in the cluster manages the bandwidth",
        question="nobody outside reaches shop/portal by IPv6",
        scope=scope_of(app.pods[0]),
        expect={NO_PUBLIC: ["open", "by_hand"], NO_OUT: ["by_hand", "open"]},
        why="There is no PodIPv6GW, and what was made in the console leaves none.",
    )


@SCENARIOS.add
def gateways_forbidden() -> Scenario:
    c, a, _, app = dual("gateways-forbidden")
    pod = app.pod(a)
    gateway(c, pod, bandwidth="20", status={"ipv6InternetBandwidthID": "ipv6bw-bp1example"})
    return Scenario(
        c,
        title="PodIPv6GWs may not be read",
        question="shop/portal is not reachable from outside by IPv6, is there bandwidth?",
        scope=scope_of(pod),
        expect={NO_PUBLIC: ["unreadable", "open", "by_hand"], NO_OUT: ["unreadable", "open", "by_hand"]},
        forbidden=["podipv6gws.alibabacloud.com"],
        why="Whether the address has bandwidth stands in an object that may not be read.",
    )
