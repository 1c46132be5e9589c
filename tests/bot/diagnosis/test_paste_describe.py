"""What ``kubectl describe`` prints is read for what it says, in whatever form a chat leaves it."""

import json

import pytest

from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.objects import PARTIAL
from tests.bot.diagnosis.pasting import CONFIG_MAP, DAEMON_SET, EXHAUSTED, NODE, POD, SERVICE, get, in_chat, items, read


def test_a_described_pod_is_read(wrapped):
    reader = read(wrapped(POD))
    pod = get(reader, "pods", "api-0", "shop")
    assert (pod["apiVersion"], pod["kind"]) == ("v1", "Pod")
    assert pod["metadata"]["labels"] == {"app": "api", "statefulset.kubernetes.io/pod-name": "api-0"}
    assert pod["metadata"]["annotations"] == {
        "k8s.aliyun.com/pod-networking": "default",
        "example.com/owner": "team: a",
        PARTIAL: "describe",
    }
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "api", "controller": True}
    assert pod["metadata"]["ownerReferences"] == [owner]
    assert pod["spec"] == {
        "nodeName": "cn-hangzhou.10.0.0.11",
        "containers": [
            {
                "name": "app",
                "image": "registry.example.com/shop/api:2.3.1",
                "command": ["/bin/app", "--config=/etc/x: y"],
                "ports": [
                    {"containerPort": 8080, "protocol": "TCP", "hostPort": 80},
                    {"containerPort": 9090, "protocol": "TCP"},
                ],
            }
        ],
        "initContainers": [{"name": "wait", "image": "busybox:1.36"}],
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [
            {
                "key": "node.kubernetes.io/not-ready",
                "effect": "NoExecute",
                "operator": "Exists",
                "tolerationSeconds": 300,
            },
            {"key": "dedicated", "value": "gpu", "effect": "NoSchedule", "operator": "Equal"},
            {"operator": "Exists"},
        ],
    }
    status = pod["status"]
    assert (status["phase"], status["hostIP"], status["startTime"]) == ("Pending", "10.0.0.11", "2026-03-04T11:30:00Z")
    assert {item["type"]: item["status"] for item in status["conditions"]} == {
        "Initialized": "True",
        "Ready": "False",
        "PodScheduled": "True",
    }
    assert status["containerStatuses"] == [
        {
            "name": "app",
            "image": "registry.example.com/shop/api:2.3.1",
            "ready": False,
            "restartCount": 2,
            "state": {"waiting": {"reason": "ContainerCreating"}},
            "lastState": {"terminated": {"reason": "Error", "exitCode": 137}},
        }
    ]
    assert status["initContainerStatuses"][0]["state"]["terminated"]["finishedAt"] == "2026-03-04T11:30:11Z"


def test_the_events_of_a_described_pod_are_its_events(wrapped):
    reader = read(wrapped(POD))
    fields = {"involvedObject.kind": "Pod", "involvedObject.name": "api-0", "type": "Warning"}
    (event,) = items(reader, "events", namespace="shop", fields=fields)
    assert event["message"] == EXHAUSTED
    assert (event["reason"], event["count"]) == ("FailedCreatePodSandBox", 15)
    assert (event["firstTimestamp"], event["lastTimestamp"]) == ("2026-03-04T11:30:00Z", "2026-03-04T11:57:50Z")
    assert (event["source"], event["reportingComponent"]) == ({"component": "kubelet"}, "kubelet")
    assert event["involvedObject"]["namespace"] == "shop"
    assert PARTIAL in event["metadata"]["annotations"]
    assert len(items(reader, "events")) == 2


def test_a_described_pod_that_is_going_away_has_no_phase():
    pod = get(read(POD.replace("Pending", "Terminating (lasts 5m)")), "pods", "api-0", "shop")
    assert "phase" not in pod["status"]
    assert pod["metadata"]["deletionTimestamp"] == "2026-03-04T11:55:00Z"


