"""Terway: the switches beside eni_conf, network policy enforcement and in-cluster load balancing."""

from __future__ import annotations

from typing import Any

from tests.scenarios.building.scenario import Collection, Scenario, scope_of
from tests.scenarios.building.terway_parts import EXHAUSTED, NO_MAC, QUOTA, Pair, Verdicts, pair

SCENARIOS = Collection()

LATENCY = "terway-pod-start-latency"
BALANCE = "terway-in-cluster-loadbalance"


def policy(name: str, flags: dict[str, str], *, changed: str = "60d", inside: Any = None, **more: Any) -> Pair:
    """A cluster whose eni-config has these flags; ``inside`` puts disable_network_policy into eni_conf."""
    p = pair(f"latency-{name}", "fn", "worker", **({"terway": "v1.14.3"} | more))
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.flags, p.cluster.eni_config.changed = flags, changed
    if inside is not None:
        p.cluster.eni_config.eni_conf["disable_network_policy"] = inside
    return p


def latency(
    p: Pair,
    verdict: str | list[str],
    *,
    title: str,
    question: str,
    why: str,
    expect: Verdicts | None = None,
    **more: Any,
) -> Scenario:
    pod = p.app.pod(p.here, age="4m")
    wanted: Verdicts = {LATENCY: verdict, EXHAUSTED: ["ruled_out", "open"], **(expect or {})}
    return Scenario(p.cluster, title=title, question=question, scope=scope_of(pod), expect=wanted, why=why, **more)


@SCENARIOS.add
def enforcement_on() -> Scenario:
    return latency(
        policy("policy-on", {}),
        ["open", "confirmed", "by_hand"],
        title="Policy enforcement is on, the agent is healthy",
        question="fresh fn/worker pods cannot connect anywhere for about two seconds. Is that Terway?",
        why="disable_network_policy is absent, so enforcement is on and may delay a fresh pod; the delay itself "
        "cannot be "
        "seen from the API.",
    )


@SCENARIOS.add
def value_false() -> Scenario:
    p = policy("value-false", {"disable_network_policy": "false"})
    p.cluster.network_policy("fn", "default-deny", {"podSelector": {}, "policyTypes": ["Ingress"]})
    return latency(
        p,
        ["open", "confirmed", "by_hand"],
        title="disable_network_policy is there, with the value false",
        question="disable_network_policy steht doch drin, trotzdem starten fn/worker Pods langsam. Warum?",
        why="The text false leaves enforcement on, and a NetworkPolicy is in use that switching it off would void.",
    )


@SCENARIOS.add
def effective_off() -> Scenario:
    return latency(
        policy("policy-off", {"disable_network_policy": "true"}),
        "ruled_out",
        title="Enforcement is off and in effect",
        question="fn/worker needs seconds until its first request works, network policies?",
        why="disable_network_policy is a top-level key with text true, and every Terway pod is newer than the change.",
    )


@SCENARIOS.add
def any_other_text_is_off() -> Scenario:
    return latency(
        policy("value-title-case", {"disable_network_policy": "True"}, terway="v1.10.9", ipam="legacy"),
        "ruled_out",
        title="For this flag any text but false, 0 or nothing switches enforcement off",
        question="someone wrote True instead of true for disable_network_policy, is policy still on for fn/worker?",
        why="Only an empty value, 0 and false leave enforcement on; the text True switches it off like true does.",
    )


@SCENARIOS.add
def value_zero() -> Scenario:
    return latency(
        policy("value-zero", {"disable_network_policy": "0"}, terway="v1.9.7", ipam="legacy"),
        ["open", "confirmed", "by_hand"],
        title="The value 0 leaves enforcement on",
        question="we set disable_network_policy to 0, yet fn/worker has startup latency",
        why="0 counts as not disabled: enforcement is on.",
    )


@SCENARIOS.add
def inside_eni_conf() -> Scenario:
    return latency(
        policy(
            "inside-eni-conf",
            {},
            inside=True,
            changed="9d",
            terway="v1.9.7",
            ipam="legacy",
            here={"agent_age": "8d"},
            other={"agent_age": "8d"},
        ),
        "confirmed",
        title="The switch is a field of the eni_conf JSON",
        question="Set disable_network_policy: true in eni_conf nine days ago, Terway restarted, fn/worker no faster",
        why="The key stands only inside eni_conf, where Terway has no such field: enforcement is still on.",
    )


