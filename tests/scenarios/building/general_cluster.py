"""What plugin, which ranges, which domain: questions about the cluster as a whole."""

from __future__ import annotations

from tests.scenarios.building import objects as kube
from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.settings import COREFILE

SCENARIOS = Collection()

CHOOSE = "choose-plugin"
SWITCH = "switch-plugin"
THIRD = "third-party-plugin"
PLAN = "plan-network"
FINAL = "immutable-network-settings"
WHICH = "identify-plugin-and-vswitches"
RESOURCES = "view-cloud-resources"
DOMAIN = "cluster-domain"

_UNDECIDED = ["open", "by_hand", "ruled_out"]


def _flannel(name: str) -> Cluster:
    c = Cluster(f"general-{name}", plugin="flannel")
    nodes = [c.node("172.16.4.9"), c.node("172.16.4.10")]
    c.coredns([nodes[1]] * 2)
    c.service("shop", "web", c.deployment("shop", "web", nodes))
    return c


def _terway(name: str) -> Cluster:
    c = Cluster(f"general-{name}", plugin="terway")
    nodes = [c.node("192.168.0.11"), c.node("192.168.0.12")]
    c.coredns([nodes[1]] * 2)
    c.service("shop", "web", c.deployment("shop", "web", nodes))
    return c


_DENY = {"podSelector": {}, "policyTypes": ["Ingress"]}


@SCENARIOS.add
def policies_without_effect() -> Scenario:
    c = _flannel("policies-on-flannel")
    c.network_policy("shop", "default-deny", _DENY)
    return Scenario(
        c,
        title="NetworkPolicies on Flannel",
        question="our default-deny policy does not block anything",
        expect={CHOOSE: "confirmed", THIRD: "ruled_out"},
        why="Flannel does not enforce NetworkPolicies, and there is one.",
    )


@SCENARIOS.add
def policies_on_terway() -> Scenario:
    c = _terway("policies-on-terway")
    c.network_policy("shop", "default-deny", _DENY)
    return Scenario(
        c,
        title="NetworkPolicies on Terway",
        question="we use network policies; did we pick the right plugin?",
        expect={CHOOSE: _UNDECIDED, THIRD: "ruled_out"},
        why="On Terway policies are not in vain.",
    )


@SCENARIOS.add
def two_plugins() -> Scenario:
    c = _flannel("two-plugins")
    c.daemon_set(
        "kube-system",
        "terway-eniip",
        c.nodes,
        "registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/terway:v1.9.9",
        labels={"app": "terway-eniip"},
        age="3d",
        host_network=True,
    )
    return Scenario(
        c,
        title="Somebody installed Terway into a Flannel cluster",
        question="we started moving from flannel to terway, how do we finish?",
        expect={SWITCH: "confirmed", THIRD: "ruled_out", "flannel-cni-version": ["open", "ruled_out"]},
        also_ignored=["terway-eni-modes", "terway-identify-eni-mode", "terway-pod-status"],
        why="The DaemonSets of both plugins are there, and no plugin can be exchanged in place.",
    )


@SCENARIOS.add
def calico() -> Scenario:
    c = _flannel("calico")
    c.daemon_set("calico-system", "calico-node", c.nodes, "docker.io/calico/node:v3.27.3", host_network=True)
    return Scenario(
        c,
        title="Calico beside Flannel",
        question="can we keep running our own Calico on ACK?",
        expect={THIRD: "confirmed"},
        why="DaemonSet calico-node runs in a namespace of its own.",
    )


@SCENARIOS.add
def renamed() -> Scenario:
    c = _terway("cilium-renamed")
    c.daemon_set("net", "edge-agent", c.nodes, "registry.example.com/mirror/cilium/cilium:v1.15.6", host_network=True)
    return Scenario(
        c,
        title="Cilium under another name",
        question="is there any network plugin here that is not yours?",
        expect={THIRD: "confirmed"},
        why="The image is Cilium's agent, whatever the DaemonSet is called.",
    )


