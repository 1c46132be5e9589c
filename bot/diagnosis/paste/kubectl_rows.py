"""Rows of the tables that ``kubectl get`` and ``kubectl events`` print, into objects of what the rows say.

A row is recognised by itself, whether its header was pasted and whether its columns still stand below each other.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.diagnosis.paste.kubectl_times import AGE, EVENT_AGE, age, event_times, rfc3339
from bot.diagnosis.reader import Object

__all__ = ["EventRow", "Row", "event", "event_row", "heads_events", "heads_table", "object_row"]

_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?"
_ADDRESS = r"(?:[0-9a-fA-F.:]{2,45}|<none>)"
_START = rf"\s*(?:(?P<namespace>{_NAME})\s+)?(?:[a-z.]{{1,60}}/)?(?P<name>{_NAME})\s+"


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.ASCII)


_POD = _pattern(
    rf"{_START}(?P<ready>\d{{1,3}})/(?P<of>\d{{1,3}})\s+(?P<status>[A-Z][\w:/-]{{1,60}})\s+(?P<restarts>\d{{1,6}})"
    rf"(?:\s+\({AGE} ago\))?\s+(?P<age>{AGE})(?:\s+(?P<ip>{_ADDRESS})\s+(?P<node>{_NAME}|<none>)(?:\s+.*)?)?\s*\Z"
)
_NODE = _pattern(
    rf"\s*(?:node/)?(?P<name>{_NAME})\s+(?P<status>(?:Ready|NotReady|Unknown)(?:,SchedulingDisabled)?)\s+(?P<roles>\S{{1,200}})"
    rf"\s+(?P<age>{AGE})\s+(?P<version>v\d[\w.+-]{{1,60}})(?:\s+(?P<internal>{_ADDRESS})\s+(?P<external>{_ADDRESS})"
    r"(?:\s+(?P<image>.{1,100}?)\s+(?P<kernel>\d+\.\d[\w.+-]{1,60})\s+(?P<runtime>[a-z-]{2,20}://[\w.+~-]{1,60}))?)?(?:\s.*)?\Z"
)
_SERVICE = _pattern(
    rf"{_START}(?P<type>ClusterIP|NodePort|LoadBalancer|ExternalName)\s+(?P<ip>{_ADDRESS}|None)\s+(?P<external>\S{{1,500}})\s+"
    rf"(?P<ports>\S{{1,500}})\s+(?P<age>{AGE})(?:\s+(?P<selector>\S{{1,1000}}))?\s*\Z"
)
_DAEMON_SET = _pattern(
    rf"{_START}(?P<desired>\d{{1,6}})\s+(?P<current>\d{{1,6}})\s+(?P<ready>\d{{1,6}})\s+(?P<updated>\d{{1,6}})\s+"
    rf"(?P<available>\d{{1,6}})\s+(?P<node_selector>\S{{1,500}})\s+(?P<age>{AGE})"
    r"(?:\s+(?P<containers>\S{1,500})\s+(?P<images>\S{1,2000})\s+(?P<selector>\S{1,1000}))?\s*\Z"
)
_DEPLOYMENT = _pattern(
    rf"{_START}(?P<ready>\d{{1,6}})/(?P<of>\d{{1,6}})\s+(?P<updated>\d{{1,6}})\s+(?P<available>\d{{1,6}})\s+(?P<age>{AGE})"
    r"(?:\s+(?P<containers>\S{1,500})\s+(?P<images>\S{1,2000})\s+(?P<selector>\S{1,1000}))?\s*\Z"
)
_EVENT_OF_DESCRIBE = _pattern(
    rf"\s*(?P<type>Normal|Warning)\s+(?P<reason>[A-Z]\w{{1,100}})\s+(?P<age>{EVENT_AGE})\s+"
    r"(?P<source>[\w./-]{1,200})(?:, (?P<host>[\w.-]{1,250}))?\s+(?P<message>\S.*)\Z"
)
_EVENT_OF_GET = _pattern(
    rf"\s*(?:(?P<namespace>{_NAME})\s+)?(?P<age>{EVENT_AGE})\s+(?P<type>Normal|Warning)\s+(?P<reason>[A-Z]\w{{1,100}})\s+"
    rf"(?P<kind>[A-Za-z.]{{2,80}})/(?P<name>{_NAME})\s+(?P<message>\S.*)\Z"
)
# What `-o wide` puts before the message, and behind it.
_SUBOBJECT = r"(?:spec\.\w{1,40}\{[^}\s]{1,250}\}\s+)"
_SPACES = re.compile(r" {2,}")
_WIDE = _pattern(
    rf"{_SUBOBJECT}?(?P<source>[\w./-]{{1,200}})(?:, (?P<host>[\w.-]{{1,250}}))?\s+(?P<message>\S.*?)"
    rf"\s+(?P<first>{AGE})\s+(?P<count>\d{{1,9}})\s+(?P<name>{_NAME})\s*\Z"
)
_KINDS = {
    "pod": "Pod",
    "node": "Node",
    "service": "Service",
    "daemonset": "DaemonSet",
    "replicaset": "ReplicaSet",
    "statefulset": "StatefulSet",
    "cronjob": "CronJob",
    "configmap": "ConfigMap",
    "endpointslice": "EndpointSlice",
    "podeni": "PodENI",
    "podnetworking": "PodNetworking",
    "networkinterface": "NetworkInterface",
    "noderuntime": "NodeRuntime",
}
"""Kinds that are not just capitalised in what the column OBJECT says."""

_WAITING = frozenset({"ContainerCreating", "PodInitializing"})
_NOT_STARTED = frozenset(
    {"ImagePullBackOff", "ErrImagePull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError"}
)
_PHASES = {
    "Running": "Running",
    "Pending": "Pending",
    "Completed": "Succeeded",
    "Succeeded": "Succeeded",
    "Evicted": "Failed",
    "Failed": "Failed",
    "CrashLoopBackOff": "Running",
}


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says: the kind's qualified name and an object with the fields that the row gives."""

    qualified: str
    obj: dict[str, Any]


