"""The table of tracked connections on nodes: how large kube-proxy makes it, and signs that it is full."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import Iterable, Sequence

from bot.diagnosis.facts.events import FRESH_S, Event, event_of, node_events
from bot.diagnosis.facts.kube_proxy_config import ProxyConfig, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_logs import WINDOW, observed_lines
from bot.diagnosis.facts.kube_proxy_pods import ProxyPod, kube_proxy_pods
from bot.diagnosis.facts.nodes import SURVEYED, Condition, Node
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import items, text, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Unreadable

__all__ = [
    "ConntrackLimit",
    "ConntrackLimits",
    "ConntrackSigns",
    "conntrack_limits",
    "conntrack_signs",
    "is_sign",
    "wanted_limit",
]

_PER_CORE, _MIN = 32768, 131072
"""kube-proxy's own defaults; ACK ships 65536 per core."""
_CAP = 1048576
_CONNTRACK = re.compile(r"conntrack", re.IGNORECASE)
_HARMLESS = re.compile(r"is now: False|read-only|IsNot|NotFull|NoConntrackProblem|(?<!un)healthy", re.IGNORECASE)
_EVENTS, _LOGS = 300, 2


class ConntrackLimit(Observation):
    """How large kube-proxy wants the table of a node: ``limit``, or None where it leaves the kernel's.

    ``per_core`` and ``cores`` multiplied are ``scaled``; ``decided_by`` tells whether that, the floor or the cap
    counts. ``doubled``: the limit with twice as much per core. ``stale``: kube-proxy there has not read it yet.
    """

    node: str
    cores: int
    per_core: int
    floor: int
    limit: int | None
    decided_by: str
    doubled: int | None
    stale: bool | None


class ConntrackLimits(Fact):
    """The limits of the nodes in question. ``untouched``: what shows that kube-proxy sets none on any of them.

    ``floor``, ``cap``: those where it decides, so that more per core changes little or nothing. ``not_raised``: those
    with ACK's value or less per core. ``not_applied``: those where kube-proxy is older than its configuration.
    """

    items: tuple[ConntrackLimit, ...]
    untouched: tuple[Observation, ...]
    floor: tuple[ConntrackLimit, ...]
    cap: tuple[ConntrackLimit, ...]
    not_raised: tuple[ConntrackLimit, ...]
    not_applied: tuple[ConntrackLimit, ...]
    evidence: tuple[Observation, ...]


class ConntrackSigns(Fact):
    """Signs of a full table on the nodes in question: warnings and conditions of a node problem detector.

    ``current`` are those that hold now, ``past`` the others. None of either proves nothing. ``logged``: the limits that
    kube-proxy set on nodes with current signs, by its log.
    """

    current: tuple[Observation, ...]
    past: tuple[Observation, ...]
    logged: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def wanted_limit(per_core: int | None, floor: int | None, cores: int, version: Sequence[int]) -> tuple[int | None, str]:
    """Return the limit that kube-proxy sets on a node of so many cores, and what decided it.

    The decision is ``untouched`` (0 per core), ``per_core``, ``floor`` or, from 1.36 on, ``cap``.
    """
    each = _PER_CORE if per_core is None else per_core
    if each <= 0:
        return None, "untouched"
    scaled, least = each * cores, _MIN if floor is None else floor
    if at_least(tuple(version) or None, 1, 36) and scaled > _CAP:
        return _CAP, "cap"
    return (scaled, "per_core") if scaled >= least else (least, "floor")


def is_sign(reason: str, message: str) -> bool:
    """Tell whether a warning or a condition that is True says that a table of connections has no room.

    kube-proxy itself warns of a /sys that it cannot write to; that is no sign of it.
    """
    told = f"{reason} {message}"
    return bool(_CONNTRACK.search(told)) and not _HARMLESS.search(told)


def _limit(node: Node, config: ProxyConfig, pod: ProxyPod | None) -> ConntrackLimit:
    version = pod.version if pod else ()
    limit, decided = wanted_limit(config.max_per_core, config.conntrack_min, node.cpus, version)
    each = _PER_CORE if config.max_per_core is None else config.max_per_core
    doubled, _ = wanted_limit(each * 2, config.conntrack_min, node.cpus, version)
    how = {
        "untouched": "maxPerCore is 0: kube-proxy leaves the kernel's limit alone",
        "per_core": f"{each} per core on {node.cpus} cores",
        "floor": f"the floor conntrack.min, as {each} per core on {node.cpus} cores is less",
        "cap": f"the cap of kube-proxy 1.36 and newer, as {each} per core on {node.cpus} cores is more",
    }[decided]
    return ConntrackLimit(
        object=f"Node {node.name}",
        field="nf_conntrack_max that kube-proxy wants",
        value=f"{limit if limit is not None else 'none'} ({how}; with twice as much per core {doubled or 'none'})",
        kubectl=f"kubectl get node {node.name} -o jsonpath='{{.status.capacity.cpu}}'",
        node=node.name,
        cores=node.cpus,
        per_core=each,
        floor=_MIN if config.conntrack_min is None else config.conntrack_min,
        limit=limit,
        decided_by=decided,
        doubled=doubled,
        stale=pod.stale if pod else None,
    )


