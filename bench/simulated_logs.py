"""Logs of the agents of a simulated cluster, written when they are asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

from tests.scenarios.building.settings import SYSTEM

__all__ = ["AgentLogs"]

_LINES = 3000
_SECONDS_APART = 2

_DAEMON = (
    'time="{time}Z" level=info msg="alloc ip for pod team-{number:03}/app, eni eni-bp1{number:016x} took 0.{number}s"'
)
_INIT = "I{klog} 1 node.go:{number}] terway-init: step {number} of the set-up of the node is done"
_INIT_END = "I{klog} 1 cni.go:{number}] datapathv2 enabled"
_POLICY = 'time="{time}Z" level=info msg="  --some-option-number-{number}=\'value\'" subsys=daemon'
_PROXY = 'I{klog} 1 proxier.go:{number}] "Syncing iptables rules" ipFamily=IPv4 elapsed="0.{number}s"'
_LOGS: Mapping[str, Mapping[str, tuple[str, int]]] = {
    "terway-eniip": {"terway-init": (_INIT, 40), "terway": (_DAEMON, _LINES), "policy": (_POLICY, 400)},
    "kube-proxy-worker": {"kube-proxy-worker": (_PROXY, _LINES)},
}
"""DaemonSet → container → what its lines look like, and how many there are."""


class AgentLogs(Mapping[tuple[str, str, str], str]):
    """The logs of ``agents`` (pod, DaemonSet) by namespace, pod and container; they end ``now``."""

    def __init__(self, agents: Iterable[tuple[str, str]], now: dt.datetime) -> None:
        self._daemon_sets = {pod: name for pod, name in agents if name in _LOGS}
        self._now = now

    def __getitem__(self, key: tuple[str, str, str]) -> str:
        namespace, pod, container = key
        if namespace != SYSTEM:
            raise KeyError(key)
        line, count = _LOGS[self._daemon_sets[pod]][container]
        lines = [line] * count + ([_INIT_END] if container == "terway-init" else [])
        return "".join(f"{self._line(one, len(lines) - number)}\n" for number, one in enumerate(lines))

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        return ((SYSTEM, pod, one) for pod, name in self._daemon_sets.items() for one in _LOGS[name])

    def __len__(self) -> int:
        return sum(len(_LOGS[name]) for name in self._daemon_sets.values())

    def _line(self, line: str, number: int) -> str:
        when = self._now - dt.timedelta(seconds=number * _SECONDS_APART)
        return line.format(
            time=when.strftime("%Y-%m-%dT%H:%M:%S"), klog=when.strftime("%m%d %H:%M:%S.000000"), number=number
        )
