"""Whether a pod that calls a Service may be sent back to itself: Services whose backends include the calling pod."""

from __future__ import annotations

from typing import Literal

from bot.diagnosis.facts.flannel_config import flannel_config
from bot.diagnosis.facts.flannel_pods import flannel_pods
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import items, labels, name, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["Hairpin", "SelfServices", "hairpin", "leads_back", "self_services"]

_MAX_SERVICES = 300
_MAX_SLICES = 50


class SelfServices(Fact):
    """Services that lead a named pod back to itself: ``back``.

    ``not_back`` is filled where the Service in question, or all there are, cannot: headless, or for other pods;
    ``no_caller`` where the pod itself cannot call anything yet.
    """

    back: tuple[Observation, ...]
    not_back: tuple[Observation, ...]
    no_caller: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


class Hairpin(Fact):
    """Whether Flannel's bridge sends packets back to the pod they come from, by configuration and age of the pods.

    ``off``: the setting is not there or false; ``not_applied``: it is on, but Flannel or the named pod is older;
    ``on``: it is on and everything that is known to matter is younger; ``refused``: it is on together with promiscMode.
    """

    off: tuple[Observation, ...]
    not_applied: tuple[Observation, ...]
    on: tuple[Observation, ...]
    refused: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def leads_back(service: Object, pod: Pod) -> Literal["yes", "headless", "other_pods", "no_selector"]:
    """Tell whether a Service of the pod's namespace may send the pod's own call back to it, as far as it says so."""
    if text(service, "spec", "type") == "ExternalName":
        return "other_pods"
    selector = labels(service, "spec", "selector")
    headless = text(service, "spec", "clusterIP") == "None"
    if not selector:
        return "headless" if headless else "no_selector"
    if any(pod.labels.get(key) != value for key, value in selector.items()):
        return "other_pods"
    return "headless" if headless else "yes"


def _observed(service: Object, namespace: str, field: str, value: str) -> Observation:
    return Observation(
        object=f"Service {namespace}/{name(service)}",
        field=field,
        value=value,
        kubectl=f"kubectl -n {namespace} get svc {name(service)} -o yaml",
    )


async def _has_endpoint(facts: Facts, service: Object, pod: Pod) -> bool:
    """Tell whether the pod is among the hand-made backends of a Service without selector."""
    listing = await facts.reads.list(
        "endpointslices",
        namespace=pod.namespace,
        labels={"kubernetes.io/service-name": name(service)},
        limit=_MAX_SLICES,
    )
    return any(
        text(endpoint, "targetRef", "kind") == "Pod" and text(endpoint, "targetRef", "name") == pod.name
        for one in listing.items
        for endpoint in items(one, "endpoints")
    )


_WHY = {
    "headless": ("spec.clusterIP", "None: names lead to the pods themselves"),
    "other_pods": ("spec.selector", "does not select the calling pod"),
    "no_selector": ("spec.selector", "(none), and the calling pod is no backend of it"),
}


async def _services(facts: Facts, namespace: str) -> tuple[list[Object], bool]:
    wanted = facts.scope.service
    if wanted:
        found = await facts.reads.get("services", wanted, namespace)
        return ([found], True) if found else ([], False)
    listing = await facts.reads.list("services", namespace=namespace, limit=_MAX_SERVICES)
    return list(listing.items), listing.complete


@fact(
    "self_services",
    SelfServices,
    needs=[Needs("services", "get"), Needs("services", "list"), Needs("endpointslices", "list")],
    kubectl="kubectl -n <namespace> get svc,endpointslice -o wide",
)
async def self_services(facts: Facts) -> SelfServices:
    """Services whose backends include the named pod itself: the one in question, or all of its namespace."""
    asked = await facts(pods)
    caller = asked.items[0] if asked.given and len(asked.items) == 1 else None
    if caller is None:
        return SelfServices(back=(), not_back=(), no_caller=(), evidence=())
    if caller.stage != "running":
        no_caller = (caller.seen,) if caller.stage in {"creating", "finished"} and not caller.partial else ()
        return SelfServices(back=(), not_back=(), no_caller=no_caller, evidence=no_caller)
    found, complete = await _services(facts, caller.namespace)
    back, not_back = [], []
    for service in found:
        answer = leads_back(service, caller)
        if answer == "no_selector" and await _has_endpoint(facts, service, caller):
            answer = "yes"
        if answer == "yes":
            selector = ",".join(f"{key}={value}" for key, value in labels(service, "spec", "selector").items())
            field, value = ("spec.selector", selector) if selector else ("endpoints", caller.name)
            back.append(_observed(service, caller.namespace, field, f"{value}: the calling pod is a backend"))
        elif not caller.partial:
            not_back.append(_observed(service, caller.namespace, *_WHY[answer]))
    if complete and not found and not facts.scope.service:
        not_back.append(
            caller.seen.model_copy(
                update={
                    "object": f"Namespace {caller.namespace}",
                    "field": "services",
                    "value": "(none)",
                    "kubectl": f"kubectl -n {caller.namespace} get svc",
                }
            )
        )
    excluded = tuple(not_back[:4]) if complete and not back and not caller.partial else ()
    return SelfServices(
        back=tuple(back[:4]), not_back=excluded, no_caller=(), evidence=tuple(back[:4]) or tuple(not_back[:4])
    )


@fact("hairpin", Hairpin, kubectl="kubectl -n kube-system get cm kube-flannel-cfg -o yaml")
async def hairpin(facts: Facts) -> Hairpin:
    """Whether the bridge of the named pod lets a packet return to it."""
    config, agents, asked = await facts(flannel_config), await facts(flannel_pods), await facts(pods)
    chosen = tuple(one for one in config.settings if one.key == "hairpinMode")
    if not config.present or not config.valid or config.cni.shape == "none" or config.cni.hairpin == "other":
        return Hairpin(off=(), not_applied=(), on=(), refused=(), evidence=chosen)
    promisc = tuple(one for one in config.settings if one.key == "promiscMode" and config.cni.promisc == "on")
    caller = asked.items[0] if asked.given and len(asked.items) == 1 else None
    agent = agents.on(caller.node) if caller else None
    if config.cni.hairpin == "off":
        off = chosen if agent is None or agent.applied != "no" else ()
        return Hairpin(off=off, not_applied=(), on=(), refused=(), evidence=chosen)
    refused = chosen + promisc if promisc else ()
    if agent is None or caller is None:
        return Hairpin(off=(), not_applied=(), on=(), refused=refused, evidence=chosen)
    older: tuple[Observation, ...] = ()
    known = agent.applied == "yes" and caller.started_s is not None and agent.started_s is not None
    if agent.applied == "no":
        older = (*chosen, _dated(agent, "older than the last change of kube-flannel-cfg"))
    elif known and _before(caller.started_s, agent.started_s) and _before(caller.started_s, config.changed_s):
        older = (
            *chosen,
            caller.seen.model_copy(
                update={"field": "status.startTime", "value": "older than the setting and than Flannel's pod"}
            ),
        )
    younger = known and _before(agent.started_s, caller.started_s)
    return Hairpin(
        off=(),
        not_applied=older,
        on=(*chosen, agent) if younger and not promisc else (),
        refused=refused,
        evidence=chosen,
    )


def _before(first_s: int | None, second_s: int | None) -> bool:
    """Tell whether what was ``first_s`` ago was before what was ``second_s`` ago."""
    return first_s is not None and second_s is not None and first_s > second_s


def _dated(seen: Observation, value: str) -> Observation:
    return seen.model_copy(update={"field": "status.startTime", "value": value})
