"""Network plugins that ACK does not ship, told by their DaemonSets; their CRDs prove nothing, Terway brings some."""

from __future__ import annotations

import re
from typing import Literal

from bot.diagnosis.facts.plugin import EVERY_DAEMON_SET
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import items, name, namespace, number, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["ForeignCni", "ForeignPlugin", "foreign_cni", "foreign_plugin_of"]

_ACK = re.compile(r"terway(-eni(ip)?)?(-windows)?\Z|kube-flannel-ds")
_NAMES = {
    "calico-node": "Calico",
    "cilium": "Cilium",
    "weave-net": "Weave Net",
    "kube-router": "kube-router",
    "antrea-agent": "Antrea",
    "canal": "Canal",
    "kube-ovn-cni": "Kube-OVN",
    "aws-node": "Amazon VPC CNI",
}
_IMAGES = (
    ("Calico", r"(?:^|/)calico/node$|/calico-node$"),
    ("Cilium", r"(?:^|/)cilium/cilium(?:-ci)?$"),
    ("Weave Net", r"(?:^|/)weave-kube$"),
    ("kube-router", r"(?:^|/)kube-router$"),
    ("Antrea", r"(?:^|/)antrea(?:/antrea)?(?:-agent)?(?:-ubuntu)?$"),
    ("Kube-OVN", r"(?:^|/)kube-ovn$"),
    ("Amazon VPC CNI", r"(?:^|/)amazon-k8s-cni$"),
)
_REPLACING = tuple((label, re.compile(pattern)) for label, pattern in _IMAGES)
_CHAINED = re.compile(r"(?:^|[/-])(?:multus|istio-cni|install-cni|linkerd-cni|cni-plugins?)(?:$|-)")


class ForeignPlugin(Observation):
    """A DaemonSet of a network plugin. ``role`` ``chained``: it adds to ACK's plugin instead of replacing it."""

    plugin: str
    role: Literal["replacing", "chained"]


class ForeignCni(Fact):
    """The DaemonSets of other plugins: those that set up a network of their own, and those chained to ACK's.

    ``none`` is filled where all DaemonSets were seen and none is of such a plugin.
    """

    replacing: tuple[ForeignPlugin, ...]
    chained: tuple[ForeignPlugin, ...]
    none: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def _repository(image: str) -> str:
    plain = image.partition("@")[0]
    head, colon, tail = plain.rpartition(":")
    return head if colon and "/" not in tail else plain


def foreign_plugin_of(found: Object) -> ForeignPlugin | None:
    """Return what plugin a DaemonSet is of; None for ACK's own and for all that is no network plugin."""
    who = name(found)
    if _ACK.match(who):
        return None
    images = [text(one, "image") for one in items(found, "spec", "template", "spec", "containers")]
    repositories = [_repository(image) for image in images]
    label = _NAMES.get(who) or next(
        (label for label, pattern in _REPLACING for one in repositories if pattern.search(one)), ""
    )
    chained = any(_CHAINED.search(one) for one in (who, *(one.rpartition("/")[2] for one in repositories)))
    if not label and not chained:
        return None
    where = namespace(found)
    desired = number(found, "status", "desiredNumberScheduled")
    return ForeignPlugin(
        object=f"DaemonSet {where}/{who}",
        field="spec.template.spec.containers[].image",
        value=", ".join(images) + (f" on {desired} nodes" if desired is not None else ""),
        kubectl=f"kubectl -n {where} get ds {who} -o wide",
        plugin=label or who,
        role="replacing" if label else "chained",
    )


@fact(
    "foreign_cni",
    ForeignCni,
    needs=[Needs("daemonsets", "list")],
    kubectl="kubectl get ds -A -o wide",
)
async def foreign_cni(facts: Facts) -> ForeignCni:
    """DaemonSets of network plugins that ACK does not ship, in any namespace."""
    listing = await facts.reads.list("daemonsets", limit=EVERY_DAEMON_SET)
    found = [plugin for one in listing.items if (plugin := foreign_plugin_of(one))]
    replacing = tuple(one for one in found if one.role == "replacing")
    chained = tuple(one for one in found if one.role == "chained")
    seen = Observation(
        object="DaemonSets of all namespaces",
        field="metadata.name",
        value="none is of another network plugin",
        kubectl="kubectl get ds -A -o wide",
    )
    none = (seen,) if listing.complete and not found else ()
    return ForeignCni(replacing=replacing, chained=chained, none=none, evidence=(*replacing, *chained, *none))
