"""All that tells why pods on the nodes in question get no address, gathered for the entries that tell causes apart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.diagnosis.facts.address_failures import (
    OTHER_TROUBLE,
    SHORTAGE,
    AddressFailure,
    failures_in_log,
    of_enis,
    of_node_events,
    of_pods,
    superseded,
)
from bot.diagnosis.facts.agents import Agent, Agents, agents
from bot.diagnosis.facts.eni_modes import EniModes, eni_modes
from bot.diagnosis.facts.events import Events, node_events, pod_events
from bot.diagnosis.facts.node_configs import NodeConfig, NodeConfigs, node_configs
from bot.diagnosis.facts.nodes import Node, Nodes, named_only, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.pods import Pod, Pods, pods
from bot.diagnosis.facts.registry import Facts
from bot.diagnosis.facts.sandbox import SandboxFailures, sandbox_failures
from bot.diagnosis.facts.terway_nodes import Eni, TerwayNode, TerwayNodes, terway_nodes
from bot.diagnosis.observation import Observation
from bot.diagnosis.reader import LogWindow, Unreadable

__all__ = ["AddressSurvey", "NodeSituation", "survey"]

_LOG = LogWindow(since_seconds=3600, limit_bytes=192 * 1024)
_MAX_LOGS = 2
_UNDECIDED = frozenset({"allocation_timeout", "no_capacity", "other"})


@dataclass
class NodeSituation:
    """A node in question and what is told of addresses there.

    ``report`` is Terway's Node resource where ENIs may be counted in it. ``stuck``: pods that wait for their network.
    ``failures`` are those that still hold.
    """

    node: Node
    report: TerwayNode | None
    config: NodeConfig | None
    agent: Agent | None
    agent_absent: bool
    stuck: tuple[Pod, ...]
    failures: list[AddressFailure] = field(default_factory=list)

    @property
    def agent_broken(self) -> bool:
        """Whether the node's Terway itself is in trouble, which outranks all other causes."""
        return self.agent_absent or (self.agent is not None and (self.agent.init_failed or self.agent.crashing))

    @property
    def idle(self) -> Sequence[Observation]:
        """The ENIs with addresses that Terway could give out at once."""
        return self.report.idle if self.report else ()

    @property
    def full(self) -> bool:
        """Whether all ENIs that the node may have are there, and none takes another address."""
        return self._slots_used and not self._prefixes and all(eni.full for eni in self._enis)

    @property
    def blocked(self) -> bool:
        """Whether all ENIs that the node may have are there, each full or in a vSwitch that is short."""
        return self._slots_used and all(eni.full or eni.condition("InsufficientIP") for eni in self._enis)

    @property
    def unused_vswitches(self) -> tuple[str, ...]:
        """VSwitches that Terway may use on the node and has no ENI in."""
        used = {eni.vswitch for eni in self._enis}
        return tuple(one for one in self.report.vswitches if one not in used) if self.report else ()

    @property
    def short_of_addresses(self) -> Observation | None:
        """The node's condition SufficientIP where it says that it has not enough."""
        condition = self.node.condition("SufficientIP")
        return condition.seen if condition and condition.status == "False" else None

    @property
    def other_cause(self) -> list[AddressFailure]:
        """The failures of pods that name a cause of their own, where nothing speaks for a shortage or the ENI limit."""
        named = [one for one in self.of(*OTHER_TROUBLE) if one.source == "pod"]
        return [] if self.of(*SHORTAGE, "eni_quota") else named

    def of(self, *codes: str) -> list[AddressFailure]:
        """Return the failures with these codes."""
        return [one for one in self.failures if one.code in codes]

    def concerns(self, failure: AddressFailure) -> bool:
        """Tell whether the vSwitches that a failure names are the node's; True where it names none or none is known."""
        configured = set(self.report.vswitches) if self.report else set(self.config.vswitches) if self.config else set()
        return not failure.vswitches or not configured or bool(configured.intersection(failure.vswitches))

    @property
    def _enis(self) -> list[Eni]:
        return [eni for eni in self.report.enis if eni.occupies_slot] if self.report else []

    @property
    def _prefixes(self) -> bool:
        # An ENI full of prefixes may have addresses left within them, which are not reported one by one.
        return self.report is not None and self.report.prefixes

    @property
    def _slots_used(self) -> bool:
        return self.report is not None and self.report.free_slots == 0 and bool(self._enis)


@dataclass
class AddressSurvey:
    """The nodes in question. ``pointed``: the question points at them; ``complete``: there are no others.

    ``excluded`` says why the pods in question wait for no address of Terway's; ``other_cause`` are their failures where
    these name another cause. ``needed`` tells what could not be read and may matter.
    """

    nodes: list[NodeSituation]
    pointed: bool
    complete: bool
    excluded: list[Observation]
    other_cause: list[Observation]
    needed: Partial

    def all_nodes(self, holds: list[bool]) -> bool:
        """Tell whether something holds on all nodes that can be meant."""
        return bool(holds) and all(holds) and (self.pointed or self.complete)