@SCENARIOS.add
def agents_older_than_the_change() -> Scenario:
    return latency(
        policy("not-restarted", {"disable_network_policy": "true"}, changed="3h"),
        ["confirmed", "open"],
        title="The switch is set, the Terway pods are older",
        question="disabled network policy three hours ago, new fn/worker pods are as slow as before",
        why="eni-config changed three hours ago and the Terway pods run for twenty days: the old value is in force.",
    )


@SCENARIOS.add
def change_time_unknown() -> Scenario:
    p = policy("change-unknown", {"disable_network_policy": "true"})
    assert p.cluster.eni_config is not None
    p.cluster.eni_config.changed = None
    return latency(
        p,
        ["open", "ruled_out"],
        title="When the ConfigMap changed is not recorded",
        question="is policy enforcement really off for fn/worker? flag is set",
        why="managedFields is empty: whether the Terway pods have read the value cannot be told.",
    )


@SCENARIOS.add
def exclusive_node() -> Scenario:
    p = policy("exclusive", {}, here={"labels": {"k8s.aliyun.com/exclusive-mode-eni-type": "eniOnly"}})
    p.here.report, p.here.datapath = "legacy", "veth"
    return latency(
        p,
        "ruled_out",
        title="An exclusive node enforces no policy",
        question="fn/worker on the exclusive ENI node starts slowly, can the policy agent be the reason?",
        why="The node is labelled eniOnly with Terway 1.14: no NetworkPolicy enforcement there.",
    )


@SCENARIOS.add
def agent_unhealthy() -> Scenario:
    p = policy("agent-unhealthy", {})
    assert p.here.agent is not None
    status = p.here.agent["status"]
    sick = next(one for one in status["containerStatuses"] if one["name"] == "policy")
    sick |= {"ready": False, "restartCount": 41}
    next(one for one in status["conditions"] if one["type"] == "Ready")["status"] = "False"
    return latency(
        p,
        ["open", "by_hand"],
        title="The policy container of the node restarts and is not ready",
        question="on .11 new fn/worker pods have no network for up to a minute, elsewhere it's quick",
        why="Enforcement is on, but the node's policy container is not ready after 41 restarts: trouble of the "
        "agent, not "
        "the ordinary time for rules.",
    )


@SCENARIOS.add
def address_came_late() -> Scenario:
    p = policy("slow-allocation", {"disable_network_policy": "true"})
    pod = p.app.pod(p.here, age="5m", since="4m")
    address = pod["status"]["podIP"]
    p.cluster.event(
        pod,
        "AllocIPSucceed",
        f"Alloc IP {address} took 31.02s",
        type_="Normal",
        first="4m",
        last="4m",
        count=1,
        component="terway-daemon",
    )
    return Scenario(
        p.cluster,
        title="The time passes before the start, while the address is allocated",
        question="fn/worker takes half a minute to come up",
        scope=scope_of(pod),
        expect={LATENCY: "ruled_out", EXHAUSTED: ["ruled_out", "open"], QUOTA: "ruled_out", **NO_MAC},
        why="Enforcement is off and in effect; AllocIPSucceed says that allocating took 31 s.",
    )


@SCENARIOS.add
def config_maps_forbidden() -> Scenario:
    return latency(
        policy("configmaps-forbidden", {}),
        ["unreadable", "open"],
        title="ConfigMaps may not be read",
        question="could network policies slow down the start of fn/worker?",
        forbidden=["configmaps"],
        why="The switch is a key of ConfigMap eni-config.",
    )


# In-cluster load balancing


def balanced(name: str, flags: dict[str, str], *, changed: str = "60d", inside: Any = None, **more: Any) -> Pair:
    p = pair(
        f"loadbalance-{name}", "web", "shop", **({"terway": "v1.9.7", "datapath": "IPVlan", "ipam": "legacy"} | more)
    )
    c = p.cluster
    assert c.eni_config is not None
    c.eni_config.flags = {"disable_network_policy": "true"} | flags
    c.eni_config.changed = changed
    if inside is not None:
        c.eni_config.eni_conf["in_cluster_loadbalance"] = inside
    c.service(
        "web",
        "shop",
        p.app,
        type_="LoadBalancer",
        spec={"externalTrafficPolicy": "Cluster"},
        status={"loadBalancer": {"ingress": [{"ip": "47.98.11.20"}]}},
    )
    return p