@SCENARIOS.add
def additions() -> Scenario:
    c = _terway("cni-additions")
    c.daemon_set("kube-system", "kube-multus-ds", c.nodes, "ghcr.io/k8snetworkplumbingwg/multus-cni:v4.0.2")
    c.daemon_set("istio-system", "istio-cni-node", c.nodes, "docker.io/istio/install-cni:1.22.1")
    return Scenario(
        c,
        title="multus and istio-cni add to Terway",
        question="Is multus a third-party plugin that voids support?",
        expect={THIRD: ["open", "by_hand"]},
        why="Both are chained to the plugin and do not replace it.",
    )


@SCENARIOS.add
def no_other_plugin() -> Scenario:
    c = _terway("only-terway")
    c.daemon_set(
        "monitoring", "node-exporter", c.nodes, "registry.example.com/mon/node-exporter:v1.8.1", host_network=True
    )
    return Scenario(
        c,
        title="Nothing but Terway",
        question="kubectl get crd lists projectcalico and cilium. who installed those?",
        expect={THIRD: "ruled_out", SWITCH: ["confirmed", "by_hand"], WHICH: "confirmed"},
        why="No DaemonSet of another plugin; those CRDs are Terway's own.",
    )


@SCENARIOS.add
def daemon_sets_forbidden() -> Scenario:
    c = _flannel("daemonsets-forbidden")
    c.daemon_set("calico-system", "calico-node", c.nodes, "docker.io/calico/node:v3.27.3", host_network=True)
    return Scenario(
        c,
        title="DaemonSets may not be read",
        question="is there another CNI in the cluster?",
        expect={
            THIRD: ["unreadable", "open"],
            SWITCH: ["unreadable", "open"],
            WHICH: ["unreadable", "open", "confirmed"],
        },
        forbidden=["daemonsets"],
        why="Plugins are told by their DaemonSets.",
    )


@SCENARIOS.add
def ranges_overlap() -> Scenario:
    c = Cluster("general-plan-overlap", plugin="flannel", service_cidr="172.16.0.0/16")
    nodes = [c.node("172.16.4.9"), c.node("172.16.4.10")]
    c.service("shop", "web", c.deployment("shop", "web", nodes))
    return Scenario(
        c,
        title="The nodes' addresses lie in the Service range",
        question="some services are unreachable from some nodes, are our CIDRs planned wrong?",
        expect={PLAN: "confirmed"},
        why="serviceCIDR 172.16.0.0/16 holds the nodes' InternalIPs.",
    )


@SCENARIOS.add
def pods_and_services_overlap() -> Scenario:
    c = Cluster("general-plan-pod-service", plugin="flannel", service_cidr="172.20.128.0/20")
    c.node("192.168.4.9")
    return Scenario(
        c,
        title="Pod and Service range overlap",
        question="check our address plan please",
        expect={PLAN: "confirmed"},
        why="172.20.128.0/20 of the Services lies within the pods' 172.20.0.0/16.",
    )


@SCENARIOS.add
def ranges_apart() -> Scenario:
    return Scenario(
        _flannel("plan-apart"),
        title="Ranges that keep apart",
        question="any overlap between nodes, pods and services?",
        expect={PLAN: _UNDECIDED, FINAL: "confirmed", RESOURCES: "confirmed", WHICH: "confirmed"},
        why="Nodes 172.16.4.0, pods 172.20.0.0/16, Services 10.96.0.0/16; what lies outside is not visible.",
    )


@SCENARIOS.add
def terway_nodes_and_pods_share() -> Scenario:
    c = Cluster("general-plan-terway", plugin="terway")
    node = c.node("10.1.0.5")
    c.deployment("shop", "web", [node])
    return Scenario(
        c,
        title="Terway: pods have addresses of the same range as nodes",
        question="pods and nodes share 10.1.0.0/19, is that an overlap?",
        expect={PLAN: _UNDECIDED},
        why="With Terway pods have vSwitch addresses as nodes have; only the Service range must be apart.",
    )


