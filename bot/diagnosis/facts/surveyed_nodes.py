"""The nodes that a question about the cluster's nodes is judged by."""

from __future__ import annotations

from bot.diagnosis.facts.nodes import SURVEYED, Node, node_of, nodes
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["SurveyedNodes", "surveyed_nodes"]

_VIRTUAL = "virtual-kubelet"


class SurveyedNodes(Fact):
    """Nodes; ``given``: of the node or pod that was named, ``complete``: no other node is in question."""

    items: tuple[Node, ...]
    given: bool
    complete: bool
    evidence: tuple[Observation, ...]


@fact(
    "surveyed_nodes",
    SurveyedNodes,
    needs=[Needs("nodes", "get"), Needs("nodes", "list")],
    kubectl="kubectl get nodes -o wide",
)
async def surveyed_nodes(facts: Facts) -> SurveyedNodes:
    """The node that was named or that the named pod is on, else the first nodes of the cluster.

    Unlike the nodes in question these are not narrowed to the nodes of pods that hang: a node that has no network yet
    has no such pods. Virtual nodes have no network of their own and are left out.
    """
    if facts.scope.node or facts.scope.pod:
        asked = await facts(nodes)
        found, given, complete = asked.items, asked.given, asked.complete and not asked.missing
    else:
        now = await facts.reads.now()
        listing = await facts.reads.list("nodes", limit=SURVEYED)
        found, given, complete = tuple(node_of(one, now) for one in listing.items), False, listing.complete
    real = tuple(one for one in found if one.labels.get("type") != _VIRTUAL)
    return SurveyedNodes(items=real, given=given, complete=complete, evidence=tuple(one.seen for one in real))
