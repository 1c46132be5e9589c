"""What ``kubectl describe`` prints of pods, nodes, services, daemonsets, configmaps, into objects of what it says."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.diagnosis.paste.kubectl_describe_text import NONE, Entry, pairs, parsed, selector
from bot.diagnosis.paste.kubectl_rows import Row
from bot.diagnosis.paste.kubectl_times import PRINTED_TIME, age, printed_time, rfc3339

__all__ = ["described"]

_PORT = re.compile(r"(?P<port>\d{1,5})/(?P<protocol>TCP|UDP|SCTP)")
_TAINT = re.compile(r"(?P<key>[^\s=:]{1,300})(?:=(?P<value>[^\s:]{0,100}))?:(?P<effect>[A-Z]\w{1,30})\Z")
_TOLERATION = re.compile(
    r"(?P<key>[^\s=:]{0,300})(?:=(?P<value>[^\s:]{0,100}))?(?::(?P<effect>[A-Z]\w{1,30}))?"
    r"(?: ?op=(?P<op>\w{1,20}))?(?: for (?P<seconds>\d{1,9})s)?\Z"
)
_POD_CONDITION = re.compile(r"(?P<type>[\w./-]{1,200}) +(?P<status>True|False|Unknown)\Z")
_NODE_CONDITION = re.compile(
    rf"(?P<type>[\w./-]{{1,200}}) +(?P<status>True|False|Unknown) +(?P<heartbeat>{PRINTED_TIME}) +"
    rf"(?P<transition>{PRINTED_TIME}) +(?P<reason>\S{{1,200}}) *(?P<message>.*)\Z"
)
_TERMINATING = re.compile(r"Terminating(?: \(lasts (?P<age>[^)]{1,30})\))?")
_API_VERSION = {"Job": "batch/v1", "Node": "v1"}
_NODE_INFO = (
    ("Kernel Version", "kernelVersion"),
    ("OS Image", "osImage"),
    ("Operating System", "operatingSystem"),
    ("Architecture", "architecture"),
    ("Container Runtime Version", "containerRuntimeVersion"),
    ("Kubelet Version", "kubeletVersion"),
    ("Kube-Proxy Version", "kubeProxyVersion"),
)


def described(lines: Sequence[str], now: dt.datetime) -> Row | None:
    """Return the object that the lines describe, from ``Name:`` on and without events; None for other kinds."""
    data_at = _start_of_data(lines)
    top = parsed(lines[:data_at])
    name = top.text("Name")
    if not name:
        return None
    metadata: dict[str, Any] = {"name": name}
    if namespace := top.text("Namespace"):
        metadata["namespace"] = namespace
    metadata |= _maps(top)
    if created := printed_time(top.text("CreationTimestamp")):
        metadata["creationTimestamp"] = created
    if data_at is not None:
        return Row("configmaps", {"metadata": metadata, "data": _data(lines[data_at + 2 :])})
    for tells, qualified, build in _BUILDERS:
        if tells(top):
            obj = build(top, now)
            return Row(qualified, {"metadata": metadata | obj.pop("metadata", {}), **obj})
    return None


def _maps(entry: Entry) -> dict[str, Any]:
    labels, annotations = dict(pairs(entry.texts("Labels"))), dict(pairs(entry.texts("Annotations")))
    return {key: found for key, found in (("labels", labels), ("annotations", annotations)) if found}


def _stated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without those of which nothing was printed; a false that was printed stays."""
    return {key: value for key, value in fields.items() if value not in (None, "", [], {})}


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


# Pods


def _is_pod(top: Entry) -> bool:
    return top.has("Node", "Containers", "Controlled By", "QoS Class", "Start Time", "Service Account") and top.has(
        "Status", "Containers", "IP", "Node"
    )


def _pod(top: Entry, now: dt.datetime) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    status: dict[str, Any] = {}
    for title, name in (("Containers", "containers"), ("Init Containers", "initContainers")):
        containers = top.entry(title).children
        spec[name] = [_container(entry) for entry in containers]
        status[f"{name[:-1]}Statuses"] = [_container_status(entry) for entry in containers]
    spec["tolerations"] = [*_tolerations(top.texts("Tolerations"))]
    spec["nodeSelector"] = dict(pairs(top.texts("Node-Selectors")))
    status["conditions"] = [
        match.groupdict() for line in top.entry("Conditions").lines if (match := _POD_CONDITION.match(line))
    ]
    status["startTime"] = printed_time(top.text("Start Time"))
    status["reason"], status["message"] = top.text("Reason"), top.text("Message")
    metadata: dict[str, Any] = {}
    if terminating := _TERMINATING.match(top.text("Status")):
        span = age(terminating["age"] or "")
        metadata["deletionTimestamp"] = rfc3339(now - (span or dt.timedelta()))
    else:
        status["phase"] = top.text("Status").partition(" ")[0]
    kind, slash, owner = top.text("Controlled By").partition("/")
    if slash:
        reference = {"apiVersion": _API_VERSION.get(kind, "apps/v1"), "kind": kind, "name": owner, "controller": True}
        metadata["ownerReferences"] = [reference]
    node, addresses = _place(top)
    return {"metadata": metadata, "spec": _stated(spec | node), "status": _stated(status | addresses)}


