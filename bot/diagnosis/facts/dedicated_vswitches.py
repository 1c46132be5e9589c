"""Nodes with a ConfigMap of their own, whose pods shall have addresses of fixed vSwitches: how far that got."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from bot.diagnosis.facts.events import node_events
from bot.diagnosis.facts.node_configs import LABEL, NodeConfig, NodeConfigs, OwnConfig, node_configs
from bot.diagnosis.facts.nodes import SURVEYED, Nodes, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.terway_nodes import TerwayNode, terway_nodes
from bot.diagnosis.objects import at, items, labels, name, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["DedicatedVSwitches", "Step", "dedicated_vswitches", "failed_step", "wanted_config"]

Step = Literal["config_map", "json", "zone", "agent", "effective", "enis"]
"""What has to hold on a node, in this order: the ConfigMap is there; it can be read and has real ids; it lists the
node's zone; Terway is younger than it; Terway works with its vSwitches; all ENIs are in these."""

_SYSTEM_TAINTS = ("node.kubernetes.io/", "node-role.kubernetes.io/", "node.cloudprovider.kubernetes.io/")
_UNTOLERATED = re.compile(r"(?:untolerated taint|had taint) \{(?P<key>[^:=}\s]+)")
_NOT_SELECTED = re.compile(r"didn't match (?:Pod's )?node (?:affinity|selector)", re.IGNORECASE)


class DedicatedVSwitches(Fact):
    """Nodes whose label names a ConfigMap of their own.

    ``missing`` … ``other_enis``: nodes by the first step that fails there. ``label_missing``: a named pod asks for a
    node with the label, and none is there; ``not_placed``: one asks for it, but does not tolerate the node's taint, or
    tolerates the taint, but does not ask for the label and runs elsewhere.
    ``in_order``: every step holds on all of these nodes in question. ``untainted``: nodes that any pod may run on.
    """

    missing: tuple[Observation, ...]
    invalid: tuple[Observation, ...]
    zone_missing: tuple[Observation, ...]
    agent_older: tuple[Observation, ...]
    not_effective: tuple[Observation, ...]
    other_enis: tuple[Observation, ...]
    label_missing: tuple[Observation, ...]
    not_placed: tuple[Observation, ...]
    in_order: tuple[Observation, ...]
    untainted: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def failed_step(config: NodeConfig, own: OwnConfig, report: TerwayNode | None) -> Step | None:
    """Return the first step that fails on a node, None where none is seen to; two of them need the ``report``."""
    dedicated = set(config.own_vswitches or ())
    steps: tuple[tuple[Step, bool], ...] = (
        ("config_map", own.state in {"missing", "no_eni_conf"}),
        ("json", own.state == "invalid" or bool(own.placeholders)),
        ("zone", bool(config.zone) and not dedicated),
        ("agent", config.own_stale is True),
        ("effective", report is not None and set(report.vswitches) != dedicated),
        ("enis", report is not None and any(eni.vswitch not in dedicated for eni in report.enis if eni.occupies_slot)),
    )
    return next((step for step, fails in steps if fails), None)


