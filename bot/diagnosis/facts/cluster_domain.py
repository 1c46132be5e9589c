"""The cluster's own DNS domain, what CoreDNS does with names below it, and external names that lie there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.diagnosis.corefile import ClusterZone, ServerBlock, cluster_zones, read_corefile
from bot.diagnosis.facts.kube_proxy_config import data_changed
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import name, namespace, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = [
    "ClusterDomain",
    "DnsClient",
    "ExternalNames",
    "cluster_domain",
    "dns_client",
    "external_names",
    "is_below",
]

DEFAULT = "cluster.local"
_NAME, _KEY = "coredns", "Corefile"
_KUBECTL = "kubectl -n kube-system get cm coredns -o jsonpath='{.data.Corefile}'"
_MAX_SERVICES = 300


class ClusterDomain(Fact):
    """What the Corefile says of the cluster's own ``domains``; ``custom``: one of them is not cluster.local.

    ``answered_alone`` are those whose unknown names CoreDNS answers itself (``kept`` as evidence), ``passed_on`` is
    filled where it asks elsewhere for unknown names of all of them. ``elsewhere``: further server blocks and imports,
    which may answer first.
    """

    present: bool
    readable: bool
    domains: tuple[str, ...]
    custom: bool
    answered_alone: tuple[str, ...]
    kept: tuple[Observation, ...]
    passed_on: tuple[Observation, ...]
    elsewhere: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class DnsClient(Fact):
    """``other``: the named pod does not ask CoreDNS, whatever the Corefile says."""

    other: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class ExternalNames(Fact):
    """``below``: Services of the namespace that stand for an outside name below the cluster's domain.

    CoreDNS answers such a name itself instead of asking for it.
    """

    below: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def is_below(name_: str, domain: str) -> bool:
    """Tell whether a DNS name lies below ``domain``, label by label, whatever the case, final dot or not."""
    return name_.lower().rstrip(".").endswith("." + domain.lower().rstrip("."))


def _observed(value: str, field: str, found: Object) -> Observation:
    return Observation(
        object=f"ConfigMap kube-system/{_NAME}",
        field=f"data[{_KEY}] {field}",
        value=value[:200],
        seen_at=data_changed(found),
        kubectl=_KUBECTL,
    )


def _elsewhere(blocks: Sequence[ServerBlock], domains: Iterable[str], found: Object) -> list[Observation]:
    """Return the blocks that may answer names below the cluster's domain before it does."""
    seen = []
    for block in blocks:
        seen += [_observed(" ".join(one.args), "import", found) for one in block.named("import")]
        if not block.is_snippet and not block.named("kubernetes"):
            seen += [
                _observed(zone, "server block", found)
                for zone in block.zones
                if any(is_below(zone, domain) for domain in domains)
            ]
    return seen


@fact(
    "cluster_domain",
    ClusterDomain,
    needs=[Needs("configmaps", "get", "kube-system", (_NAME,))],
    kubectl=_KUBECTL,
)
async def cluster_domain(facts: Facts) -> ClusterDomain:
    """The domain of the cluster's Services and whether names below it ever leave the cluster."""
    found = await facts.reads.get("configmaps", _NAME, "kube-system")
    blocks = read_corefile(text(found, "data", _KEY)) if found else None
    if found is None or blocks is None:
        return ClusterDomain(
            present=found is not None,
            readable=False,
            domains=(),
            custom=False,
            answered_alone=(),
            kept=(),
            passed_on=(),
            elsewhere=(),
            evidence=(),
        )
    zones = list(cluster_zones([block for block in blocks if not block.is_snippet]))
    domains = tuple(dict.fromkeys(zone.domain for zone in zones))
    seen = [_observed(_said(zone), "kubernetes", found) for zone in zones]
    elsewhere = tuple(_elsewhere(blocks, domains, found))
    return ClusterDomain(
        present=True,
        readable=True,
        domains=domains,
        custom=any(domain != DEFAULT for domain in domains),
        answered_alone=tuple(zone.domain for zone in zones if not zone.passes_on),
        kept=tuple(one for one, zone in zip(seen, zones, strict=True) if not zone.passes_on),
        passed_on=tuple(seen) if zones and all(zone.passes_on for zone in zones) else (),
        elsewhere=elsewhere,
        evidence=tuple(seen),
    )


def _said(zone: ClusterZone) -> str:
    how = "asks elsewhere for names it does not know" if zone.passes_on else "answers all names below it itself"
    return f"{zone.domain}: {how}"


@fact("dns_client", DnsClient, kubectl="kubectl -n <namespace> get pod <pod> -o yaml")
async def dns_client(facts: Facts) -> DnsClient:
    """Whether the named pod asks CoreDNS at all."""
    if not facts.scope.pod:
        return DnsClient(other=(), evidence=())
    other = tuple(seen for pod in (await facts(pods)).items if (seen := _asks_elsewhere(pod)))
    return DnsClient(other=other, evidence=other)


def _asks_elsewhere(pod: Pod) -> Observation | None:
    if pod.partial:
        return None
    if pod.dns_policy in {"None", "Default"}:
        field, value = "spec.dnsPolicy", f"{pod.dns_policy}: it does not ask the cluster's DNS"
    elif pod.host_network and pod.dns_policy == "ClusterFirst":
        field, value = "spec.hostNetwork", "true with dnsPolicy ClusterFirst: it asks the node's name servers"
    else:
        return None
    return pod.seen.model_copy(update={"field": field, "value": value})


@fact(
    "external_names",
    ExternalNames,
    needs=[Needs("services", "list"), Needs("services", "get")],
    kubectl="kubectl -n <namespace> get svc",
)
async def external_names(facts: Facts) -> ExternalNames:
    """Services of type ExternalName whose outside name CoreDNS takes for one of the cluster."""
    domain, scope = await facts(cluster_domain), facts.scope
    # No name outside ends in .local, so only a Service that was named is worth a look then.
    usual = all(one == DEFAULT for one in domain.answered_alone) and not scope.service
    if not scope.namespace or usual or domain.elsewhere:
        return ExternalNames(below=(), evidence=())
    if scope.service:
        one = await facts.reads.get("services", scope.service, scope.namespace)
        found: Sequence[Object] = [one] if one else []
    else:
        found = (await facts.reads.list("services", namespace=scope.namespace, limit=_MAX_SERVICES)).items
    below = tuple(
        Observation(
            object=f"Service {namespace(service)}/{name(service)}",
            field="spec.externalName",
            value=text(service, "spec", "externalName"),
            kubectl=f"kubectl -n {namespace(service)} get svc {name(service)} -o yaml",
        )
        for service in found
        if text(service, "spec", "type") == "ExternalName"
        and _is_outside(text(service, "spec", "externalName"), domain.answered_alone)
    )
    return ExternalNames(below=below[:6], evidence=below[:6])


def _is_outside(wanted: str, domains: Iterable[str]) -> bool:
    """Tell whether a name is taken for one of the cluster although no Service can have it."""
    return any(is_below(wanted, domain) and not is_below(wanted, f"svc.{domain}") for domain in domains)
