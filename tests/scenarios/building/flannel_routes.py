"""Flannel: nodes without a route in the VPC, and several route tables."""

from __future__ import annotations

from tests.scenarios.building.cluster import Cluster
from tests.scenarios.building.flannel_parts import (
    CNI,
    FULL,
    ROUTES,
    TABLES,
    TABLES_FOUND,
    Pair,
    no_route,
    pair,
    route_controller,
)
from tests.scenarios.building.messages import openapi
from tests.scenarios.building.scenario import Collection, Scenario, scope_of

SCENARIOS = Collection()

_NOT_TABLES = ["open", "by_hand", "ruled_out"]
_TABLE = "vtb-bp1m4o2c7w9x0a3s5d6f8"


def _cloud_config(tables: str) -> str:
    return (
        '{\n  "Global": {\n    "uid": "1150153465019451",\n    "vpcid": "vpc-bp15w7x2m9d3k8a0q4rtz",\n'
        f'    "region": "cn-hangzhou",\n    "routeTableIDs": "{tables}",\n'
        '    "accessKeyID": "TFRBSTV0RXhhbXBsZQ==",\n    "accessKeySecret": "bm90LWEtcmVhbC1zZWNyZXQ="\n  }\n}\n'
    )


def _routeless(name: str, since: str = "50m", **more: object) -> Pair:
    """A pair whose first node joined a while ago and has no route."""
    joined = {"age": since, "agent_age": since, "proxy_age": since}
    p = pair(name, here=joined, **more)  # type: ignore[arg-type]
    no_route(p.here, since)
    return p


def _failed(p: Pair, cause: str, *, first: str = "48m", last: str = "2m") -> None:
    p.cluster.event(
        p.here,
        "CreateRouteFailed",
        f"Error creating route entry in {_TABLE}: {cause}",
        first=first,
        last=last,
        count=11,
        component="route-controller",
        about_uid=p.here.name,
    )


@SCENARIOS.add
def table_full() -> Scenario:
    p = _routeless("routes-quota")
    _failed(p, openapi("QuotaExceeded.RouteEntry", "The number of route entries exceeds the limit of the route table."))
    return Scenario(
        p.cluster,
        title="The route table is full",
        question="new worker has been tainted network-unavailable for almost an hour",
        expect={ROUTES: "confirmed", TABLES: _NOT_TABLES, CNI: "ruled_out"},
        why="CreateRouteFailed of just now names an exceeded quota, and the node still has no route.",
    )


@SCENARIOS.add
def no_permission() -> Scenario:
    p = _routeless("routes-ram")
    _failed(
        p,
        openapi(
            "Forbidden.RAM",
            "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
        ),
    )
    return Scenario(
        p.cluster,
        title="The cloud controller manager may not write routes",
        question="NodeNetworkUnavailable on 172.16.4.9, what blocks it?",
        scope={"node": p.here.name},
        expect={ROUTES: "confirmed", TABLES: _NOT_TABLES},
        why="The event says Forbidden.RAM.",
    )


@SCENARIOS.add
def throttled() -> Scenario:
    p = _routeless("routes-throttled", since="25m")
    _failed(
        p, openapi("Throttling.User", "Request was denied due to user flow control, rate limit exceeded."), first="24m"
    )
    return Scenario(
        p.cluster,
        title="Too many calls: the text speaks of a limit, but not of the table's",
        question="scaled out 60 nodes at once, some stay unschedulable",
        expect={ROUTES: "confirmed", TABLES: _NOT_TABLES},
        why="Throttling keeps the route from being written; the quota of the table is not what is exceeded.",
    )


@SCENARIOS.add
def without_pod_cidr() -> Scenario:
    joined = {"age": "3h", "agent_age": "3h", "proxy_age": "3h", "pod_cidr": ""}
    p = pair("routes-no-pod-cidr", here=joined, pod_cidr="172.20.0.0/25")
    no_route(p.here, "3h", "Node created without a route")
    p.cluster.event(
        p.here,
        "CIDRNotAvailable",
        f"Node {p.here.name} status is now: CIDRNotAvailable",
        type_="Normal",
        first="3h",
        last="4m",
        count=170,
        component="cidrAllocator",
    )
    return Scenario(
        p.cluster,
        title="The pod range of the cluster is used up, the new node got no share",
        question="added a node because pods ran out of addresses, but nothing can be scheduled on it",
        scope={"node": p.here.name},
        expect={ROUTES: "confirmed", FULL: ["open", "by_hand", "ruled_out"], TABLES: _NOT_TABLES},
        why="spec.podCIDR is empty and CIDRNotAvailable is reported: without a range there is no route to make.",
    )