@pytest.mark.parametrize(
    ("address", "more", "host_network"),
    [("10.0.0.11", "", True), ("10.1.0.9", "", False), ("10.1.0.9", "Host Network:     true\n", True)],
)
def test_a_pod_with_its_nodes_address_is_on_the_hosts_network(address, more, host_network):
    text = POD.replace("IP:\n", f"IP:               {address}\n", 1).replace(
        "IPs:              <none>\n", f"IPs:\n  IP:           {address}\n  IP:           fd00::9\n{more}"
    )
    pod = get(read(text), "pods", "api-0", "shop")
    assert pod["spec"]["hostNetwork"] is host_network
    assert pod["status"]["podIPs"] == [{"ip": address}, {"ip": "fd00::9"}]


def test_a_described_node_is_read(wrapped):
    reader = read(wrapped(NODE))
    node = get(reader, "nodes", "cn-hangzhou.172.16.3.31")
    assert node["metadata"]["labels"]["topology.kubernetes.io/zone"] == "cn-hangzhou-j"
    assert node["metadata"]["creationTimestamp"] == "2026-03-03T12:00:00Z"
    assert node["spec"] == {
        "taints": [
            {"key": "node.kubernetes.io/network-unavailable", "effect": "NoSchedule"},
            {"key": "dedicated", "value": "gpu", "effect": "NoExecute"},
        ],
        "podCIDR": "172.20.1.0/25",
        "podCIDRs": ["172.20.1.0/25"],
        "providerID": "cn-hangzhou.i-bp1863a1ca9d3734fb0d",
    }
    assert node["status"]["conditions"][0] == {
        "type": "NetworkUnavailable",
        "status": "True",
        "reason": "NoRouteCreated",
        "message": "RouteController failed to create a route",
        "lastHeartbeatTime": "2026-03-04T11:59:00Z",
        "lastTransitionTime": "2026-03-03T12:00:05Z",
    }
    assert node["status"]["conditions"][1]["type"] == "Ready"
    assert node["status"]["addresses"][0] == {"type": "InternalIP", "address": "172.16.3.31"}
    assert (node["status"]["capacity"]["pods"], node["status"]["allocatable"]["cpu"]) == ("128", "3900m")
    assert node["status"]["nodeInfo"]["kubeletVersion"] == "v1.28.9-aliyun.1"
    assert node["status"]["nodeInfo"]["osImage"] == "Alibaba Cloud Linux 3 (Soaring Falcon)"
    (event,) = items(reader, "events", namespace="default", fields={"involvedObject.kind": "Node"})
    assert (event["reason"], event["count"]) == ("CreateRouteFailed", 31)
    assert reader.scope == Scope(node="cn-hangzhou.172.16.3.31")