async def survey(facts: Facts) -> AddressSurvey:
    """Gather what tells why pods get no address; what cannot be read is left out and kept in ``needed``."""
    needed, extra = Partial(facts), Partial(facts)
    (asked, waiting, failed, happened, events), (reported, configs, running, modes) = await asyncio.gather(
        asyncio.gather(
            _nodes_in_question(facts), needed(pods), needed(sandbox_failures), needed(pod_events), needed(node_events)
        ),
        asyncio.gather(needed(terway_nodes), extra(node_configs), extra(agents), extra(eni_modes)),
    )
    found = [_situation(node, waiting, reported, configs, running) for node in asked.items]
    by_name = {one.node.name: one for one in found}
    # A namespace without pods that wait has no node in question; what other nodes report is not its trouble.
    concerned = asked.given or not facts.scope.namespace
    for failure in _failures(found, waiting, failed, happened, events) if concerned else ():
        at = by_name.get(failure.node)
        if at and failure.current and not _superseded(failure, at):
            at.failures.append(failure)
    for at in _unclear(found)[:_MAX_LOGS]:
        at.failures += await _logged(facts, at, needed)
    return AddressSurvey(
        nodes=found,
        pointed=asked.given,
        complete=asked.complete and (reported is None or reported.complete),
        excluded=_excluded(waiting, failed, modes),
        other_cause=_other_cause(found),
        needed=needed,
    )


async def _nodes_in_question(facts: Facts) -> Nodes:
    """Return the nodes in question; of those that a paste only names as where its pods are, nothing else is known.

    Where it does not even name them, that of the pods that wait for their network has no name.
    """
    try:
        return await facts(nodes)
    except Unreadable as error:
        asked = await facts(pods)
        names = {pod.node for pod in asked.items if pod.node} or {pod.node for pod in asked.stuck}
        if error.reason != "not_captured" or not names:
            raise
        return named_only(sorted(names))


def _situation(
    node: Node,
    waiting: Pods | None,
    reported: TerwayNodes | None,
    configs: NodeConfigs | None,
    running: Agents | None,
) -> NodeSituation:
    here = running.of("terway", node.name) if running else ()
    absent = running.absent if running else ()
    return NodeSituation(
        node=node,
        report=reported.usable(node.name) if reported else None,
        config=configs.named(node.name) if configs else None,
        agent=here[0] if here else None,
        agent_absent=any(one.object == f"Node {node.name}" and "terway" in one.value for one in absent),
        stuck=tuple(pod for pod in waiting.stuck if pod.node == node.name) if waiting else (),
    )


def _failures(
    found: Sequence[NodeSituation],
    waiting: Pods | None,
    failed: SandboxFailures | None,
    happened: Events | None,
    events: Events | None,
) -> list[AddressFailure]:
    succeeded: dict[str, int] = {}
    for event in happened.items if happened else ():
        if event.reason == "AllocIPSucceed" and event.age_s is not None:
            key = f"{event.namespace}/{event.name}"
            succeeded[key] = min(event.age_s, succeeded.get(key, event.age_s))
    told = of_pods(failed.items, waiting, succeeded) if failed and waiting else []
    told += of_node_events(events.items) if events else []
    return told + [one for at in found if at.report for one in of_enis(at.report)]


def _superseded(failure: AddressFailure, at: NodeSituation) -> bool:
    return superseded(failure.age_s, failure.code, at.config, at.agent, central=at.report is not None)


def _unclear(found: Sequence[NodeSituation]) -> list[NodeSituation]:
    """Return the nodes of daemon IPAM where pods wait and nothing says why: there Terway's log may."""
    return [
        at
        for at in found
        if at.stuck and at.agent and not at.report and not any(one.code not in _UNDECIDED for one in at.failures)
    ]


async def _logged(facts: Facts, at: NodeSituation, needed: Partial) -> list[AddressFailure]:
    assert at.agent is not None
    try:
        log = await facts.reads.log(at.agent.pod, "terway", _LOG)
    except Unreadable as error:
        needed.note(error)
        return []
    told = failures_in_log(log or "", at.agent, await facts.reads.now())
    return [one for one in told if one.current and not _superseded(one, at)]


def _excluded(waiting: Pods | None, failed: SandboxFailures | None, modes: EniModes | None) -> list[Observation]:
    why: list[Observation] = [*waiting.excluded] if waiting else []
    why += modes.all_unmanaged if modes else ()
    if failed and not failed.current and waiting and waiting.given:
        # What the scheduler said before it found a node is over.
        why += [one for one in failed.elsewhere if one.field != "event FailedScheduling"]
    return why


def _other_cause(found: Sequence[NodeSituation]) -> list[Observation]:
    """Return the pods' failures where these name a cause of their own on all nodes where pods wait."""
    others = [at.other_cause for at in found if at.stuck]
    return [one for named in others for one in named] if all(others) else []
