"""Elastic IPs that ack-extend-network-controller gave to the named pods."""

from __future__ import annotations

from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import first_text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Unreadable

__all__ = ["PodEips", "pod_eips"]

_RESOURCE = "podeips.alibabacloud.com"
_MAX_PODS = 3


class PodEips(Fact):
    """The PodEIPs of the named pods; such a pod reaches the internet without a NAT gateway."""

    items: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


@fact("pod_eips", PodEips, needs=[Needs(_RESOURCE, "get")], kubectl=f"kubectl -n <namespace> get {_RESOURCE} <pod>")
async def pod_eips(facts: Facts) -> PodEips:
    """Elastic IPs of the named pods, as the controller's resources show them."""
    asked = await facts(pods)
    found: list[Observation] = []
    for pod in asked.items[:_MAX_PODS] if asked.given else ():
        try:
            one = await facts.reads.get(_RESOURCE, pod.name, pod.namespace)
        except Unreadable as error:
            # Without the controller there are none.
            if error.reason != "not_served":
                raise
            break
        address = first_text(one, ("status", "eipAddress"), ("spec", "allocationID"))
        if one and address:
            found.append(
                Observation(
                    object=f"PodEIP {pod.key}",
                    field="status.eipAddress",
                    value=address,
                    kubectl=f"kubectl -n {pod.namespace} get {_RESOURCE} {pod.name} -o yaml",
                )
            )
    return PodEips(items=tuple(found), evidence=tuple(found))
