"""The configuration of kube-proxy, a ConfigMap for each of its DaemonSets."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.diagnosis.facts.kube_proxy_text import FlawKind, ProxyText, parse_duration, read_proxy_text
from bot.diagnosis.facts.plugin import DaemonSet, daemon_sets
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, items, text, time, times_changed
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = [
    "NAMES",
    "ConfigFlaw",
    "ProxyConfig",
    "ProxyConfigs",
    "data_changed",
    "differences",
    "kube_proxy_config",
    "proxy_config_of",
    "start_flags",
]

NAMES = ("kube-proxy-worker", "kube-proxy-master", "kube-proxy")
"""The DaemonSets of kube-proxy, whose ConfigMaps bear the same names; masters have one in dedicated clusters only."""

_KEY = "config.conf"
_KUBECTL = "kubectl -n kube-system get cm {name} -o yaml --show-managed-fields"
_COMPARED = (
    "mode",
    "clusterCIDR",
    "ipvs.scheduler",
    "ipvs.udpTimeout",
    "ipvs.tcpTimeout",
    "ipvs.tcpFinTimeout",
    "ipvs.syncPeriod",
    "ipvs.minSyncPeriod",
    "ipvs.strictARP",
    "conntrack.maxPerCore",
    "conntrack.min",
    "conntrack.tcpEstablishedTimeout",
    "conntrack.tcpCloseWaitTimeout",
    "conntrack.udpTimeout",
    "conntrack.udpStreamTimeout",
    "featureGates.IPv6DualStack",
)
_FLAGS = {
    "--proxy-mode": "mode",
    "--ipvs-scheduler": "ipvs.scheduler",
    "--ipvs-udp-timeout": "ipvs.udpTimeout",
    "--conntrack-max-per-core": "conntrack.maxPerCore",
    "--conntrack-min": "conntrack.min",
    "--cluster-cidr": "clusterCIDR",
}
"""Command-line flags and the fields that say the same."""


class ConfigFlaw(Observation):
    """Something that kube-proxy refuses or skips in its configuration; ``path`` is where, ``daemon_set`` whose."""

    kind: FlawKind
    path: str
    daemon_set: str


class ProxyConfig(Observation):
    """What one ConfigMap says, read tolerantly; ``strict`` tells that kube-proxy reads the same.

    ``mode`` is empty where none is set (iptables on Linux). Timeouts are seconds: None where none is set or the value
    is no duration, 0 where the kernel's is kept. ``max_per_core`` None means kube-proxy's own 32768, 0 that it leaves
    the limit alone. ``cluster_cidrs``: of either family. ``dual_stack_gate``: featureGates.IPv6DualStack, None where it
    is not named. ``changed_at``: when its data were last written, None where the object does not say.
    ``contradicted``: flags of the DaemonSet that say something else.
    ``flags_only``: the DaemonSet does not start kube-proxy with a configuration file at all.
    """

    daemon_set: str
    strict: bool
    decodes: bool
    mode: str
    scheduler: str
    udp_timeout_s: float | None
    udp_elsewhere: tuple[str, ...]
    max_per_core: int | None
    conntrack_min: int | None
    cluster_cidrs: tuple[str, ...]
    dual_stack_gate: bool | None
    changed_at: dt.datetime | None
    changed_s: int | None
    flags_only: bool
    flaws: tuple[ConfigFlaw, ...]
    contradicted: tuple[Observation, ...]


class ProxyConfigs(Fact):
    """The configurations that are there; ``missing`` names ConfigMaps that a DaemonSet wants and nobody wrote.

    ``flaws`` are those of all; ``differs``: settings in which worker and master differ.
    """

    items: tuple[ProxyConfig, ...]
    missing: tuple[Observation, ...]
    flaws: tuple[ConfigFlaw, ...]
    differs: tuple[Observation, ...]
    contradicted: tuple[Observation, ...]
    evidence: tuple[Observation, ...]

    def of(self, daemon_set: str) -> ProxyConfig | None:
        """Return that of a DaemonSet."""
        return next((one for one in self.items if one.daemon_set == daemon_set), None)


def data_changed(found: Object) -> dt.datetime | None:
    """Return when the data of a ConfigMap were last written; a change of its labels alone does not count."""
    entries = [one for one in items(found, "metadata", "managedFields") if time(one, "time")]
    writers = [one for one in entries if at(one, "fieldsV1", "f:data") or at(one, "fieldsV1", "f:binaryData")]
    times = [when for one in writers if (when := time(one, "time"))]
    return max(times, default=None) or times_changed(found)


def start_flags(args: Iterable[str]) -> dict[str, str]:
    """Return the flags of a command line, ``--name=value`` or ``--name value``."""
    found: dict[str, str] = {}
    waiting = ""
    for arg in args:
        if arg.startswith("--"):
            flag, equals, value = arg.partition("=")
            found[flag] = value
            waiting = "" if equals else flag
        elif waiting:
            found[waiting] = arg
            waiting = ""
    return found


def proxy_config_of(found: Object, daemon_set: DaemonSet | None, now: dt.datetime) -> ProxyConfig | None:
    """Read the ConfigMap of a DaemonSet; None where it lacks the key."""
    who = text(found, "metadata", "name")
    body = at(found, "data", _KEY)
    if not isinstance(body, str):
        return None
    read = read_proxy_text(body)
    kubectl = _KUBECTL.format(name=who)
    flags = start_flags(daemon_set.args if daemon_set else ())
    changed = data_changed(found)

    def seen(field: str, value: str) -> Observation:
        return Observation(
            object=f"ConfigMap kube-system/{who}",
            field=f"data[{_KEY}]{f' {field}' if field else ''}",
            value=value,
            seen_at=changed,
            kubectl=kubectl,
        )

    cidrs = read.text("clusterCIDR").split(",")
    gate = read.value("featureGates.IPv6DualStack")
    return ProxyConfig(
        **dict(seen("", _shown(read))),
        daemon_set=who,
        strict=not read.flaws,
        decodes=read.decodes,
        mode=read.text("mode"),
        scheduler=read.text("ipvs.scheduler"),
        udp_timeout_s=read.seconds("ipvs.udpTimeout"),
        udp_elsewhere=tuple(
            path for path in ("conntrack.udpTimeout", "udpTimeout", "iptables.udpTimeout") if read.value(path)
        ),
        max_per_core=read.number("conntrack.maxPerCore"),
        conntrack_min=read.number("conntrack.min"),
        cluster_cidrs=tuple(cidr.strip() for cidr in cidrs if cidr.strip()),
        dual_stack_gate=gate if isinstance(gate, bool) else None,
        changed_at=changed,
        changed_s=seconds_since(changed, now),
        flags_only=bool(flags) and "--config" not in flags,
        flaws=tuple(
            ConfigFlaw(**dict(seen(flaw.path, flaw.says)), kind=flaw.kind, path=flaw.path, daemon_set=who)
            for flaw in read.flaws
        ),
        contradicted=tuple(
            Observation(
                object=f"DaemonSet kube-system/{who}",
                field=f"spec.template.spec.containers[].command {flag}",
                value=f"{value[:80]}, while config.conf says {_said(read, path)}",
                kubectl=f"kubectl -n kube-system get ds {who} -o yaml",
            )
            for flag, path in _FLAGS.items()
            if (value := flags.get(flag)) is not None and _normal(path, value) != _normal(path, read.value(path))
        ),
    )


def _shown(read: ProxyText) -> str:
    if not read.values:
        return "cannot be read"
    paths = ("mode", "ipvs.scheduler", "ipvs.udpTimeout", "conntrack.maxPerCore", "conntrack.min")
    return ", ".join(f"{path} {_said(read, path)}" for path in paths)


def _said(read: ProxyText, path: str) -> str:
    value = read.value(path)
    return "not set" if value is None or value == "" else str(value)[:80]


def _normal(path: str, value: Any) -> Any:
    """Return a value such that what means the same is equal."""
    if path == "ipvs.scheduler":
        return value or "rr"
    if path.endswith(("Timeout", "Period")):
        return parse_duration(value) or 0.0
    if path.startswith("conntrack.") and isinstance(value, str) and value.isdecimal():
        return int(value)
    return str(value) if isinstance(value, Mapping | list) else value or ""


def differences(texts: Mapping[str, ProxyText]) -> list[tuple[str, str]]:
    """Return the settings in which configurations differ, each with what every one of them says."""
    return [
        (path, ", ".join(f"{who}: {_said(one, path)}" for who, one in texts.items()))
        for path in _COMPARED
        if len({_normal(path, one.value(path)) for one in texts.values()}) > 1
    ]


@fact(
    "kube_proxy_config",
    ProxyConfigs,
    needs=[Needs("configmaps", "get", "kube-system", NAMES)],
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml --show-managed-fields",
)
async def kube_proxy_config(facts: Facts) -> ProxyConfigs:
    """What the ConfigMaps of kube-proxy say: mode, IPVS and conntrack settings, what in them has no effect."""
    now = await facts.reads.now()
    try:
        sets: dict[str, DaemonSet | None] = {
            one.name: one for one in (await facts(daemon_sets)).items if one.name in NAMES
        }
        known = True
    except Unreadable:
        sets, known = dict.fromkeys(NAMES), False
    read: list[ProxyConfig] = []
    missing: list[Observation] = []
    texts: dict[str, ProxyText] = {}
    for who, daemon_set in sets.items():
        found = await facts.reads.get("configmaps", who, "kube-system")
        config = proxy_config_of(found, daemon_set, now) if found else None
        if config:
            read.append(config)
            texts[who] = read_proxy_text(text(found, "data", _KEY))
        elif known:
            missing.append(
                Observation(
                    object=f"ConfigMap kube-system/{who}",
                    field=f"data[{_KEY}]",
                    value="not there",
                    kubectl=_KUBECTL.format(name=who),
                )
            )
    return ProxyConfigs(
        items=tuple(read),
        missing=tuple(missing),
        flaws=tuple(flaw for one in read for flaw in one.flaws),
        differs=_observed_differences(texts, read),
        contradicted=tuple(flag for one in read for flag in one.contradicted),
        evidence=(*read, *missing),
    )


def _observed_differences(texts: Mapping[str, ProxyText], read: Sequence[ProxyConfig]) -> tuple[Observation, ...]:
    if len(texts) < 2:
        return ()
    newest = max((one.changed_at for one in read if one.changed_at), default=None)
    return tuple(
        Observation(
            object=f"ConfigMaps {' and '.join(texts)} in kube-system",
            field=f"data[{_KEY}] {path}",
            value=said,
            seen_at=newest,
            kubectl=f"kubectl -n kube-system get cm {' '.join(texts)} -o yaml",
        )
        for path, said in differences(texts)
    )
