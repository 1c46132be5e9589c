"""The address families of the Service in question, and the backends that it has in each."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, is_partial, items, labels, name, namespace, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = [
    "Backends",
    "ServiceBackends",
    "ServiceFamilies",
    "ServiceFamily",
    "is_ipv6",
    "service_backends",
    "service_families",
    "service_family_of",
]

_MAX_SERVICES, _MAX_ANYWHERE, _MAX_SLICES = 50, 100, 100
_SYSTEM = frozenset({"default", "kube-system"})
"""Their own Services stay single stack in dual-stack clusters too."""


class ServiceFamily(Observation):
    """A Service. ``cluster_ips`` are its virtual addresses; ``policy`` is empty where none is stored (single stack).

    ``headless`` and ``external_name`` ones have no cluster IP of either family.
    """

    namespace: str
    name: str
    type: str
    policy: str
    families: tuple[str, ...]
    cluster_ips: tuple[str, ...]
    headless: bool
    external_name: bool
    has_ipv4: bool
    has_ipv6: bool
    selector: dict[str, str]
    session_affinity: str
    external_policy: str


class ServiceFamilies(Fact):
    """The Service that was named (``given``), or some of the namespace or, where it is dual stack, of the cluster.

    ``both``: they have cluster IPs of both families; ``single``: one of IPv4 because their policy asks for one;
    ``wanted``: they have one although their policy asks for two; ``none``: they have no cluster IP by their type.
    ``without_ipv6``: they have cluster IPs, but none of IPv6; ``with_ipv6``: they have one.
    """

    items: tuple[ServiceFamily, ...]
    given: bool
    both: tuple[ServiceFamily, ...]
    single: tuple[ServiceFamily, ...]
    wanted: tuple[ServiceFamily, ...]
    none: tuple[ServiceFamily, ...]
    with_ipv6: tuple[ServiceFamily, ...]
    without_ipv6: tuple[ServiceFamily, ...]
    evidence: tuple[Observation, ...]


class Backends(Observation):
    """The endpoints of a Service in one family, over all its EndpointSlices; ``ready`` addresses take traffic."""

    family: str
    slices: int
    ready: tuple[str, ...]
    not_ready: int


class ServiceBackends(Fact):
    """The backends of the Service that was named.

    ``no_ipv6``: it has an IPv6 cluster IP and no ready endpoint of that family, ``ipv6_ready``: it has some.
    ``one_backend``: one address alone is ready, so that there is nothing to balance. ``complete``: no slice is missing.
    """

    ipv4: Backends | None
    ipv6_ready: tuple[Backends, ...]
    no_ipv6: tuple[Backends, ...]
    one_backend: tuple[Backends, ...]
    complete: bool
    evidence: tuple[Observation, ...]


def is_ipv6(address: str) -> bool | None:
    """Tell the family of an address; None for what is none."""
    try:
        return ipaddress.ip_address(address).version == 6
    except ValueError:
        return None


def service_family_of(found: Object) -> ServiceFamily:
    """Read a Service object."""
    spec = at(found, "spec")
    listed = at(spec, "clusterIPs")
    addresses = [str(one) for one in listed if isinstance(one, str)] if isinstance(listed, list) else []
    if not addresses and text(spec, "clusterIP"):
        addresses = [text(spec, "clusterIP")]
    headless = "None" in addresses
    real = tuple(one for one in addresses if is_ipv6(one) is not None)
    families = at(spec, "ipFamilies")
    policy, kind = text(spec, "ipFamilyPolicy"), text(spec, "type") or "ClusterIP"
    shown = ", ".join(addresses) or "none"
    return ServiceFamily(
        object=f"Service {namespace(found)}/{name(found)}",
        field="spec",
        value=f"type {kind}, ipFamilyPolicy {policy or 'not set'}, clusterIPs {shown}",
        kubectl=f"kubectl -n {namespace(found)} get svc {name(found)} -o yaml",
        namespace=namespace(found),
        name=name(found),
        type=kind,
        policy=policy,
        families=tuple(str(one) for one in families) if isinstance(families, list) else (),
        cluster_ips=real,
        headless=headless,
        external_name=kind == "ExternalName",
        has_ipv4=any(is_ipv6(one) is False for one in real),
        has_ipv6=any(is_ipv6(one) for one in real),
        selector=labels(spec, "selector"),
        session_affinity=text(spec, "sessionAffinity"),
        external_policy=text(spec, "externalTrafficPolicy"),
    )


@fact(
    "service_families",
    ServiceFamilies,
    needs=[Needs("services", "get"), Needs("services", "list")],
    kubectl="kubectl get svc -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,IPS:.spec.clusterIPs",
)
async def service_families(facts: Facts) -> ServiceFamilies:
    """The cluster IPs and the family policy of the Service in question, or of those of the namespace in question."""
    scope = facts.scope
    objects: Sequence[Object] = ()
    if scope.service and scope.namespace:
        found = await facts.reads.get("services", scope.service, scope.namespace)
        objects = [found] if found else []
    elif scope.service:
        fields = {"metadata.name": scope.service}
        listing = await facts.reads.list("services", fields=fields, limit=_MAX_SERVICES)
        objects = listing.items
    elif scope.namespace and not scope.pod:
        listing = await facts.reads.list("services", namespace=scope.namespace, limit=_MAX_SERVICES)
        objects = listing.items
    elif not scope.pod and not scope.node and await _is_dual(facts):
        listing = await facts.reads.list("services", limit=_MAX_ANYWHERE)
        objects = [one for one in listing.items if namespace(one) not in _SYSTEM]
    read = tuple(service_family_of(one) for one in objects if not is_partial(one))
    usual = [one for one in read if not one.headless and not one.external_name]
    return ServiceFamilies(
        items=read,
        given=scope.service is not None,
        both=tuple(one for one in usual if one.has_ipv4 and one.has_ipv6),
        single=tuple(one for one in usual if not one.has_ipv6 and one.has_ipv4 and one.policy in {"", "SingleStack"}),
        wanted=tuple(
            one
            for one in usual
            if one.has_ipv4 and not one.has_ipv6 and one.policy in {"PreferDualStack", "RequireDualStack"}
        ),
        none=tuple(one for one in read if one.headless or one.external_name),
        with_ipv6=tuple(one for one in usual if one.has_ipv6),
        without_ipv6=tuple(one for one in usual if one.has_ipv4 and not one.has_ipv6),
        evidence=read[:6],
    )


async def _is_dual(facts: Facts) -> bool:
    # Imported late, as that fact looks at the Service in question where one was named.
    from bot.diagnosis.facts.dual_stack import dual_stack

    stack = await Partial(facts)(dual_stack)
    return stack is not None and stack.stack == "dual"


@fact(
    "service_backends",
    ServiceBackends,
    needs=[Needs("endpointslices", "list")],
    kubectl="kubectl -n <namespace> get endpointslices -l kubernetes.io/service-name=<service>",
)
async def service_backends(facts: Facts) -> ServiceBackends:
    """The endpoints of the Service that was named, by family. Without one nothing is read."""
    asked = (await facts(service_families)).items if facts.scope.service else ()
    if len(asked) != 1:
        return ServiceBackends(ipv4=None, ipv6_ready=(), no_ipv6=(), one_backend=(), complete=False, evidence=())
    service = asked[0]
    listing = await facts.reads.list(
        "endpointslices",
        namespace=service.namespace,
        labels={"kubernetes.io/service-name": service.name},
        limit=_MAX_SLICES,
    )
    ipv4, ipv6 = (_backends(service, listing.items, family) for family in ("IPv4", "IPv6"))
    first = ipv6 if ipv6.ready and not ipv4.ready else ipv4
    return ServiceBackends(
        ipv4=ipv4,
        ipv6_ready=(ipv6,) if ipv6.ready else (),
        no_ipv6=(ipv6,) if service.has_ipv6 and listing.complete and not ipv6.ready else (),
        one_backend=(first,) if listing.complete and len(first.ready) == 1 else (),
        complete=listing.complete,
        evidence=(ipv4, ipv6),
    )


def _backends(service: ServiceFamily, slices: Sequence[Object], family: str) -> Backends:
    chosen = [one for one in slices if text(one, "addressType") == family]
    ready: list[str] = []
    not_ready = 0
    for one in chosen:
        for endpoint in items(one, "endpoints"):
            # An endpoint without the condition counts as ready.
            if at(endpoint, "conditions", "ready") is False:
                not_ready += 1
            else:
                addresses = at(endpoint, "addresses")
                ready += [one for one in addresses if isinstance(one, str)] if isinstance(addresses, list) else []
    held = f"{len(set(ready))} ready, {not_ready} not ready" if chosen else f"no EndpointSlice of {family}"
    return Backends(
        object=f"Service {service.namespace}/{service.name}",
        field=f"EndpointSlices of addressType {family}",
        value=held,
        kubectl=f"kubectl -n {service.namespace} get endpointslices -l kubernetes.io/service-name={service.name}",
        family=family,
        slices=len(chosen),
        ready=tuple(dict.fromkeys(ready)),
        not_ready=not_ready,
    )