def balance(p: Pair, verdict: str | list[str], *, title: str, question: str, why: str, **more: Any) -> Scenario:
    expect: Verdicts = {BALANCE: verdict, EXHAUSTED: ["ruled_out", "open"]}
    scope = {"namespace": "web", "service": "shop"}
    return Scenario(p.cluster, title=title, question=question, scope=scope, expect=expect, why=why, **more)


@SCENARIOS.add
def enabled() -> Scenario:
    p = balanced("enabled", {"in_cluster_loadbalance": "true"})
    for node in (p.here, p.other):
        assert node.agent is not None
        flags = '--enable-in-cluster-loadbalance="true" --datapath-mode=ipvlan'
        text = f"using cilium as network routing & policy\nextra flags: {flags}\n"
        p.cluster.log(node.agent, "policy", text)
    return balance(
        p,
        "confirmed",
        title="Enabled: the key, an accelerated datapath, newer pods and the log agree",
        question="does in-cluster traffic to the load balancer address of web/shop stay inside our cluster?",
        why="in_cluster_loadbalance is a top-level key with the text true, IPvlan is configured, the Terway "
        "pods are newer "
        "than the change and their policy log shows the switch.",
    )


@SCENARIOS.add
def enabled_without_log() -> Scenario:
    return balance(
        balanced(
            "enabled-no-log", {"in_cluster_loadbalance": "true"}, terway="v1.17.1", datapath="datapathv2", ipam="crd"
        ),
        "confirmed",
        title="Enabled with DataPath V2; the newer log no longer has the line",
        question="is in cluster loadbalance on? grep in the policy container finds nothing",
        why="The key is right, the Node resources say datapathv2 and the Terway pods are newer; a missing log "
        "line is no "
        "failure in this release.",
    )


@SCENARIOS.add
def misplaced() -> Scenario:
    return balance(
        balanced("misplaced", {}, inside="true", changed="10d", here={"agent_age": "9d"}, other={"agent_age": "9d"}),
        "confirmed",
        title="The key stands inside eni_conf",
        question='We put in_cluster_loadbalance: "true" into eni_conf, calls to the SLB still leave the cluster',
        why="Inside the eni_conf JSON the key is ignored; beside it there is none.",
    )


@SCENARIOS.add
def wrong_value() -> Scenario:
    return balance(
        balanced("wrong-value", {"in_cluster_loadbalance": "True"}),
        ["confirmed", "ruled_out", "open"],
        title="The value is True instead of true",
        question="in_cluster_loadbalance is True and Terway restarted, no effect for web/shop",
        why="Only the exact text true switches it on.",
    )


@SCENARIOS.add
def not_restarted() -> Scenario:
    return balance(
        balanced("not-restarted", {"in_cluster_loadbalance": "true"}, changed="2h"),
        ["confirmed", "open"],
        title="Set two hours ago, Terway not restarted",
        question="在集群内访问 web/shop 的 SLB 地址还是绕出去了，in_cluster_loadbalance 两小时前刚加的",
        why="The Terway pods run for twenty days: they have not read the key.",
        also_ignored=[LATENCY],
    )


@SCENARIOS.add
def plain_veth() -> Scenario:
    return balance(
        balanced("veth", {"in_cluster_loadbalance": "true"}, datapath="Veth"),
        ["ruled_out", "confirmed"],
        title="Plain veth: the key has no effect and no need",
        question="do I need in_cluster_loadbalance for web/shop? We don't use IPvlan",
        why="eniip_virtual_type is Veth and nothing upgrades it: kube-proxy handles the address.",
    )


@SCENARIOS.add
def too_old() -> Scenario:
    return balance(
        balanced(
            "too-old",
            {"in_cluster_loadbalance": "true"},
            terway="v1.0.10.443-gaa1bfcc-aliyun",
            server="v1.18.8-aliyun.1",
            runtime="docker://19.3.5",
        ),
        ["ruled_out", "confirmed"],
        title="Terway 1.0.10 cannot do it",
        question="terway v1.0.10.443: in_cluster_loadbalance true has no effect",
        why="The tag is below v1.2.0 (numbers compared one by one), where the feature came.",
    )