def _place(top: Entry) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a pod's spec and status say of its node and addresses."""
    node, _, host = top.text("Node").partition("/")
    addresses = [child.values[0] for child in top.entry("IPs").children if child.key == "IP" and child.values]
    if not addresses and top.text("IP"):
        addresses = [top.text("IP")]
    spec: dict[str, Any] = {"nodeName": node}
    if top.text("Host Network") in ("true", "false"):
        spec["hostNetwork"] = top.text("Host Network") == "true"
    elif host and addresses:
        spec["hostNetwork"] = host in addresses
    status = {"hostIP": host, "podIP": addresses[0] if addresses else "", "podIPs": [{"ip": ip} for ip in addresses]}
    return spec, status


def _container(entry: Entry) -> dict[str, Any]:
    ports = [*_PORT.finditer(entry.text("Port") or entry.text("Ports"))]
    host_ports = [*_PORT.finditer(entry.text("Host Port") or entry.text("Host Ports"))]
    if len(host_ports) != len(ports):
        host_ports = []
    container = {
        "name": entry.key,
        "image": entry.text("Image"),
        "command": entry.entry("Command").lines,
        "args": entry.entry("Args").lines,
        "ports": [
            {"containerPort": int(port["port"]), "protocol": port["protocol"]}
            | ({"hostPort": int(host["port"])} if host and int(host["port"]) else {})
            for port, host in itertools.zip_longest(ports, host_ports)
        ],
    }
    return _stated(container)


def _container_status(entry: Entry) -> dict[str, Any]:
    status = {
        "name": entry.key,
        "image": entry.text("Image"),
        "imageID": entry.text("Image ID"),
        "containerID": entry.text("Container ID"),
        "ready": {"True": True, "False": False}.get(entry.text("Ready")),
        "restartCount": _whole(entry.text("Restart Count")),
        "state": _state(entry.entry("State")),
        "lastState": _state(entry.entry("Last State")),
    }
    return _stated(status)


def _state(entry: Entry) -> dict[str, Any]:
    kind = entry.values[0].lower() if entry.values else ""
    if kind not in ("waiting", "running", "terminated"):
        return {}
    state = {
        "reason": entry.text("Reason"),
        "message": entry.text("Message"),
        "startedAt": printed_time(entry.text("Started")),
        "finishedAt": printed_time(entry.text("Finished")),
        "exitCode": _whole(entry.text("Exit Code")),
    }
    return {kind: _stated(state)}


def _tolerations(texts: Sequence[str]) -> Iterator[dict[str, Any]]:
    for text in texts:
        match = _TOLERATION.match(f" {text}" if text.startswith("op=") else text)
        if match is None:
            continue
        toleration: dict[str, Any] = {key: match[key] for key in ("key", "value", "effect") if match[key]}
        toleration["operator"] = match["op"] or ("Equal" if match["value"] else "Exists")
        if match["seconds"]:
            toleration["tolerationSeconds"] = int(match["seconds"])
        yield toleration


# Nodes


def _is_node(top: Entry) -> bool:
    return top.has("Roles", "Taints", "System Info", "Unschedulable", "PodCIDR", "ProviderID")


def _node(top: Entry, _now: dt.datetime) -> dict[str, Any]:
    system = top.entry("System Info")
    spec = {
        "taints": [_stated(match.groupdict()) for text in top.texts("Taints") if (match := _TAINT.match(text))],
        "unschedulable": True if top.text("Unschedulable") == "true" else None,
        "podCIDR": top.text("PodCIDR"),
        "podCIDRs": [part.strip() for part in top.text("PodCIDRs").split(",") if part.strip()],
        "providerID": top.text("ProviderID"),
    }
    status = {
        "conditions": [*_node_conditions(top.entry("Conditions").lines)],
        "addresses": [
            {"type": entry.key, "address": value} for entry in top.entry("Addresses").children for value in entry.values
        ],
        "capacity": {entry.key: entry.values[0] for entry in top.entry("Capacity").children if entry.values},
        "allocatable": {entry.key: entry.values[0] for entry in top.entry("Allocatable").children if entry.values},
        "nodeInfo": _stated({name: system.text(key) for key, name in _NODE_INFO}),
    }
    return {"spec": _stated(spec), "status": _stated(status)}