@SCENARIOS.add
def left_out() -> Scenario:
    p = _routeless("routes-exclude-label", since="6h")
    p.here.object["metadata"]["labels"]["service.beta.kubernetes.io/exclude-node"] = "true"
    return Scenario(
        p.cluster,
        title="The node is excluded by a label",
        question="Why does this one node keep the network-unavailable taint? all the others are fine",
        scope={"node": p.here.name},
        expect={ROUTES: "confirmed", TABLES: _NOT_TABLES},
        why="The exclude-node label makes the cloud controller manager pass the node over, without an event.",
    )


@SCENARIOS.add
def not_initialised() -> Scenario:
    p = _routeless("routes-uninitialised", since="2h")
    p.here.object["spec"].pop("providerID")
    p.here.taint("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule", "true")
    return Scenario(
        p.cluster,
        title="The cloud controller manager has not initialised the node",
        question="manually joined ECS stays unschedulable since two hours",
        expect={ROUTES: "confirmed", TABLES: _NOT_TABLES},
        why="No providerID and the uninitialized taint: nobody knows which instance the route should lead to.",
    )


@SCENARIOS.add
def silent_node() -> Scenario:
    p = _routeless("routes-silent-node", since="4h")
    p.here.condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", "3h", "3h")
    return Scenario(
        p.cluster,
        title="The node does not report, so it is passed over",
        question="node .9: NetworkUnavailable and NotReady",
        scope={"node": p.here.name},
        expect={ROUTES: "confirmed", CNI: "ruled_out", TABLES: _NOT_TABLES},
        why="Ready is Unknown; the cloud controller manager skips such nodes.",
    )


@SCENARIOS.add
def just_joined() -> Scenario:
    p = _routeless("routes-just-joined", since="2m")
    return Scenario(
        p.cluster,
        title="The node joined two minutes ago",
        question="fresh node has the network-unavailable taint",
        scope={"node": p.here.name},
        expect={ROUTES: ["open", "ruled_out"], TABLES: _NOT_TABLES},
        why="For some minutes this is normal.",
    )


@SCENARIOS.add
def events_gone() -> Scenario:
    p = _routeless("routes-events-gone", since="5h")
    return Scenario(
        p.cluster,
        title="No events are left that say why",
        question="node without route since this morning. why?",
        scope={"node": p.here.name},
        expect={ROUTES: ["open", "by_hand"], TABLES: _NOT_TABLES},
        why="The condition is True, nothing about the node explains it, and managed clusters show no more.",
    )


@SCENARIOS.add
def stale_event() -> Scenario:
    p = _routeless("routes-stale-event", since="70m")
    _failed(p, openapi("QuotaExceeded.RouteEntry", "Route entry quota exceeded."), first="68m", last="52m")
    return Scenario(
        p.cluster,
        title="The last word of the quota is 52 minutes old",
        question="quota was raised an hour ago, taint still there",
        expect={ROUTES: ["open", "by_hand"], TABLES: _NOT_TABLES},
        why="An event that has not come back since says nothing about now.",
    )


@SCENARIOS.add
def recovered() -> Scenario:
    p = pair("routes-recovered", here={"age": "1h", "agent_age": "59m", "proxy_age": "59m"})
    p.here.condition("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route", "4m")
    _failed(p, openapi("QuotaExceeded.RouteEntry", "Route entry quota exceeded."), first="55m", last="6m")
    return Scenario(
        p.cluster,
        title="The quota was raised, the route was made",
        question="does .9 still have the route table problem?",
        scope={"node": p.here.name},
        expect={ROUTES: "ruled_out", TABLES: _NOT_TABLES},
        why="The condition is False with reason RouteCreated since four minutes, and there is no taint.",
    )


