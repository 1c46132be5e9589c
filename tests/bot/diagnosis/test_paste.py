"""What people paste is read for what it says, in whatever form a chat leaves it, and never for more."""
# ruff: noqa: E501 (tables and logs are as wide as they are)

import asyncio
import contextlib
import datetime as dt
import html
import json
import textwrap
import time

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.objects import PARTIAL
from bot.diagnosis.paste.reader import PasteReader
from bot.diagnosis.reader import LogWindow, Unreadable
from bot.diagnosis.resources import ALLOWED, resource

NOW = dt.datetime(2026, 3, 4, 12, 0, 0, tzinfo=dt.UTC)
EXHAUSTED = (
    'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "0e3ffd6b": '
    'plugin type="terway" failed (add): cmd: error alloc ip rpc error: code = Unknown desc = '
    "InvalidVSwitchId.IpNotEnough: vsw-bp11qb9xou9gidzqtkgl"
)

POD = f"""\
Name:             api-0
Namespace:        shop
Priority:         0
Service Account:  default
Node:             cn-hangzhou.10.0.0.11/10.0.0.11
Start Time:       Wed, 04 Mar 2026 19:30:00 +0800
Labels:           app=api
                  statefulset.kubernetes.io/pod-name=api-0
Annotations:      k8s.aliyun.com/pod-networking: default
                  example.com/owner: team: a
Status:           Pending
IP:
IPs:              <none>
Controlled By:    StatefulSet/api
Init Containers:
  wait:
    Image:          busybox:1.36
    State:          Terminated
      Reason:       Completed
      Exit Code:    0
      Started:      Wed, 04 Mar 2026 19:30:10 +0800
      Finished:     Wed, 04 Mar 2026 19:30:11 +0800
    Ready:          True
    Restart Count:  0
Containers:
  app:
    Container ID:
    Image:          registry.example.com/shop/api:2.3.1
    Image ID:
    Ports:          8080/TCP, 9090/TCP
    Host Ports:     80/TCP, 0/TCP
    Command:
      /bin/app
      --config=/etc/x: y
    State:          Waiting
      Reason:       ContainerCreating
    Last State:     Terminated
      Reason:       Error
      Exit Code:    137
    Ready:          False
    Restart Count:  2
    Environment:
      REGION:       cn-hangzhou
    Mounts:
      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x2x4z (ro)
Conditions:
  Type              Status
  Initialized       True
  Ready             False
  PodScheduled      True
Volumes:
  kube-api-access-x2x4z:
    Type:                    Projected (a volume that contains injected data from multiple sources)
    TokenExpirationSeconds:  3607
QoS Class:                   BestEffort
Node-Selectors:              disk=ssd
Tolerations:                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
                             dedicated=gpu:NoSchedule
                             op=Exists
Events:
  Type     Reason                  Age                   From               Message
  ----     ------                  ----                  ----               -------
  Normal   Scheduled               31m                   default-scheduler  Successfully assigned shop/api-0 to cn-hangzhou.10.0.0.11
  Warning  FailedCreatePodSandBox  2m10s (x15 over 30m)  kubelet            {EXHAUSTED}
"""

