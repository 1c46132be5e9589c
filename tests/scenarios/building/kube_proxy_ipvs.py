"""IPVS: which scheduler is in effect, and DNS that fails after a CoreDNS pod went away."""

from __future__ import annotations

from typing import Any

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.kube_proxy_parts import MODIFY, SCHEDULER, UDP, proxied, start_log
from tests.scenarios.building.nodes import Node
from tests.scenarios.building.scenario import Collection, Scenario

SCENARIOS = Collection()

LC = {"ipvs": {"scheduler": "lc"}}
STARTED = "I server_others.go:269] Using ipvs Proxier"
MODULE = (
    "E server_others.go:123] Can't use the IPVS proxier: IPVS proxier will not be used because the following "
    "required kernel modules are not loaded: [ip_vs_lc]"
)


def no_timeout(name: str, *, age: str = "25d", **more: Any) -> tuple[Cluster, list[Node]]:
    """IPVS without udpTimeout; CoreDNS pods of that age."""
    c, nodes = proxied(name, settings={"ipvs": None} | more.pop("settings", {}), **more)
    c.coredns(nodes[:2], age=age)
    return c, nodes


@SCENARIOS.add
def one_node_fell_back() -> Scenario:
    c, nodes = proxied(
        "ipvs-one-node-fell-back",
        nodes=3,
        server="v1.22.15-aliyun.1",
        settings=LC,
        changed="1d",
        proxy={"proxy_age": "20h"},
    )
    for node in nodes[:2]:
        start_log(c, node, "I server_others.go:274] Using ipvs Proxier.")
    start_log(c, nodes[2], MODULE, "I server_others.go:206] Using iptables Proxier.")
    return Scenario(
        c,
        title="On one of three nodes the scheduler's module is missing",
        question="lc works on two nodes, on .22 the balancing is as before",
        expect={SCHEDULER: "confirmed", UDP: ["ruled_out", "open"]},
        why="The log of kube-proxy on the third node names ip_vs_lc and then iptables; the pods are newer than that.",
    )


@SCENARIOS.add
def no_fallback_any_more() -> Scenario:
    c, nodes = proxied(
        "ipvs-exits",
        server="v1.26.3-aliyun.1",
        settings=LC,
        changed="1h",
        proxy={"proxy_age": "50m", "proxy_state": "crashing"},
    )
    text = (
        'E run.go:74] "command failed" err="can\'t use the IPVS proxier: IPVS proxier will not be used because the '
        'following required kernel modules are not loaded: [ip_vs_lc]"'
    )
    for node in nodes:
        start_log(c, node, text, previous=True)
    return Scenario(
        c,
        title="kube-proxy 1.26 ends where it used to fall back",
        question="since I set the scheduler to lc kube-proxy is in CrashLoopBackOff on every node",
        expect={SCHEDULER: "confirmed", UDP: ["open", "ruled_out"]},
        why="The former log says that the IPVS proxier cannot be used; from 1.26 on kube-proxy ends then.",
    )


@SCENARIOS.add
def crash_log_forbidden() -> Scenario:
    c, _ = proxied(
        "ipvs-exits-log-forbidden",
        server="v1.26.3-aliyun.1",
        settings=LC,
        changed="1h",
        proxy={"proxy_age": "50m", "proxy_state": "crashing"},
    )
    return Scenario(
        c,
        title="Why it crashes stands in a log that may not be read",
        question="kube-proxy crashes since the scheduler is lc",
        expect={
            SCHEDULER: ["unreadable", "open"],
            MODIFY: ["unreadable", "open"],
            UDP: ["open", "unreadable", "ruled_out"],
        },
        forbidden=["pods/log"],
        why="The crash has many possible reasons; only the log of the former run tells.",
    )


@SCENARIOS.add
def not_restarted() -> Scenario:
    c, _ = proxied("ipvs-not-restarted", settings=LC, changed="2h")
    return Scenario(
        c,
        title="lc was set, kube-proxy was not restarted",
        question="scheduler is lc in the ConfigMap, ipvsadm still says rr",
        expect={SCHEDULER: "confirmed", MODIFY: "confirmed", UDP: ["open", "ruled_out"]},
        why="The kube-proxy pods run for 40 days, the ConfigMap was changed two hours ago.",
    )