def wanted_config(pod: Object) -> str:
    """Return the ConfigMap that a pod asks its node for by nodeSelector or required node affinity; empty for none."""
    if chosen := labels(pod, "spec", "nodeSelector").get(LABEL):
        return chosen
    required = at(pod, "spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    for term in items(required, "nodeSelectorTerms"):
        for expression in items(term, "matchExpressions"):
            if text(expression, "key") == LABEL and text(expression, "operator") == "In":
                return text(expression, "values", 0)
    return ""


def _seen(step: Step, config: NodeConfig, own: OwnConfig, report: TerwayNode | None) -> list[Observation]:
    """Return what shows that a step fails on a node."""
    base: Observation = config
    if step in {"config_map", "json"}:
        return [own.seen, config]
    if step == "agent":
        value = f"started {config.started_s} s ago; label or ConfigMap {own.name} changed {config.own_changed_s} s ago"
        return [base.model_copy(update={"field": "start of its Terway pod", "value": value})]
    if report is None or step == "zone":
        value = f"zone {config.zone}; ConfigMap {own.name}: {own.seen.value}"
        return [base.model_copy(update={"value": value}), own.seen]
    if step == "effective":
        update = {"field": "spec.eni.vSwitchOptions", "value": ", ".join(report.vswitches), "seen_at": None}
        return [report.model_copy(update=update), own.seen]
    dedicated = set(config.own_vswitches or ())
    return [*(eni for eni in report.enis if eni.occupies_slot and eni.vswitch not in dedicated), own.seen]


async def _raw(facts: Facts, pod: Pod) -> Object | None:
    return await facts.reads.get("pods", pod.name, pod.namespace)


async def _unplaced(facts: Facts, asked: Nodes, named: Sequence[Pod]) -> tuple[list[Observation], list[Observation]]:
    """Return the named pods that wait for a node with the label: those for lack of it, those for a taint on it."""
    no_label: list[Observation] = []
    no_toleration: list[Observation] = []
    for pod in named:
        if pod.stage != "unscheduled" or not pod.scheduling:
            continue
        found = await _raw(facts, pod)
        wanted = wanted_config(found) if found else ""
        if not wanted:
            continue
        said = pod.seen.model_copy(update={"field": "status.conditions[PodScheduled]", "value": pod.scheduling[:300]})
        labelled = [node for node in asked.items if node.labels.get(LABEL) == wanted]
        taints = {found["key"] for found in _UNTOLERATED.finditer(pod.scheduling)}
        own_taints = {taint for node in labelled for taint in node.taints if not taint.startswith(_SYSTEM_TAINTS)}
        if labelled and taints & own_taints:
            no_toleration += [said, labelled[0].seen]
        only = set(labels(found, "spec", "nodeSelector")) <= {LABEL}
        if not labelled and only and asked.complete and not asked.given and _NOT_SELECTED.search(pod.scheduling):
            no_label.append(said)
    return no_label, no_toleration


async def _strayed(facts: Facts, asked: Nodes, named: Sequence[Pod]) -> list[Observation]:
    """Return the named pods that run on a node without the label, yet tolerate the taint of one that has it."""
    plain = {node.name for node in asked.items if not node.labels.get(LABEL)}
    strayed: list[Observation] = []
    for pod in named:
        found = await _raw(facts, pod) if pod.node in plain and not pod.host_network else None
        if found is None or wanted_config(found):
            continue
        tolerated = {key for one in items(found, "spec", "tolerations") if (key := text(one, "key"))}
        tolerated = {key for key in tolerated if not key.startswith(_SYSTEM_TAINTS)}
        if not tolerated:
            continue
        for node in (await facts.reads.list("nodes", limit=SURVEYED)).items:
            own = {text(taint, "key") for taint in items(node, "spec", "taints")}
            if labels(node).get(LABEL) and own & tolerated:
                shown = (
                    f"tolerates {', '.join(sorted(own & tolerated))} of node {name(node)}, without nodeSelector {LABEL}"
                )
                strayed.append(pod.seen.model_copy(update={"field": "spec.nodeSelector", "value": shown}))
                break
    return strayed


def _in_order(
    found: Sequence[tuple[NodeConfig, TerwayNode | None]], raw: Mapping[str, Object | None], named: Sequence[Pod]
) -> list[Observation]:
    """Return that every step holds, for all nodes and the named pods on them; nothing where one is open."""
    if not found or any(report is None or config.own_stale is None for config, report in found):
        return []
    by_node = {config.node: report for config, report in found}
    shown: list[Observation] = []
    for config, report in found:
        shown += [config, *([report] if report else [])]
    for pod in named:
        report = by_node.get(pod.node)
        eni = report.eni_of(pod.key, pod.ips) if report else None
        held = raw.get(pod.key)
        if eni is None or held is None or not wanted_config(held):
            return []
        shown.append(eni)
    return shown


@fact(
    "dedicated_vswitches",
    DedicatedVSwitches,
    needs=[Needs("pods", "get"), Needs("nodes", "list")],
    kubectl=f"kubectl get node -L {LABEL},topology.kubernetes.io/zone",
)
async def dedicated_vswitches(facts: Facts) -> DedicatedVSwitches:
    """How far the settings got that give pods of certain nodes addresses of fixed vSwitches, step by step."""
    asked, waiting, main = await asyncio.gather(facts(nodes), facts(pods), facts(plugin))
    labelled = [node for node in asked.items if node.labels.get(LABEL)] if main.name == "terway" else []
    configs = await facts(node_configs) if labelled else None
    needed = Partial(facts)
    reported = await needed(terway_nodes) if labelled else None
    own = {one.name: one for one in configs.own} if configs else {}
    named = waiting.items if waiting.given else ()
    by_step: dict[Step, list[Observation]] = {}
    found: list[tuple[NodeConfig, TerwayNode | None]] = []
    for node in labelled:
        config = configs.named(node.name) if configs else None
        told = own.get(node.labels[LABEL])
        if config is None or told is None:
            continue
        report = reported.usable(node.name) if reported else None
        found.append((config, report))
        step = failed_step(config, told, report)
        if step:
            by_step.setdefault(step, []).extend(_seen(step, config, told, report))
    if "config_map" in by_step and (events := await needed(node_events)):
        by_step["config_map"] += [
            one for one in events.items if one.reason == "ConfigError" and "error get configmap" in one.message
        ]
    strayed = await _strayed(facts, asked, named) if main.name == "terway" else []
    no_label, no_toleration = await _unplaced(facts, asked, named) if main.name == "terway" else ([], [])
    raw = {pod.key: await _raw(facts, pod) for pod in named} if found and not by_step else {}
    in_order = [] if by_step else _in_order(found, raw, named)
    if found and not by_step and not in_order:
        needed.require()
    return DedicatedVSwitches(
        missing=tuple(by_step.get("config_map", ())),
        invalid=tuple(by_step.get("json", ())),
        zone_missing=tuple(by_step.get("zone", ())),
        agent_older=tuple(by_step.get("agent", ())),
        not_effective=tuple(by_step.get("effective", ())),
        other_enis=tuple(by_step.get("enis", ())),
        label_missing=tuple(no_label),
        not_placed=(*no_toleration, *strayed),
        in_order=tuple(in_order) if asked.given else (),
        untainted=tuple(node.seen for node in labelled if not node.taints),
        evidence=tuple(_configs(configs)),
    )


def _configs(configs: NodeConfigs | None) -> list[NodeConfig]:
    return [one for one in configs.items if one.own] if configs else []
