"""Writes a scenario as people paste clusters: what kubectl describes of pods and nodes, and prints of the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from bot.diagnosis.resources import of_object
from tests.scenarios.loading import NOW, Scenario, as_json

Object = Mapping[str, Any]

_PRINTED = ("ConfigMap", "DaemonSet", "Deployment", "Service", "EndpointSlice", "NetworkPolicy")
_AGENTS = ("terway", "kube-flannel", "kube-proxy")


def described_paste(scenario: Scenario) -> str:
    """Return what a person pastes who describes the pod and the node in question, with what else is needed in YAML."""
    objects = [as_json(one) for one in scenario.objects if not _is_forbidden(one, scenario)]
    scope = scenario.scope
    pods = [one for one in objects if one["kind"] == "Pod" and one["metadata"]["name"] == scope.pod]
    pods = [one for one in pods if one["metadata"]["namespace"] == (scope.namespace or one["metadata"]["namespace"])]
    names = {one["spec"].get("nodeName") for one in pods} | {scope.node}
    nodes = [one for one in objects if _is(one, "Node", "v1") and one["metadata"]["name"] in names]
    reports = [one for one in objects if one["kind"] == "Node" and one["apiVersion"] != "v1"]
    parts = [text for one in pods for text in _command(f"describe pod {one['metadata']['name']}", _pod(one, objects))]
    parts += [
        text for one in nodes for text in _command(f"describe node {one['metadata']['name']}", _node(one, objects))
    ]
    agents = [one for one in objects if _is(one, "Pod", "v1") and one["metadata"]["name"].startswith(_AGENTS)]
    for one in (*reports, *agents, *(one for one in objects if one["kind"] in _PRINTED)):
        parts += _command(f"get {one['kind'].lower()} {one['metadata']['name']} -o yaml", [yaml.safe_dump(one)])
    for (namespace, pod, container), text in scenario.logs.items() if "pods/log" not in scenario.forbidden else ():
        previous = " --previous" if container.endswith(".previous") else ""
        words = f"-n {namespace} logs {pod} -c {container.removesuffix('.previous')}{previous}"
        parts += _command(words, [text])
    return "\n".join(parts)


def bare_paste(scenario: Scenario) -> str:
    """Return what ``kubectl describe pod`` alone prints of the pod in question."""
    objects = [as_json(one) for one in scenario.objects]
    scope = scenario.scope
    pod = next(one for one in objects if _is(one, "Pod", "v1") and one["metadata"]["name"] == scope.pod)
    return "\n".join(_pod(pod, objects))


def events_paste(scenario: Scenario) -> str:
    """Return what ``kubectl get events`` prints of the pod in question, or of all pods where none is named."""
    rows = ["LAST SEEN   TYPE      REASON   OBJECT   MESSAGE"]
    for one in map(as_json, scenario.objects):
        involved = one.get("involvedObject") or {}
        if involved.get("kind") == "Pod" and scenario.scope.pod in {None, involved["name"]}:
            last = one.get("lastTimestamp") or (one.get("series") or {}).get("lastObservedTime") or one["eventTime"]
            seconds = int((NOW - dt.datetime.fromisoformat(last)).total_seconds())
            age = f"{seconds}s" if seconds < 120 else f"{seconds // 60}m"
            rows.append(f"{age}   {one['type']}   {one['reason']}   pod/{involved['name']}   {one['message']}")
    return "\n".join(rows)


def _is_forbidden(one: Object, scenario: Scenario) -> bool:
    kind = of_object(one["apiVersion"], one["kind"])
    return kind is not None and kind.qualified in scenario.forbidden


def _is(one: Object, kind: str, version: str) -> bool:
    return (one["kind"], one["apiVersion"]) == (kind, version)


def _command(words: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    yield f"$ kubectl {words}"
    yield from lines


def _pod(pod: Object, objects: list[Object]) -> Iterator[str]:
    metadata, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    yield f"Name:             {metadata['name']}"
    yield f"Namespace:        {metadata['namespace']}"
    yield "Priority:         0"
    yield f"Service Account:  {spec.get('serviceAccountName', 'default')}"
    node = spec.get("nodeName")
    at_node = f"{node}/{status.get('hostIP', '')}" if node else "<none>"
    yield f"Node:             {at_node}"
    if started := status.get("startTime"):
        yield f"Start Time:       {_time(started):%a, %d %b %Y %H:%M:%S +0000}"
    yield from _map("Labels", metadata.get("labels"), 18)
    yield from _map("Annotations", metadata.get("annotations"), 18, ": ")
    yield f"Status:           {status.get('phase', '')}"
    yield f"IP:               {status.get('podIP', '')}"
    ips = [one["ip"] for one in status.get("podIPs") or ()]
    yield "IPs:" if ips else "IPs:              <none>"
    yield from (f"  IP:           {ip}" for ip in ips)
    for owner in metadata.get("ownerReferences") or ():
        yield f"Controlled By:    {owner['kind']}/{owner['name']}"
    states = {one["name"]: one for one in status.get("containerStatuses") or ()}
    yield "Containers:"
    for container in spec.get("containers") or ():
        yield from _container(container, states.get(container["name"], {}))
    yield "Conditions:"
    yield "  Type              Status"
    yield from (f"  {one['type']:<16}  {one['status']} " for one in status.get("conditions") or ())
    yield "Volumes:            <none>"
    yield "QoS Class:          BestEffort"
    yield "Node-Selectors:     <none>"
    yield from _events(objects, "Pod", metadata["name"], metadata["namespace"])


def _container(container: Object, state: Object) -> Iterator[str]:
    ports = list(container.get("ports") or ())
    yield f"  {container['name']}:"
    yield "    Container ID:   "
    yield f"    Image:          {container.get('image', '')}"
    for title, key in (("Port", "containerPort"), ("Host Port", "hostPort")):
        shown = ", ".join(f"{one.get(key, 0)}/{one.get('protocol', 'TCP')}" for one in ports)
        yield f"    {title + ':':<15} {shown or '<none>'}"
    for kind, detail in (state.get("state") or {"waiting": {"reason": "ContainerCreating"}}).items():
        yield f"    State:          {kind.title()}"
        if reason := (detail or {}).get("reason"):
            yield f"      Reason:       {reason}"
    yield f"    Ready:          {state.get('ready', False)}"
    yield f"    Restart Count:  {state.get('restartCount', 0)}"
    yield "    Environment:    <none>"
    yield "    Mounts:         <none>"


def _node(node: Object, objects: list[Object]) -> Iterator[str]:
    metadata, spec, status = node["metadata"], node["spec"], node.get("status") or {}
    yield f"Name:               {metadata['name']}"
    yield "Roles:              <none>"
    yield from _map("Labels", metadata.get("labels"), 20)
    yield from _map("Annotations", metadata.get("annotations"), 20, ": ")
    yield f"CreationTimestamp:  {_time(metadata['creationTimestamp']):%a, %d %b %Y %H:%M:%S +0000}"
    taints = [f"{one['key']}:{one['effect']}" for one in spec.get("taints") or ()] or ["<none>"]
    yield f"Taints:             {taints[0]}"
    yield from (f"                    {one}" for one in taints[1:])
    yield f"Unschedulable:      {str(spec.get('unschedulable', False)).lower()}"
    yield "Conditions:"
    yield "  Type  Status  LastHeartbeatTime  LastTransitionTime  Reason  Message"
    yield "  ----  ------  -----------------  ------------------  ------  -------"
    for one in status.get("conditions") or ():
        when = f"{_time(one.get('lastTransitionTime') or NOW.isoformat()):%a, %d %b %Y %H:%M:%S +0000}"
        reason, message = one.get("reason") or "Unknown", one.get("message", "")
        yield f"  {one['type']}  {one['status']}  {when}  {when}  {reason}  {message}"
    yield "Addresses:"
    yield from (f"  {one['type']}:  {one['address']}" for one in status.get("addresses") or ())
    for kind in ("capacity", "allocatable"):
        yield f"{kind.title()}:"
        yield from (f"  {key}:  {value}" for key, value in (status.get(kind) or {}).items())
    info = status.get("nodeInfo") or {}
    yield "System Info:"
    for title, key in (
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ):
        yield f"  {title}:  {info.get(key, '')}"
    if cidr := spec.get("podCIDR"):
        yield f"PodCIDR:            {cidr}"
        yield f"PodCIDRs:           {','.join(spec.get('podCIDRs') or [cidr])}"
    yield f"ProviderID:         {spec.get('providerID', '')}"
    yield from _events(objects, "Node", metadata["name"], None)


def _events(objects: list[Object], kind: str, name: str, namespace: str | None) -> Iterator[str]:
    rows = []
    for one in objects:
        about = one.get("involvedObject") or {}
        if one["kind"] != "Event" or (about.get("kind"), about.get("name")) != (kind, name):
            continue
        if namespace and about.get("namespace") != namespace:
            continue
        series = one.get("series") or {}
        first = one.get("firstTimestamp") or one.get("eventTime")
        last = one.get("lastTimestamp") or series.get("lastObservedTime") or first
        count = one.get("count") or series.get("count") or 1
        when = _age(last) + (f" (x{count} over {_age(first)})" if count > 1 else "")
        who = (one.get("source") or {}).get("component") or one.get("reportingComponent", "")
        rows.append((_time(last), f"  {one['type']}  {one['reason']}  {when}  {who}  {one['message']}"))
    if not rows:
        yield "Events:  <none>"
        return
    yield "Events:"
    yield "  Type     Reason  Age  From  Message"
    yield "  ----     ------  ---- ----  -------"
    yield from (text for _, text in sorted(rows, key=lambda row: row[0]))


def _map(title: str, found: Mapping[str, str] | None, column: int, between: str = "=") -> Iterator[str]:
    rows = [f"{key}{between}{value}" for key, value in (found or {}).items()] or ["<none>"]
    yield f"{title + ':':<{column}}{rows[0]}"
    yield from (f"{'':<{column}}{row}" for row in rows[1:])


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _age(text: str) -> str:
    """Write an age as kubectl does: two units below ten minutes and eight hours, else one."""
    seconds = max(0, int((NOW - _time(text)).total_seconds()))
    if seconds < 120:
        return f"{seconds}s"
    minutes = seconds // 60
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    hours = minutes // 60
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    return f"{hours}h" if hours < 48 else f"{hours // 24}d"
