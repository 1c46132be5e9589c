"""What people paste, in the forms that chats and mail leave it in, and reading it."""
# ruff: noqa: E501 (tables and logs are as wide as they are)

import asyncio
import datetime as dt
import html
import json
import textwrap

import pytest
import yaml

from bot.diagnosis.paste.reader import PasteReader
from bot.diagnosis.reader import Unreadable
from bot.diagnosis.resources import resource

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
