"""What IPVS does with connections on the nodes in question: which scheduler picks backends, how long UDP is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bot.diagnosis.facts.cluster_dns import cluster_dns, node_local_dns, udp_services
from bot.diagnosis.facts.kube_proxy_config import ProxyConfig, ProxyConfigs, kube_proxy_config
from bot.diagnosis.facts.kube_proxy_mode import kube_proxy_mode
from bot.diagnosis.facts.kube_proxy_pods import ProxyPods, kube_proxy_pods
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.facts.service_families import service_backends, service_families
from bot.diagnosis.observation import Fact, Observation

__all__ = [
    "SCHEDULERS",
    "IpvsScheduler",
    "IpvsUdpTimeout",
    "UdpSessions",
    "UnbalancedService",
    "ipvs_scheduler",
    "ipvs_udp_timeout",
    "scheduler_settings",
    "udp_sessions",
    "udp_settings",
    "unbalanced_service",
]

SCHEDULERS = frozenset({"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "sh", "dh", "sed", "nq", "mh", "fo", "ovf", "twos"})
"""The schedulers of the kernel's IPVS; kube-proxy takes any name."""

_DEFAULT = frozenset({"", "rr"})
_SHORT_S = 10


class IpvsScheduler(Fact):
    """The scheduler by configuration.

    ``settled``: kube-proxy has read it and the kernel knows it (whether IPVS runs is another fact); ``not_read``: a
    scheduler is set and kube-proxy pods are older than that; ``one_sided``: worker and master differ; ``ignored``: set
    while another mode is; ``mode_unset``: set without a mode; ``unknown_name``: the kernel has none of that name;
    ``unused``: neither IPVS nor a scheduler is asked for; ``default_only``: nothing else than round robin is.
    """

    settled: tuple[Observation, ...]
    not_read: tuple[Observation, ...]
    one_sided: tuple[Observation, ...]
    ignored: tuple[Observation, ...]
    mode_unset: tuple[Observation, ...]
    unknown_name: tuple[Observation, ...]
    unused: tuple[Observation, ...]
    default_only: bool
    evidence: tuple[Observation, ...]


class IpvsUdpTimeout(Fact):
    """The UDP timeout by configuration.

    ``short``: at most 10 seconds everywhere in question, and read by kube-proxy. ``unset``: the kernel's 300 seconds
    hold. Set without effect: ``too_old`` for kube-proxy before 1.18, ``misplaced``, ``wrong_type``, ``not_read`` yet.
    ``old_proxies``: kube-proxy before 1.18, where the timeout can be set by ipvsadm alone.
    """

    short: tuple[Observation, ...]
    unset: tuple[Observation, ...]
    too_old: tuple[Observation, ...]
    misplaced: tuple[Observation, ...]
    wrong_type: tuple[Observation, ...]
    not_read: tuple[Observation, ...]
    old_proxies: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class UdpSessions(Fact):
    """Whether IPVS may hold on to a DNS backend that is gone; read only where no short timeout is in effect.

    ``gone``: a CoreDNS pod or its node went away within the last minutes and lookups go to it by UDP. ``steady``: none
    did. ``cached``: NodeLocal DNSCache is in use. ``others``: Services whose UDP sessions a short timeout concerns.
    """

    gone: tuple[Observation, ...]
    steady: tuple[Observation, ...]
    cached: tuple[Observation, ...]
    others: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class UnbalancedService(Fact):
    """What makes the calls to the named Service uneven whatever the scheduler is."""

    reasons: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def _concerned(configs: ProxyConfigs, pods: ProxyPods) -> tuple[ProxyConfig, ...]:
    """Return the configurations of the pods in question; all where no pod is known."""
    return tuple(one for one in configs.items if one.daemon_set in pods.daemon_sets) or configs.items


def _at(config: ProxyConfig, path: str, value: str) -> Observation:
    return Observation(
        object=config.object,
        field=f"{config.field} {path}",
        value=value,
        seen_at=config.seen_at,
        kubectl=config.kubectl,
    )


