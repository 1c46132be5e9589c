"""What makes Flannel's address leases outlive their pods, node by node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bot.diagnosis.facts.events import Event, node_events
from bot.diagnosis.facts.flannel_config import flannel_config
from bot.diagnosis.facts.flannel_pods import flannel_pods
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.observed import observed
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation

__all__ = [
    "LeaseRisk",
    "LeaseRisks",
    "Reboots",
    "flannel_lease_risks",
    "kubelet_lease_risks",
    "lease_directory_risks",
    "reboots",
]

RiskKind = Literal["kubelet", "flannel", "directory", "not_applied"]


class LeaseRisk(Observation):
    """A reason for leases to be left behind on ``node``.

    ``kubelet``: older than 1.20, which loses track of short-lived pods; ``flannel``: older than 0.15.1.11, which keeps
    leases over a reboot; ``directory``: the configuration has them on disk; ``not_applied``: it has them in memory, but
    the node's Flannel is older than that setting.
    """

    node: str
    kind: RiskKind


class LeaseRisks(Fact):
    """The risks of one kind on the nodes in question; ``clear`` is filled where none of them is known to have it."""

    items: tuple[LeaseRisk, ...]
    clear: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class Reboots(Fact):
    """Reports of the last hour or so that nodes in question were restarted; ``nodes`` names them."""

    items: tuple[Event, ...]
    nodes: tuple[str, ...]
    evidence: tuple[Observation, ...]


def _risks(found: list[LeaseRisk], clear: Sequence[Observation] = ()) -> LeaseRisks:
    return LeaseRisks(items=tuple(found), clear=() if found else tuple(clear[:4]), evidence=tuple(found))


def _old_kubelet(node: Node) -> LeaseRisk | None:
    if at_least(node.kubelet or None, 1, 20) is not False:
        return None
    seen = node.seen.model_copy(
        update={
            "field": "status.nodeInfo.kubeletVersion",
            "value": "v" + ".".join(map(str, node.kubelet)),
            "seen_at": None,
        }
    )
    return LeaseRisk(**seen.model_dump(), node=node.name, kind="kubelet")


@fact("kubelet_lease_risks", LeaseRisks, kubectl="kubectl get nodes -o wide")
async def kubelet_lease_risks(facts: Facts) -> LeaseRisks:
    """Nodes in question whose kubelet is older than 1.20."""
    asked = await facts(nodes)
    known = [node.seen for node in asked.items if node.kubelet]
    clear = known if len(known) == len(asked.items) else []
    return _risks([risk for node in asked.items if (risk := _old_kubelet(node))], clear)


@fact("flannel_lease_risks", LeaseRisks, kubectl="kubectl -n kube-system get pods -l app=flannel -o wide")
async def flannel_lease_risks(facts: Facts) -> LeaseRisks:
    """Nodes in question whose Flannel is older than 0.15.1.11."""
    asked, agents = await facts(nodes), await facts(flannel_pods)
    here = [agent for node in asked.items if (agent := agents.on(node.name))]
    found = [LeaseRisk(**observed(one), node=one.node, kind="flannel") for one in here if one.leases_in_memory == "no"]
    new = [one for one in here if one.leases_in_memory == "yes"]
    return _risks(found, new if len(new) == len(asked.items) else [])


@fact("lease_directory_risks", LeaseRisks, kubectl="kubectl -n kube-system get cm kube-flannel-cfg -o yaml")
async def lease_directory_risks(facts: Facts) -> LeaseRisks:
    """Nodes in question whose leases lie on disk by the configuration, as written now or as taken up by the node."""
    asked, config, agents = await facts(nodes), await facts(flannel_config), await facts(flannel_pods)
    if not config.present or not config.valid or config.cni.shape == "none":
        return _risks([])
    setting = next(one for one in config.settings if one.key == "ipam.dataDir")
    found, in_force = [], []
    for node in asked.items:
        agent = agents.on(node.name)
        if not config.cni.leases_in_memory:
            found.append(LeaseRisk(**observed(setting), node=node.name, kind="directory"))
        elif agent is not None and agent.applied == "no":
            started = agent.model_copy(
                update={"field": "status.startTime", "value": "older than the last change of kube-flannel-cfg"}
            )
            found.append(LeaseRisk(**observed(started), node=node.name, kind="not_applied"))
        elif agent is not None and agent.applied == "yes":
            in_force.append(setting)
    return _risks(found, in_force if in_force and len(in_force) == len(asked.items) else [])


@fact("reboots", Reboots, kubectl="kubectl -n default get events --field-selector reason=Rebooted")
async def reboots(facts: Facts) -> Reboots:
    """Whether nodes in question were restarted lately, which leaves leases on disk without their pods."""
    found = tuple(
        event
        for event in (await facts(node_events)).items
        if event.kind == "Node" and not event.of_terway and event.reason == "Rebooted"
    )
    return Reboots(items=found, nodes=tuple(dict.fromkeys(event.name for event in found)), evidence=found)