@SCENARIOS.add
def in_effect() -> Scenario:
    c, nodes = proxied("ipvs-in-effect", settings=LC, changed="2d", proxy={"proxy_age": "1d"})
    for node in nodes:
        start_log(c, node, STARTED)
    return Scenario(
        c,
        title="The scheduler is in effect",
        question="we use lc, can you check that it is really active?",
        expect={SCHEDULER: "confirmed", UDP: "ruled_out"},
        why="mode ipvs, scheduler lc, pods newer than the change, and the log says that IPVS is used.",
    )


@SCENARIOS.add
def start_lines_gone() -> Scenario:
    c, nodes = proxied("ipvs-start-lines-gone", settings=LC, changed="30d", proxy={"proxy_age": "29d"})
    for node in nodes:
        start_log(
            c, node, 'I proxier.go:1057] "Sync failed" retryingTime="30s"', "I bounded_frequency_runner.go:296] sync"
        )
    return Scenario(
        c,
        title="The lines of the start were rotated away",
        question="is lc active on our nodes (kube-proxy 1.24)?",
        expect={SCHEDULER: ["open", "by_hand"], UDP: ["ruled_out", "open"]},
        why="1.24 may have fallen back to iptables, and the log no longer tells.",
    )


@SCENARIOS.add
def other_mode() -> Scenario:
    c, _ = proxied("ipvs-other-mode", proxy_mode="iptables", settings=LC, changed="3d", proxy={"proxy_age": "2d"})
    return Scenario(
        c,
        title="A scheduler, but not IPVS",
        question="set ipvs.scheduler: lc and restarted everything, gRPC calls are as uneven as before",
        expect={SCHEDULER: "confirmed", UDP: "ruled_out"},
        why="mode is iptables, where ipvs.scheduler has no effect.",
    )


@SCENARIOS.add
def plain_iptables() -> Scenario:
    c, _ = proxied("ipvs-plain-iptables", proxy_mode="iptables")
    return Scenario(
        c,
        title="iptables mode and no scheduler",
        question="which backend gets a new connection, is it the IPVS scheduler?",
        expect={SCHEDULER: ["ruled_out", "open"], UDP: "ruled_out"},
        why="mode is iptables and no scheduler is set: nothing of IPVS is in use.",
    )


