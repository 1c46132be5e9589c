"""Whether Terway enforces NetworkPolicies on the nodes in question, and whether the switch for it has been read."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.agents import Agent, agents
from bot.diagnosis.facts.eni_config import POLICY_ON, EniConfig, Setting, eni_config
from bot.diagnosis.facts.eni_modes import EniModes, eni_modes
from bot.diagnosis.facts.node_configs import NodeConfigs, node_configs
from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import Pods, pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.terway_nodes import TerwayNodes, terway_nodes
from bot.diagnosis.objects import text
from bot.diagnosis.observation import Fact, Observation

__all__ = ["PolicyEnforcement", "policy_enforcement"]


class PolicyEnforcement(Fact):
    """Enforcement of policies on the nodes in question.

    ``on``: what says that it is on, on nodes where the mode allows it. ``misplaced``: the switch stands only where
    Terway does not look. ``not_read``: it is set, but pods were set up since by a Terway that is older than it.
    ``off``: why it is off on all nodes in question. ``unhealthy``: policy agents that are not ready or crash.
    """

    on: tuple[Observation, ...]
    misplaced: tuple[Observation, ...]
    not_read: tuple[Observation, ...]
    off: tuple[Observation, ...]
    unhealthy: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def unhealthy_policy_agent(agent: Agent) -> bool:
    """Tell whether the policy container of a Terway pod is in trouble."""
    return "policy" in agent.not_ready or (agent.crashing and "policy:" in agent.last_exit)


def _not_read(
    switch: Setting, configs: NodeConfigs, waiting: Pods | None, reported: TerwayNodes | None, config: EniConfig
) -> list[Observation]:
    """Return the nodes whose Terway is older than the switch, where nothing suggests that something else was changed.

    The time of a change is that of the whole ConfigMap. It is taken for the switch's only where the node is seen to
    work with the vSwitches that the ConfigMap lists (where it reports any: only with central IPAM), and where a pod was
    set up since, or no other flag may have come with it.
    """
    reports = text(config.settings, "ipam_type") == "crd"
    stale: list[Observation] = []
    for one in configs.items:
        changed = switch.changed_s
        if one.started_s is None or changed is None or one.started_s <= changed:
            continue
        report = reported.usable(one.node) if reported else None
        if report is None and reports:
            continue
        if report is not None and not one.fallback and set(report.vswitches) != set(one.vswitches):
            continue
        since = (
            [pod for pod in waiting.items if pod.node == one.node and (pod.started_s or 0) < changed] if waiting else []
        )
        alone = config.honoured("in_cluster_loadbalance") is None
        if since or (alone and not (waiting and waiting.given)):
            shown = f"{one.started_s} s ago, before the last change of eni-config {changed} s ago"
            stale.append(one.model_copy(update={"field": "start of its Terway pod", "value": shown}))
    return [switch, *stale] if stale else []


def _off(config: EniConfig, modes: EniModes, configs: NodeConfigs | None) -> list[Observation]:
    """Return why policies are enforced on none of the nodes; nothing where that is not so or not known of one."""
    why: list[Observation] = []
    for mode in modes.items:
        if mode.unmanaged or mode.mode == "exclusive":
            why.append(mode)
            continue
        read = configs.named(mode.node) if configs else None
        changed = config.policy_off[0].changed_s if config.policy_off else None
        if changed is None or read is None or read.started_s is None or read.started_s > changed:
            return []
        why += [*config.policy_off, read]
    return list({(one.object, one.field): one for one in why}.values())


@fact("policy_enforcement", PolicyEnforcement, kubectl="kubectl -n kube-system get cm eni-config -o yaml")
async def policy_enforcement(facts: Facts) -> PolicyEnforcement:
    """Whether Terway enforces NetworkPolicies: the switch at its place, whether it was read, mode and agents."""
    partial = Partial(facts)
    (asked, modes, config), (configs, running, waiting, reported) = await asyncio.gather(
        asyncio.gather(facts(nodes), facts(eni_modes), facts(eni_config)),
        asyncio.gather(partial(node_configs), partial(agents), partial(pods), partial(terway_nodes)),
    )
    mine = (await facts(plugin)).name == "terway"
    # A pod that still waits for its network cannot be slow after its start.
    starting = waiting is not None and bool(waiting.stuck)
    unhealthy = [one for one in running.of("terway") if unhealthy_policy_agent(one)] if running else []
    on = config.policy_on if mine and modes.shared else ()
    meant_off = [one for one in config.policy_ignored if one.text not in POLICY_ON]
    misplaced = meant_off if mine and on and not starting else ()
    not_read: list[Observation] = []
    if mine and config.policy_off and modes.shared and configs and not starting:
        not_read = _not_read(config.policy_off[0], configs, waiting, reported, config)
    known = asked.given or asked.complete
    return PolicyEnforcement(
        on=on,
        misplaced=tuple(misplaced),
        not_read=tuple(not_read),
        off=tuple(_off(config, modes, configs)) if mine and known and not not_read else (),
        unhealthy=tuple(unhealthy),
        evidence=(*on, *misplaced, *not_read),
    )