@SCENARIOS.add
def flannel_says_so() -> Scenario:
    p = pair("routes-flannel-is-up")
    for node in (p.here, p.other):
        node.condition("NetworkUnavailable", "False", "FlannelIsUp", "Flannel is running on this node", "12d")
    return Scenario(
        p.cluster,
        title="The condition is Flannel's own",
        question="Do all nodes have their VPC route?",
        expect={ROUTES: ["open", "by_hand"], TABLES: _NOT_TABLES},
        why="FlannelIsUp proves that Flannel runs, not that a route exists.",
    )


@SCENARIOS.add
def taint_by_hand() -> Scenario:
    p = pair("routes-taint-only")
    p.here.taint("node.kubernetes.io/network-unavailable", "NoSchedule", since="3h")
    return Scenario(
        p.cluster,
        title="The taint is there, the condition says that the route is",
        question="taint network-unavailable on a node that works",
        scope={"node": p.here.name},
        expect={ROUTES: ["open", "by_hand"], TABLES: _NOT_TABLES},
        why="RouteCreated and the taint contradict each other: it lags, or somebody set it by hand.",
    )


@SCENARIOS.add
def events_forbidden() -> Scenario:
    p = _routeless("routes-events-forbidden")
    _failed(p, openapi("QuotaExceeded.RouteEntry", "Route entry quota exceeded."))
    return Scenario(
        p.cluster,
        title="Events may not be read",
        question="why no route for .9?",
        scope={"node": p.here.name},
        expect={ROUTES: ["unreadable", "open"], TABLES: ["unreadable", "open", "by_hand"]},
        forbidden=["events"],
        why="The cause stands in an event only.",
    )


@SCENARIOS.add
def event_of_another_node() -> Scenario:
    p = _routeless("routes-other-node", since="4h")
    p.cluster.event(
        p.other,
        "CreateRouteFailed",
        f"Error creating route entry in {_TABLE}: Route entry quota exceeded.",
        first="30m",
        last="3m",
        component="route-controller",
    )
    return Scenario(
        p.cluster,
        title="The quota is reported of a node that has its route",
        question="what keeps the taint on .9?",
        expect={ROUTES: ["open", "by_hand"], TABLES: _NOT_TABLES},
        why="The failed route is another node's, which is RouteCreated; nothing is said of the tainted one.",
    )


@SCENARIOS.add
def pod_waits_for_the_taint() -> Scenario:
    p = _routeless("routes-pod-pending")
    _failed(p, openapi("QuotaExceeded.RouteEntry", "Route entry quota exceeded."))
    message = (
        "0/2 nodes are available: 1 node(s) had taint {node.kubernetes.io/network-unavailable: }, "
        "that the pod didn't tolerate, 1 Insufficient cpu."
    )
    pod = p.app.pod(None, state="unscheduled", age="30m", message=message)
    p.cluster.event(pod, "FailedScheduling", message, first="30m", last="1m", component="default-scheduler")
    return Scenario(
        p.cluster,
        title="A pod finds no node because of the taint",
        question="web pod Pending: had taint node.kubernetes.io/network-unavailable",
        scope=scope_of(pod),
        expect={ROUTES: "confirmed", FULL: "ruled_out", "flannel-ip-leak": "ruled_out"},
        why="The pod is on no node; the tainted node's event names the full route table.",
    )


@SCENARIOS.add
def several_tables_dedicated() -> Scenario:
    c = Cluster("flannel-tables-dedicated", plugin="flannel", dedicated=True)
    master, old = c.node("172.16.4.5", master=True), c.node("172.16.4.10")
    new = c.node("172.16.4.9", age="40m", agent_age="39m", proxy_age="39m")
    c.coredns([old] * 2)
    c.deployment("shop", "web", [old])
    no_route(new, "40m", "Node created without a route")
    c.config_map("kube-system", "cloud-config", {"cloud-config.conf": _cloud_config("")}, changed="150d")
    c.event(route_controller(), "SyncRouteFailed", TABLES_FOUND, first="38m", last="2m", component="route-controller")
    assert master.agent
    return Scenario(
        c,
        title="Several route tables, a dedicated cluster that was not told which to serve",
        question="describe node shows nothing, but 172.16.4.9 keeps the network-unavailable taint",
        scope={"node": new.name},
        expect={ROUTES: "confirmed", TABLES: "confirmed"},
        why="SyncRouteFailed hangs on the object Event/route-controller; routeTableIDs in cloud-config is empty.",
    )


