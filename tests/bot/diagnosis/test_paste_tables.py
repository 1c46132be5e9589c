"""Rows of kubectl's tables are read for what they say, in whatever form a chat leaves them."""

from bot.diagnosis.objects import PARTIAL
from bot.diagnosis.resources import resource
from tests.bot.diagnosis.pasting import (
    DAEMON_SETS,
    EVENTS,
    EVENTS_WIDE,
    EXHAUSTED,
    NODES,
    POD,
    PODS,
    SERVICES,
    get,
    items,
    read,
    reason,
)


def test_rows_of_pods_are_read(wrapped):
    reader = read(wrapped(PODS))
    api = get(reader, "pods", "api-0", "shop")
    assert api["metadata"]["annotations"] == {PARTIAL: "table"}
    assert api["metadata"]["creationTimestamp"] == "2026-03-04T08:56:00Z"
    assert api["spec"] == {"nodeName": "cn-hangzhou.10.0.0.11"}
    assert api["status"]["phase"] == "Pending"
    assert api["status"]["containerStatuses"][0]["state"] == {"waiting": {"reason": "ContainerCreating"}}
    assert "podIP" not in api["status"]
    web = get(reader, "pods", "web-6d8f7c9b6f-x2x4z", "shop")
    assert (web["status"]["phase"], web["status"]["podIP"]) == ("Running", "10.1.0.10")
    assert web["status"]["conditions"] == [{"type": "Ready", "status": "True"}]
    late = get(reader, "pods", "late-1", "shop")
    assert late["status"]["containerStatuses"][0]["restartCount"] == 17
    assert get(reader, "pods", "waits", "shop")["spec"] == {}
    assert len(items(reader, "pods", fields={"spec.nodeName": "cn-hangzhou.10.0.0.12"})) == 2


def test_rows_are_read_without_header_and_columns():
    reader = read(
        "terway-eniip-gzlg6 1/2 CrashLoopBackOff 44 (2m ago) 7d 10.0.0.11 cn-hangzhou.10.0.0.11 <none> <none>"
    )
    (pod,) = items(reader, "pods")
    assert (pod["metadata"]["name"], pod["spec"]["nodeName"]) == ("terway-eniip-gzlg6", "cn-hangzhou.10.0.0.11")


def test_the_namespace_of_rows_is_that_of_their_column_or_command():
    by_column = "NAMESPACE NAME READY STATUS RESTARTS AGE\nshop api-0 0/1 Pending 0 5m\nbatch api-0 1/1 Running 0 5m"
    for text in (
        by_column,
        "$ k get po -n shop\napi-0 0/1 Pending 0 5m\n$ k get po --namespace=batch\napi-0 1/1 Running 0 5m",
    ):
        reader = read(text)
        assert get(reader, "pods", "api-0", "shop")["status"]["phase"] == "Pending"
        assert get(reader, "pods", "api-0", "batch")["status"]["phase"] == "Running"
        assert reason(reader.get(resource("pods"), "api-0", "other")) == "not_captured"


def test_rows_of_nodes_are_read(wrapped):
    reader = read(wrapped(NODES))
    first, second = items(reader, "nodes")
    assert first["status"]["nodeInfo"] == {
        "kubeletVersion": "v1.31.4-aliyun.1",
        "osImage": "Alibaba Cloud Linux 3 (Soaring Falcon)",
        "kernelVersion": "5.10.134-16.1.al8.x86_64",
        "containerRuntimeVersion": "containerd://1.6.28",
    }
    assert first["status"]["addresses"] == [{"type": "InternalIP", "address": "10.0.0.11"}]
    assert second["status"]["conditions"] == [{"type": "Ready", "status": "False"}]
    assert second["spec"] == {"unschedulable": True}
    assert "node-role.kubernetes.io/master" in second["metadata"]["labels"]


def test_rows_of_daemonsets_are_read(wrapped):
    reader = read(wrapped(DAEMON_SETS))
    terway = get(reader, "daemonsets", "terway-eniip", "kube-system")
    assert terway["status"]["numberReady"] == 2
    assert terway["spec"]["template"]["spec"]["containers"] == [
        {"name": "terway", "image": "acs/terway:v1.13.8"},
        {"name": "policy", "image": "acs/terway:v1.13.8"},
    ]
    assert terway["spec"]["selector"] == {"matchLabels": {"app": "terway-eniip"}}


def test_rows_of_services_are_read(wrapped):
    reader = read(wrapped(SERVICES))
    web = get(reader, "services", "web", "shop")
    assert web["spec"]["ports"][0] == {"port": 80, "protocol": "TCP", "nodePort": 30080}
    assert web["spec"]["selector"] == {"app": "web", "tier": "front"}
    assert web["status"]["loadBalancer"]["ingress"] == [{"ip": "47.98.1.2"}]
    assert get(reader, "services", "headless", "shop")["spec"]["clusterIP"] == "None"


def test_rows_of_events_are_read(wrapped):
    reader = read(wrapped(EVENTS))
    (failed,) = items(reader, "events", fields={"involvedObject.name": "api-0", "type": "Warning"})
    assert (failed["message"], failed["lastTimestamp"]) == (EXHAUSTED, "2026-03-04T11:57:50Z")
    (node,) = items(reader, "events", namespace="default", fields={"involvedObject.kind": "Node"})
    assert node["reason"] == "AllocIPFailed"
    (route,) = items(reader, "events", fields={"involvedObject.name": "route-controller"})
    assert (route["involvedObject"]["kind"], route["count"]) == ("Event", 9)


def test_wide_rows_of_events_are_read(wrapped):
    reader = read(wrapped(EVENTS_WIDE))
    (failed,) = items(reader, "events", namespace="shop", fields={"involvedObject.name": "api-0"})
    assert (failed["message"], failed["count"]) == (EXHAUSTED, 15)
    assert (failed["firstTimestamp"], failed["lastTimestamp"]) == ("2026-03-04T11:30:00Z", "2026-03-04T11:57:50Z")
    assert failed["source"] == {"component": "kubelet", "host": "cn-hangzhou.10.0.0.11"}
    (unhealthy,) = items(reader, "events", fields={"involvedObject.name": "web-0"})
    assert (unhealthy["message"], unhealthy["count"]) == ("Readiness probe failed: x", 301)


def test_a_row_and_a_description_of_one_pod_make_one_object():
    for text in (PODS + "\n\n" + POD, POD + "\n\n" + PODS):
        reader = read(text)
        pod = get(reader, "pods", "api-0", "shop")
        assert pod["metadata"]["annotations"][PARTIAL] == "describe"
        assert pod["metadata"]["creationTimestamp"] == "2026-03-04T08:56:00Z"
        assert [item["metadata"]["name"] for item in items(reader, "pods")].count("api-0") == 1