@SCENARIOS.add
def session_affinity() -> Scenario:
    c, nodes = proxied("ipvs-session-affinity", settings=LC, changed="9d", proxy={"proxy_age": "8d"})
    for node in nodes:
        start_log(c, node, STARTED)
    service = next(one for one in c.services if one["kind"] == "Service" and one["metadata"]["name"] == "quotes")
    service["spec"] |= {"sessionAffinity": "ClientIP", "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 10800}}}
    return Scenario(
        c,
        title="Clients are tied to their backend by the Service",
        question="quotes in shop: one pod gets all calls of our gateway although the scheduler is lc",
        scope={"namespace": "shop", "service": "quotes"},
        expect={SCHEDULER: ["ruled_out", "open"], UDP: "ruled_out"},
        why="sessionAffinity ClientIP; the scheduler itself is in effect.",
    )


@SCENARIOS.add
def single_backend() -> Scenario:
    c, nodes = proxied("ipvs-single-backend", settings=LC, changed="9d", proxy={"proxy_age": "8d"})
    for node in nodes:
        start_log(c, node, STARTED)
    app = c.deployment("shop", "rates", [nodes[0]])
    app.pod(nodes[1], state="not_ready")
    c.service("shop", "rates", app)
    return Scenario(
        c,
        title="Only one backend is ready",
        question="service rates sends everything to a single pod, wrong scheduler?",
        scope={"namespace": "shop", "service": "rates"},
        expect={SCHEDULER: ["ruled_out", "open"], UDP: "ruled_out"},
        why="One of two endpoints is ready, so there is nothing to choose.",
    )


@SCENARIOS.add
def bypassed() -> Scenario:
    c = Cluster("ipvs-bypassed", plugin="terway", terway="v1.17.2", datapath="datapathv2")
    a, b = c.node("192.168.0.31"), c.node("192.168.0.32")
    assert isinstance(c.proxy_config.config, dict)
    c.proxy_config.config["ipvs"] = {"scheduler": "lc"}
    web = c.deployment("shop", "web", [a, b])
    c.service("shop", "web", web)
    c.coredns([a, b], age="2m")
    return Scenario(
        c,
        title="The calls do not pass IPVS",
        question="pods on DataPath V2 ignore our lc scheduler, and DNS hiccups when CoreDNS rolls",
        scope={"namespace": "shop", "pod": web.pods[0]["metadata"]["name"]},
        expect={SCHEDULER: ["ruled_out", "open"], UDP: "ruled_out"},
        why="The Node resource reports datapathv2: Service calls of its pods are balanced in eBPF.",
    )


@SCENARIOS.add
def no_kube_proxy_here() -> Scenario:
    c = Cluster("ipvs-no-kube-proxy", plugin="terway", terway="v1.17.2", datapath="datapathv2")
    c.node("192.168.0.31")
    without = c.node("192.168.0.32", labels={"k8s.aliyun.com/no-kube-proxy": "true"}, proxy=False)
    return Scenario(
        c,
        title="The node runs no kube-proxy on purpose",
        question="ipvsadm is empty on .32, is IPVS broken there?",
        scope={"node": without.name},
        expect={SCHEDULER: ["ruled_out", "open"], UDP: "ruled_out", MODIFY: ["open", "ruled_out", "by_hand"]},
        why="The label k8s.aliyun.com/no-kube-proxy is true and no kube-proxy pod is there.",
    )


@SCENARIOS.add
def workers_only() -> Scenario:
    c, _ = proxied("ipvs-workers-only", dedicated=True, settings=LC, changed="1d", proxy={"proxy_age": "20h"})
    c.node("172.16.4.9", master=True)
    return Scenario(
        c,
        title="The scheduler is set for workers only",
        question="dedicated cluster, lc is set, calls from the control plane nodes still go round robin",
        expect={SCHEDULER: "confirmed", MODIFY: "confirmed", UDP: "ruled_out"},
        why="ipvs.scheduler is lc in kube-proxy-worker and not set in kube-proxy-master.",
    )


@SCENARIOS.add
def old_iptables_run() -> Scenario:
    c, nodes = proxied("ipvs-mode-just-changed", server="v1.22.15-aliyun.1", settings=LC, changed="1h")
    for node in nodes:
        start_log(c, node, "I server_others.go:206] Using iptables Proxier.")
    return Scenario(
        c,
        title="mode was changed to ipvs; the pods still run what they started with",
        question="kube-proxy log says Using iptables Proxier although mode is ipvs. a module missing?",
        expect={SCHEDULER: "confirmed", MODIFY: "confirmed", UDP: ["ruled_out", "open"]},
        why="The pods are 40 days old, the change is of an hour ago: no fallback, they have not read it.",
    )


@SCENARIOS.add
def coredns_replaced() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-after-rollout", age="3m")
    del nodes
    return Scenario(
        c,
        title="CoreDNS was rolled three minutes ago and udpTimeout is not set",
        question="since the CoreDNS restart a few minutes ago lookups fail every now and then",
        expect={UDP: "confirmed"},
        why="mode ipvs, no udpTimeout, and both CoreDNS pods are three minutes old.",
    )


@SCENARIOS.add
def coredns_node_lost() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-node-lost", nodes=3, settings={"ipvs": {"udpTimeout": "0s"}})
    nodes[1].condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", "2m", "3m")
    pod = c.coredns_pods()[1]
    for one in pod["status"]["conditions"]:
        if one["type"] == "Ready":
            one |= {"status": "False", "lastTransitionTime": "{{now-2m}}"}
    return Scenario(
        c,
        title="The node of a CoreDNS pod was lost two minutes ago",
        question="一个节点宕机之后，集群里域名解析一半超时",
        expect={UDP: "confirmed"},
        why="udpTimeout 0 keeps the kernel's 300 s, and the node of one CoreDNS pod is not ready for two minutes.",
    )


@SCENARIOS.add
def coredns_steady() -> Scenario:
    c, _ = no_timeout("ipvs-dns-steady")
    return Scenario(
        c,
        title="No CoreDNS pod changed for weeks",
        question="DNS is slow at times. udpTimeout is not set, is that why?",
        expect={UDP: ["ruled_out", "open"]},
        why="Both CoreDNS pods run for 25 days, so there is no backend that went away.",
    )


@SCENARIOS.add
def timeout_in_effect() -> Scenario:
    c, nodes = proxied("ipvs-dns-timeout-in-effect")
    c.coredns(nodes, age="2m")
    return Scenario(
        c,
        title="The timeout is short and in effect",
        question="lookups failed right after the CoreDNS rollout two minutes ago",
        expect={UDP: "ruled_out"},
        why="udpTimeout is 10s, kube-proxy is 1.24 and newer than the configuration.",
    )


@SCENARIOS.add
def iptables_mode() -> Scenario:
    c, nodes = proxied("ipvs-dns-iptables", proxy_mode="iptables")
    c.coredns(nodes, age="2m")
    return Scenario(
        c,
        title="kube-proxy uses iptables",
        question="CoreDNS rolled two minutes ago, some lookups hang. udpTimeout?",
        expect={UDP: "ruled_out", SCHEDULER: ["ruled_out", "open"]},
        why="mode iptables: IPVS timeouts play no part.",
    )


@SCENARIOS.add
def local_cache() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-local-cache", age="3m")
    c.daemon_set(
        "kube-system", "node-local-dns", nodes, "registry.example.com/acs/node-local-dns:1.22.5", host_network=True
    )
    return Scenario(
        c,
        title="NodeLocal DNSCache runs on all nodes",
        question="CoreDNS restarted three minutes ago, does the UDP timeout matter to us?",
        expect={UDP: ["ruled_out", "open"]},
        why="node-local-dns is ready on all nodes; it talks to CoreDNS by TCP.",
    )


@SCENARIOS.add
def scaled_up() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-scaled-up", nodes=3)
    assert c.dns is not None
    c.dns.pod(nodes[2], age="3m")
    found = c.dns.object()
    found["metadata"]["managedFields"] = [
        {
            "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:replicas": {}}},
            "manager": "kubectl-scale",
            "operation": "Update",
            "time": "{{now-3m}}",
        }
    ]
    c.workloads.remove(c.dns)
    c.add(found)
    return Scenario(
        c,
        title="CoreDNS got a third pod, none went away",
        question="we scaled CoreDNS from 2 to 3, lookups are slow since",
        expect={UDP: ["open", "ruled_out"]},
        why="The new pod has the same template hash as the two old ones, and the Deployment has been scaled just then.",
    )