NODE = """\
Name:               cn-hangzhou.172.16.3.31
Roles:              <none>
Labels:             beta.kubernetes.io/arch=amd64
                    topology.kubernetes.io/zone=cn-hangzhou-j
Annotations:        node.alpha.kubernetes.io/ttl: 0
CreationTimestamp:  Tue, 03 Mar 2026 20:00:00 +0800
Taints:             node.kubernetes.io/network-unavailable:NoSchedule
                    dedicated=gpu:NoExecute
Unschedulable:      false
Lease:
  HolderIdentity:  cn-hangzhou.172.16.3.31
  RenewTime:       Wed, 04 Mar 2026 19:59:58 +0800
Conditions:
  Type                 Status  LastHeartbeatTime                 LastTransitionTime                Reason           Message
  ----                 ------  -----------------                 ------------------                ------           -------
  NetworkUnavailable   True    Wed, 04 Mar 2026 19:59:00 +0800   Tue, 03 Mar 2026 20:00:05 +0800   NoRouteCreated   RouteController failed to create a route
  Ready                True    Wed, 04 Mar 2026 19:59:30 +0800   Tue, 03 Mar 2026 20:01:00 +0800   KubeletReady     kubelet is posting ready status
Addresses:
  InternalIP:  172.16.3.31
  Hostname:    cn-hangzhou.172.16.3.31
Capacity:
  cpu:                4
  memory:             15923Mi
  pods:               128
Allocatable:
  cpu:                3900m
  pods:               128
System Info:
  Machine ID:                 20200218152033000000000000000000
  Kernel Version:             5.10.134-16.3.al8.x86_64
  OS Image:                   Alibaba Cloud Linux 3 (Soaring Falcon)
  Operating System:           linux
  Architecture:               amd64
  Container Runtime Version:  containerd://1.6.28
  Kubelet Version:            v1.28.9-aliyun.1
  Kube-Proxy Version:         v1.28.9-aliyun.1
PodCIDR:                      172.20.1.0/25
PodCIDRs:                     172.20.1.0/25
ProviderID:                   cn-hangzhou.i-bp1863a1ca9d3734fb0d
Non-terminated Pods:          (1 in total)
  Namespace                   Name                       CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----                       ------------  ----------  ---------------  -------------  ---
  kube-system                 kube-proxy-worker-t6pt8    0 (0%)        0 (0%)      0 (0%)           0 (0%)         16h
Events:
  Type     Reason             Age                 From              Message
  ----     ------             ----                ----              -------
  Warning  CreateRouteFailed  50s (x31 over 16h)  route-controller  Error creating route entry in vtb-bp1: quota exceeded
"""

SERVICE = """\
Name:                     web
Namespace:                shop
Labels:                   app=web
Annotations:              <none>
Selector:                 app=web,tier=front
Type:                     LoadBalancer
IP Family Policy:         PreferDualStack
IP Families:              IPv4,IPv6
IP:                       10.96.1.2
IPs:                      10.96.1.2,fd00:10:96::a
LoadBalancer Ingress:     47.98.1.2
Port:                     http  80/TCP
TargetPort:               8080/TCP
NodePort:                 http  30080/TCP
Endpoints:                10.1.0.10:8080
Port:                     dns  53/UDP
TargetPort:               dns-port/UDP
Session Affinity:         None
External Traffic Policy:  Local
Events:                   <none>
"""

DAEMON_SET = """\
Name:           kube-flannel-ds
Namespace:      kube-system
Selector:       app=flannel
Node-Selector:  <none>
Labels:         app=flannel
Annotations:    deprecated.daemonset.template.generation: 3
Desired Number of Nodes Scheduled: 3
Current Number of Nodes Scheduled: 3
Number of Nodes Scheduled with Up-to-date Pods: 1
Number of Nodes Scheduled with Available Pods: 2
Number of Nodes Misscheduled: 0
Pods Status:  3 Running / 0 Waiting / 0 Succeeded / 0 Failed
Pod Template:
  Labels:           app=flannel
  Service Account:  flannel
  Init Containers:
   install-cni:
    Image:      registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/flannel:v0.15.1.22-20a397e6-aliyun
    Port:       <none>
    Command:
      cp
  Containers:
   kube-flannel:
    Image:      registry-cn-hangzhou-vpc.ack.aliyuncs.com/acs/flannel:v0.15.1.22-20a397e6-aliyun
    Port:       <none>
    Args:
      --ip-masq
      --kube-subnet-mgr
Events:  <none>
"""

CONFIG_MAP = """\
Name:         kube-flannel-cfg
Namespace:    kube-system
Labels:       <none>
Annotations:  <none>

Data
====
cni-conf.json:
----
{
  "name": "cb0",
  "plugins": [
    {"type": "flannel", "delegate": {"hairpinMode": false}}
  ]
}

net-conf.json:
----
{"Network": "172.20.0.0/16", "Backend": {"Type": "alloc"}}

BinaryData
====

Events:  <none>
"""

