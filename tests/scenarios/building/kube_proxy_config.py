"""kube-proxy's configuration: edited, read by kube-proxy or not, broken."""

from __future__ import annotations

from tests.scenarios.building.kube_proxy_parts import MODIFY, TABLE, UDP, proxied, start_log
from tests.scenarios.building.scenario import Collection, Scenario

SCENARIOS = Collection()

RAISED = {"conntrack": {"maxPerCore": 131072}}


@SCENARIOS.add
def pods_older_than_the_edit() -> Scenario:
    c, _ = proxied("kube-proxy-not-restarted", settings=RAISED, changed="2h")
    return Scenario(
        c,
        title="Edited two hours ago, no pod of kube-proxy started since",
        question="I set maxPerCore to 131072 this morning and nothing on the nodes changed",
        expect={MODIFY: "confirmed", TABLE: ["open", "by_hand"], UDP: ["open", "ruled_out"]},
        why="The ConfigMap's data were written two hours ago, the kube-proxy pods run for 40 days.",
    )


@SCENARIOS.add
def container_started_over() -> Scenario:
    c, nodes = proxied("kube-proxy-container-restarted", settings=RAISED, changed="2h")
    for node in nodes:
        assert node.proxy is not None
        status = node.proxy["status"]["containerStatuses"][0]
        status["state"]["running"]["startedAt"] = "{{now-90m}}"
        status["restartCount"] = 1
    return Scenario(
        c,
        title="The pods are old, their containers started over after the edit",
        question="do I still have to delete kube-proxy pods? I changed the config two hours ago, their AGE is 40d",
        expect={MODIFY: "confirmed", UDP: "ruled_out", TABLE: ["open", "by_hand"]},
        why="kube-proxy reads its mounted file when its process starts, and that was 90 minutes ago.",
    )


@SCENARIOS.add
def in_effect() -> Scenario:
    c, nodes = proxied("kube-proxy-in-effect", settings=RAISED, changed="2h", proxy={"proxy_age": "100m"})
    for node in nodes:
        start_log(
            c,
            node,
            "I server_others.go:269] Using ipvs Proxier",
            "I conntrack.go:52] Setting nf_conntrack_max to 524288",
        )
    return Scenario(
        c,
        title="Edited, restarted, read",
        question="did my kube-proxy edit take effect?",
        expect={MODIFY: "confirmed", UDP: "ruled_out", TABLE: ["open", "by_hand"]},
        why="All kube-proxy pods are younger than the edit, the text is valid, and their logs do not complain.",
    )


@SCENARIOS.add
def one_node_left() -> Scenario:
    c, nodes = proxied("kube-proxy-one-left", nodes=3, settings=RAISED, changed="2h", proxy={"proxy_age": "100m"})
    left = nodes[1].proxy
    assert left is not None
    left["metadata"]["creationTimestamp"] = left["status"]["startTime"] = "{{now-40d}}"
    left["status"]["containerStatuses"][0]["state"]["running"]["startedAt"] = "{{now-40d}}"
    return Scenario(
        c,
        title="One pod of kube-proxy was forgotten",
        question="node .21 still behaves as before my change of kube-proxy",
        scope={"node": nodes[1].name},
        expect={MODIFY: "confirmed", TABLE: ["open", "by_hand"], UDP: ["open", "ruled_out"]},
        why="Its kube-proxy runs for 40 days, the configuration was changed two hours ago.",
    )


@SCENARIOS.add
def change_unknown() -> Scenario:
    c, _ = proxied("kube-proxy-change-unknown", settings=RAISED)
    c.proxy_config.changed = None
    return Scenario(
        c,
        title="Nobody knows when the ConfigMap was changed",
        question="is kube-proxy running with what the ConfigMap says?",
        expect={MODIFY: ["open", "by_hand"], TABLE: ["open", "by_hand"], UDP: ["open", "ruled_out"]},
        why="managedFields is empty, so the age of the pods says nothing.",
    )


@SCENARIOS.add
def only_labels_changed() -> Scenario:
    c, _ = proxied("kube-proxy-label-added", proxy_mode="iptables")
    c.proxy_config.labelled = "1h"
    return Scenario(
        c,
        title="A label was put on the ConfigMap, its data are as old as ever",
        question="does kube-proxy have to be restarted? somebody touched its ConfigMap an hour ago",
        expect={MODIFY: "confirmed", UDP: "ruled_out", TABLE: ["open", "by_hand"]},
        why="The newest entry of managedFields owns a label only; the data were written 60 days ago, before the pods.",
    )


