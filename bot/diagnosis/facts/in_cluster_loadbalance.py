"""Whether calls to LoadBalancer and ExternalIP addresses are balanced within the cluster."""

from __future__ import annotations

import asyncio

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.datapaths import DataPaths, datapaths
from bot.diagnosis.facts.eni_config import KUBECTL, Setting, eni_config
from bot.diagnosis.facts.node_configs import NodeConfigs, node_configs
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.facts.terway_start_logs import StartSigns, terway_start_logs
from bot.diagnosis.objects import at, items, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["InClusterLoadBalance", "concerns_service", "in_cluster_loadbalance"]

_KEY = "in_cluster_loadbalance"
_SINCE = (1, 2, 0)


class InClusterLoadBalance(Fact):
    """The switch in_cluster_loadbalance and what comes of it on the nodes in question.

    ``enabled``: it is on at its place, was read, and the data path honours it. ``absent``, ``misplaced``,
    ``wrong_value``: why it is off; ``not_read``: Terway is older than its last change. ``excluded``: why it does not
    matter here (no acceleration, Terway too old, another kind of Service).
    """

    enabled: tuple[Observation, ...]
    absent: tuple[Observation, ...]
    misplaced: tuple[Observation, ...]
    wrong_value: tuple[Observation, ...]
    not_read: tuple[Observation, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def concerns_service(service: Object) -> bool:
    """Tell whether a Service has addresses that the switch is about: of a load balancer, or externalIPs."""
    return text(service, "spec", "type") == "LoadBalancer" or bool(at(service, "spec", "externalIPs"))


def _enabled(
    switch: Setting, paths: DataPaths, configs: NodeConfigs | None, signs: StartSigns | None
) -> tuple[Observation, ...]:
    """Return what shows on every node in question that the switch has effect; nothing where that is open for one."""
    shown: list[Observation] = [switch]
    for path in paths.items:
        logged = [one for one in signs.items if one.node == path.node and one.kind == "loadbalance_on"] if signs else []
        config = configs.named(path.node) if configs else None
        read = config is not None and config.started_s is not None and switch.changed_s is not None
        if logged:
            shown += logged[:1]
        elif path.accelerated and read and config and (config.started_s or 0) <= (switch.changed_s or 0):
            shown.append(path)
        else:
            return ()
    return tuple(shown) if paths.items else ()


def _not_read(switch: Setting, configs: NodeConfigs | None) -> list[Observation]:
    stale = [
        one.model_copy(
            update={
                "field": "start of its Terway pod",
                "value": f"{one.started_s} s ago; {_KEY} last changed {switch.changed_s} s ago at the latest",
            }
        )
        for one in (configs.items if configs else ())
        if one.started_s is not None and switch.changed_s is not None and one.started_s > switch.changed_s
    ]
    return [switch, *stale] if stale else []


async def _other_service(facts: Facts) -> list[Observation]:
    """Return that the Service asked about is of a kind that the switch is not about."""
    scope = facts.scope
    if not (scope.service and scope.namespace):
        return []
    found = await facts.reads.get("services", scope.service, scope.namespace)
    if found is None or concerns_service(found):
        return []
    ports = ", ".join(text(one, "port") for one in items(found, "spec", "ports"))
    return [
        Observation(
            object=f"Service {scope.namespace}/{scope.service}",
            field="spec.type",
            value=f"{text(found, 'spec', 'type') or 'ClusterIP'} without externalIPs, ports {ports}",
            kubectl=f"kubectl -n {scope.namespace} get svc {scope.service} -o yaml",
        )
    ]


@fact(
    "in_cluster_loadbalance",
    InClusterLoadBalance,
    needs=[Needs("services", "get")],
    kubectl="kubectl -n kube-system get cm eni-config -o jsonpath='{.data.in_cluster_loadbalance}'",
)
async def in_cluster_loadbalance(facts: Facts) -> InClusterLoadBalance:
    """The switch for in-cluster load balancing: its place and text, whether it was read and can have effect."""
    partial = Partial(facts)
    (config, paths, main), (configs, running, signs) = await asyncio.gather(
        asyncio.gather(facts(eni_config), facts(datapaths), facts(plugin)),
        asyncio.gather(partial(node_configs), partial(agents), partial(terway_start_logs)),
    )
    versions = {one.version for one in running.of("terway")} if running else {main.version}
    too_old = [
        one for one in (running.of("terway") if running else ()) if at_least(one.version or None, *_SINCE) is False
    ]
    old_everywhere = bool(versions) and all(at_least(one or None, *_SINCE) is False for one in versions)
    excluded: list[Observation] = [*paths.all_plain, *await _other_service(facts)]
    excluded += (too_old or main.evidence) if old_everywhere else ()
    switch, ignored = config.honoured(_KEY), config.ignored(_KEY)
    on = switch is not None and switch.text == "true"
    mine = main.name == "terway" and config.present
    absent = Observation(
        object="ConfigMap kube-system/eni-config", field=f"data.{_KEY}", value="(not set)", kubectl=KUBECTL
    )
    enabled = _enabled(switch, paths, configs, signs) if mine and on and switch else ()
    not_read = _not_read(switch, configs) if mine and on and switch and not enabled else []
    may = mine and not paths.all_plain
    return InClusterLoadBalance(
        enabled=enabled,
        absent=(absent,) if may and switch is None and not ignored and paths.accelerated else (),
        misplaced=ignored if may and not on else (),
        wrong_value=(switch,) if may and switch and not on else (),
        not_read=tuple(not_read) if may else (),
        excluded=tuple(excluded),
        evidence=(*((switch,) if switch else ()), *ignored),
    )