PODS = """\
NAME                     READY   STATUS              RESTARTS        AGE     IP            NODE                    NOMINATED NODE   READINESS GATES
api-0                    0/1     ContainerCreating   0               3h4m    <none>        cn-hangzhou.10.0.0.11   <none>           <none>
web-6d8f7c9b6f-x2x4z     2/2     Running             3 (5m12s ago)   40d     10.1.0.10     cn-hangzhou.10.0.0.12   <none>           <none>
late-1                   0/1     CrashLoopBackOff    17 (30s ago)    2d      10.1.0.11     cn-hangzhou.10.0.0.12   <none>           <none>
waits                    0/1     Pending             0               5m      <none>        <none>                  <none>           <none>
"""

NODES = """\
NAME                    STATUS                        ROLES                  AGE   VERSION            INTERNAL-IP   EXTERNAL-IP   OS-IMAGE                                 KERNEL-VERSION                CONTAINER-RUNTIME
cn-hangzhou.10.0.0.11   Ready                         <none>                 90d   v1.31.4-aliyun.1   10.0.0.11     <none>        Alibaba Cloud Linux 3 (Soaring Falcon)   5.10.134-16.1.al8.x86_64      containerd://1.6.28
cn-hangzhou.10.0.0.12   NotReady,SchedulingDisabled   control-plane,master   90d   v1.18.8-aliyun.1   10.0.0.12     47.98.1.2     CentOS Linux 7 (Core)                    3.10.0-1160.el7.x86_64        docker://19.3.15
"""

DAEMON_SETS = """\
NAMESPACE     NAME                DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR            AGE   CONTAINERS      IMAGES                                          SELECTOR
kube-system   terway-eniip        3         3         2       3            2           <none>                   90d   terway,policy   acs/terway:v1.13.8,acs/terway:v1.13.8           app=terway-eniip
kube-system   kube-proxy-worker   3         3         3       3            3           kubernetes.io/os=linux   90d   kube-proxy      acs/kube-proxy:v1.31.4-aliyun.1                 k8s-app=kube-proxy-worker
"""

SERVICES = """\
NAME         TYPE           CLUSTER-IP    EXTERNAL-IP   PORT(S)                      AGE   SELECTOR
kubernetes   ClusterIP      10.96.0.1     <none>        443/TCP                      90d   <none>
web          LoadBalancer   10.96.1.2     47.98.1.2     80:30080/TCP,443:30443/TCP   40d   app=web,tier=front
headless     ClusterIP      None          <none>        9090/TCP                     40d   app=db
"""

EVENTS = f"""\
LAST SEEN   TYPE      REASON                   OBJECT                        MESSAGE
2m10s       Warning   FailedCreatePodSandBox   pod/api-0                     {EXHAUSTED}
31m         Normal    Scheduled                pod/api-0                     Successfully assigned shop/api-0 to cn-hangzhou.10.0.0.11
16m         Warning   AllocIPFailed            node/cn-hangzhou.10.0.0.11    vsw-bp11qb9xou9gidzqtkgl has no ip
5m (x9 over 2h)   Warning   SyncRouteFailed    event/route-controller        Reconciling route error: multiple route tables found by vpc id[vpc-1], length(tables)=2
"""

EVENTS_WIDE = f"""\
NAMESPACE   LAST SEEN   TYPE      REASON                   OBJECT      SUBOBJECT                SOURCE                                MESSAGE                       FIRST SEEN   COUNT   NAME
shop        2m10s       Warning   FailedCreatePodSandBox   pod/api-0                            kubelet, cn-hangzhou.10.0.0.11        {EXHAUSTED}   30m          15      api-0.17a3b2c4d5e6f708
shop        40s         Warning   Unhealthy                pod/web-0   spec.containers{{app}}   kubelet, cn-hangzhou.10.0.0.12        Readiness probe failed: x     5h           301     web-0.17a3b2c4d5e6f709
"""


def read(text, now=NOW):
    return PasteReader(text, now)


def get(reader, kind, name, namespace=None):
    return asyncio.run(reader.get(resource(kind), name, namespace))


def items(reader, kind, **selection):
    listing = asyncio.run(reader.list(resource(kind), limit=1000, **selection))
    assert not listing.complete
    return listing.items


