"""Flannel: nodes that are not ready for want of a CNI configuration."""

from __future__ import annotations

from tests.scenarios.building.flannel_parts import (
    CNI,
    CONTAINERD_NOT_READY,
    DOCKER_NOT_READY,
    LEAK,
    ROUTES,
    chain,
    no_cni,
    pair,
    single,
)
from tests.scenarios.building.scenario import Collection, Scenario

SCENARIOS = Collection()

_OLD = {"server": "v1.20.11-aliyun.1", "flannel": "v0.15.1.4-e02c8f12-aliyun"}
_DOCKER = "docker://19.3.15"


@SCENARIOS.add
def version_missing() -> Scenario:
    p = pair(
        "cni-version-missing", **_OLD, runtime=_DOCKER, here={"age": "3h", "agent_age": "170m", "proxy_age": "170m"}
    )
    no_cni(p.here, DOCKER_NOT_READY, "175m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="No cniVersion in the configuration of one plugin, and a kubelet that checks it",
        question="after going from 1.14 to 1.20 the node we added never becomes Ready, cni config uninitialized",
        expect={CNI: "confirmed", ROUTES: "ruled_out"},
        why="Ready is False with `cni config uninitialized` for three hours, kubelet is 1.20, cni-conf.json has no "
        "cniVersion at its top, and the node's Flannel v0.15.1.4 cannot do without.",
    )


