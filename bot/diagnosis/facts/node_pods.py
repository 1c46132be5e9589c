"""All pods of the nodes in question: who holds addresses there, and the agents that ought to run there."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.pods import Pod, pod_of
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["NodePods", "node_pods"]

_LIMIT = 500
_MAX_NODES = 5


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
        *(facts.reads.list("pods", fields={"spec.nodeName": who}, limit=_LIMIT) for who in looked_at)
    )
    found = tuple(pod_of(one, now) for listing in listings for one in listing.items)
    complete = bool(looked_at) and all(listing.complete for listing in listings)
    return NodePods(items=found, nodes=tuple(looked_at), complete=complete, evidence=())