def reason(coroutine):
    with pytest.raises(Unreadable) as caught:
        asyncio.run(coroutine)
    return caught.value.reason


def quoted_by_mail(text):
    return textwrap.indent(text, "> ", lambda line: True)


def slack(text):
    return "look:\n```" + html.escape(text, quote=False) + "```\nany idea?"


def in_chat(text):
    return f"hi all, since this morning pods hang :sob:\n\n```\n{text}```\n\nthanks!"


FORMS = {
    "as it is": lambda text: text,
    "in chat": in_chat,
    "in chat of slack": slack,
    "indented": lambda text: textwrap.indent(text, "    "),
    "quoted by mail": quoted_by_mail,
    "with the lines of windows": lambda text: text.replace("\n", "\r\n"),
    "below other things": lambda text: "$ uptime\n 12:00 up 4 days\n$ kubectl get thing -n shop\n" + text + "\n$ exit",
    "with non-breaking spaces": lambda text: text.replace("  ", "\xa0\xa0"),
    "with colours": lambda text: text.replace("Warning", "\x1b[33mWarning\x1b[0m").replace(
        "Name:", "\x1b[1mName:\x1b[0m"
    ),
}


@pytest.fixture(params=FORMS)
def wrapped(request):
    return FORMS[request.param]


# kubectl describe


def test_a_described_pod_is_read(wrapped):
    reader = read(wrapped(POD))
    pod = get(reader, "pods", "api-0", "shop")
    assert pod["apiVersion"], pod["kind"] == ("v1", "Pod")
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


# Tables


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


# YAML and JSON

ENI_CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "eni-config", "namespace": "kube-system"},
    "data": {
        "10-terway.conf": '{\n  "name": "terway",\n  "type": "terway"\n}\n',
        "eni_conf": '{\n  "version": "1",  # a comment\n  "vswitches": {"cn-hangzhou-h": ["vsw-1"]}\n}\n',
        "in_cluster_loadbalance": "true",
    },
}
WHOLE_POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "api-0", "namespace": "shop", "creationTimestamp": "2026-03-04T11:00:00Z"},
    "spec": {"nodeName": "n1", "containers": [{"name": "app", "image": "x:1", "args": ["--a: b", "> c", "- d"]}]},
    "status": {"phase": "Pending", "hostIP": "10.0.0.11"},
}


class Literal(yaml.SafeDumper):
    """Writes as kubectl does: text of several lines as a block, no aliases."""

    def ignore_aliases(self, data):
        return True


Literal.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None),
)


def as_yaml(value):
    return yaml.dump(value, Dumper=Literal)


def as_json(value):
    return json.dumps(value, indent=4, sort_keys=True) + "\n"


@pytest.mark.parametrize("write", [as_yaml, as_json, lambda value: json.dumps(value) + "\n"])
def test_whole_objects_are_whole(wrapped, write):
    items_of_list = {"apiVersion": "v1", "items": [WHOLE_POD, ENI_CONFIG], "kind": "List", "metadata": {}}
    for text in (write(WHOLE_POD) + "\n" + write(ENI_CONFIG), write(items_of_list)):
        reader = read(wrapped(text))
        assert get(reader, "pods", "api-0", "shop") == WHOLE_POD
        assert get(reader, "configmaps", "eni-config", "kube-system") == ENI_CONFIG


