"""Whether nodes have their routes in the VPC, and what the cloud controller manager says where they have not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.diagnosis.facts.cloud_controller import cloud_config, cloud_controller
from bot.diagnosis.facts.events import Event, event_of, node_events
from bot.diagnosis.facts.flannel_config import flannel_config
from bot.diagnosis.facts.nodes import Node
from bot.diagnosis.facts.observed import observed
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.objects import PARTIAL
from bot.diagnosis.observation import Fact, Observation

__all__ = [
    "AmbiguousTables",
    "NodeRoutes",
    "Obstacle",
    "ObstacleKind",
    "Obstacles",
    "RouteEvents",
    "RoutelessNode",
    "ambiguous_tables",
    "classify_route_failure",
    "node_obstacles",
    "node_routes",
    "obstacles_of_node",
    "reported_obstacles",
    "route_events",
]

TAINT = "node.kubernetes.io/network-unavailable"
_UNINITIALIZED = "node.cloudprovider.kubernetes.io/uninitialized"
_EXCLUDED = ("service.alibabacloud.com/exclude-node", "service.beta.kubernetes.io/exclude-node")
_HYBRID = "ack-hybrid://"
_CONDITION = "NetworkUnavailable"
_FAULT_S = 600
"""A node that joins is without a route for some minutes; after ten it is a fault."""
_RECENT_S = 3600
_EVENT_LIMIT = 300
_TABLES = re.compile(r"multiple route tables found", re.IGNORECASE)

ObstacleKind = Literal[
    "tables",
    "quota",
    "forbidden",
    "conflict",
    "throttled",
    "no_pod_cidr",
    "not_initialized",
    "excluded",
    "node_silent",
    "node_deleting",
    "routes_off",
    "other",
]
"""What keeps a node's route from being made: several tables and none chosen; the table is full; no permission; another
route is in the way; too many calls; the node lacks its share of the pod addresses; it is not initialised; it is left
out on purpose; it does not report; it is being deleted; route making is switched off; something else."""

_MESSAGES: tuple[tuple[ObstacleKind, str], ...] = (
    ("tables", r"multiple route tables found"),
    ("throttled", r"throttl|flow control"),
    ("forbidden", r"Forbidden\.RAM|NoPermission|not authorized|unauthori[sz]ed"),
    ("conflict", r"conflict|duplicate|already exist|overlap"),
    ("quota", r"quota|exceed|limit"),
    ("forbidden", r"forbidden"),
)
_CLASSES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _MESSAGES)
_NO_CIDR = frozenset({"CIDRNotAvailable", "CIDRAssignmentFailed"})
_FAILURES = frozenset({"CreateRouteFailed", "FailedToCreateRoute", "SyncRouteFailed", "DescriberRouteFailed"})


class RoutelessNode(Observation):
    """A node with the condition NetworkUnavailable or its taint. ``settled``: for so long that it is a fault.

    ``by_condition`` is False where only the taint is there, by hand or for the moment.
    """

    node: str
    settled: bool
    by_condition: bool


class NodeRoutes(Fact):
    """The nodes without a route; ``tunnel`` is filled where pod traffic takes a tunnel and needs none.

    ``fine`` is filled where every node in question has its route by the cloud controller manager's own word, ``recent``
    where one of them got it within the last hour besides; ``last_s`` is how long ago the last one did, -1 if not known.
    """

    without: tuple[RoutelessNode, ...]
    tunnel: tuple[Observation, ...]
    fine: tuple[Observation, ...]
    recent: tuple[Observation, ...]
    last_s: int
    evidence: tuple[Observation, ...]


class RouteEvents(Fact):
    """What the cloud controller manager reported of routes, the newest first.

    ``tables``: that it found several route tables and was not told which to serve, just now.
    ``last_failure_s``: how long ago a synchronisation last failed, -1 where none is reported. ``no_cidr``: reports that
    a node got no share of the pod addresses.
    """

    items: tuple[Event, ...]
    tables: tuple[Event, ...]
    last_failure_s: int
    no_cidr: tuple[Event, ...]
    evidence: tuple[Observation, ...]


class Obstacle(Observation):
    """What keeps the route of ``node`` from being made."""

    node: str
    kind: ObstacleKind


class Obstacles(Fact):
    """What keeps the routes of nodes without one from being made, as far as it shows in one place.

    ``clear``: kinds of obstacles that none of these nodes has.
    """

    items: tuple[Obstacle, ...]
    clear: tuple[Obstacle, ...]
    evidence: tuple[Observation, ...]


class AmbiguousTables(Fact):
    """Reports that there are several route tables, while the cloud controller manager is not seen to be told which."""

    items: tuple[Event, ...]
    evidence: tuple[Observation, ...]


def classify_route_failure(message: str) -> ObstacleKind:
    """Return what the text of a failed route blames."""
    return next((kind for kind, pattern in _CLASSES if pattern.search(message)), "other")


def _without_route(node: Node) -> RoutelessNode | None:
    condition = node.condition(_CONDITION)
    unavailable = condition is not None and condition.status == "True"
    if not unavailable and TAINT not in node.taints:
        return None
    if condition is not None and unavailable:
        age = condition.age_s if condition.age_s is not None else node.created_s
        seen = condition.seen
    else:
        age = None
        seen = node.seen.model_copy(update={"field": "spec.taints", "value": TAINT})
    return RoutelessNode(
        **seen.model_dump(), node=node.name, settled=age is not None and age >= _FAULT_S, by_condition=unavailable
    )


@fact("node_routes", NodeRoutes, kubectl="kubectl describe node <node>")
async def node_routes(facts: Facts) -> NodeRoutes:
    """Which nodes have no route for their pods, by the condition NetworkUnavailable and its taint."""
    asked = await facts(surveyed_nodes)
    without = tuple(found for node in asked.items if (found := _without_route(node)))
    made = [
        condition
        for node in asked.items
        if (condition := node.condition(_CONDITION))
        and (condition.status, condition.reason) == ("False", "RouteCreated")
    ]
    fine = asked.complete and bool(made) and len(made) == len(asked.items) and not without
    ages = [condition.age_s for condition in made if condition.age_s is not None]
    newest = sorted(made, key=lambda condition: condition.age_s if condition.age_s is not None else _RECENT_S)
    shown = tuple(condition.seen for condition in newest[:4])
    last = min(ages, default=-1)
    config = await Partial(facts)(flannel_config)
    tunnel = (
        tuple(one for one in config.settings if one.key == "Backend.Type" and one.value == "vxlan") if config else ()
    )
    return NodeRoutes(
        without=without,
        tunnel=tunnel,
        fine=shown if fine else (),
        recent=shown if fine and 0 <= last <= _RECENT_S else (),
        last_s=last,
        evidence=without or shown,
    )


@fact(
    "route_events",
    RouteEvents,
    needs=[Needs("events", "list", "default")],
    kubectl="kubectl -n default get events --field-selector involvedObject.name=route-controller",
)
async def route_events(facts: Facts) -> RouteEvents:
    """Reports about routes, on nodes and on the object route-controller, which describing a node does not show."""
    asked = await facts(surveyed_nodes)
    if asked.given:
        found: Sequence[Event] = (await facts(node_events)).items
    else:
        now = await facts.reads.now()
        listing = await facts.reads.list("events", namespace="default", fields={"type": "Warning"}, limit=_EVENT_LIMIT)
        found = sorted(
            (event_of(one, now) for one in listing.items), key=lambda event: (event.age_s is None, event.age_s or 0)
        )
    about = tuple(
        event
        for event in found
        if (event.kind, event.name) == ("Event", "route-controller")
        or (event.kind == "Node" and not event.of_terway and "Route" in event.reason)
    )
    tables = tuple(
        event
        for event in about
        if event.kind == "Event" and event.reason == "SyncRouteFailed" and event.fresh and _TABLES.search(event.message)
    )
    return RouteEvents(
        items=about,
        tables=tables,
        last_failure_s=min((event.age_s or 0 for event in about if event.reason == "SyncRouteFailed"), default=-1),
        no_cidr=tuple(event for event in found if event.kind == "Node" and event.reason in _NO_CIDR),
        evidence=about[:4],
    )


def obstacles_of_node(node: Node, *, routes_off: bool | None = None) -> dict[ObstacleKind, tuple[bool, Obstacle]]:
    """Return what may keep the cloud controller manager from making this node's route: kind → whether it does, and how.

    What makes it pass the node over comes first: then nothing else about the node matters. ``routes_off``: it is told
    to make no routes at all; None where that is not known.
    """
    whole = PARTIAL not in node.annotations
    ready = node.condition("Ready")
    label = next((one for one in _EXCLUDED if one in node.labels), "")
    hybrid = node.provider_id.startswith(_HYBRID)
    uninitialized = _UNINITIALIZED in node.taints
    ipv4 = [cidr for cidr in node.pod_cidrs if ":" not in cidr]
    signs: dict[ObstacleKind, tuple[bool, str, str]] = {
        "excluded": (
            bool(label) or hybrid,
            "metadata.labels" if label or not hybrid else "spec.providerID",
            label or (node.provider_id if hybrid else "no exclude-node label"),
        ),
        "node_deleting": (node.deleting, "metadata.deletionTimestamp", "set" if node.deleting else "(none)"),
        "not_initialized": (
            uninitialized or (whole and not node.provider_id),
            "spec.taints" if uninitialized else "spec.providerID",
            _UNINITIALIZED if uninitialized else node.provider_id or "(none)",
        ),
        "node_silent": (
            ready is not None and ready.status == "Unknown",
            "status.conditions[Ready]",
            ready.seen.value if ready else "(none)",
        ),
        "no_pod_cidr": (whole and not ipv4, "spec.podCIDR", ", ".join(ipv4) or "(none)"),
    }
    if routes_off is not None:
        flag = "--configure-cloud-routes"
        signs["routes_off"] = (routes_off, flag, "false" if routes_off else "true")
    found: dict[ObstacleKind, tuple[bool, Obstacle]] = {}
    for kind, (holds, field, value) in signs.items():
        seen = node.seen.model_copy(update={"field": field, "value": value, "seen_at": None})
        found[kind] = holds, Obstacle(**seen.model_dump(), node=node.name, kind=kind)
    return found


def _said(event: Event, affected: Iterable[RoutelessNode]) -> list[Obstacle]:
    if not event.fresh or event.reason not in _FAILURES:
        return []
    kind = classify_route_failure(event.message)
    if event.kind == "Event":
        # Said of the whole cluster: it explains every node that has no route.
        return [Obstacle(**observed(event), node=one.node, kind=kind) for one in affected][:1]
    if kind == "tables":
        return []
    return (
        [Obstacle(**observed(event), node=event.name, kind=kind)]
        if any(one.node == event.name for one in affected)
        else []
    )


@fact("node_obstacles", Obstacles, kubectl="kubectl get node <node> -o yaml")
async def node_obstacles(facts: Facts) -> Obstacles:
    """What about the nodes themselves keeps those from getting a route that have been without one for long."""
    asked, routes = await facts(surveyed_nodes), await facts(node_routes)
    settled = {one.node for one in routes.without if one.by_condition and one.settled}
    controller = await Partial(facts)(cloud_controller)
    known = controller is not None and controller.makes_routes != "unknown"
    routes_off = controller.makes_routes == "no" if controller and known else None
    found = [obstacles_of_node(node, routes_off=routes_off) for node in asked.items if node.name in settled]
    items = [next((seen for holds, seen in one.values() if holds), None) for one in found]
    kinds = list(found[0]) if found else []
    whole = not any(PARTIAL in node.annotations for node in asked.items)
    clear = [found[0][kind][1] for kind in kinds if whole and not any(one[kind][0] for one in found)]
    present = tuple(one for one in items if one)
    return Obstacles(items=present, clear=tuple(clear), evidence=present)


@fact(
    "reported_obstacles",
    Obstacles,
    kubectl="kubectl -n default get events --field-selector type=Warning",
)
async def reported_obstacles(facts: Facts) -> Obstacles:
    """What the cloud controller manager reports just now of the routes that nodes lack."""
    routes, events = await facts(node_routes), await facts(route_events)
    affected = [one for one in routes.without if one.by_condition]
    said = [obstacle for event in events.items for obstacle in _said(event, affected)]
    if any(one.kind == "tables" for one in said) and await _tables_are_chosen(facts):
        said = [one for one in said if one.kind != "tables"]
    return Obstacles(items=tuple(said), clear=(), evidence=tuple(said))


@fact(
    "ambiguous_tables",
    AmbiguousTables,
    kubectl="kubectl -n default get events --field-selector involvedObject.name=route-controller",
)
async def ambiguous_tables(facts: Facts) -> AmbiguousTables:
    """Reports of just now that the VPC has several route tables of which none is chosen."""
    found = (await facts(route_events)).tables
    if found and await _tables_are_chosen(facts):
        found = ()
    return AmbiguousTables(items=found, evidence=found)


async def _tables_are_chosen(facts: Facts) -> bool:
    """Tell whether the cloud controller manager is told which tables to serve, so that an earlier complaint is moot."""
    config = await Partial(facts)(cloud_config)
    return config is not None and bool(config.tables)