@SCENARIOS.add
def version_in_net_conf() -> Scenario:
    p = pair("cni-version-in-net-conf", **_OLD, here={"age": "5h", "agent_age": "290m", "proxy_age": "290m"})
    no_cni(p.here, CONTAINERD_NOT_READY, "295m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = chain(None, hairpinMode=True)
    p.cluster.flannel_config.net_conf = {
        "cniVersion": "0.3.1",
        "Network": p.cluster.pod_cidr,
        "Backend": {"Type": "alloc"},
    }
    p.cluster.flannel_config.changed = "6h"
    return Scenario(
        p.cluster,
        title="cniVersion was written into net-conf.json",
        question="We put cniVersion into the flannel config map this morning, the node is still NotReady",
        scope={"node": p.here.name},
        expect={CNI: "confirmed", ROUTES: "ruled_out"},
        why="The field stands in net-conf.json, where nobody reads it; the list of plugins in cni-conf.json has none.",
    )


@SCENARIOS.add
def version_in_an_element() -> Scenario:
    p = pair("cni-version-in-element", **_OLD, here={"age": "4h", "agent_age": "230m", "proxy_age": "230m"})
    no_cni(p.here, CONTAINERD_NOT_READY, "235m")
    conf = chain(None, hairpinMode=True)
    conf["plugins"][0]["cniVersion"] = "0.3.1"
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = conf
    return Scenario(
        p.cluster,
        title="cniVersion stands in the flannel element of the list instead of at the top",
        question="kubelet keeps saying cni plugin not initialized on .9, the config does have a cniVersion",
        scope={"node": p.here.name},
        expect={CNI: "confirmed", ROUTES: "ruled_out"},
        why="Only the version beside `plugins` counts, and there is none.",
    )


@SCENARIOS.add
def invalid_json() -> Scenario:
    p = pair("cni-json-comment", flannel="v0.15.1.22-20a397e6-aliyun", here={"agent_age": "40m"})
    no_cni(p.here, CONTAINERD_NOT_READY, "38m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.changed = "45m"
    p.cluster.flannel_config.cni_conf = (
        '{\n  "name": "cb0",\n  "cniVersion": "0.3.1", # needed since 1.16\n  "plugins": [\n    {\n'
        '      "type": "flannel",\n      "delegate": {\n        "isDefaultGateway": true,\n'
        '        "hairpinMode": true,\n'
        "      },\n    }\n  ]\n}\n"
    )
    return Scenario(
        p.cluster,
        title="A comment and trailing commas in cni-conf.json",
        question="edited kube-flannel-cfg, restarted flannel on one node and now that node is NotReady",
        expect={CNI: "confirmed", ROUTES: "ruled_out"},
        why="The text is no JSON (a # comment, commas before closing braces); Flannel on the node is younger than the "
        "edit, and kubelet reports that the CNI plugin is not initialised.",
    )


@SCENARIOS.add
def not_restarted() -> Scenario:
    p = pair("cni-not-restarted", **_OLD, runtime=_DOCKER, here={"agent_age": "30d"})
    no_cni(p.here, DOCKER_NOT_READY, "26h")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single("0.3.0", hairpinMode=True)
    p.cluster.flannel_config.changed = "25m"
    return Scenario(
        p.cluster,
        title="cniVersion is there since 25 minutes, Flannel's pods are weeks old",
        question="added cniVersion 0.3.0 as documented but kubectl get nodes still shows NotReady",
        scope={"node": p.here.name},
        expect={CNI: "open", ROUTES: "ruled_out"},
        why="The node's CNI file is written when Flannel's pod starts, older than the change: what it holds "
        "is not visible.",
    )


@SCENARIOS.add
def tolerant_flannel() -> Scenario:
    p = pair("cni-tolerant-flannel", server="v1.20.11-aliyun.1", flannel="v0.15.1.19-d460293f-aliyun")
    no_cni(p.here, CONTAINERD_NOT_READY, "2h")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = chain(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="Without cniVersion, but Flannel v0.15.1.19 does not mind",
        question="Is the missing cniVersion why 172.16.4.9 is NotReady?",
        scope={"node": p.here.name},
        expect={CNI: ["ruled_out", "open"], ROUTES: "ruled_out"},
        why="From v0.15.1.19 on a missing cniVersion is tolerated; the same message has other causes with containerd.",
    )


@SCENARIOS.add
def old_pods_under_new_template() -> Scenario:
    p = pair(
        "cni-template-ahead",
        server="v1.20.11-aliyun.1",
        flannel="v0.15.1.11-7e95fe23-aliyun",
        here={"age": "8h", "agent_age": "470m", "proxy_age": "470m"},
    )
    p.cluster.daemon_set_image = "v0.15.1.22-20a397e6-aliyun"
    p.cluster.daemon_set_strategy = "OnDelete"
    no_cni(p.here, CONTAINERD_NOT_READY, "475m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="The DaemonSet names a new Flannel, the pods still run the old one",
        question="flannel was upgraded to 0.15.1.22 in the console, so cniVersion can't be the problem, right?",
        scope={"node": p.here.name},
        expect={CNI: "confirmed", ROUTES: "ruled_out"},
        why="With update strategy OnDelete the node's pod is still v0.15.1.11, which needs a cniVersion.",
    )


@SCENARIOS.add
def kubelet_silent() -> Scenario:
    p = pair("cni-kubelet-silent", **_OLD)
    p.here.condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", "22m", "23m")
    p.here.taint("node.kubernetes.io/unreachable", "NoSchedule", since="22m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="The kubelet does not report at all",
        question="node .9 went NotReady, config map has no cniVersion. same thing as in the FAQ?",
        scope={"node": p.here.name},
        expect={CNI: "ruled_out"},
        why="Ready is Unknown: kubelet stopped reporting, which a CNI configuration does not do.",
    )


@SCENARIOS.add
def pleg() -> Scenario:
    p = pair("cni-pleg", **_OLD)
    message = "PLEG is not healthy: pleg was last seen active 4m12.3s ago; threshold is 3m0s."
    p.here.condition("Ready", "False", "KubeletNotReady", message, "6m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="Not ready because of the container runtime",
        question="KubeletNotReady on one node, is it flannel?",
        expect={CNI: "ruled_out", ROUTES: "ruled_out"},
        why="The message blames PLEG, not the network plugin.",
    )


@SCENARIOS.add
def new_node() -> Scenario:
    p = pair("cni-new-node", **_OLD, here={"age": "2m", "agent_age": "80s", "proxy_age": "80s"})
    no_cni(p.here, CONTAINERD_NOT_READY, "2m")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="The node joined two minutes ago",
        question="just scaled out, new node says cni plugin not initialized. do I have to do something?",
        scope={"node": p.here.name},
        expect={CNI: "open"},
        why="Every node shows this in its first minutes; whether it stays so is not known yet.",
    )


@SCENARIOS.add
def configmaps_forbidden() -> Scenario:
    p = pair("cni-configmaps-forbidden", **_OLD)
    no_cni(p.here, CONTAINERD_NOT_READY, "3h")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="Flannel's configuration may not be read",
        question="Why is .9 NotReady? Flannel pods look fine.",
        scope={"node": p.here.name},
        expect={CNI: ["unreadable", "open"], ROUTES: "ruled_out"},
        forbidden=["configmaps"],
        why="The node waits for its CNI set-up, but what cni-conf.json says is forbidden to read.",
    )


@SCENARIOS.add
def flannel_does_not_start() -> Scenario:
    p = pair(
        "cni-agent-crashing",
        **_OLD,
        here={"age": "1d", "agent_age": "23h", "proxy_age": "23h", "agent_state": "crashing"},
    )
    no_cni(p.here, CONTAINERD_NOT_READY, "23h")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.cni_conf = single(None, hairpinMode=True)
    return Scenario(
        p.cluster,
        title="Flannel itself crashes on the node",
        question="one node NotReady / cni not initialized",
        scope={"node": p.here.name},
        expect={CNI: ["open", "ruled_out"], ROUTES: "ruled_out"},
        why="cniVersion is missing, but the node's Flannel pod is in CrashLoopBackOff, which explains the same.",
    )


@SCENARIOS.add
def healthy() -> Scenario:
    p = pair("healthy")
    p.cluster.service("shop", "web", p.app)
    return Scenario(
        p.cluster,
        title="Nothing is wrong",
        question="Can you check our flannel cluster, is anything off with the nodes' network?",
        expect={CNI: "ruled_out", ROUTES: "ruled_out", LEAK: ["open", "ruled_out"]},
        why="Both nodes are ready and have their routes.",
    )