@SCENARIOS.add
def tables_configured() -> Scenario:
    c = Cluster("flannel-tables-configured", plugin="flannel", dedicated=True)
    c.node("172.16.4.5", master=True)
    worker = c.node("172.16.4.10")
    c.deployment("shop", "web", [worker])
    tables = "vtb-bp1m4o2c7w9x0a3s5d6f8,vtb-bp1q8r6t4y2u0i9o7p5l3"
    c.config_map("kube-system", "cloud-config", {"cloud-config.conf": _cloud_config(tables)}, changed="70d")
    return Scenario(
        c,
        title="A dedicated cluster that serves two tables",
        question="Which route tables does our CCM write to?",
        expect={ROUTES: "ruled_out", TABLES: "confirmed"},
        why="routeTableIDs names two tables, and the cloud controller manager is younger than that.",
    )


@SCENARIOS.add
def tables_in_order() -> Scenario:
    p = pair("tables-in-order", here={"age": "22m", "agent_age": "21m", "proxy_age": "21m"})
    p.cluster.event(
        p.here,
        "CreatedRoute",
        f"Created route for {_TABLE} with {p.here.name} -> 172.20.0.0/26 successfully",
        type_="Normal",
        first="21m",
        last="21m",
        count=1,
        component="route-controller",
    )
    return Scenario(
        p.cluster,
        title="A node that joined just now has its route",
        question="do we have to configure the cloud controller manager for several route tables?",
        expect={ROUTES: "ruled_out", TABLES: ["ruled_out", "open", "by_hand"]},
        why="The last node got its route 22 minutes ago, and no synchronisation failed.",
    )


@SCENARIOS.add
def tables_solved() -> Scenario:
    p = pair("tables-solved", here={"age": "2h", "agent_age": "119m", "proxy_age": "119m"})
    p.here.condition("NetworkUnavailable", "False", "RouteCreated", "RouteController created a route", "25m")
    event = p.cluster.event(
        route_controller(), "SyncRouteFailed", TABLES_FOUND, first="118m", last="29m", component="route-controller"
    )
    assert event["metadata"]["namespace"] == "default"
    return Scenario(
        p.cluster,
        title="RouteTableIDS was set half an hour ago",
        question="is the multiple route tables thing fixed now?",
        expect={ROUTES: "ruled_out", TABLES: ["ruled_out", "open", "by_hand"]},
        why="The last complaint is older than the route that was made 25 minutes ago.",
    )


@SCENARIOS.add
def tunnel() -> Scenario:
    p = _routeless("routes-vxlan", since="6h")
    assert p.cluster.flannel_config
    p.cluster.flannel_config.net_conf = {"Network": p.cluster.pod_cidr, "Backend": {"Type": "vxlan"}}
    return Scenario(
        p.cluster,
        title="Pod traffic takes a tunnel",
        question="edge cluster with flannel vxlan: node says NetworkUnavailable",
        expect={ROUTES: ["ruled_out", "open"], TABLES: ["ruled_out", "open", "by_hand"]},
        why="With backend vxlan no VPC routes are made.",
    )


@SCENARIOS.add
def on_terway() -> Scenario:
    c = Cluster("flannel-routes-on-terway", plugin="terway")
    here, other = c.node("172.16.4.9", age="3h"), c.node("172.16.4.10")
    c.deployment("shop", "web", [other])
    no_route(here, "3h", "Node created without a route")
    return Scenario(
        c,
        title="The taint on a Terway cluster",
        question="network-unavailable taint on a new node",
        scope={"node": here.name},
        expect={ROUTES: "ruled_out", TABLES: "ruled_out", CNI: "ruled_out"},
        why="The cluster runs Terway, whose pods need no routes.",
    )
