"""Why nodes are not ready: for want of a CNI configuration, or for something else."""

from __future__ import annotations

import re
from typing import Literal

from bot.diagnosis.facts.flannel_pods import flannel_pods
from bot.diagnosis.facts.nodes import Node
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.observation import Fact, Observation

__all__ = ["CniSuspects", "NodeReadiness", "ReadyNode", "cni_suspects", "node_readiness", "readiness_of"]

_CNI = re.compile(r"cni config uninitialized|cni plugin not initialized", re.IGNORECASE)
_NETWORK = re.compile(r"NetworkPluginNotReady|NetworkReady=false", re.IGNORECASE)
_SETTLED_S = 300
"""Every node lacks its CNI configuration in its first minutes."""


class ReadyNode(Observation):
    """The condition Ready of ``node``. ``state`` ``cni``: not ready because the network plugin is not set up.

    ``other``: not ready for another reason, ``silent``: its kubelet does not report, ``unknown``: it does not say.
    ``settled``: the node is more than five minutes old. ``checks_cni_version``: its kubelet is 1.16 or newer.
    """

    node: str
    state: Literal["ready", "cni", "other", "silent", "unknown"]
    settled: bool
    checks_cni_version: Literal["yes", "no", "unknown"]
    kubelet: str


class NodeReadiness(Fact):
    """The nodes' readiness; ``without_cni`` are those that wait for the network plugin.

    ``excluded`` is filled where no node in question does.
    """

    items: tuple[ReadyNode, ...]
    without_cni: tuple[ReadyNode, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class CniSuspects(Fact):
    """The nodes without CNI set-up beside their Flannel pods.

    ``validating``: a missing cniVersion explains them, for their kubelet checks it, and Flannel is too old to do
    without and runs with the configuration as it is; ``served``: Flannel runs with the configuration as it is.
    ``tolerant``, ``applied``: filled where on all of them a missing cniVersion does no harm, or Flannel is known to
    have taken up the configuration. ``not_applied``: Flannel's pods that are older than its last change.
    """

    validating: tuple[ReadyNode, ...]
    served: tuple[ReadyNode, ...]
    tolerant: tuple[Observation, ...]
    applied: tuple[Observation, ...]
    not_applied: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def readiness_of(node: Node) -> ReadyNode:
    """Read the condition Ready of a node."""
    ready = node.condition("Ready")
    if ready is None:
        state: Literal["ready", "cni", "other", "silent", "unknown"] = "unknown"
    elif ready.status == "True":
        state = "ready"
    elif ready.status == "False":
        untold = not ready.message or _NETWORK.search(ready.message)
        state = "cni" if _CNI.search(ready.message) else "unknown" if untold else "other"
    else:
        state = "silent"
    checks = at_least(node.kubelet or None, 1, 16)
    seen = ready.seen if ready else node.seen
    return ReadyNode(
        **seen.model_dump(),
        node=node.name,
        state=state,
        settled=node.created_s is None or node.created_s >= _SETTLED_S,
        checks_cni_version="unknown" if checks is None else "yes" if checks else "no",
        kubelet=".".join(map(str, node.kubelet)),
    )


@fact("node_readiness", NodeReadiness, kubectl="kubectl get nodes; kubectl describe node <node>")
async def node_readiness(facts: Facts) -> NodeReadiness:
    """Which nodes are not ready because the network plugin is not set up there."""
    asked = await facts(surveyed_nodes)
    found = tuple(map(readiness_of, asked.items))
    without = tuple(one for one in found if one.state == "cni")
    decided = asked.complete and found and all(one.state in {"ready", "other", "silent"} for one in found)
    worst = sorted(found, key=lambda one: one.state == "ready")
    return NodeReadiness(
        items=found,
        without_cni=without,
        excluded=tuple(worst[:4]) if decided else (),
        evidence=tuple(without or found[:4]),
    )


@fact("cni_suspects", CniSuspects, kubectl="kubectl -n kube-system get pods -l app=flannel -o wide")
async def cni_suspects(facts: Facts) -> CniSuspects:
    """What Flannel's pods on the nodes without CNI set-up have to do with it."""
    readiness, agents = await facts(node_readiness), await facts(flannel_pods)
    pairs = [(node, agents.on(node.node)) for node in readiness.without_cni]
    running = [(node, agent) for node, agent in pairs if agent and agent.ready and agent.applied != "no"]
    served = [node for node, _ in running if node.settled]
    validating = [
        node
        for node, agent in running
        if node.settled and node.checks_cni_version == "yes" and agent.no_cni_version_needed == "no"
    ]
    harmless = [
        node if node.checks_cni_version == "no" else agent
        for node, agent in pairs
        if node.checks_cni_version == "no" or (agent and agent.no_cni_version_needed == "yes")
    ]
    applied = [agent for _, agent in pairs if agent and agent.applied == "yes"]
    return CniSuspects(
        validating=tuple(validating[:6]),
        served=tuple(served[:6]),
        tolerant=tuple(one for one in harmless[:6] if one) if pairs and len(harmless) == len(pairs) else (),
        applied=tuple(applied[:6]) if pairs and len(applied) == len(pairs) else (),
        not_applied=tuple(agent for _, agent in pairs if agent and agent.applied == "no")[:6],
        evidence=tuple(agent for _, agent in pairs if agent)[:4],
    )