def scheduler_settings(configs: ProxyConfigs, pods: ProxyPods) -> IpvsScheduler:
    """Tell what is configured of the scheduler and whether kube-proxy has read it."""
    concerned = _concerned(configs, pods)
    chosen = [one for one in concerned if one.scheduler]
    stale = {pod.daemon_set for pod in pods.stale}
    unread = stale | {pod.daemon_set for pod in (*pods.unknown, *pods.crashing)}
    special = [one for one in concerned if one.mode == "ipvs" and one.scheduler not in _DEFAULT]
    unknown = [one for one in chosen if one.scheduler not in SCHEDULERS]
    settled = bool(pods.items) and all(
        one.mode == "ipvs"
        and one.decodes
        and not one.contradicted
        and not one.flags_only
        and one.daemon_set not in unread
        and one not in unknown
        for one in concerned
    )
    return IpvsScheduler(
        settled=tuple(_at(one, "ipvs.scheduler", one.scheduler or "not set, so rr") for one in concerned)
        if settled
        else (),
        not_read=tuple(
            seen
            for one in special
            if one.daemon_set in stale
            for seen in (
                _at(one, "ipvs.scheduler", one.scheduler),
                *[pod for pod in pods.stale if pod.daemon_set == one.daemon_set][:4],
            )
        ),
        one_sided=tuple(
            one
            for one in configs.differs
            if one.field.endswith(" ipvs.scheduler") and any(config.mode == "ipvs" for config in configs.items)
        ),
        ignored=tuple(
            _at(one, "mode", f"{one.mode}, so ipvs.scheduler {one.scheduler} has no effect")
            for one in chosen
            if one.mode in {"iptables", "nftables"} and one.daemon_set not in unread
        ),
        mode_unset=tuple(
            _at(one, "mode", f"{one.mode or 'not set'}, while ipvs.scheduler is {one.scheduler}")
            for one in chosen
            if one.mode not in {"ipvs", "iptables", "nftables"}
        ),
        unknown_name=tuple(
            _at(one, "ipvs.scheduler", f"{one.scheduler}: IPVS has none of that name") for one in unknown
        ),
        unused=concerned if concerned and not chosen and all(one.mode != "ipvs" for one in concerned) else (),
        default_only=bool(concerned) and all(one.scheduler in _DEFAULT for one in concerned),
        evidence=concerned,
    )


def udp_settings(configs: ProxyConfigs, pods: ProxyPods) -> IpvsUdpTimeout:
    """Tell what is configured of the UDP timeout and whether kube-proxy honours it."""
    concerned = _concerned(configs, pods)
    ipvs = [one for one in concerned if one.mode == "ipvs"]
    stale = {pod.daemon_set for pod in pods.stale}
    unread = stale | {pod.daemon_set for pod in (*pods.unknown, *pods.crashing)}
    old = {pod.daemon_set: pod for pod in pods.items if at_least(pod.version or None, 1, 18) is False}
    known = bool(pods.items) and all(at_least(pod.version or None, 1, 18) for pod in pods.items)
    given = [one for one in ipvs if one.udp_timeout_s]
    short = [one for one in given if (one.udp_timeout_s or 0) <= _SHORT_S and one.decodes and not one.contradicted]
    unset = [one for one in ipvs if not one.udp_timeout_s and one.decodes and one.daemon_set not in unread]
    honoured = known and not any(one.daemon_set in unread for one in short) and len(short) == len(concerned)
    return IpvsUdpTimeout(
        short=tuple(_at(one, "ipvs.udpTimeout", _seconds(one)) for one in short) if honoured and short else (),
        unset=tuple(_at(one, "ipvs.udpTimeout", _seconds(one)) for one in unset),
        too_old=tuple(
            seen
            for one in given
            if one.daemon_set in old
            for seen in (_at(one, "ipvs.udpTimeout", _seconds(one)), old[one.daemon_set])
        ),
        misplaced=tuple(
            _at(one, path, "set here, where it does not concern IPVS sessions; ipvs.udpTimeout is not set")
            for one in ipvs
            if one.udp_timeout_s is None and not _wrong_type(one)
            for path in (*one.udp_elsewhere, *_misspelt(one))
        ),
        wrong_type=tuple(flaw for one in ipvs for flaw in _wrong_type(one)),
        not_read=tuple(
            seen
            for one in given
            if one.daemon_set in stale
            for seen in (
                _at(one, "ipvs.udpTimeout", _seconds(one)),
                *[pod for pod in pods.stale if pod.daemon_set == one.daemon_set][:4],
            )
        ),
        old_proxies=tuple(old.values()),
        evidence=concerned,
    )


