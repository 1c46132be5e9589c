"""The pods of kube-proxy on the nodes in question: how old they are against their configuration, and their health."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping

from bot.diagnosis.facts.kube_proxy_config import NAMES, ProxyConfigs, kube_proxy_config
from bot.diagnosis.facts.node_pods import system_pods_on
from bot.diagnosis.facts.nodes import SURVEYED
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import daemon_sets
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import image_version
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import at, controller, items, name, namespace, number, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["NO_KUBE_PROXY", "ProxyPod", "ProxyPods", "kube_proxy_pods", "proxy_pod_of"]

NO_KUBE_PROXY = "k8s.aliyun.com/no-kube-proxy"
"""The label of nodes on which the network plugin does kube-proxy's work."""


class ProxyPod(Observation):
    """A pod of kube-proxy. ``version``: by its image's tag, empty when that tells none.

    ``started_at``: when its process last started, so when it last read its configuration; ``stale``: that was before
    the configuration was last changed, None when either time is not known. ``crashing``: its container waits after it
    ended with a failure.
    """

    pod: str
    daemon_set: str
    node: str
    container: str
    version: tuple[int, ...]
    started_at: dt.datetime | None
    started_s: int | None
    stale: bool | None
    ready: bool
    crashing: bool
    restarts: int


class ProxyPods(Fact):
    """The pods of kube-proxy on the node in question, or some of the cluster's where none was named.

    ``stale`` run with an older configuration than the one that is there now, ``crashing`` do not run; ``unknown``: it
    is not known with which they run. ``complete``: there are no others there. ``without``: nodes in question that run
    none on purpose (label no-kube-proxy). ``everywhere_without``: all nodes in question are such.
    """

    items: tuple[ProxyPod, ...]
    complete: bool
    stale: tuple[ProxyPod, ...]
    unknown: tuple[ProxyPod, ...]
    crashing: tuple[ProxyPod, ...]
    without: tuple[Observation, ...]
    everywhere_without: bool
    evidence: tuple[Observation, ...]

    @property
    def daemon_sets(self) -> frozenset[str]:
        """The DaemonSets that these pods are of."""
        return frozenset(one.daemon_set for one in self.items)


def proxy_pod_of(found: Object, changed: Mapping[str, dt.datetime | None], now: dt.datetime) -> ProxyPod | None:
    """Read a pod of a DaemonSet of kube-proxy; ``changed``: when the configuration of each was last written."""
    kind, owner = controller(found)
    if kind != "DaemonSet" or owner not in NAMES:
        return None
    containers = list(items(found, "spec", "containers"))
    main = next((one for one in containers if text(one, "name").startswith("kube-proxy")), next(iter(containers), {}))
    status = next(
        (one for one in items(found, "status", "containerStatuses") if text(one, "name") == text(main, "name")), {}
    )
    starts = [
        when
        for when in (
            time(found, "status", "startTime"),
            time(status, "state", "running", "startedAt"),
            time(status, "state", "terminated", "startedAt"),
            time(status, "lastState", "terminated", "startedAt"),
        )
        if when
    ]
    started = max(starts, default=None)
    written = changed.get(owner)
    # The file is mounted: a container that starts over reads what stands there then.
    waits = text(status, "state", "waiting", "reason")
    crashing = waits in {"CrashLoopBackOff", "Error", "RunContainerError"} or bool(
        text(status, "state", "terminated", "exitCode") not in {"", "0"}
    )
    stale = None if started is None or written is None else started < written
    who, image = name(found), text(main, "image")
    value = f"started {_shown(started)}, image {image}"
    if stale and written:
        value = f"started {_shown(started)}, before the configuration was changed at {_shown(written)}"
    elif crashing:
        exit_code = at(status, "lastState", "terminated", "exitCode")
        value = f"{waits or 'ended'}, exit code {exit_code}, image {image}"
    return ProxyPod(
        object=f"Pod {namespace(found)}/{who}",
        field="status.containerStatuses",
        value=value,
        seen_at=started,
        kubectl=f"kubectl -n {namespace(found)} get pod {who} -o wide",
        pod=who,
        daemon_set=owner,
        node=text(found, "spec", "nodeName"),
        container=text(main, "name"),
        version=image_version(image) or (),
        started_at=started,
        started_s=seconds_since(started, now),
        stale=stale,
        ready=at(status, "ready") is True,
        crashing=crashing,
        restarts=number(status, "restartCount") or 0,
    )


def _shown(when: dt.datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if when else "at an unknown time"


@fact(
    "kube_proxy_pods",
    ProxyPods,
    needs=[Needs("pods", "list"), Needs("pods", "list", "kube-system")],
    kubectl="kubectl -n kube-system get pods -o wide",
)
async def kube_proxy_pods(facts: Facts) -> ProxyPods:
    """The pods of kube-proxy: which run with the configuration as it is now, and which crash."""
    now, sets, configs, asked = await asyncio.gather(
        facts.reads.now(), facts(daemon_sets), facts(kube_proxy_config), Partial(facts)(surveyed_nodes)
    )
    if asked is None and (facts.scope.node or facts.scope.pod):
        asked = await facts(surveyed_nodes)
    at_nodes = asked.items if asked else ()
    questions = (
        [system_pods_on(facts, node.name) for node in at_nodes]
        if asked and (asked.given or asked.narrowed)
        else [
            facts.reads.list("pods", namespace="kube-system", labels=one.selector, limit=SURVEYED)
            for one in sets.named(*NAMES)
        ]
    )
    listings = await asyncio.gather(*questions)
    complete = sets.complete and not (asked and asked.narrowed) and all(listing.complete for listing in listings)
    objects = {name(one): one for listing in listings for one in listing.items}
    found = tuple(pod for one in objects.values() if (pod := proxy_pod_of(one, _changes(configs), now)))
    without = tuple(
        Observation(
            object=f"Node {node.name}",
            field=f"metadata.labels[{NO_KUBE_PROXY}]",
            value="true",
            kubectl=f"kubectl get node {node.name} --show-labels",
        )
        for node in at_nodes
        if node.labels.get(NO_KUBE_PROXY) == "true"
    )
    return ProxyPods(
        items=found,
        complete=complete,
        stale=tuple(one for one in found if one.stale),
        unknown=tuple(one for one in found if one.stale is None),
        crashing=tuple(one for one in found if one.crashing),
        without=without,
        everywhere_without=bool(without) and len(without) == len(at_nodes) and not found,
        evidence=found[:4],
    )


def _changes(configs: ProxyConfigs) -> dict[str, dt.datetime | None]:
    return {one.daemon_set: one.changed_at for one in configs.items}