@SCENARIOS.add
def scaled_up_by_event() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-autoscaled", nodes=3)
    assert c.dns is not None
    c.dns.pod(nodes[2], age="4m")
    c.event(
        c.dns.object(),
        "ScalingReplicaSet",
        "Scaled up replica set coredns-7d5c6f9b8d to 3 from 2",
        type_="Normal",
        first="4m",
        last="4m",
        count=1,
        component="deployment-controller",
    )
    return Scenario(
        c,
        title="The autoscaler added a CoreDNS pod",
        question="some lookups are slow, CoreDNS has a pod that is four minutes old",
        expect={UDP: ["open", "ruled_out"]},
        why="The event says that the ReplicaSet was scaled from 2 to 3; no pod went away.",
    )


@SCENARIOS.add
def one_replaced() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-one-replaced", nodes=3)
    assert c.dns is not None
    old = c.coredns_pods()[0]
    c.event(old, "Killing", "Stopping container coredns", type_="Normal", first="2m", last="2m", count=1)
    c.pods.remove(old)
    c.dns.pods.remove(old)
    fresh = c.dns.pod(nodes[2], age="2m")
    fresh["metadata"]["name"] = fresh["metadata"]["name"][:-5] + "zzq7x"
    return Scenario(
        c,
        title="One of two CoreDNS pods was evicted and replaced",
        question="DNS lookups fail for about one in two requests since I drained a node",
        expect={UDP: "confirmed"},
        why="udpTimeout is not set, and by an event a CoreDNS pod was stopped two minutes ago.",
    )


@SCENARIOS.add
def other_udp_services() -> Scenario:
    c, nodes = no_timeout("ipvs-dns-other-udp", age="3m")
    voice = c.deployment("voip", "sip", nodes, port=5060)
    c.service("voip", "sip", voice, port=5060, target_port=5060, protocol="UDP")
    return Scenario(
        c,
        title="CoreDNS was rolled, and there is another Service that uses UDP",
        question="DNS errors after the CoreDNS rollout. May I set udpTimeout to 10s? we also run SIP",
        expect={UDP: "confirmed"},
        why="The condition is met; Service voip/sip has a UDP port, so its sessions are concerned too.",
    )


@SCENARIOS.add
def a_minute() -> Scenario:
    c, nodes = proxied(
        "ipvs-dns-a-minute", settings={"ipvs": {"udpTimeout": "60s"}}, changed="9d", proxy={"proxy_age": "8d"}
    )
    c.coredns(nodes, age="4m")
    return Scenario(
        c,
        title="A timeout of a minute",
        question="udpTimeout is 60s, CoreDNS rolled four minutes ago, lookups still fail",
        expect={UDP: ["open", "ruled_out"]},
        why="The sessions are gone after a minute, so they do not explain it; nor is the timeout short.",
    )


