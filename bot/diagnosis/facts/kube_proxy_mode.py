"""The mode in which kube-proxy runs, which need not be the one that is configured."""

from __future__ import annotations

import asyncio
from typing import Literal

from bot.diagnosis.facts.kube_proxy_config import ProxyConfig, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_logs import LogLine, ProxyLogs, kube_proxy_logs
from bot.diagnosis.facts.kube_proxy_pods import ProxyPod, kube_proxy_pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation

__all__ = ["ProxyMode", "RunningMode", "kube_proxy_mode", "mode_of"]

Mode = Literal["ipvs", "iptables", "nftables", "none", "unknown"]


_MODES: dict[str, Mode] = {"": "iptables", "ipvs": "ipvs", "iptables": "iptables", "nftables": "nftables"}
"""Modes by the names that configuration and log lines have for them; none set is iptables on Linux."""


class RunningMode(Observation):
    """The mode of one pod of kube-proxy; ``none``: it does not run. ``by_log``: its log says so."""

    pod: str
    node: str
    daemon_set: str
    mode: Mode
    configured: str
    by_log: bool


class ProxyMode(Fact):
    """The modes of the pods in question. ``fell_back``: lines that show IPVS configured and iptables in use.

    ``exits``: lines that show kube-proxy ending because it cannot use IPVS. ``never_ipvs`` is filled where every pod
    in question is known to run in another mode, ``all_ipvs`` where every one runs IPVS.
    """

    items: tuple[RunningMode, ...]
    fell_back: tuple[Observation, ...]
    exits: tuple[Observation, ...]
    missing_modules: tuple[Observation, ...]
    never_ipvs: tuple[Observation, ...]
    all_ipvs: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def mode_of(pod: ProxyPod, config: ProxyConfig | None, logs: ProxyLogs) -> RunningMode:
    """Return the mode a pod runs in: by its log, else by its configuration where that leaves no doubt."""
    configured = config.mode if config else ""
    line = logs.running(pod.pod)
    seen: Observation = line or config or pod
    mode: Mode = "unknown"
    if pod.crashing:
        mode, seen = "none", pod
    elif line:
        mode = _MODES.get(line.kind, "unknown")
    elif (
        config
        and config.decodes
        and pod.stale is False
        and not config.contradicted
        and not config.flags_only
        # Before 1.26 what is told to use IPVS may have fallen back to iptables.
        and (configured != "ipvs" or (pod.ready and at_least(pod.version or None, 1, 26)))
    ):
        mode = _MODES.get(configured, "unknown")
    return RunningMode(
        object=seen.object,
        field=seen.field,
        value=seen.value,
        seen_at=seen.seen_at,
        kubectl=seen.kubectl,
        pod=pod.pod,
        node=pod.node,
        daemon_set=pod.daemon_set,
        mode=mode,
        configured=configured,
        by_log=line is not None,
    )


def _fell_back(pod: ProxyPod, config: ProxyConfig | None, logs: ProxyLogs) -> tuple[LogLine, ...]:
    """Return the lines that show a fallback: IPVS is wanted and was tried, iptables is used."""
    line = logs.running(pod.pod)
    if line is None or line.kind != "iptables" or config is None or config.mode != "ipvs":
        return ()
    lines = {one.value: one for one in logs.of(pod.pod, "modules", "no_ipvs") if not one.former}
    tried = tuple(lines.values())
    # An older configuration may have asked for iptables, and newer releases have no fallback.
    if tried or (pod.stale is False and at_least(pod.version or None, 1, 26) is False):
        return (*tried[:2], line)
    return ()


@fact(
    "kube_proxy_mode",
    ProxyMode,
    kubectl="kubectl -n kube-system logs <kube-proxy pod> | grep Proxier",
)
async def kube_proxy_mode(facts: Facts) -> ProxyMode:
    """The mode that kube-proxy runs in on the nodes in question, as its log or its configuration says."""
    configs, pods, logs = await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods), facts(kube_proxy_logs))
    found = tuple(mode_of(pod, configs.of(pod.daemon_set), logs) for pod in pods.items)
    fell_back = tuple(line for pod in pods.items for line in _fell_back(pod, configs.of(pod.daemon_set), logs))
    exits: list[Observation] = []
    for pod in pods.crashing:
        lines = {one.value: one for one in logs.of(pod.pod, "no_ipvs", "modules") if one.former}
        if lines and at_least(pod.version or None, 1, 26) is not False:
            exits += [*list(lines.values())[:2], pod]
    modules = tuple(one for one in logs.items if one.kind == "modules")
    others = [one for one in found if one.mode in {"iptables", "nftables"}]
    ipvs = [one for one in found if one.mode == "ipvs"]
    return ProxyMode(
        items=found,
        fell_back=fell_back,
        exits=tuple(exits),
        missing_modules=modules,
        never_ipvs=tuple(others[:4]) if others and len(others) == len(found) else (),
        all_ipvs=tuple(ipvs[:4]) if ipvs and len(ipvs) == len(found) else (),
        evidence=found[:4],
    )
