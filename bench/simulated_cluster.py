"""A Terway cluster of any size for the Kubernetes API double: its objects are made when they are asked for.

``python -m bench.simulated_cluster --nodes 5000 --pods 150000 --latency 0.02 DIRECTORY`` serves one on loopback until
its standard input ends: it writes a kubeconfig into DIRECTORY and prints one JSON object, with ``kubeconfig`` and the
``namespace`` and ``pod`` of a pod that hangs.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from heapq import merge
from pathlib import Path
from typing import Any

from bench.full_objects import full_object
from bench.simulated_logs import AgentLogs
from bench.simulated_series import TERWAY, App, Place, Series, all_series
from bot.diagnosis.resources import ALLOWED, Resource
from tests.doubles.kubernetes_api import kubernetes_api
from tests.doubles.kubernetes_objects import InMemoryObjects
from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.objects import Object
from tests.scenarios.loading import filled

__all__ = ["SimulatedCluster"]

_NAMESPACE = "shop"
_RUNNING_HERE = 23
_HANGING_HERE = 3
_KEPT_OBJECTS = 8192


class SimulatedCluster:
    """An ObjectSource with so many ``nodes`` and ``pods``, as they are ``now``.

    On one node in the midst pods hang because their vSwitch has no address left. What is on that node is the same in
    every size of the cluster; the other nodes share the other pods evenly.
    """

    def __init__(self, nodes: int, pods: int, now: dt.datetime, terway: str = TERWAY) -> None:
        self.now = now
        self.custom: Sequence[Resource] = [kind for kind in ALLOWED if kind.group == "network.alibabacloud.com"]
        place = Place(nodes, here=nodes // 2, terway=terway)
        self._centre, stuck = _centre(place)
        own = sum(one["kind"] == "Pod" for one in self._centre)
        self.namespace, self.pod = stuck["metadata"]["namespace"], stuck["metadata"]["name"]
        apps = App(place, pods - own - place.others * len(place.daemon_sets))
        self._objects = InMemoryObjects(map(self._finished, self._centre), self.custom)
        self._series: dict[tuple[str, str], list[Series]] = {}
        for series in all_series(apps):
            self._series.setdefault((series.group, series.plural), []).append(series)
        self._made = lru_cache(maxsize=_KEPT_OBJECTS)(self._make)
        self.logs = AgentLogs(self._agents(place), now)

    def _agents(self, place: Place) -> Iterator[tuple[str, str]]:
        """Yield pod and DaemonSet of what runs on every node."""
        for one in self._centre:
            for owner in one["metadata"].get("ownerReferences", ()):
                if owner["kind"] == "DaemonSet":
                    yield one["metadata"]["name"], owner["name"]
        for other in range(place.others):
            for daemon_set in place.daemon_sets:
                yield place.daemon(daemon_set, place.number(other)), daemon_set

    def get(self, kind: Resource, namespace: str | None, name: str) -> Object | None:
        found = self._objects.get(kind, namespace, name)
        if found is not None:
            return dict(found)
        key = (namespace or "", name)
        for series in self._series.get((kind.group, kind.plural), ()):
            at = bisect_left(range(series.count), key, key=series.key)
            if at < series.count and series.key(at) == key:
                return self._made(series, at)
        return None

    def list(
        self, kind: Resource, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]
    ) -> Iterator[Object]:
        central = [(_key(one), dict(one)) for one in self._objects.list(kind, namespace, labels, fields)]
        parts = [
            self._part(series, namespace, labels, fields) for series in self._series.get((kind.group, kind.plural), ())
        ]
        return (one for _, one in merge(central, *parts, key=lambda pair: pair[0]))

    def _part(
        self, series: Series, namespace: str | None, labels: Mapping[str, str], fields: Mapping[str, str]
    ) -> Iterator[tuple[tuple[str, str], Object]]:
        within = range(series.count)
        if namespace is not None:
            ends = ((namespace, ""), (f"{namespace}\0", ""))
            first, end = (bisect_left(within, one, key=series.key) for one in ends)
            within = within[first:end]
        for number in series.among(within, labels, fields):
            key = series.key(number)
            if fields.get("metadata.name", key[1]) == key[1]:
                yield key, self._made(series, number)

    def _make(self, series: Series, number: int) -> Object:
        return self._finished(series.make(number))

    def _finished(self, found: Object) -> Object:
        made: Object = json.loads(filled(json.dumps(full_object(found)), self.now))
        return made


def _key(found: Mapping[str, Any]) -> tuple[str, str]:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]


def _centre(place: Place) -> tuple[list[Object], Object]:
    """Return what every cluster has, the node in question and all that is on it; and the pod that hangs there."""
    made = place.cluster()
    node = place.node(made, place.here)
    full, short = made.eni(node), made.eni(node, insufficient="90s")
    app = made.deployment(_NAMESPACE, "checkout")
    for _ in range(_RUNNING_HERE):
        app.pod(node, age="12d", eni=short if full.full else full)
    made.coredns([node, node])
    made.service(_NAMESPACE, "checkout", app)
    made.service(_NAMESPACE, "checkout-public", app, type_="LoadBalancer", cluster_ips=["10.96.7.7"])
    hanging = [_hanging(made, app.pod(node, state="creating", age=f"{6 + number}m")) for number in range(_HANGING_HERE)]
    node.condition("SufficientIP", "False", "InsufficientIP", "node has insufficient IP", "6m", "1m")
    objects = made.objects()
    for one in objects:
        if one["kind"] == "DaemonSet":
            counts = ("currentNumberScheduled", "desiredNumberScheduled", "numberReady", "numberAvailable")
            one["status"] |= dict.fromkeys((*counts, "updatedNumberScheduled"), place.nodes)
    return objects, hanging[0]


def _hanging(cluster: Cluster, pod: Object) -> Object:
    cluster.scheduled(pod, age="6m")
    cluster.no_address(pod, "allocate IP timeout")
    return pod


def _serve(arguments: argparse.Namespace) -> None:
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    source = SimulatedCluster(arguments.nodes, arguments.pods, now)
    with kubernetes_api(source, logs=source.logs, latency=arguments.latency, now=now) as api:
        kubeconfig = api.kubeconfig(arguments.directory)
        print(json.dumps({"kubeconfig": str(kubeconfig), "namespace": source.namespace, "pod": source.pod}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    command = argparse.ArgumentParser(prog="python -m bench.simulated_cluster", description="Serve a made-up cluster.")
    command.add_argument("directory", type=Path, help="where the kubeconfig is written")
    command.add_argument("--nodes", type=int, default=50)
    command.add_argument("--pods", type=int, default=500)
    command.add_argument("--latency", type=float, default=0.0, help="seconds added to every response")
    _serve(command.parse_args())