@SCENARIOS.add
def not_yaml() -> Scenario:
    broken = (
        "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nclusterCIDR: 172.20.0.0/16\n"
        "conntrack:\n  maxPerCore 131072\n  min: 131072\nmode: ipvs\n"
    )
    c, nodes = proxied("kube-proxy-broken-text", proxy={"proxy_age": "50m", "proxy_state": "crashing"})
    c.proxy_config.config, c.proxy_config.changed = broken, "1h"
    for node in nodes:
        problem = "yaml: line 6: mapping values are not allowed in this context"
        text = f'E run.go:74] "command failed" err="failed complete: {problem}"'
        start_log(c, node, text, previous=True)
    return Scenario(
        c,
        title="A colon is missing in config.conf and kube-proxy crashes",
        question="after editing the kube-proxy ConfigMap all kube-proxy-worker pods are in CrashLoopBackOff",
        expect={MODIFY: "confirmed", UDP: ["open", "ruled_out", "unreadable"], TABLE: ["open", "by_hand"]},
        why="The text is no valid YAML, the pods crash since and their former log says so.",
    )


@SCENARIOS.add
def gate_gone() -> Scenario:
    c, nodes = proxied(
        "kube-proxy-gate-gone",
        server="v1.28.9-aliyun.1",
        settings={"featureGates": {"IPv6DualStack": True}},
        changed="30m",
        proxy={"proxy_age": "25m", "proxy_state": "crashing"},
    )
    for node in nodes:
        text = 'E run.go:74] "command failed" err="failed complete: unrecognized feature gate: IPv6DualStack"'
        start_log(c, node, text, previous=True)
    return Scenario(
        c,
        title="A feature gate of old samples ends a new kube-proxy",
        question="copied the sample with featureGates IPv6DualStack: true, kube-proxy does not start any more",
        expect={MODIFY: "confirmed", UDP: ["open", "ruled_out", "unreadable"], TABLE: ["open", "by_hand"]},
        why="The former log names the gate as unrecognized and the pods crash since the edit.",
    )


@SCENARIOS.add
def crashes_for_another_reason() -> Scenario:
    c, _ = proxied("kube-proxy-cannot-bind")
    third = c.node("172.16.4.30", proxy_age="3d", proxy_state="crashing")
    start_log(
        c,
        third,
        'E server.go:486] "Error starting health server" err="listen tcp 0.0.0.0:10256: bind: address already in use"',
        previous=True,
    )
    return Scenario(
        c,
        title="kube-proxy crashes on one node, not over its configuration",
        question="kube-proxy on .30 is in CrashLoopBackOff, is the ConfigMap wrong?",
        scope={"node": third.name},
        expect={MODIFY: ["open", "by_hand"], UDP: ["open", "ruled_out"], TABLE: ["open", "by_hand"]},
        why="The text is valid and was not changed for 60 days; the log speaks of a port in use.",
    )


@SCENARIOS.add
def one_of_two() -> Scenario:
    c, _ = proxied("kube-proxy-worker-only", dedicated=True, settings=RAISED, changed="3h", proxy={"proxy_age": "2h"})
    c.node("172.16.4.9", master=True)
    return Scenario(
        c,
        title="Dedicated cluster, only the workers' ConfigMap was edited",
        question="raised maxPerCore in kube-proxy-worker. masters are unchanged, why?",
        expect={MODIFY: "confirmed", TABLE: ["open", "by_hand"], UDP: "ruled_out"},
        why="conntrack.maxPerCore is 131072 in kube-proxy-worker and 65536 in kube-proxy-master.",
    )


@SCENARIOS.add
def configuration_forbidden() -> Scenario:
    c, _ = proxied("kube-proxy-config-forbidden", settings=RAISED, changed="2h")
    return Scenario(
        c,
        title="ConfigMaps may not be read",
        question="is my kube-proxy change live?",
        expect={MODIFY: ["unreadable", "open"], UDP: ["unreadable", "open"], TABLE: ["unreadable", "open", "by_hand"]},
        forbidden=["configmaps"],
        why="Neither the values nor the time of the change can be read.",
    )


@SCENARIOS.add
def flag_contradicts() -> Scenario:
    c, nodes = proxied("kube-proxy-flag", server="v1.22.15-aliyun.1", proxy={"proxy_age": "20d"})
    c.proxy_config.args = ("--proxy-mode=iptables",)
    for node in nodes:
        start_log(c, node, "I server_others.go:206] Using iptables Proxier.")
    return Scenario(
        c,
        title="The DaemonSet starts kube-proxy with another mode than its file",
        question="config.conf says ipvs but ipvsadm lists nothing on any node",
        expect={MODIFY: "confirmed", UDP: "ruled_out", TABLE: ["open", "by_hand"]},
        why="The command line has --proxy-mode=iptables and the log says that iptables is used.",
    )
