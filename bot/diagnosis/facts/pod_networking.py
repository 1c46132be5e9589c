"""PodNetworking and PodENI: pods that are given an ENI, vSwitch and security groups of their own."""

from __future__ import annotations

from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, items, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["OwnEni", "OwnEnis", "own_enis"]

_PODENIS = "podenis.network.alibabacloud.com"
_PODNETWORKINGS = "podnetworkings.network.alibabacloud.com"
_ANNOTATIONS = ("k8s.aliyun.com/pod-eni", "k8s.aliyun.com/pod-networking", "k8s.aliyun.com/pod-networks")
_MAX_PODS = 3


class OwnEni(Observation):
    """The ENIs that a pod was given by a PodENI. ``vswitches``: those they are in; ``member``: behind a trunk ENI.

    ``allowed``: the vSwitches that the PodNetworking which selected the pod names, empty where none is known.
    """

    pod: str
    networking: str
    vswitches: tuple[str, ...]
    allowed: tuple[str, ...]
    member: bool

    @property
    def as_told(self) -> bool:
        """Whether the ENIs are where the PodNetworking says."""
        return bool(self.vswitches) and set(self.vswitches) <= set(self.allowed)


class OwnEnis(Fact):
    """The named pods that have an ENI of their own; ``pods`` names all that ask for one."""

    items: tuple[OwnEni, ...]
    pods: tuple[str, ...]
    members: tuple[OwnEni, ...]
    evidence: tuple[Observation, ...]


def asks_for_eni(pod: Pod) -> bool:
    """Tell whether a pod is to have an ENI of its own."""
    return any(pod.annotations.get(key) not in {None, "", "false"} for key in _ANNOTATIONS)


def _own_eni(pod: Pod, found: Object, networking: Object | None) -> OwnEni:
    vswitches = tuple(
        vswitch for one in items(found, "spec", "allocations") if (vswitch := text(one, "eni", "vSwitchID"))
    )
    options = at(networking, "spec", "vSwitchOptions")
    allowed = [one for one in options if isinstance(one, str)] if isinstance(options, list) else []
    allowed += [vswitch for one in items(networking, "status", "vSwitches") if (vswitch := text(one, "id"))]
    infos = at(found, "status", "eniInfos")
    name = pod.annotations.get("k8s.aliyun.com/pod-networking", "")
    value = f"{text(found, 'status', 'phase') or 'unbound'} in {', '.join(vswitches) or 'no vSwitch'}"
    return OwnEni(
        object=f"PodENI {pod.key}",
        field="spec.allocations[].eni.vSwitchID",
        value=value + (f"; PodNetworking {name} names {', '.join(dict.fromkeys(allowed))}" if allowed else ""),
        kubectl=f"kubectl -n {pod.namespace} get {_PODENIS} {pod.name} -o yaml",
        pod=pod.key,
        networking=name,
        vswitches=vswitches,
        allowed=tuple(dict.fromkeys(allowed)),
        member=isinstance(infos, dict) and any(text(one, "type") == "Member" for one in infos.values()),
    )


@fact(
    "own_enis",
    OwnEnis,
    needs=[Needs(_PODENIS, "get"), Needs(_PODNETWORKINGS, "get")],
    kubectl=f"kubectl -n <namespace> get {_PODENIS} <pod> -o yaml",
)
async def own_enis(facts: Facts) -> OwnEnis:
    """The ENIs of their own that named pods have, and what the PodNetworking that selected them says."""
    asked = await facts(pods)
    wanted = [pod for pod in asked.items if asked.given and asks_for_eni(pod)][:_MAX_PODS]
    found = []
    for pod in wanted:
        try:
            own = await facts.reads.get(_PODENIS, pod.name, pod.namespace)
            name = pod.annotations.get("k8s.aliyun.com/pod-networking")
            networking = await facts.reads.get(_PODNETWORKINGS, name) if name else None
        except Unreadable as error:
            if error.reason != "not_served":
                raise
            continue
        if own:
            found.append(_own_eni(pod, own, networking))
    return OwnEnis(
        items=tuple(found),
        pods=tuple(pod.key for pod in wanted),
        members=tuple(one for one in found if one.member),
        evidence=tuple(found),
    )