def test_a_described_service_is_read(wrapped):
    service = get(read(wrapped(SERVICE)), "services", "web", "shop")
    assert service["spec"] == {
        "type": "LoadBalancer",
        "clusterIP": "10.96.1.2",
        "clusterIPs": ["10.96.1.2", "fd00:10:96::a"],
        "ipFamilyPolicy": "PreferDualStack",
        "ipFamilies": ["IPv4", "IPv6"],
        "externalTrafficPolicy": "Local",
        "sessionAffinity": "None",
        "selector": {"app": "web", "tier": "front"},
        "ports": [
            {"name": "http", "port": 80, "protocol": "TCP", "targetPort": 8080, "nodePort": 30080},
            {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": "dns-port"},
        ],
    }
    assert service["status"] == {"loadBalancer": {"ingress": [{"ip": "47.98.1.2"}]}}


def test_a_described_daemonset_is_read(wrapped):
    daemon_set = get(read(wrapped(DAEMON_SET)), "daemonsets", "kube-flannel-ds", "kube-system")
    assert daemon_set["status"]["desiredNumberScheduled"] == 3
    assert daemon_set["status"]["updatedNumberScheduled"] == 1
    spec = daemon_set["spec"]["template"]["spec"]
    assert spec["containers"][0]["name"] == "kube-flannel"
    assert spec["containers"][0]["image"].endswith("/acs/flannel:v0.15.1.22-20a397e6-aliyun")
    assert spec["containers"][0]["args"] == ["--ip-masq", "--kube-subnet-mgr"]
    assert spec["initContainers"][0]["name"] == "install-cni"
    assert daemon_set["spec"]["selector"] == {"matchLabels": {"app": "flannel"}}


def test_a_described_config_map_keeps_its_values_as_they_are(wrapped):
    config_map = get(read(wrapped(CONFIG_MAP)), "configmaps", "kube-flannel-cfg", "kube-system")
    assert list(config_map["data"]) == ["cni-conf.json", "net-conf.json"]
    assert json.loads(config_map["data"]["cni-conf.json"])["plugins"][0]["delegate"] == {"hairpinMode": False}
    assert json.loads(config_map["data"]["net-conf.json"])["Network"] == "172.20.0.0/16"


def test_several_descriptions_and_their_events_are_kept_apart():
    other = POD.replace("api-0", "api-1").replace("2m10s (x15 over 30m)", "7s")
    for text in (POD + "\n\n" + other + NODE, in_chat(POD) + in_chat(other + "\n" + NODE)):
        reader = read(text)
        for name, count in (("api-0", 15), ("api-1", 1)):
            fields = {"involvedObject.name": name, "type": "Warning"}
            assert [event["count"] for event in items(reader, "events", fields=fields)] == [count]
        assert len(items(reader, "nodes")) == 1


def test_events_without_a_description_belong_to_what_the_command_described():
    rows = POD[POD.index("Events:") :]
    (event,) = items(read("$ kubectl describe po api-0 -n shop | tail\n" + rows), "events", fields={"type": "Warning"})
    assert event["involvedObject"] == {"kind": "Pod", "name": "api-0", "namespace": "shop"}


def test_rows_of_events_alone_are_about_the_pod_that_the_scheduler_names(wrapped):
    rows = POD[POD.index("Events:") :]
    (event,) = items(read(wrapped(rows)), "events", fields={"reason": "FailedCreatePodSandBox"})
    assert event["involvedObject"] == {"kind": "Pod", "name": "api-0", "namespace": "shop"}


def test_rows_of_events_alone_are_about_a_pod_that_nobody_named(wrapped):
    rows = "\n".join(line for line in POD[POD.index("Events:") :].splitlines() if "Successfully assigned" not in line)
    (event,) = items(read(wrapped(rows)), "events", fields={"reason": "FailedCreatePodSandBox"})
    assert event["involvedObject"] == {"kind": "Pod"}


def test_an_event_that_lost_its_columns_is_read():
    text = f"Warning FailedCreatePodSandBox 2m10s (x15 over 30m) kubelet, cn-hangzhou.10.0.0.11 {EXHAUSTED}"
    (event,) = items(read(text), "events")
    assert (event["count"], event["message"]) == (15, EXHAUSTED)
    assert event["source"] == {"component": "kubelet", "host": "cn-hangzhou.10.0.0.11"}


def test_an_event_that_a_terminal_wrapped_is_put_together():
    wrapped = "\n".join(line[at : at + 100] for line in POD.split("\n") for at in range(0, max(1, len(line)), 100))
    (event,) = items(read(wrapped), "events", fields={"reason": "FailedCreatePodSandBox"})
    assert "InvalidVSwitchId.IpNotEnough" in event["message"]
    assert event["involvedObject"]["name"] == "api-0"


def test_what_is_said_after_a_description_is_no_part_of_it():
    reader = read(POD.replace("31m ", "31m ") + "\nWe also see this on other nodes: all of zone j.\nNotes: none")
    pod = get(reader, "pods", "api-0", "shop")
    assert "j" not in pod["metadata"]["labels"]
    assert all("other nodes" not in event["message"] for event in items(reader, "events"))
