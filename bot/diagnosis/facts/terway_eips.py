"""Elastic IPs that old Terway managed itself, and their move to ack-extend-network-controller."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.eni_config import KUBECTL, EniConfig, eni_config
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.objects import labels, name, namespace, number, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["TerwayEips", "terway_eips"]

CONTROLLER = "ack-extend-network-controller"
_ANNOTATIONS = ("k8s.aliyun.com/pod-with-eip", "k8s.aliyun.com/pod-eip-instanceid")
_DROPPED = (1, 7, 0)
_IGNORED = (1, 9, 6)
_MAX_PODS, _MAX_EIPS, _SHOWN = 60, 100, 5


class TerwayEips(Fact):
    """Elastic IPs in Terway before an upgrade.

    ``in_terway``: the setting makes this Terway manage them. ``unfinished``: the controller is there, but pods with an
    EIP have no PodEIP, or the setting is still on. ``migrated``: the controller holds them all and the setting is off.
    ``excluded``: why EIPs block no upgrade here.
    """

    in_terway: tuple[Observation, ...]
    unfinished: tuple[Observation, ...]
    migrated: tuple[Observation, ...]
    excluded: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


@dataclass
class _Found:
    """Pods that ask for an EIP, the PodEIPs there are, and the controller's Deployment."""

    pods: list[Object] = field(default_factory=list)
    all_pods: bool = True
    eips: set[str] = field(default_factory=set)
    all_eips: bool = True
    available: bool = False
    installed: bool = False

    def without_eip(self) -> list[Object]:
        return [one for one in self.pods if f"{namespace(one)}/{name(one)}" not in self.eips]


async def _look(facts: Facts) -> _Found:
    found = _Found()
    running = await facts.reads.list("pods", fields={"status.phase": "Running"}, limit=_MAX_PODS)
    found.all_pods = running.complete
    found.pods = [
        one
        for one in running.items
        if any(labels(one, "metadata", "annotations").get(key, "") not in {"", "false"} for key in _ANNOTATIONS)
    ]
    try:
        listing = await facts.reads.list("podeips.alibabacloud.com", limit=_MAX_EIPS)
        found.eips = {f"{namespace(one)}/{name(one)}" for one in listing.items}
        found.all_eips = listing.complete
    except Unreadable as error:
        if error.reason != "not_served":
            raise
    deployment = await facts.reads.get("deployments", CONTROLLER, "kube-system")
    found.installed = deployment is not None
    found.available = (number(deployment, "status", "availableReplicas") or 0) > 0
    return found


@fact(
    "terway_eips",
    TerwayEips,
    needs=[
        Needs("pods", "list"),
        Needs("podeips.alibabacloud.com", "list"),
        Needs("deployments", "get", "kube-system", (CONTROLLER,)),
    ],
    kubectl="kubectl -n kube-system get cm eni-config -o yaml; kubectl get podeips.alibabacloud.com -A",
)
async def terway_eips(facts: Facts) -> TerwayEips:
    """Whether Terway still manages elastic IPs itself, which versions from v1.7.0 on no longer do."""
    main, config, running = await asyncio.gather(facts(plugin), facts(eni_config), Partial(facts)(agents))
    versions = {one.version for one in running.of("terway")} if running else set()
    versions = versions or {main.version}
    dropped = {at_least(one or None, *_DROPPED) for one in versions}
    on = text(config.settings, "enable_eip_pool") == "true"
    setting = _setting(config, "enable_eip_pool")
    seen = [setting, *main.evidence]
    if dropped == {True}:
        ignored = all(at_least(one or None, *_IGNORED) for one in versions)
        return _decided(excluded=seen if ignored or not on else [])
    if on:
        migrating = text(config.settings, "enable_eip_migrate") == "true"
        known = False in dropped
        return _decided(
            in_terway=seen if known else [],
            unfinished=[_setting(config, "enable_eip_migrate"), setting] if known and migrating else [],
        )
    found = await _look(facts)
    if not found.pods:
        return _decided(excluded=[setting] if found.all_pods and config.present else [])
    shown = [_carries(one) for one in found.pods[:_SHOWN]]
    missing = [_carries(one) for one in found.without_eip()[:_SHOWN]]
    known = dropped == {False} and found.all_eips
    return _decided(
        unfinished=missing if known and found.installed else [],
        migrated=[setting, _controller(), *shown]
        if known and found.all_pods and found.available and not missing
        else [],
    )


def _decided(
    *,
    in_terway: Sequence[Observation] = (),
    unfinished: Sequence[Observation] = (),
    migrated: Sequence[Observation] = (),
    excluded: Sequence[Observation] = (),
) -> TerwayEips:
    return TerwayEips(
        in_terway=tuple(in_terway),
        unfinished=tuple(unfinished),
        migrated=tuple(migrated),
        excluded=tuple(excluded),
        evidence=(*in_terway, *unfinished, *migrated),
    )


def _setting(config: EniConfig, key: str) -> Observation:
    return Observation(
        object="ConfigMap kube-system/eni-config",
        field=f"data.eni_conf, key {key} within",
        value=text(config.settings, key) or "(not set)",
        kubectl=KUBECTL,
    )


def _carries(pod: Object) -> Observation:
    held = labels(pod, "metadata", "annotations")
    key = next(key for key in _ANNOTATIONS if held.get(key))
    return Observation(
        object=f"Pod {namespace(pod)}/{name(pod)}",
        field=f"metadata.annotations[{key}]",
        value=held[key],
        kubectl=f"kubectl -n {namespace(pod)} get pod {name(pod)} -o yaml",
    )


def _controller() -> Observation:
    return Observation(
        object=f"Deployment kube-system/{CONTROLLER}",
        field="status.availableReplicas",
        value="available",
        kubectl=f"kubectl -n kube-system get deploy {CONTROLLER}",
    )
