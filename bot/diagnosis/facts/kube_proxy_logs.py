"""What kube-proxy wrote when it started: the mode it runs in, what it could not use, the limits it set."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Sequence
from typing import Literal

from bot.diagnosis.facts.kube_proxy_config import ProxyConfigs, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_pods import ProxyPod, ProxyPods, kube_proxy_pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import LogWindow

__all__ = [
    "WINDOW",
    "LineKind",
    "LogLine",
    "ProxyLogs",
    "kube_proxy_logs",
    "log_lines",
    "observed_lines",
    "wants_log",
]

LineKind = Literal[
    "ipvs",
    "iptables",
    "nftables",
    "modules",
    "no_ipvs",
    "unknown_mode",
    "lenient",
    "not_decoded",
    "unknown_gate",
    "limit",
    "limit_written",
]
"""``ipvs``, ``iptables``, ``nftables``: it runs so; ``modules``: kernel modules are missing; ``no_ipvs``: it could not
use IPVS; ``lenient``: it skipped fields; ``not_decoded`` and ``unknown_gate``: why it ended; ``limit``: the size of the
conntrack table it wants, ``limit_written``: it changed the kernel's."""

_PATTERNS: tuple[tuple[LineKind, str], ...] = (
    ("modules", r"required kernel modules are not loaded: \[(?P<detail>[^\]]*)\]"),
    ("no_ipvs", r"can'?t use (?:the )?ipvs proxier"),
    ("unknown_mode", r"Unknown proxy mode"),
    ("ipvs", r"Using ipvs Proxier"),
    ("iptables", r"Using iptables Proxier"),
    ("nftables", r"Using nftables Proxier"),
    ("lenient", r"using lenient decoding as strict decoding failed"),
    ("unknown_gate", r"unrecognized feature gate|unknown feature gate"),
    ("limit_written", r"Set sysctl.*nf_conntrack_max"),
    ("limit", r"Setting nf_conntrack_max\D*(?P<detail>\d+)"),
    (
        "not_decoded",
        r"cannot unmarshal|error unmarshal|strict decoding error|error converting YAML|yaml: (?:line|unmarshal|did)"
        r"|couldn'?t get version/kind|no kind \"[^\"]*\" (?:is registered|matches)|could not find expected"
        r"|(?:missing|unknown) unit in duration|invalid duration|failed to decode|invalid configuration"
        r"|KubeProxyConfiguration\.",
    ),
)
_LINES = tuple((kind, re.compile(pattern, re.IGNORECASE)) for kind, pattern in _PATTERNS)
WINDOW = LogWindow(tail_lines=1000, limit_bytes=64 * 1024)
_FORMER = LogWindow(tail_lines=200, limit_bytes=32 * 1024, previous=True)
_ALL, _SOME = 6, 2
"""All logs are read where they are that few, some of them otherwise."""


class LogLine(Observation):
    """A line that tells something; ``detail`` is the number or the names in it, ``former``: of the run before."""

    kind: LineKind
    pod: str
    node: str
    detail: str
    former: bool


class ProxyLogs(Fact):
    """The telling lines of the logs that matter, in the order they were written.

    ``read`` names the pods whose log was read and is there; ``unread`` those whose log would matter and was not read.
    """

    items: tuple[LogLine, ...]
    read: tuple[str, ...]
    unread: tuple[str, ...]
    evidence: tuple[Observation, ...]

    def of(self, pod: str, *kinds: LineKind) -> tuple[LogLine, ...]:
        """Return the lines of a pod, of these kinds or of all."""
        return tuple(one for one in self.items if one.pod == pod and (not kinds or one.kind in kinds))

    def running(self, pod: str) -> LogLine | None:
        """Return the line that says which proxier the pod's present run uses."""
        lines = [one for one in self.of(pod, "ipvs", "iptables", "nftables") if not one.former]
        return lines[-1] if lines else None


def log_lines(text: str) -> Iterable[tuple[LineKind, str, str]]:
    """Yield kind, detail and text of the telling lines of a log."""
    for line in text.splitlines():
        for kind, pattern in _LINES:
            if match := pattern.search(line):
                # What could not be decoded may be quoted in full; the complaint alone is kept of it.
                shown = line[match.start() :][:160] if kind == "not_decoded" else line.strip()[:300]
                yield kind, (match.groupdict().get("detail") or "").strip(), shown
                if kind not in {"no_ipvs", "modules"}:
                    break


def wants_log(pod: ProxyPod, configs: ProxyConfigs) -> bool:
    """Tell whether only the log says what that kube-proxy does.

    From 1.26 on it runs in the mode that it is told to, or not at all; before, it fell back to iptables.
    """
    config = configs.of(pod.daemon_set)
    if pod.crashing or config is None or config.flaws or config.contradicted:
        return True
    if config.mode in {"iptables", "nftables"}:
        return bool(pod.stale and config.scheduler)
    if config.mode != "ipvs":
        return bool(config.mode or config.scheduler)
    falls_back = not at_least(pod.version or None, 1, 26)
    return falls_back or pod.stale is not False or config.scheduler not in {"", "rr"}


@fact(
    "kube_proxy_logs",
    ProxyLogs,
    needs=[Needs("pods/log", "get", "kube-system")],
    kubectl="kubectl -n kube-system logs <kube-proxy pod>",
)
async def kube_proxy_logs(facts: Facts) -> ProxyLogs:
    """Telling lines of the logs of kube-proxy, where nothing else says what it does; also of a crashed run."""
    configs, pods = await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods))
    wanted = _chosen(configs, pods)
    chosen = wanted if len(wanted) <= _ALL else wanted[:_SOME]
    # Of a pod that never restarted the API server refuses the former log.
    windows = [
        (pod, one) for pod in chosen for one in ((_FORMER, WINDOW) if pod.crashing and pod.restarts else (WINDOW,))
    ]
    texts = await asyncio.gather(*(facts.reads.log(pod.pod, pod.container, one) for pod, one in windows))
    found: list[LogLine] = []
    read: list[str] = []
    for (pod, window), log in zip(windows, texts, strict=True):
        if log:
            found += observed_lines(pod, log, former=window.previous or pod.crashing)
            read.append(pod.pod)
    return ProxyLogs(
        items=tuple(found),
        read=tuple(dict.fromkeys(read)),
        unread=tuple(pod.pod for pod in wanted if pod.pod not in read),
        evidence=tuple(found[:6]),
    )


def _chosen(configs: ProxyConfigs, pods: ProxyPods) -> Sequence[ProxyPod]:
    wanted = [pod for pod in pods.items if wants_log(pod, configs)]
    return sorted(wanted, key=lambda pod: (not pod.crashing, pod.stale is True, pod.pod))


def observed_lines(pod: ProxyPod, log: str, *, former: bool) -> list[LogLine]:
    """Return the telling lines of a pod's log, at most the last 60."""
    previous = " --previous" if former else ""
    return [
        LogLine(
            object=f"Pod kube-system/{pod.pod}",
            field=f"log of container {pod.container}",
            value=line,
            kubectl=f"kubectl -n kube-system logs {pod.pod} -c {pod.container}{previous}",
            kind=kind,
            pod=pod.pod,
            node=pod.node,
            detail=detail,
            former=former,
        )
        for kind, detail, line in log_lines(log)
    ][-60:]
