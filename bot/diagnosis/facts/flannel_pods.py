"""Flannel's own pods: which version each node runs, and whether it has taken up the configuration as written now."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from bot.diagnosis.facts.flannel_config import flannel_config
from bot.diagnosis.facts.node_pods import PODS_OF_A_NODE
from bot.diagnosis.facts.nodes import SURVEYED
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import daemon_sets
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import at_least, image_version
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import controller, items, labels, name, namespace, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["FlannelPod", "FlannelPods", "flannel_pods", "is_applied"]

_DAEMON_SET = "kube-flannel-ds"
_CONTAINER = "kube-flannel"
_MAX_NODES = 5

Answer = Literal["yes", "no", "unknown"]


class FlannelPod(Observation):
    """Flannel's pod on ``node``; its ``version`` is empty when the image tells none.

    ``host_ports``, ``leases_in_memory``, ``no_cni_version_needed``: whether the version brings that. ``applied``: the
    pod is younger than the last change of kube-flannel-cfg, so that the node's CNI file is made from it.
    """

    node: str
    pod: str
    version: tuple[int, ...]
    started_s: int | None
    ready: bool
    host_ports: Answer
    leases_in_memory: Answer
    no_cni_version_needed: Answer
    applied: Answer


class FlannelPods(Fact):
    """Flannel's pods; ``complete``: none of the nodes in question (or of the cluster) is missing.

    ``stale`` are those older than the last change of the configuration.
    """

    items: tuple[FlannelPod, ...]
    complete: bool
    stale: tuple[FlannelPod, ...]
    evidence: tuple[Observation, ...]

    def on(self, node: str) -> FlannelPod | None:
        """Return the one on a node."""
        return next((one for one in self.items if one.node == node), None)


def is_applied(started_s: int | None, changed_s: int | None) -> Answer:
    """Tell whether what started ``started_s`` ago has seen a change made ``changed_s`` ago."""
    if started_s is None or changed_s is None:
        return "unknown"
    return "yes" if started_s < changed_s else "no"


def _at_least(version: tuple[int, ...], *least: int) -> Answer:
    known = at_least(version or None, *least)
    return "unknown" if known is None else "yes" if known else "no"


def _is_flannel(found: Object) -> bool:
    kind, owner = controller(found)
    return (kind == "DaemonSet" and "flannel" in owner) or labels(found).get("app") == "flannel"


def flannel_pod_of(found: Object, now: dt.datetime, changed_s: int | None) -> FlannelPod:
    """Read a pod of Flannel."""
    images = {text(one, "name"): text(one, "image") for one in items(found, "spec", "containers")}
    image = images.get(_CONTAINER) or next(iter(images.values()), "")
    version = image_version(image) or ()
    statuses = list(items(found, "status", "containerStatuses"))
    ready = (
        text(found, "status", "phase") == "Running"
        and bool(statuses)
        and all(one.get("ready") is True for one in statuses)
    )
    started = time(found, "status", "startTime")
    started_s = seconds_since(started, now)
    where = namespace(found)
    return FlannelPod(
        object=f"Pod {where}/{name(found)}",
        field="spec.containers[].image",
        value=f"{image}, {'ready' if ready else 'not ready'}",
        seen_at=started,
        kubectl=f"kubectl -n {where} get pod {name(found)} -o wide",
        node=text(found, "spec", "nodeName"),
        pod=name(found),
        version=version,
        started_s=started_s,
        ready=ready,
        host_ports=_at_least(version, 0, 15, 1, 4),
        leases_in_memory=_at_least(version, 0, 15, 1, 11),
        no_cni_version_needed=_at_least(version, 0, 15, 1, 19),
        applied=is_applied(started_s, changed_s),
    )


@fact(
    "flannel_pods",
    FlannelPods,
    needs=[Needs("pods", "list"), Needs("pods", "list", "kube-system"), Needs("pods", "list", "kube-flannel")],
    kubectl="kubectl -n kube-system get pods -l app=flannel -o wide",
)
async def flannel_pods(facts: Facts) -> FlannelPods:
    """Flannel's pods on the nodes in question or, without one, some of the whole cluster."""
    now, asked = await facts.reads.now(), await facts(surveyed_nodes)
    config = await Partial(facts)(flannel_config)
    changed_s = config.changed_s if config else None
    complete, objects = True, []
    if asked.given:
        for node in asked.items[:_MAX_NODES]:
            listing = await facts.reads.list("pods", fields={"spec.nodeName": node.name}, limit=PODS_OF_A_NODE)
            complete = complete and listing.complete
            objects += [one for one in listing.items if _is_flannel(one)]
    else:
        sets = await Partial(facts)(daemon_sets)
        named = sets.named(_DAEMON_SET) if sets else ()
        selector = next((one.selector for one in named if one.selector), {"app": "flannel"})
        # Where the DaemonSet is not in its usual place, it is beside its configuration.
        where = "kube-system" if named or not config or not config.namespace else config.namespace
        listing = await facts.reads.list("pods", namespace=where, labels=selector, limit=SURVEYED)
        complete, objects = listing.complete, list(listing.items)
    found = tuple(flannel_pod_of(one, now, changed_s) for one in objects)
    stale = tuple(one for one in found if one.applied == "no")
    return FlannelPods(items=found, complete=complete, stale=stale, evidence=found[:4])
