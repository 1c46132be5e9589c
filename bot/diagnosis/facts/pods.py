"""The pods that the question is about, and how far each got."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Literal

from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, controller, first_text, is_partial, items, labels, name, namespace, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["Pod", "Pods", "Stage", "pod_of", "pods", "seconds_since"]

Stage = Literal["unscheduled", "host_network", "creating", "blocked", "has_address", "running", "finished", "unknown"]
"""How far a pod got: not on a node; on the node's own network; waiting for its sandbox and address; waiting for
something else than its network (image, volume, configuration); has an address but does not run; runs; is done; the
object does not tell."""

_CREATING = frozenset({"ContainerCreating", "PodInitializing"})
_MAX_PODS = 30
_KUBECTL = "kubectl -n {namespace} get pod {name} -o yaml"


class Pod(Fact):
    """A pod. Ages are in seconds, None when not known; ``ips`` holds ``status.podIPs``.

    ``waiting``: reasons that its containers wait for; ``scheduling``: what the scheduler says while it is on no node;
    ``host_ports``: ports asked for on the node (a pod on the node's network, whose ports mirror themselves, has none).
    """

    namespace: str
    name: str
    uid: str
    node: str
    phase: str
    stage: Stage
    host_network: bool
    ready: bool
    deleting: bool
    ips: tuple[str, ...]
    waiting: tuple[str, ...]
    scheduling: str
    created_s: int | None
    started_s: int | None
    restarts: int
    owner: str
    labels: dict[str, str]
    annotations: dict[str, str]
    host_ports: tuple[int, ...]
    dns_policy: str
    partial: bool
    seen: Observation

    @property
    def key(self) -> str:
        """``namespace/name``."""
        return f"{self.namespace}/{self.name}"


class Pods(Fact):
    """The pods in question: the one named; else those that are stuck, in the namespace, on the node or anywhere.

    ``given`` tells that a pod was named, ``missing`` that it is not there. ``stuck`` are those that wait for their
    network, ``excluded`` says of the others why the network's set-up is not what they wait for.
    """

    items: tuple[Pod, ...]
    given: bool
    missing: bool
    complete: bool
    stuck: tuple[Pod, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def seconds_since(when: dt.datetime | None, now: dt.datetime) -> int | None:
    """Return whole seconds from ``when`` to ``now``, not below 0; None when not known."""
    return max(0, int((now - when).total_seconds())) if when else None


def pod_of(found: Object, now: dt.datetime) -> Pod:
    """Read a pod object."""
    spec, status = at(found, "spec"), at(found, "status")
    host_network = at(spec, "hostNetwork") is True
    statuses = [*items(status, "initContainerStatuses"), *items(status, "containerStatuses")]
    waiting = tuple(dict.fromkeys(reason for one in statuses if (reason := text(one, "state", "waiting", "reason"))))
    ips = tuple(ip for one in items(status, "podIPs") if (ip := text(one, "ip")))
    if not ips and (ip := text(status, "podIP")):
        ips = (ip,)
    scheduled = next((one for one in items(status, "conditions") if text(one, "type") == "PodScheduled"), None)
    node = text(spec, "nodeName")
    phase = text(status, "phase")
    stage = _stage(phase, node, waiting, ips, host_network=host_network, scheduled=text(scheduled, "status"))
    ports = sorted(
        {
            port
            for group in ("containers", "initContainers")
            for container in items(spec, group)
            for one in items(container, "ports")
            if isinstance(port := at(one, "hostPort"), int) and port > 0
        }
    )
    where = {"namespace": namespace(found), "name": name(found)}
    shown = ", ".join(filter(None, [phase, *waiting])) or "unknown"
    return Pod(
        namespace=where["namespace"],
        name=where["name"],
        uid=text(found, "metadata", "uid"),
        node=node,
        phase=phase,
        stage=stage,
        host_network=host_network,
        ready=any(
            text(one, "type") == "Ready" and text(one, "status") == "True" for one in items(status, "conditions")
        ),
        deleting=bool(text(found, "metadata", "deletionTimestamp")),
        ips=ips,
        waiting=waiting,
        scheduling=text(scheduled, "message") if text(scheduled, "status") == "False" else "",
        created_s=seconds_since(time(found, "metadata", "creationTimestamp"), now),
        started_s=seconds_since(time(status, "startTime"), now),
        restarts=sum(count for one in statuses if isinstance(count := at(one, "restartCount"), int)),
        owner="/".join(filter(None, controller(found))),
        labels=labels(found),
        annotations=labels(found, "metadata", "annotations"),
        host_ports=() if host_network else tuple(ports),
        dns_policy=first_text(spec, ("dnsPolicy",)) or "ClusterFirst",
        partial=is_partial(found),
        seen=Observation(
            object=f"Pod {where['namespace']}/{where['name']}",
            field="status",
            value=shown,
            seen_at=time(status, "startTime"),
            kubectl=_KUBECTL.format(**where),
        ),
    )


def _stage(
    phase: str, node: str, waiting: Sequence[str], ips: Sequence[str], *, host_network: bool, scheduled: str
) -> Stage:
    """Return the first stage that holds; the later ones take for granted that the earlier ones do not."""
    # A container is only created on a node: a table without that column does not name it.
    creating = any(reason in _CREATING for reason in waiting)
    stages: tuple[tuple[bool, Stage], ...] = (
        (phase in {"Succeeded", "Failed"}, "finished"),
        (not node and (scheduled == "False" or (phase == "Pending" and not creating)), "unscheduled"),
        (host_network, "host_network"),
        (phase == "Running", "running"),
        (bool(ips), "has_address"),
        (any(reason not in _CREATING for reason in waiting), "blocked"),
        (phase == "Pending" or bool(waiting), "creating"),
    )
    return next((stage for holds, stage in stages if holds), "unknown")


_WHY: dict[Stage, str] = {
    "unscheduled": "it is on no node yet, so no network plugin has touched it",
    "host_network": "it uses the node's own network (hostNetwork)",
    "blocked": "its containers wait for something else than the network",
    "has_address": "it has an address already, so its network is set up",
    "running": "it runs and has its address",
    "finished": "it has ended",
}


def _excluded(pod: Pod) -> Observation | None:
    why = _WHY.get(pod.stage)
    if why is None:
        return None
    field, value = {
        "unscheduled": ("status.conditions[PodScheduled]", pod.scheduling or "no nodeName"),
        "host_network": ("spec.hostNetwork", "true"),
        "has_address": ("status.podIPs", ", ".join(pod.ips)),
        "running": ("status.phase", f"{pod.phase} with {', '.join(pod.ips) or 'no address'}"),
    }.get(pod.stage, ("status", pod.seen.value))
    return pod.seen.model_copy(update={"field": field, "value": f"{value}: {why}"})


@fact(
    "pods",
    Pods,
    needs=[Needs("pods", "get"), Needs("pods", "list")],
    kubectl="kubectl get pod -A --field-selector status.phase=Pending",
)
async def pods(facts: Facts) -> Pods:
    """The pods in question: the named one, or those that hang in phase Pending where no pod is named."""
    scope = facts.scope
    given, missing, complete = scope.pod is not None, False, True
    if scope.pod and scope.namespace:
        found, now = await asyncio.gather(facts.reads.get("pods", scope.pod, scope.namespace), facts.reads.now())
        objects: Sequence[Object] = [found] if found else []
        missing = not found
    else:
        fields = {"metadata.name": scope.pod} if scope.pod else {"status.phase": "Pending"}
        if scope.node and not scope.pod:
            fields["spec.nodeName"] = scope.node
        listing, now = await asyncio.gather(
            facts.reads.list("pods", namespace=scope.namespace, fields=fields, limit=_MAX_PODS), facts.reads.now()
        )
        objects, complete = listing.items, listing.complete
        missing = given and complete and not objects
    read = tuple(pod_of(one, now) for one in objects)
    evidence = tuple(pod.seen for pod in read)
    return Pods(
        items=read,
        given=given,
        missing=missing,
        complete=complete,
        stuck=tuple(pod for pod in read if pod.stage == "creating"),
        excluded=tuple(seen for pod in read if (seen := _excluded(pod))) if given else (),
        evidence=evidence,
    )