def _node_conditions(lines: Sequence[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if match := _NODE_CONDITION.match(line):
            yield {
                "type": match["type"],
                "status": match["status"],
                "reason": match["reason"],
                "message": match["message"].strip(),
                "lastHeartbeatTime": printed_time(match["heartbeat"]),
                "lastTransitionTime": printed_time(match["transition"]),
            }


# Services, daemonsets, configmaps


def _is_service(top: Entry) -> bool:
    return top.has("Session Affinity", "IP Families", "IP Family Policy", "TargetPort") or (
        top.has("Selector") and top.has("IP", "IPs") and top.has("Type")
    )


def _service(top: Entry, _now: dt.datetime) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    for key, name in (
        ("Type", "type"),
        ("IP", "clusterIP"),
        ("IP Family Policy", "ipFamilyPolicy"),
        ("External Traffic Policy", "externalTrafficPolicy"),
        ("Internal Traffic Policy", "internalTrafficPolicy"),
        ("Session Affinity", "sessionAffinity"),
    ):
        if text := top.text(key):
            spec[name] = text
    for key, name in (("IPs", "clusterIPs"), ("IP Families", "ipFamilies")):
        if texts := [part for part in re.split(r"[,\s]+", top.text(key)) if part]:
            spec[name] = texts
    if "clusterIP" in spec:
        spec.setdefault("clusterIPs", [spec["clusterIP"]])
    if labels := selector(",".join(top.texts("Selector"))):
        spec["selector"] = labels
    if ports := [*_service_ports(top)]:
        spec["ports"] = ports
    ingress = [part for part in re.split(r"[,\s]+", top.text("LoadBalancer Ingress")) if part and "(" not in part]
    status = {"loadBalancer": {"ingress": [{"ip": part} for part in ingress]}} if ingress else {}
    return {"spec": spec} | ({"status": status} if status else {})


def _service_ports(top: Entry) -> Iterator[dict[str, Any]]:
    port: dict[str, Any] = {}
    for entry in top.children:
        text = entry.values[0] if entry.values else ""
        match = _PORT.search(text)
        if entry.key == "Port" and match:
            if port:
                yield port
            port = {"port": int(match["port"]), "protocol": match["protocol"]}
            name = text[: match.start()].strip()
            if name not in NONE:
                port["name"] = name
        elif entry.key == "TargetPort" and port and text:
            target = text.partition("/")[0]
            port["targetPort"] = _whole(target) or target
        elif entry.key == "NodePort" and port and match:
            port["nodePort"] = int(match["port"])
    if port:
        yield port


def _is_daemon_set(top: Entry) -> bool:
    return top.has("Desired Number of Nodes Scheduled")


def _daemon_set(top: Entry, _now: dt.datetime) -> dict[str, Any]:
    status = {
        name: number
        for key, name in (
            ("Desired Number of Nodes Scheduled", "desiredNumberScheduled"),
            ("Current Number of Nodes Scheduled", "currentNumberScheduled"),
            ("Number of Nodes Scheduled with Up-to-date Pods", "updatedNumberScheduled"),
            ("Number of Nodes Scheduled with Available Pods", "numberAvailable"),
            ("Number of Nodes Misscheduled", "numberMisscheduled"),
        )
        if (number := _whole(top.text(key))) is not None
    }
    template = top.entry("Pod Template")
    spec = {
        name: [_container(entry) for entry in entries]
        for title, name in (("Containers", "containers"), ("Init Containers", "initContainers"))
        if (entries := template.entry(title).children)
    }
    found: dict[str, Any] = {"template": {"metadata": _maps(template), "spec": spec}} if template.children else {}
    if labels := selector(",".join(top.texts("Selector"))):
        found["selector"] = {"matchLabels": labels}
    return {"spec": found, "status": status}


def _start_of_data(lines: Sequence[str]) -> int | None:
    ruled = enumerate(itertools.pairwise(lines))
    return next((at for at, (line, rule) in ruled if line.strip() == "Data" and rule.startswith("====")), None)


def _data(lines: Sequence[str]) -> dict[str, str]:
    """Return the values that stand below their keys, each key ruled off by four dashes."""
    data: dict[str, list[str]] = {}
    value: list[str] = []
    for line, following in itertools.zip_longest(lines, lines[1:], fillvalue=""):
        if (line.strip() == "BinaryData" and following.startswith("====")) or re.match(r"Events: ", line):
            break
        if following.strip() == "----" and (key := re.match(r"([\w.-]{1,253}):\s*\Z", line)):
            value = data.setdefault(key[1], [])
        elif line.strip() != "----" or value:
            value.append(line)
    return {key: "\n".join(value).strip("\n") for key, value in data.items()}


_BUILDERS: tuple[tuple[Callable[[Entry], bool], str, Callable[[Entry, dt.datetime], dict[str, Any]]], ...] = (
    (_is_daemon_set, "daemonsets", _daemon_set),
    (_is_service, "services", _service),
    (_is_node, "nodes", _node),
    (_is_pod, "pods", _pod),
)