def test_yaml_between_talk_and_other_output_is_found():
    text = (
        "this is the pod:\n"
        + as_yaml(WHOLE_POD)
        + "and it is on this node:\n\n"
        + NODES
        + "\nok?\n---\n"
        + as_yaml(ENI_CONFIG)
    )
    reader = read(text)
    assert get(reader, "pods", "api-0", "shop") == WHOLE_POD
    assert len(items(reader, "nodes")) == 2
    assert get(reader, "configmaps", "eni-config", "kube-system") == ENI_CONFIG


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_list_whose_end_was_cut_gives_the_items_before_the_cut(write):
    pods = [{**WHOLE_POD, "metadata": {"name": f"p{n}", "namespace": "shop"}} for n in range(4)]
    text = write({"apiVersion": "v1", "items": pods, "kind": "List", "metadata": {"resourceVersion": ""}})
    whole = pods[:3]
    for end in range(text.index("p3") + 3, len(text), 7):
        reader = read(f"$ kubectl get po -n shop\n```\n{text[:end]}\n```\n")
        found = {item["metadata"]["name"]: item for item in items(reader, "pods")}
        assert [found[item["metadata"]["name"]] for item in whole] == whole
        assert found.get("p3", WHOLE_POD) == pods[3] or PARTIAL in found["p3"]["metadata"]["annotations"]


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_an_object_whose_end_was_cut_is_partial(write):
    text = write(WHOLE_POD)
    reader = read(text[: text.index("status")])
    pod = get(reader, "pods", "api-0", "shop")
    assert pod["spec"]["nodeName"] == "n1"
    assert pod["metadata"]["annotations"] == {PARTIAL: "cut"}


def test_an_object_with_an_elision_is_partial():
    text = as_yaml(WHOLE_POD).replace("  containers:", "  ...\n  containers:")
    assert get(read(text), "pods", "api-0", "shop")["metadata"]["annotations"] == {PARTIAL: "cut"}


@pytest.mark.parametrize("write", [as_yaml, as_json])
def test_a_config_map_cut_before_its_name_has_that_of_the_command(write):
    text = write({key: ENI_CONFIG[key] for key in ("apiVersion", "data")})
    cut = text[: text.index("in_cluster")]
    reader = read(f"[root@master ~]# kubectl -n kube-system get cm eni-config -o yaml\n{cut}")
    config_map = get(reader, "configmaps", "eni-config", "kube-system")
    assert config_map["data"]["eni_conf"].startswith('{\n  "version": "1"')
    assert config_map["metadata"]["annotations"] == {PARTIAL: "cut"}


def test_events_of_the_new_api_are_read_as_the_old():
    event = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "regarding": {"kind": "Pod", "name": "api-0"},
        "note": "x",
    }
    assert get(read(as_yaml(event)), "events", "e", "shop")["message"] == "x"


# Logs and single lines


def test_a_log_below_its_command_is_that_containers_log():
    log = 'time="2026-03-04T11:59:00Z" level=error msg="error alloc ip"\nplain line\n'
    for text in (
        f"$ kubectl -n kube-system logs terway-eniip-gzlg6 -c terway --tail=20\n{log}",
        f"`kubectl logs terway-eniip-gzlg6 terway -n kube-system`\n```\n{log}```\nthat is all",
        f"==== START logs for container terway of pod kube-system/terway-eniip-gzlg6 ====\n{log}"
        "==== END logs for container terway of pod kube-system/terway-eniip-gzlg6 ====\n",
    ):
        reader = read(text)
        assert asyncio.run(reader.log("kube-system", "terway-eniip-gzlg6", "terway", LogWindow())) == log
        assert reason(reader.log("kube-system", "terway-eniip-gzlg6", "policy", LogWindow())) == "not_captured"
        assert (
            reason(reader.log("kube-system", "terway-eniip-gzlg6", "terway", LogWindow(previous=True)))
            == "not_captured"
        )
        assert reader.found


def test_a_log_of_no_stated_container_counts_for_each():
    reader = read("# kubectl logs -p -n kube-system kube-proxy-worker-t6pt8\nUsing iptables Proxier.\n")
    window = LogWindow(previous=True)
    text = asyncio.run(reader.log("kube-system", "kube-proxy-worker-t6pt8", "kube-proxy-worker", window))
    assert text == "Using iptables Proxier.\n"


def test_lines_of_logs_of_nobody_are_kept_as_loose_lines():
    lines = [
        "E0611 08:03:12.668126       1 server_others.go:335] Can't use the IPVS proxier",
        'time="2026-03-04T11:59:00Z" level=error msg="error alloc ip"',
        "Mar  4 19:59:00 cn-hangzhou kubelet[1234]: E0304 19:59:00.1 1234 kubelet.go:1] cni config uninitialized",
        '{"level":"error","msg":"x"}',
    ]
    reader = read("we see\n" + "\n".join(lines) + "\nin the logs, it is slow")
    assert reader.loose_lines == tuple(lines)
    assert not reader.found


