"""Whether the configuration of kube-proxy, as it stands there now, is what kube-proxy runs with."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from bot.diagnosis.facts.kube_proxy_config import ConfigFlaw, ProxyConfigs, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_logs import LogLine, kube_proxy_logs
from bot.diagnosis.facts.kube_proxy_pods import ProxyPods, kube_proxy_pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation

__all__ = ["ProxyChanges", "applied", "kube_proxy_changes", "refused", "skipped"]


class ProxyChanges(Fact):
    """What became of the configuration.

    ``applied``: everything in question runs with it as it is. ``refused``: kube-proxy ends because it cannot read it,
    ``gates``: because it names a feature gate that is gone, ``skipped``: fields without effect.
    """

    applied: tuple[Observation, ...]
    refused: tuple[Observation, ...]
    gates: tuple[Observation, ...]
    skipped: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def refused(configs: ProxyConfigs, pods: ProxyPods, lines: Iterable[LogLine]) -> list[Observation]:
    """Return what shows that crashing pods cannot read their configuration."""
    crashing = {pod.pod: pod for pod in pods.crashing}
    found: list[Observation] = [one for one in lines if one.kind == "not_decoded" and one.pod in crashing]
    for pod in pods.crashing:
        config = configs.of(pod.daemon_set)
        if config and not config.decodes and pod.stale is False:
            fatal: list[ConfigFlaw] = [one for one in config.flaws if one.kind in {"not_yaml", "wrong_type"}]
            found += [*fatal[:2], pod]
    return list(dict.fromkeys(found))


def skipped(configs: ProxyConfigs, pods: ProxyPods, lines: Iterable[LogLine]) -> list[Observation]:
    """Return fields that kube-proxy passes over: misplaced, too new for it, or complained of in its log."""
    found: list[Observation] = [one for one in configs.flaws if one.kind == "misplaced"]
    for config in configs.items:
        old = [
            pod
            for pod in pods.items
            if pod.daemon_set == config.daemon_set and at_least(pod.version or None, 1, 18) is False
        ]
        if config.udp_timeout_s and old:
            found += [config.model_copy(update={"field": f"{config.field} ipvs.udpTimeout"}), old[0]]
    found += [one for one in lines if one.kind == "lenient"]
    return found


def applied(configs: ProxyConfigs, pods: ProxyPods, lines: Iterable[LogLine]) -> bool:
    """Tell whether every pod in question is known to run with a configuration that says what it is taken to say."""
    if not pods.items or not configs.items or configs.missing or pods.stale or pods.unknown or pods.crashing:
        return False
    complaints = {"lenient", "not_decoded", "unknown_gate", "unknown_mode"}
    return (
        not configs.flaws
        and not configs.contradicted
        and not any(one.flags_only for one in configs.items)
        and not any(one.kind in complaints and not one.former for one in lines)
    )


@fact(
    "kube_proxy_changes",
    ProxyChanges,
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml --show-managed-fields",
)
async def kube_proxy_changes(facts: Facts) -> ProxyChanges:
    """Whether what is written in kube-proxy's configuration took effect, and if not, what kept it."""
    configs, pods, logs = await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods), facts(kube_proxy_logs))
    crashing = {pod.pod for pod in pods.crashing}
    gates = [one for one in logs.items if one.kind == "unknown_gate" and one.pod in crashing]
    in_effect = applied(configs, pods, logs.items)
    return ProxyChanges(
        applied=(*configs.items, *pods.items[:4]) if in_effect else (),
        refused=tuple(refused(configs, pods, logs.items)),
        gates=tuple(gates),
        skipped=tuple(skipped(configs, pods, logs.items)),
        evidence=(*configs.items, *pods.evidence),
    )