@SCENARIOS.add
def mode_left_empty() -> Scenario:
    c, nodes = proxied(
        "ipvs-mode-left-empty",
        settings={"mode": "", "ipvs": {"scheduler": "lc"}},
        changed="9d",
        proxy={"proxy_age": "8d"},
    )
    for node in nodes:
        start_log(c, node, "I server_others.go:206] Using iptables Proxier")
    return Scenario(
        c,
        title="No mode is set, so the scheduler has no effect",
        question="scheduler lc is set, balancing unchanged",
        expect={SCHEDULER: "confirmed", UDP: ["ruled_out", "open"]},
        why="mode is empty and the log says that iptables is used.",
    )


@SCENARIOS.add
def digest_only() -> Scenario:
    image = "registry.example.com/acs/kube-proxy@sha256:" + "5d" * 32
    c, nodes = proxied("ipvs-udp-digest-only", kube_proxy=image, changed="4d", proxy={"proxy_age": "3d"})
    c.coredns(nodes, age="3m")
    return Scenario(
        c,
        title="An image without a tag tells no version",
        question="does our kube-proxy honour ipvs.udpTimeout?",
        expect={UDP: ["open", "ruled_out", "by_hand"]},
        why="The image is named by digest, so the release is unknown, which is not the same as old.",
    )


@SCENARIOS.add
def field_unknown_to_it() -> Scenario:
    c, nodes = proxied(
        "ipvs-udp-too-old",
        server="v1.16.9-aliyun.1",
        changed="4d",
        proxy={"proxy_age": "3d"},
        runtime="docker://19.3.15",
    )
    for node in nodes:
        start_log(
            c,
            node,
            "W feature_gate.go:208] using lenient decoding as strict decoding failed",
            "I server_others.go:170] Using ipvs Proxier.",
        )
    return Scenario(
        c,
        title="kube-proxy 1.16 does not know the field",
        question="udpTimeout: 10s is set for days, ipvsadm -L --timeout still says 300",
        expect={UDP: "confirmed", MODIFY: "confirmed"},
        why="The kube-proxy image is v1.16.9; the field exists from 1.18 on.",
    )


@SCENARIOS.add
def version_between() -> Scenario:
    c, nodes = proxied(
        "ipvs-udp-one-seventeen",
        server="v1.17.11-aliyun.1",
        changed="4d",
        proxy={"proxy_age": "3d"},
        runtime="docker://19.3.15",
    )
    for node in nodes:
        start_log(c, node, "I server_others.go:172] Using ipvs Proxier.")
    return Scenario(
        c,
        title="1.17 does not know it either",
        question="our cluster is 1.17, is ipvs.udpTimeout honoured?",
        expect={UDP: "confirmed"},
        why="The field is absent in 1.17 and present in 1.18.",
    )


@SCENARIOS.add
def under_conntrack() -> Scenario:
    c, _ = proxied(
        "ipvs-udp-under-conntrack",
        server="v1.30.1-aliyun.1",
        settings={"ipvs": {"udpTimeout": None, "scheduler": "rr"}, "conntrack": {"udpTimeout": "10s"}},
        changed="2d",
        proxy={"proxy_age": "1d"},
    )
    assert isinstance(c.proxy_config.config, dict)
    del c.proxy_config.config["ipvs"]["udpTimeout"]
    return Scenario(
        c,
        title="The field stands in the wrong section",
        question="set udpTimeout 10s in config.conf, still five minutes of DNS errors after a CoreDNS rollout",
        expect={UDP: "confirmed"},
        why="conntrack.udpTimeout is another setting; ipvs.udpTimeout is not set.",
    )


@SCENARIOS.add
def without_unit() -> Scenario:
    c, _ = proxied("ipvs-udp-without-unit", settings={"ipvs": {"udpTimeout": 10}}, changed="1h")
    return Scenario(
        c,
        title="A number instead of a duration",
        question="udpTimeout: 10 in the ConfigMap. enough?",
        expect={UDP: "confirmed", MODIFY: "confirmed"},
        why="10 is no duration: kube-proxy could not decode the file, and the pods have not been restarted yet.",
    )
