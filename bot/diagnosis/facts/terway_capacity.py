"""How many pods Terway has addresses for on a node, and what keeps it below its instance type."""

from __future__ import annotations

import asyncio
import json
from typing import Literal

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.eni_modes import Mode, eni_modes
from bot.diagnosis.facts.node_configs import node_configs
from bot.diagnosis.facts.node_pods import node_pods
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.terway_nodes import TerwayNode, terway_nodes
from bot.diagnosis.objects import number
from bot.diagnosis.observation import Fact, Observation

__all__ = ["Capacities", "Capacity", "capacity_of", "terway_capacity"]

_ANNOTATED = "k8s.aliyun.com/max-available-ip"
_INSTANCE_TYPE = "alibabacloud.com/instance-type-info"
_WRONG = (1, 11, 0)
_PREFIX_SIZE = 16
_SHOWN = 10
_RESOURCES = ("aliyun/eni", "aliyun/member-eni", "aliyun/erdma")


class Capacity(Observation):
    """What a node has addresses for. ``limit``: by its instance type; ``pods``: by what Terway may use of it.

    ``source``: where the numbers are from. ``allocatable``: what the scheduler may place of pods with an address of
    their own, None where the pods on the node's network could not be counted.
    """

    node: str
    limit: int
    pods: int
    source: Literal["terway_node", "annotation", "instance_type"]
    mode: Mode | None
    allocatable: int | None


class Capacities(Fact):
    """Capacities of the nodes in question.

    ``shared`` and ``exclusive`` are those of each mode. ``overplaced``: nodes where the scheduler may place more pods
    than have addresses. ``capped``: nodes that may use fewer ENIs than their type has. ``wrong_annotation``: nodes
    whose annotation v1.11.0 wrote. ``used_up``: pods for which no node has a resource of Terway's left.
    """

    items: tuple[Capacity, ...]
    shared: tuple[Capacity, ...]
    exclusive: tuple[Capacity, ...]
    overplaced: tuple[Capacity, ...]
    capped: tuple[Observation, ...]
    wrong_annotation: tuple[Observation, ...]
    used_up: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def capacity_of(
    adapters: int, per_eni: int, mode: Mode | None, *, prefixes: bool = False, total: int | None = None
) -> int:
    """Return for how many pods an instance has addresses; ``adapters`` counts the primary ENI, which serves none.

    ``prefixes``: ENIs hold ranges of 16 addresses; ``total`` is the number of adapters that counts then.
    """
    if mode == "exclusive":
        return max(0, adapters - 1)
    if prefixes:
        return max(0, per_eni - 1) * _PREFIX_SIZE * max(0, (total or adapters) - 1)
    return max(0, adapters - 1) * per_eni


def _from_report(report: TerwayNode, mode: Mode | None) -> tuple[int, int] | None:
    adapters, per_eni = report.adapters, report.addresses_per_eni
    if adapters is None or per_eni is None:
        return None
    limit = capacity_of(adapters, per_eni, mode, prefixes=report.prefixes, total=report.total_adapters)
    if report.slots is None or mode == "exclusive" or report.prefixes:
        return limit, limit
    return limit, min(limit, max(0, report.slots - report.trunk_or_erdma_slots) * per_eni)


def _from_annotations(node: Node, mode: Mode | None, version: tuple[int, ...]) -> tuple[str, int] | None:
    """Return the annotation that tells a node's capacity, and the capacity."""
    annotated = node.annotations.get(_ANNOTATED, "")
    if annotated.isdecimal() and version[:3] != _WRONG:
        return _ANNOTATED, int(annotated)
    try:
        told = json.loads(node.annotations.get(_INSTANCE_TYPE, ""))
    except (ValueError, RecursionError):
        return None
    adapters, per_eni = number(told, "EniQuantity"), number(told, "EniPrivateIpAddressQuantity")
    if adapters is None or per_eni is None:
        return None
    return _INSTANCE_TYPE, capacity_of(adapters, per_eni, mode)


