"""The agents that networking needs on each node: pods of the plugin's and kube-proxy's DaemonSets, and their health."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from bot.diagnosis.facts.node_pods import system_pods_on
from bot.diagnosis.facts.nodes import SURVEYED, nodes
from bot.diagnosis.facts.plugin import DaemonSet, daemon_sets
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import image_version
from bot.diagnosis.objects import at, controller, items, name, namespace, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["Agent", "Agents", "Component", "agents"]

Component = Literal["terway", "flannel", "kube-proxy"]

_NAMESPACE = "kube-system"
_MAX_NODES = 5
_COMPONENTS: dict[str, Component] = {
    "terway-eniip": "terway",
    "terway-eni": "terway",
    "terway": "terway",
    "kube-flannel-ds": "flannel",
    "kube-proxy-worker": "kube-proxy",
    "kube-proxy-master": "kube-proxy",
    "kube-proxy": "kube-proxy",
}
_MAIN: dict[Component, str] = {"terway": "terway", "flannel": "kube-flannel", "kube-proxy": "kube-proxy"}


class Agent(Observation):
    """A pod of an agent. ``version``: its main container's, empty when the image's tag tells none.

    ``started_s``: seconds since the pod started (not since a container did: what an init container wrote is that old).
    ``ready``: all its containers are; ``not_ready`` names those that are not. ``init_failed``: an init container is
    waiting after a failure or ended with one. ``crashing``: a container waits in CrashLoopBackOff. ``last_exit``: how
    the last terminated container ended.
    """

    component: Component
    daemon_set: str
    pod: str
    node: str
    images: dict[str, str]
    version: tuple[int, ...]
    started_s: int | None
    containers: tuple[str, ...]
    ready: bool
    not_ready: tuple[str, ...]
    init_failed: bool
    crashing: bool
    restarts: int
    last_exit: str


class Agents(Fact):
    """Agents on the nodes in question, or some of all where none is in question.

    ``nodes``: those looked at; ``absent``: "component on node" that is expected by its DaemonSet but is not there.
    ``complete``: no agent of these nodes (or of the cluster) is missing from the list. ``broken``: those not healthy.
    """

    items: tuple[Agent, ...]
    nodes: tuple[str, ...]
    complete: bool
    broken: tuple[Agent, ...]
    absent: tuple[Observation, ...]
    evidence: tuple[Observation, ...]

    @property
    def terway_pod(self) -> str:
        """The name of Terway's pod where one node is looked at; empty else."""
        found = self.of("terway")
        return found[0].pod if len(self.nodes) == 1 and len(found) == 1 else ""

    def of(self, component: Component, node: str | None = None) -> tuple[Agent, ...]:
        """Return those of a component, on one node or on all."""
        return tuple(one for one in self.items if one.component == component and node in (None, one.node))


def _agent(found: Object, daemon_set: DaemonSet, component: Component, age: int | None) -> Agent:
    images = {text(one, "name"): text(one, "image") for one in items(found, "spec", "containers")}
    statuses = list(items(found, "status", "containerStatuses"))
    inits = list(items(found, "status", "initContainerStatuses"))
    not_ready = tuple(text(one, "name") for one in statuses if one.get("ready") is not True)
    main = next(
        (image for who, image in images.items() if who.startswith(_MAIN[component])), next(iter(images.values()), "")
    )
    exits = [
        f"{text(one, 'name')}: {text(end, 'reason')} ({text(end, 'exitCode')})"
        for one in (*inits, *statuses)
        for end in (at(one, "lastState", "terminated"), at(one, "state", "terminated"))
        if text(end, "exitCode") not in {"", "0"}
    ]
    init_failed = any(
        text(one, "state", "waiting", "reason")
        in {"CrashLoopBackOff", "RunContainerError", "Error", "ImagePullBackOff", "ErrImagePull"}
        or text(one, "state", "terminated", "exitCode") not in {"", "0"}
        for one in inits
    )
    crashing = any(text(one, "state", "waiting", "reason") == "CrashLoopBackOff" for one in statuses)
    phase = text(found, "status", "phase")
    ready = phase == "Running" and not not_ready and bool(statuses)
    state = (
        "ready" if ready else ", ".join(filter(None, [phase, *(f"{who} not ready" for who in not_ready)])) or "unknown"
    )
    who = name(found)
    return Agent(
        object=f"Pod {namespace(found)}/{who}",
        field="status.containerStatuses",
        value=f"{state}, image {main}",
        seen_at=time(found, "status", "startTime"),
        kubectl=f"kubectl -n {namespace(found)} get pod {who} -o wide",
        component=component,
        daemon_set=daemon_set.name,
        pod=who,
        node=text(found, "spec", "nodeName"),
        images=images,
        version=image_version(main) or (),
        started_s=age,
        containers=tuple(images),
        ready=ready,
        not_ready=not_ready,
        init_failed=init_failed,
        crashing=crashing,
        restarts=sum(count for one in (*inits, *statuses) if isinstance(count := one.get("restartCount"), int)),
        last_exit="; ".join(exits),
    )


@fact(
    "agents",
    Agents,
    needs=[Needs("pods", "list"), Needs("pods", "list", _NAMESPACE)],
    kubectl="kubectl -n kube-system get pods -o wide",
)
async def agents(facts: Facts) -> Agents:
    """The plugin's and kube-proxy's pods, on the nodes in question or, without one, some of the whole cluster."""
    now, asked, sets = await asyncio.gather(facts.reads.now(), facts(nodes), facts(daemon_sets))
    known = {one.name: one for one in sets.items if one.name in _COMPONENTS}
    looked_at = [node.name for node in asked.items][:_MAX_NODES] if asked.given else []
    if looked_at:
        listings = await asyncio.gather(*(system_pods_on(facts, who) for who in looked_at))
    else:
        listings = await asyncio.gather(
            *(
                facts.reads.list("pods", namespace=_NAMESPACE, labels=one.selector, limit=SURVEYED)
                for one in known.values()
            )
        )
    complete = sets.complete and all(listing.complete for listing in listings)
    objects = {name(one): one for listing in listings for one in listing.items}
    found = [
        _agent(one, known[owner], _COMPONENTS[owner], seconds_since(time(one, "status", "startTime"), now))
        for one in objects.values()
        for kind, owner in [controller(one)]
        if kind == "DaemonSet" and owner in known
    ]
    absent = _absent(found, list(known.values()), looked_at) if complete else ()
    broken = tuple(one for one in found if not one.ready or one.init_failed or one.crashing)
    return Agents(
        items=tuple(found),
        nodes=tuple(looked_at),
        complete=complete,
        broken=broken,
        absent=absent,
        evidence=(*broken, *absent) or tuple(found[:4]),
    )


def _absent(found: Sequence[Agent], sets: Sequence[DaemonSet], looked_at: Sequence[str]) -> tuple[Observation, ...]:
    """Say which plugin agents are not on a node in question; kube-proxy may be left out of nodes on purpose."""
    plugins = {_COMPONENTS[one.name] for one in sets} - {"kube-proxy"}
    return tuple(
        Observation(
            object=f"Node {node}",
            field="pods",
            value=f"no {component} pod runs on it",
            kubectl=f"kubectl -n kube-system get pods -o wide --field-selector spec.nodeName={node}",
        )
        for component in sorted(plugins)
        for node in looked_at
        if not any(one.component == component and one.node == node for one in found)
    )