@pytest.mark.parametrize(
    ("line", "involved"),
    [
        (EXHAUSTED, {"kind": "Pod"}),
        (
            'E0304 19:59:00.1 12 pod_workers.go:1300] "Error syncing pod" err="failed to \\"CreatePodSandbox\\" for: rpc error: '
            'failed to set up sandbox container" pod="shop/api-0" podUID="x"',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
        (
            'level=error msg="RunPodSandbox for &PodSandboxMetadata{Name:api-0,Uid:1-2,Namespace:shop,Attempt:0,} failed, '
            'error" error="failed to setup network for sandbox \\"0e\\""',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
        (
            'NetworkPlugin cni failed to set up pod "api-0_shop" network: no IP addresses available in range set',
            {"kind": "Pod", "name": "api-0", "namespace": "shop"},
        ),
    ],
)
def test_a_line_that_says_that_a_sandbox_failed_counts_as_its_event(line, involved):
    reader = read(f"what does this mean?\n\n> {line}")
    (event,) = items(reader, "events")
    assert event["message"] == line
    assert event["involvedObject"] == involved
    assert event["reason"] == "FailedCreatePodSandBox"
    assert "lastTimestamp" not in event
    assert reader.loose_lines == (line,)
    assert not reader.found


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Client Version: v1.33.0\nKustomize Version: v5.6.0\nServer Version: v1.28.9-aliyun.1", "v1.28.9-aliyun.1"),
        ('Server Version: version.Info{Major:"1", Minor:"18+", GitVersion:"v1.18.8-aliyun.1", x', "v1.18.8-aliyun.1"),
    ],
)
def test_the_servers_version_is_that_of_kubectl_version(text, version):
    assert asyncio.run(read(text).version()) == version


# What is not known


def test_what_is_not_pasted_is_unreadable_and_lists_are_never_complete():
    reader = read(in_chat(POD))
    assert reason(reader.get(resource("pods"), "api-1", "shop")) == "not_captured"
    assert reason(reader.get(resource("pods"), "api-0", "staging")) == "not_captured"
    assert reason(reader.list(resource("services"), limit=1)) == "not_captured"
    assert reason(reader.log("kube-system", "x", "terway", LogWindow())) == "not_captured"
    assert reason(reader.version()) == "not_captured"
    assert items(reader, "pods", namespace="staging") == []
    assert asyncio.run(reader.now()) == NOW
    assert (reader.requests, reader.source) == (0, "pasted text")
    assert reader.bytes >= len(POD)


def test_ages_count_back_from_now_where_no_time_is_given():
    before = dt.datetime.now(dt.UTC)
    reader = PasteReader(POD)
    (event,) = items(reader, "events", fields={"type": "Warning"})
    seen = dt.datetime.fromisoformat(event["lastTimestamp"])
    assert abs(before - seen - dt.timedelta(seconds=130)) < dt.timedelta(seconds=10)
    assert asyncio.run(reader.now()) >= before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "how do I add a vSwitch to terway?",
        "Name: api, please help. kind: of urgent\nstatus: broken",
        "kind regards\nmetadata: none",
        "Warning: this is normal\nNormal operation resumed 5m ago",
        "```\n```\n```",
        "{}\n[]\n{{{{\n]]",
        "kubectl get pods",
        "apiVersion: v1",
        "we have 3/3 nodes Ready for 40d, running v1.28",
        "Name:  x\nType:  y",
    ],
)
def test_talk_is_no_cluster(text):
    reader = read(text)
    assert not reader.found
    assert reader.scope == Scope()
    for of_kind in ALLOWED:
        assert reason(reader.list(of_kind, limit=1)) == "not_captured"


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        (POD, Scope(namespace="shop", pod="api-0")),
        (POD + "\n\n" + NODE, Scope(namespace="shop", pod="api-0", node="cn-hangzhou.172.16.3.31")),
        (SERVICE, Scope(namespace="shop", service="web")),
        (POD + "\n\n" + SERVICE, Scope(namespace="shop", pod="api-0", service="web")),
        (as_yaml(WHOLE_POD), Scope(namespace="shop", pod="api-0")),
        (POD + "\n\n" + POD.replace("api-0", "api-1"), Scope()),
        (PODS, Scope()),
        (f"shop 5m Warning FailedCreatePodSandBox pod/api-0 {EXHAUSTED}", Scope(namespace="shop", pod="api-0")),
        (EXHAUSTED, Scope()),
    ],
)
def test_the_scope_is_what_the_text_is_about(text, scope):
    assert read(text).scope == scope