def _capacity(
    node: Node, report: TerwayNode | None, mode: Mode | None, version: tuple[int, ...], own_network: int | None
) -> Capacity | None:
    reported = _from_report(report, mode) if report else None
    annotated = None if reported else _from_annotations(node, mode, version)
    allocatable = max(0, node.max_pods - own_network) if node.max_pods is not None and own_network is not None else None
    where: Observation
    source: Literal["terway_node", "annotation", "instance_type"]
    if reported and report:
        limit, usable = reported
        where, source, field = report, "terway_node", "spec.nodeCap"
        shown = f"{report.adapters} ENIs of {report.addresses_per_eni} addresses"
    elif annotated:
        key, limit = annotated
        usable, where, source = limit, node.seen, "annotation" if key == _ANNOTATED else "instance_type"
        field, shown = f"metadata.annotations[{key}]", f"{mode or 'unknown'} mode"
    else:
        return None
    room = f"; status.allocatable.pods is {node.max_pods}" if node.max_pods is not None else ""
    return Capacity(
        object=where.object,
        field=field,
        value=f"{shown}: addresses for {usable} pods{room}",
        kubectl=where.kubectl,
        node=node.name,
        limit=limit,
        pods=usable,
        source=source,
        mode=mode,
        allocatable=allocatable,
    )


@fact("terway_capacity", Capacities, kubectl="kubectl get nodes.network.alibabacloud.com <node> -o yaml")
async def terway_capacity(facts: Facts) -> Capacities:
    """For how many pods the nodes in question have addresses, against what the scheduler may place there."""
    needed, extra = Partial(facts), Partial(facts)
    (main, asked, modes, reported), (configs, running, there, waiting) = await asyncio.gather(
        asyncio.gather(facts(plugin), facts(nodes), facts(eni_modes), needed(terway_nodes)),
        asyncio.gather(extra(node_configs), extra(agents), extra(node_pods), extra(pods)),
    )
    found: list[Capacity] = []
    capped: list[Observation] = []
    wrong: list[Observation] = []
    for node in asked.items[:_SHOWN] if main.name == "terway" else ():
        report = reported.named(node.name) if reported else None
        versions = [one.version for one in running.of("terway", node.name)] if running else []
        version = versions[0] if versions else main.version
        counted = there is not None and there.complete and node.name in there.nodes
        own = sum(pod.node == node.name and pod.host_network for pod in there.items) if there and counted else None
        one = _capacity(node, report, modes.of(node.name), version, own)
        found += [one] if one else []
        told = configs.named(node.name) if configs else None
        if report and report.slots is not None and report.adapters and report.slots < report.adapters - 1 and told:
            capped.append(
                report.model_copy(
                    update={"field": "spec.flavor", "value": f"{report.slots} of {report.adapters - 1} secondary ENIs"}
                )
            )
        if version[:3] == _WRONG and _ANNOTATED in node.annotations:
            value = f"{node.annotations[_ANNOTATED]}, written by Terway v1.11.0"
            wrong.append(node.seen.model_copy(update={"field": f"metadata.annotations[{_ANNOTATED}]", "value": value}))
    if not found:
        needed.require()
    return Capacities(
        items=tuple(found),
        shared=tuple(one for one in found if one.mode == "shared"),
        exclusive=tuple(one for one in found if one.mode == "exclusive"),
        overplaced=tuple(one for one in found if one.allocatable is not None and one.allocatable > one.pods),
        capped=tuple(capped),
        wrong_annotation=tuple(wrong),
        used_up=tuple(
            pod.seen.model_copy(update={"field": "status.conditions[PodScheduled]", "value": pod.scheduling[:300]})
            for pod in (waiting.items if waiting else ())
            if any(f"Insufficient {resource}" in pod.scheduling for resource in _RESOURCES)
        ),
        evidence=tuple(found),
    )
