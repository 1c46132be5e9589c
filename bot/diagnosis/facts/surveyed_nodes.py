"""The nodes that a question about the cluster's nodes is judged by."""

from __future__ import annotations

from bot.diagnosis.facts.nodes import SURVEYED, Node, Nodes, node_of, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import daemon_sets
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["SurveyedNodes", "surveyed_nodes"]

_VIRTUAL = "virtual-kubelet"


class SurveyedNodes(Fact):
    """Nodes; ``given``: of the node or pod that was named, ``complete``: no other node is in question.

    ``narrowed``: nothing was named, but of a cluster with more nodes than a survey takes only those are here on which
    pods hang.
    """

    items: tuple[Node, ...]
    given: bool
    narrowed: bool
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

    Unlike the nodes in question these are not narrowed to the nodes of pods that hang where a survey can take all
    nodes: one that has no network yet has no such pods. Virtual nodes have no network of their own and are left out.
    """
    named = bool(facts.scope.node or facts.scope.pod)
    asked = await facts(nodes) if named else await _of_hanging_pods(facts)
    if asked is not None:
        found, given, complete = asked.items, named and asked.given, named and asked.complete and not asked.missing
    else:
        now = await facts.reads.now()
        listing = await facts.reads.list("nodes", limit=SURVEYED)
        found, given, complete = tuple(node_of(one, now) for one in listing.items), False, listing.complete
    real = tuple(one for one in found if one.labels.get("type") != _VIRTUAL)
    return SurveyedNodes(
        items=real,
        given=given,
        narrowed=asked is not None and not named,
        complete=complete,
        evidence=tuple(one.seen for one in real),
    )


async def _of_hanging_pods(facts: Facts) -> Nodes | None:
    """Return the nodes on which pods hang, of a cluster that is too large for a survey to tell much of it."""
    read = Partial(facts)
    sets = await read(daemon_sets)
    if sets is None or max((one.desired for one in sets.items), default=0) <= SURVEYED:
        return None
    asked = await read(nodes)
    return asked if asked and asked.given and asked.items else None
