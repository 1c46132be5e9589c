"""Whether pods get no address because their node has as many ENIs as it may have."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.address_survey import AddressSurvey, NodeSituation, survey
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.observation import Fact, Observation

__all__ = ["EniQuota", "eni_quota", "quota_of"]


class EniQuota(Fact):
    """A node's ENIs against what it may have.

    ``used_up``: all slots hold ENIs, and these are full, or in short vSwitches while Terway may use another one.
    ``refused``: the cloud or Terway said that the instance takes no more ENIs. ``capped``: the settings allow fewer
    than the instance type, and these are full. ``foreign``: refused although Terway knows of fewer than it may have.
    ``excluded``: what rules it out for all nodes in question.
    """

    used_up: tuple[Observation, ...]
    refused: tuple[Observation, ...]
    capped: tuple[Observation, ...]
    foreign: tuple[Observation, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def quota_of(found: AddressSurvey) -> EniQuota:
    """Decide by what was gathered of the nodes in question."""
    used_up: list[Observation] = []
    refused: list[Observation] = []
    capped: list[Observation] = []
    foreign: list[Observation] = []
    for at in found.nodes:
        if at.agent_broken or at.idle:
            continue
        told = at.of("eni_quota")
        refused += told
        if told and at.report and at.report.free_slots:
            foreign += [*told, at.report]
        # A short vSwitch is the cause itself, unless there is another one that the node has no slot left for.
        no_room = at.full or (at.blocked and at.unused_vswitches)
        if no_room and at.report and _in_trouble(at):
            used_up += [at.report, *at.report.enis]
            capped += _cap(at)
    decided = bool(used_up or refused or capped)
    return EniQuota(
        used_up=tuple(used_up),
        refused=tuple(refused),
        capped=tuple(capped),
        foreign=tuple(foreign),
        excluded=tuple(found.excluded if decided else _excluded(found)),
        evidence=(*refused, *used_up, *capped),
    )


def _in_trouble(at: NodeSituation) -> bool:
    return bool(at.stuck or at.short_of_addresses) and not at.other_cause


def _cap(at: NodeSituation) -> list[Observation]:
    """Return what keeps the node below the limit of its instance type: a setting and the slots that it leaves."""
    report, config = at.report, at.config
    if report is None or config is None or report.slots is None or report.adapters is None:
        return []
    if report.slots >= report.adapters - 1 or (config.max_eni is None and config.eni_cap_ratio is None):
        return []
    settings = {"max_eni": config.max_eni, "eni_cap_ratio": config.eni_cap_ratio}
    shown = ", ".join(f"{key} {value}" for key, value in settings.items() if value is not None)
    return [
        report.model_copy(
            update={
                "field": "spec.flavor",
                "value": f"{report.slots} of {report.adapters - 1} secondary ENIs ({shown})",
            }
        )
    ]


def _excluded(found: AddressSurvey) -> list[Observation]:
    why = [*found.excluded, *found.other_cause]
    room = [bool(at.idle or (at.report and at.report.free_slots)) for at in found.nodes]
    if found.all_nodes(room):
        why += [at.report for at in found.nodes if at.report]
    return why


@fact(
    "eni_quota",
    EniQuota,
    needs=[Needs("pods/log", "get", "kube-system")],
    kubectl="kubectl get nodes.network.alibabacloud.com <node> -o yaml",
)
async def eni_quota(facts: Facts) -> EniQuota:
    """Whether the nodes in question have all the ENIs they may have, by Terway's resources and by what was refused."""
    found, main = await asyncio.gather(survey(facts), facts(plugin))
    if main.name != "terway":
        return EniQuota(used_up=(), refused=(), capped=(), foreign=(), excluded=(), evidence=())
    decided = quota_of(found)
    if not (decided.evidence or decided.excluded):
        found.needed.require()
    return decided