# Hostile text


@pytest.mark.parametrize(
    "hostile",
    [
        "a" * 1_000_000,
        " " * 1_000_000,
        "\n" * 1_000_000,
        "> " * 500_000,
        "`" * 1_000_000,
        "``` " * 250_000,
        "{" * 1_000_000,
        '{"kind":\n' * 100_000,
        '{"kind":"Pod","a":' * 50_000,
        "[" * 1_000_000,
        ('{"apiVersion": "v1"' + " " * 60 + "\n") * 12_000,
        "kind: Pod\n" * 100_000,
        "kind: Pod\na: [\n" * 60_000,
        "- kind: Pod\n" * 80_000,
        "apiVersion: v1\n" + "  a:\n" * 200_000,
        "kind: Pod\n" + "".join(" " * n + "a:\n" for n in range(1400)),
        "Name:  a\nNamespace:  b\n" * 40_000,
        "Name:  a\nType:  b\n" + "x:\n" * 300_000,
        "".join(" " * n + "Name:  a\n" + " " * n + "Type:  b\n" for n in range(900)),
        "Name:  a\nData\n====\n" * 40_000,
        "Normal " * 140_000,
        "Warning Failed 5m kubelet x\n" * 36_000,
        "5m Warning Failed pod/a " + "x  " * 300_000,
        ("5m Warning Failed pod/a " + "x" + " " * 7000 + "\n") * 140,
        "a " * 500_000,
        ("a" + " " * 3900 + "b\n") * 250,
        ("x" * 90 + "\n") * 11_000,
        "AA " * 330_000,
        "NAME " * 200_000,
        ("failed to set up pod " + "x" * 70 + "\n") * 10_000,
        "$ kubectl " * 100_000,
        "$ kubectl logs a\n" * 58_000,
        "# kubectl describe pod a\n" * 40_000,
        "root@" * 200_000,
        "&lt;" * 250_000,
        "<https://a|" * 90_000,
        "\x1b[" * 500_000,
        "2m" * 500_000,
        "a 1/1 " + "A" * 900_000,
        '"' * 1_000_000,
        '"\\' * 500_000,
    ],
)
def test_a_hostile_megabyte_takes_no_longer_than_its_length_does(hostile):
    start = time.process_time()
    read(hostile)
    assert time.process_time() - start < 120  # what grows with the square of the length takes minutes


PIECES = [
    POD,
    NODE,
    SERVICE,
    DAEMON_SET,
    CONFIG_MAP,
    PODS,
    NODES,
    SERVICES,
    EVENTS,
    EVENTS_WIDE,
    as_yaml(ENI_CONFIG),
    as_json(WHOLE_POD),
]


@settings(max_examples=150, deadline=None)
@given(
    pieces=st.lists(st.sampled_from(PIECES), min_size=1, max_size=3),
    cuts=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 60), st.text(max_size=6)), max_size=6),
)
def test_damaged_pastes_never_raise(pieces, cuts):
    text = "\n".join(pieces)
    for at, length, put in cuts:
        text = text[:at] + put + text[at + length :]
    reader = read(text)
    for of_kind in ALLOWED:
        with contextlib.suppress(Unreadable):
            items(reader, of_kind.qualified)


@settings(max_examples=300, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("Name: pod\n-{}[]\"'`>$#&;=kindPWarning5m/1x \t\\ués\x00\x1b"), max_size=200)
    | st.text()
)
def test_no_text_raises(text):
    read(text)