@dataclass(slots=True)
class EventRow:
    """An event; ``kind`` and ``name`` of its object are empty where the row is one of ``kubectl describe``."""

    type: str
    reason: str
    age: str
    message: str
    source: str = ""
    host: str = ""
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    first: str = ""
    count: int | None = None


def heads_table(line: str) -> bool:
    """Whether the line is the head of a table of ``kubectl get``."""
    words = line[:400].split()
    return len(words) > 1 and words[0] in ("NAMESPACE", "NAME", "LAST", "FIRST") and line[:400] == line[:400].upper()


def heads_events(line: str) -> bool:
    """Whether the line is the head of the events of ``kubectl describe``, or the rule below it."""
    words = line[:400].split()
    return words[:2] == ["Type", "Reason"] or (len(words) > 1 and all(set(word) == {"-"} for word in words))


def object_row(line: str, namespace: str | None, now: dt.datetime) -> Row | None:
    """Return what a row of pods, nodes, services, daemonsets or deployments says; None where the line is none.

    ``namespace`` is that of the command, for rows that state none; ages count back from ``now``.
    """
    if not 12 < len(line) <= 4000:
        return None
    for pattern, qualified, build in _TABLES:
        if match := pattern.match(line):
            obj = build(match)
            metadata: dict[str, Any] = {"name": match["name"]}
            if qualified != "nodes" and (stated := match["namespace"] or namespace):
                metadata["namespace"] = stated
            if (span := age(match["age"])) is not None:
                metadata["creationTimestamp"] = rfc3339(now - span)
            return Row(qualified, {"metadata": metadata | obj.pop("metadata", {}), **obj})
    return None


def event_row(line: str) -> EventRow | None:
    """Return the event of a row of ``kubectl describe``, ``get events`` or ``events``; None where the line is none."""
    if "Normal" not in line and "Warning" not in line:
        return None
    if match := _EVENT_OF_GET.match(line):
        kind = match["kind"].partition(".")[0].lower()
        row = EventRow(match["type"], match["reason"], match["age"], match["message"].rstrip())
        row.kind, row.name = _KINDS.get(kind, match["kind"].partition(".")[0].capitalize()), match["name"]
        row.namespace = match["namespace"]
        if len(line) < 8000 and (wide := _WIDE.match(_SPACES.sub("  ", row.message))):
            row.source, row.host, row.message = wide["source"], wide["host"] or "", wide["message"]
            row.first, row.count = wide["first"], int(wide["count"])
        return row
    if match := _EVENT_OF_DESCRIBE.match(line):
        row = EventRow(match["type"], match["reason"], match["age"], match["message"].rstrip())
        row.source, row.host = match["source"], match["host"] or ""
        return row
    return None


def event(row: EventRow, name: str, now: dt.datetime) -> Object:
    """Return the core/v1 Event of that name that ``row`` says, its ages counted back from ``now``."""
    first, last, count = event_times(row.age, now)
    if row.first:
        first, _, _ = event_times(row.first, now)
    involved = {"kind": row.kind, "name": row.name}
    namespace = row.namespace
    if row.kind == "Node":
        namespace = "default"  # where events of what has no namespace are kept
    elif namespace:
        involved["namespace"] = namespace
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    fields: dict[str, Any] = {
        "type": row.type,
        "reason": row.reason,
        "message": row.message,
        "involvedObject": {key: value for key, value in involved.items() if value},
        "count": row.count or count,
    }
    if first and last:
        fields |= {"firstTimestamp": first, "lastTimestamp": last}
    if row.source:
        source = {"component": row.source} | ({"host": row.host} if row.host else {})
        fields |= {"source": source, "reportingComponent": row.source}
    return {"apiVersion": "v1", "kind": "Event", "metadata": metadata, **fields}