def _wrong_type(config: ProxyConfig) -> Sequence[Observation]:
    return [flaw for flaw in config.flaws if flaw.kind == "wrong_type" and flaw.path == "ipvs.udpTimeout"]


def _misspelt(config: ProxyConfig) -> Sequence[str]:
    return [flaw.path for flaw in config.flaws if flaw.path.lower() == "ipvs.udptimeout" and flaw.kind == "misplaced"]


def _seconds(config: ProxyConfig) -> str:
    return "not set: the kernel's 300 s hold" if not config.udp_timeout_s else f"{config.udp_timeout_s:g} s"


@fact(
    "ipvs_scheduler",
    IpvsScheduler,
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml",
)
async def ipvs_scheduler(facts: Facts) -> IpvsScheduler:
    """The IPVS scheduler that is configured, and whether kube-proxy has read it."""
    return scheduler_settings(*await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods)))


@fact(
    "ipvs_udp_timeout",
    IpvsUdpTimeout,
    kubectl="kubectl -n kube-system get cm kube-proxy-worker -o yaml",
)
async def ipvs_udp_timeout(facts: Facts) -> IpvsUdpTimeout:
    """How long IPVS keeps UDP sessions to a backend that is gone, by configuration and version of kube-proxy."""
    return udp_settings(*await asyncio.gather(facts(kube_proxy_config), facts(kube_proxy_pods)))


@fact(
    "udp_sessions",
    UdpSessions,
    kubectl="kubectl -n kube-system get pods -l k8s-app=kube-dns -o wide",
)
async def udp_sessions(facts: Facts) -> UdpSessions:
    """Whether a DNS backend that IPVS may still hold sessions to went away within the last minutes."""
    settings = await facts(ipvs_udp_timeout)
    mode = await Partial(facts)(kube_proxy_mode)
    if not (settings.unset or settings.not_read) or (mode and mode.never_ipvs):
        return UdpSessions(gone=(), steady=(), cached=(), others=(), evidence=())
    dns, cache = await asyncio.gather(facts(cluster_dns), facts(node_local_dns))
    gone = () if cache.in_use else dns.gone
    services = await Partial(facts)(udp_services) if gone else None
    return UdpSessions(
        gone=gone,
        steady=dns.steady,
        cached=cache.in_use,
        others=services.others if services else (),
        evidence=(*dns.gone, *dns.steady, *cache.in_use),
    )


@fact(
    "unbalanced_service",
    UnbalancedService,
    kubectl="kubectl -n <namespace> get svc <service> -o yaml",
)
async def unbalanced_service(facts: Facts) -> UnbalancedService:
    """What ties clients of the named Service to a backend: session affinity, one ready backend, local traffic only."""
    if not facts.scope.service:
        return UnbalancedService(reasons=(), evidence=())
    services = await facts(service_families)
    backends = await Partial(facts)(service_backends)
    reasons: list[Observation] = []
    for one in services.items:
        if one.session_affinity == "ClientIP":
            reasons.append(one.model_copy(update={"field": "spec.sessionAffinity", "value": "ClientIP"}))
        if one.external_policy == "Local" and one.type in {"NodePort", "LoadBalancer"}:
            reasons.append(one.model_copy(update={"field": "spec.externalTrafficPolicy", "value": "Local"}))
    reasons += backends.one_backend if backends else ()
    return UnbalancedService(reasons=tuple(reasons), evidence=tuple(reasons) or services.evidence)