@SCENARIOS.add
def profile_missing() -> Scenario:
    c = _terway("no-profile")
    c.profile = None
    return Scenario(
        c,
        title="ACK's note of the cluster is not there",
        question="which VPC is this cluster in?",
        expect={RESOURCES: ["open", "by_hand"]},
        why="ack-cluster-profile is absent; the console shows the rest.",
    )


def _domain(name: str, domain: str, *, through: str = "fallthrough in-addr.arpa ip6.arpa") -> Cluster:
    c = _flannel(name)
    c.corefile = COREFILE.replace("cluster.local", domain).replace("fallthrough in-addr.arpa ip6.arpa", through)
    return c


@SCENARIOS.add
def outside_name_below() -> Scenario:
    c = _domain("domain-external-name", "mycompany.com")
    c.resource(
        "v1", "Service", "git", namespace="shop", spec={"type": "ExternalName", "externalName": "git.mycompany.com"}
    )
    return Scenario(
        c,
        title="A Service stands for an outside name below the cluster's domain",
        question="git.shop resolves to nothing, the alias for git.mycompany.com",
        scope={"namespace": "shop", "service": "git"},
        expect={DOMAIN: "confirmed"},
        why="The cluster's domain is mycompany.com, names below it are not passed on, and git.mycompany.com is one.",
    )


@SCENARIOS.add
def custom_domain() -> Scenario:
    c = _domain("domain-custom", "corp.example.com")
    return Scenario(
        c,
        title="A domain of the company's own; nobody says which name fails",
        question="pods cannot resolve some of our internal hosts",
        scope={"namespace": "shop"},
        expect={DOMAIN: ["open", "confirmed"]},
        why="Names below corp.example.com never leave the cluster; whether the failing ones lie there is not visible.",
    )


@SCENARIOS.add
def passed_on() -> Scenario:
    c = _domain("domain-fallthrough", "corp.example.com", through="fallthrough")
    return Scenario(
        c,
        title="Unknown names of the domain are asked elsewhere",
        question="wiki.corp.example.com does not resolve in pods",
        scope={"namespace": "shop"},
        expect={DOMAIN: "ruled_out"},
        why="fallthrough without zones: CoreDNS forwards what the cluster does not know.",
    )


@SCENARIOS.add
def other_resolver() -> Scenario:
    c = _domain("domain-dns-policy", "corp.example.com")
    pod = c.pod("shop", "agent-1", node=c.nodes[0], spec={"dnsPolicy": "Default"})
    return Scenario(
        c,
        title="The pod does not ask CoreDNS",
        question="agent-1 cannot resolve wiki.corp.example.com",
        scope=scope_of(pod),
        expect={DOMAIN: "ruled_out"},
        why="dnsPolicy Default takes the node's name servers.",
    )


@SCENARIOS.add
def default_domain() -> Scenario:
    c = _terway("domain-default")
    web = c.pod("shop", "job-1", node=c.nodes[0], containers=[kube.container("job", "registry.example.com/shop/job:1")])
    return Scenario(
        c,
        title="cluster.local, as ACK sets it",
        question="job-1 cannot resolve api.partner.example",
        scope=scope_of(web),
        expect={DOMAIN: _UNDECIDED},
        why="Nothing outside lies below cluster.local.",
    )


@SCENARIOS.add
def corefile_forbidden() -> Scenario:
    return Scenario(
        _domain("domain-forbidden", "corp.example.com"),
        title="The Corefile may not be read",
        question="does our cluster domain overlap corp.example.com?",
        expect={DOMAIN: ["unreadable", "open"]},
        forbidden=["configmaps"],
        why="The domain stands in ConfigMap coredns.",
    )


@SCENARIOS.add
def network_edited() -> Scenario:
    c = _flannel("flannel-network-edited")
    assert c.flannel_config
    c.flannel_config.net_conf = {"Network": "10.128.0.0/14", "Backend": {"Type": "alloc"}}
    return Scenario(
        c,
        title="Somebody edited the Network of Flannel",
        question="we enlarged the pod CIDR in kube-flannel-cfg, why do nodes keep their old ranges?",
        expect={FINAL: "confirmed"},
        why="The nodes' podCIDRs lie outside what net-conf.json says now; neither can be changed.",
    )