@fact(
    "conntrack_limits",
    ConntrackLimits,
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml",
)
async def conntrack_limits(facts: Facts) -> ConntrackLimits:
    """The conntrack limit that kube-proxy wants on each node in question, by its configuration and the node's cores."""
    configs, pods, asked = await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods), facts(surveyed_nodes))
    by_node = {pod.node: pod for pod in pods.items}
    found: list[ConntrackLimit] = []
    concerned: list[ProxyConfig] = []
    for node in asked.items:
        pod = by_node.get(node.name)
        config = configs.of(pod.daemon_set) if pod else None
        if config and node.cpus:
            found.append(_limit(node, config, pod))
            concerned.append(config)
    alone = [one for one in found if one.decided_by == "untouched" and one.stale is False]
    shown = [one for one in dict.fromkeys(concerned) if one.max_per_core == 0]
    return ConntrackLimits(
        items=tuple(found),
        untouched=tuple(shown) if found and len(alone) == len(found) else (),
        floor=tuple(one for one in found if one.decided_by == "floor"),
        cap=tuple(one for one in found if one.decided_by == "cap"),
        not_raised=tuple(one for one in found if one.decided_by == "per_core" and one.per_core <= 65536),
        not_applied=tuple(one for one in found if one.stale),
        evidence=tuple(found[:4]),
    )


@fact(
    "conntrack_signs",
    ConntrackSigns,
    needs=[
        Needs("nodes", "get"),
        Needs("nodes", "list"),
        Needs("events", "list", "default"),
        Needs("pods/log", "get", "kube-system"),
    ],
    kubectl="kubectl describe node <node>",
)
async def conntrack_signs(facts: Facts) -> ConntrackSigns:
    """Warnings and conditions of nodes about a full conntrack table; a detector writes them where one is installed."""
    now, read = await facts.reads.now(), Partial(facts)
    asked = await read(surveyed_nodes)
    given, narrowed = bool(facts.scope.node or facts.scope.pod), bool(asked and asked.narrowed)
    names = {node.name for node in asked.items} if asked and asked.given else {facts.scope.node}
    current: list[Observation] = []
    past: list[Observation] = []
    unread: Unreadable | None = None
    try:
        events = _signs(await _warnings(facts))
    except Unreadable as error:
        events, unread = [], error
    for event in events:
        if not given or event.name in names:
            (current if event.fresh else past).append(event)
    for node in asked.items if asked else ():
        for condition in node.conditions:
            if _CONNTRACK.search(condition.type) and condition.status == "True" and _is_full(condition):
                beat = await _beat_s(facts, node.name, condition.type, now, named=given or narrowed)
                # A detector that no longer reports has left its last word behind.
                (current if beat is None or beat <= FRESH_S else past).append(condition.seen)
    if not current:
        if unread:
            raise unread
        read.require()
    logged = await _logged(facts, {one.object for one in current})
    return ConntrackSigns(current=tuple(current), past=tuple(past), logged=tuple(logged), evidence=(*current, *past))


async def _logged(facts: Facts, where: set[str]) -> list[Observation]:
    """Return the lines in which kube-proxy says what limit it sets on these nodes; logs may be kept from us."""
    pods = await Partial(facts)(kube_proxy_pods) if where else None
    found: list[Observation] = []
    for pod in [one for one in (pods.items if pods else ()) if f"Node {one.node}" in where][:_LOGS]:
        try:
            log = await facts.reads.log(pod.pod, pod.container, WINDOW)
        except Unreadable:
            return found
        lines = observed_lines(pod, log or "", former=False)
        found += [line for line in lines if line.kind in {"limit", "limit_written"}][-2:]
    return found


async def _warnings(facts: Facts) -> Sequence[Event]:
    if facts.scope.node or facts.scope.pod:
        return (await facts(node_events)).items
    # Nodes in question may be those of hanging pods only; a full table can be on any.
    now = await facts.reads.now()
    listing = await facts.reads.list("events", namespace="default", fields={"type": "Warning"}, limit=_EVENTS)
    return [event_of(one, now) for one in listing.items]


def _signs(events: Iterable[Event]) -> list[Event]:
    return [
        event
        for event in events
        if event.kind == "Node"
        and not event.of_terway
        and event.type != "Normal"
        and event.reporter != "kube-proxy"
        and is_sign(event.reason, event.message)
    ]


def _is_full(condition: Condition) -> bool:
    return not _HARMLESS.search(f"{condition.type} {condition.reason}")


async def _beat_s(facts: Facts, node: str, kind: str, now: dt.datetime, *, named: bool) -> int | None:
    if named:
        found = await facts.reads.get("nodes", node)
    else:
        listing = await facts.reads.list("nodes", limit=SURVEYED)
        found = next((one for one in listing.items if text(one, "metadata", "name") == node), None)
    for one in items(found, "status", "conditions"):
        if text(one, "type") == kind:
            return seconds_since(time(one, "lastHeartbeatTime"), now)
    return None
