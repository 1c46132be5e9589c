"""All pods of the nodes in question: who holds addresses there, and the agents that ought to run there."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.pods import Pod, pod_of
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import namespace
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Listing, Unreadable

__all__ = ["PODS_OF_A_NODE", "NodePods", "node_pods", "system_pods_on"]

PODS_OF_A_NODE = 500
"""More than a kubelet is ever told to take."""
_MAX_NODES = 5
_SYSTEM = "kube-system"


class NodePods(Fact):
    """The pods of the nodes in question; ``nodes`` names those looked at, ``complete`` that none of theirs is missing.

    Where no node is in question nothing is read and both are empty.
    """

    items: tuple[Pod, ...]
    nodes: tuple[str, ...]
    complete: bool
    evidence: tuple[Observation, ...]


@fact(
    "node_pods",
    NodePods,
    needs=[Needs("pods", "list")],
    kubectl="kubectl get pods -A -o wide --field-selector spec.nodeName=<node>",
)
async def node_pods(facts: Facts) -> NodePods:
    """All pods of the nodes in question."""
    now, asked = await facts.reads.now(), await facts(nodes)
    looked_at = [node.name for node in asked.items][:_MAX_NODES] if asked.given else []
    listings = await asyncio.gather(
        *(facts.reads.list("pods", fields={"spec.nodeName": who}, limit=PODS_OF_A_NODE) for who in looked_at)
    )
    found = tuple(pod_of(one, now) for listing in listings for one in listing.items)
    complete = bool(looked_at) and all(listing.complete for listing in listings)
    return NodePods(items=found, nodes=tuple(looked_at), complete=complete, evidence=())


async def system_pods_on(facts: Facts, node: str) -> Listing:
    """Return the pods of kube-system on a node, out of the list of all pods there where that can be had.

    That list is asked for by other collectors as well, and comes packed where it is long.
    """
    on_node = {"spec.nodeName": node}
    try:
        every = await facts.reads.list("pods", fields=on_node, limit=PODS_OF_A_NODE)
    except Unreadable as error:
        if error.reason in {"timeout", "budget"}:
            raise
        every = None
    if every is None or not every.complete:
        return await facts.reads.list("pods", namespace=_SYSTEM, fields=on_node, limit=PODS_OF_A_NODE)
    return Listing([one for one in every.items if namespace(one) == _SYSTEM], complete=True)
