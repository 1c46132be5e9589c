"""Whether pods get no address because the vSwitch that Terway takes them from has none left."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.address_failures import SHORTAGE
from bot.diagnosis.facts.address_survey import AddressSurvey, NodeSituation, survey
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["VSwitchShortage", "shortage_of", "vswitch_shortage"]


class VSwitchShortage(Fact):
    """A vSwitch without free addresses, as far as the cluster tells.

    ``exhausted``: what says so of a vSwitch of the node; ``quota``: the cloud's code that may also mean a quota.
    ``likely``: no text says so, but condition, idle addresses and free ENI slots together. ``unread_change``,
    ``other_zone``, ``overridden``: why an added vSwitch does not help where one is exhausted. ``excluded``: what rules
    it out for all nodes in question.
    """

    exhausted: tuple[Observation, ...]
    quota: tuple[Observation, ...]
    likely: tuple[Observation, ...]
    unread_change: tuple[Observation, ...]
    other_zone: tuple[Observation, ...]
    overridden: tuple[Observation, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def shortage_of(found: AddressSurvey) -> VSwitchShortage:
    """Decide by what was gathered of the nodes in question."""
    exhausted: list[Observation] = []
    quota: list[Observation] = []
    likely: list[Observation] = []
    short: list[NodeSituation] = []
    for at in found.nodes:
        if not _may_be_short(at):
            continue
        told = [one for one in at.of(*SHORTAGE) if at.concerns(one)]
        exhausted += [one for one in told if one.code == "vswitch_exhausted"]
        quota += [one for one in told if one.code == "address_quota"]
        weak = () if told else _likely(at)
        likely += weak
        if told or weak:
            short.append(at)
    return VSwitchShortage(
        exhausted=tuple(exhausted),
        quota=tuple(quota),
        likely=tuple(likely),
        unread_change=tuple(one for at in short if (one := _unread_change(at))),
        other_zone=tuple(one for at in short if (one := _other_zone(at))),
        overridden=tuple(one for at in short if (one := _overridden(at))),
        excluded=tuple(_excluded(found)) if not short else (*found.excluded,),
        evidence=(*exhausted, *quota, *likely),
    )


def _may_be_short(at: NodeSituation) -> bool:
    """Tell whether nothing on the node outranks a shortage: its agent, idle addresses, the number of ENIs."""
    return not (at.agent_broken or at.idle or at.full or (at.blocked and at.unused_vswitches) or at.of("eni_quota"))


def _likely(at: NodeSituation) -> tuple[Observation, ...]:
    """Say that a shortage is likely: a pod waits, no address is idle, an ENI could be added, nothing else is told."""
    condition, report = at.short_of_addresses, at.report
    if not (at.stuck and condition and report and report.free_slots) or report.prefixes:
        return ()
    if any(one.code != "allocation_timeout" for one in at.failures):
        return ()
    settled = all(eni.status == "InUse" and not eni.condition("OperationErr") for eni in report.enis)
    return (condition, report) if settled else ()


def _unread_change(at: NodeSituation) -> Observation | None:
    """Say that the node's Terway is older than its settings and works with fewer vSwitches than these list."""
    config = at.config
    if config is None or not config.stale:
        return None
    in_effect = at.report.vswitches if at.report else ()
    if in_effect and set(config.vswitches) <= set(in_effect):
        return None
    return config.model_copy(
        update={
            "field": "start of its Terway pod",
            "value": f"{config.started_s} s ago; what it is told last changed {config.changed_s} s ago: "
            f"vSwitches {', '.join(config.vswitches)}",
        }
    )


def _other_zone(at: NodeSituation) -> Observation | None:
    return at.config if at.config and at.config.other_zones and at.config.zone else None


def _overridden(at: NodeSituation) -> Observation | None:
    """Say that the node's own ConfigMap lists other vSwitches for its zone than eni-config does."""
    config = at.config
    if config is None or config.own_vswitches is None:
        return None
    return config if set(config.base_vswitches) - set(config.own_vswitches) else None


def _excluded(found: AddressSurvey) -> list[Observation]:
    why = [*found.excluded, *found.other_cause]
    idle = [bool(at.idle) for at in found.nodes]
    if found.all_nodes(idle):
        why += [one for at in found.nodes for one in at.idle]
    if found.all_nodes([at.full for at in found.nodes]):
        why += [at.report for at in found.nodes if at.report]
    quota = [one for at in found.nodes for one in at.of("eni_quota")]
    if quota and not any(at.of(*SHORTAGE) for at in found.nodes):
        why += quota
    return why


@fact(
    "vswitch_shortage",
    VSwitchShortage,
    needs=[Needs("pods/log", "get", "kube-system")],
    kubectl="kubectl describe pod <pod>; kubectl get nodes.network.alibabacloud.com <node> -o yaml",
)
async def vswitch_shortage(facts: Facts) -> VSwitchShortage:
    """Whether a vSwitch of the nodes in question has no address left, by events, conditions, resources and logs."""
    found, main = await asyncio.gather(survey(facts), facts(plugin))
    decided = shortage_of(found)
    if main.name != "terway":
        return VSwitchShortage(
            exhausted=(), quota=(), likely=(), unread_change=(), other_zone=(), overridden=(), excluded=(), evidence=()
        )
    if not (decided.evidence or decided.excluded):
        found.needed.require()
    return decided