def _pod(match: re.Match[str]) -> dict[str, Any]:
    status, ready, of = match["status"], int(match["ready"]), int(match["of"])
    found: dict[str, Any] = {"conditions": [{"type": "Ready", "status": "True" if 0 < of == ready else "False"}]}
    phase = _PHASES.get(status)
    if status in _WAITING or status.startswith("Init:") or (status in _NOT_STARTED and ready == 0):
        phase = "Pending"
    if phase:
        found["phase"] = phase
    container: dict[str, Any] = {"restartCount": int(match["restarts"])}
    if status in _WAITING | _NOT_STARTED or status == "CrashLoopBackOff":
        container |= {"ready": False, "state": {"waiting": {"reason": status}}}
    if of == 1 or "state" in container:
        found["containerStatuses"] = [container]
    if status in ("Evicted", "NodeLost", "UnexpectedAdmissionError"):
        found["reason"] = status
    if match["ip"] and match["ip"] != "<none>":
        found |= {"podIP": match["ip"], "podIPs": [{"ip": match["ip"]}]}
    spec = {"nodeName": match["node"]} if match["node"] and match["node"] != "<none>" else {}
    return {"spec": spec, "status": found}


def _node(match: re.Match[str]) -> dict[str, Any]:
    state, _, scheduling = match["status"].partition(",")
    ready = {"Ready": "True", "NotReady": "False"}.get(state, "Unknown")
    info = {"kubeletVersion": match["version"]}
    addresses = [
        {"type": kind, "address": match[group]}
        for kind, group in (("InternalIP", "internal"), ("ExternalIP", "external"))
        if match[group] and match[group] != "<none>"
    ]
    if match["image"]:
        info |= {
            "osImage": match["image"],
            "kernelVersion": match["kernel"],
            "containerRuntimeVersion": match["runtime"],
        }
    roles = [role for role in match["roles"].split(",") if role != "<none>"]
    return {
        "metadata": {"labels": {f"node-role.kubernetes.io/{role}": "" for role in roles}} if roles else {},
        "spec": {"unschedulable": True} if scheduling else {},
        "status": {"conditions": [{"type": "Ready", "status": ready}], "nodeInfo": info}
        | ({"addresses": addresses} if addresses else {}),
    }


def _service(match: re.Match[str]) -> dict[str, Any]:
    spec: dict[str, Any] = {"type": match["type"]}
    if match["ip"] != "<none>":
        spec |= {"clusterIP": match["ip"], "clusterIPs": [match["ip"]]}
    ports = []
    for text in match["ports"].split(","):
        if found := re.fullmatch(r"(\d{1,5})(?::(\d{1,5}))?/(TCP|UDP|SCTP)", text):
            port: dict[str, Any] = {"port": int(found[1]), "protocol": found[3]}
            ports.append(port | ({"nodePort": int(found[2])} if found[2] else {}))
    if ports:
        spec["ports"] = ports
    if selector := _pairs(match["selector"]):
        spec["selector"] = selector
    ingress = [
        {"ip" if re.fullmatch(_ADDRESS, text) else "hostname": text}
        for text in match["external"].split(",")
        if match["type"] == "LoadBalancer" and not text.startswith("<")
    ]
    return {"spec": spec} | ({"status": {"loadBalancer": {"ingress": ingress}}} if ingress else {})


def _daemon_set(match: re.Match[str]) -> dict[str, Any]:
    status = {
        "desiredNumberScheduled": int(match["desired"]),
        "currentNumberScheduled": int(match["current"]),
        "numberReady": int(match["ready"]),
        "updatedNumberScheduled": int(match["updated"]),
        "numberAvailable": int(match["available"]),
    }
    return {"spec": _workload(match), "status": status}


def _deployment(match: re.Match[str]) -> dict[str, Any]:
    status = {
        "readyReplicas": int(match["ready"]),
        "updatedReplicas": int(match["updated"]),
        "availableReplicas": int(match["available"]),
    }
    return {"spec": {"replicas": int(match["of"])} | _workload(match), "status": status}


def _workload(match: re.Match[str]) -> dict[str, Any]:
    if not match["containers"]:
        return {}
    spec: dict[str, Any] = {}
    names, images = match["containers"].split(","), match["images"].split(",")
    if len(names) == len(images):
        containers = [{"name": name, "image": image} for name, image in zip(names, images, strict=True)]
        spec["template"] = {"spec": {"containers": containers}}
    if selector := _pairs(match["selector"]):
        spec["selector"] = {"matchLabels": selector}
    return spec


def _pairs(text: str | None) -> dict[str, str]:
    pairs = (part.partition("=") for part in (text or "").split(",") if "=" in part)
    return {key: value for key, _, value in pairs}


_TABLES: tuple[tuple[re.Pattern[str], str, Callable[[re.Match[str]], dict[str, Any]]], ...] = (
    (_POD, "pods", _pod),
    (_NODE, "nodes", _node),
    (_SERVICE, "services", _service),
    (_DAEMON_SET, "daemonsets", _daemon_set),
    (_DEPLOYMENT, "deployments", _deployment),
)
