"""Which network plugin the cluster runs, and whether its control plane is the customer's own."""

from __future__ import annotations

from typing import Literal

from bot.diagnosis.facts.plugin_signs import plugin_signs
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.server import image_version
from bot.diagnosis.objects import at, items, labels, name, namespace, number, text, texts, time
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Listing, Object, Unreadable

__all__ = ["EVERY_DAEMON_SET", "DaemonSet", "DaemonSets", "Plugin", "daemon_sets", "plugin"]

_TERWAY = ("terway-eniip", "terway-eni", "terway")
_FLANNEL = ("kube-flannel-ds",)
_NAMESPACE = "kube-system"
_LIST = "list daemonsets in namespace kube-system"
_LIMIT = 200
EVERY_DAEMON_SET = 500
"""So many DaemonSets are read of all namespaces together: few clusters have more."""


class DaemonSet(Fact):
    """A DaemonSet of kube-system. ``images``: container name → image; ``rolled_out``: every pod is of the template."""

    name: str
    images: dict[str, str]
    version: tuple[int, ...]
    desired: int
    ready: int
    rolled_out: bool
    on_delete: bool
    args: tuple[str, ...]
    selector: dict[str, str]
    created_at: str


class DaemonSets(Fact):
    """The DaemonSets of kube-system; ``complete`` tells that there are no others."""

    items: tuple[DaemonSet, ...]
    complete: bool
    evidence: tuple[Observation, ...]

    def named(self, *names: str) -> tuple[DaemonSet, ...]:
        """Return those of these names."""
        return tuple(found for found in self.items if found.name in names)


class Plugin(Fact):
    """The network plugin: ``none`` where no DaemonSet of either is there, ``both`` where of both are.

    ``version`` is that of the DaemonSet's template (empty when its tag tells none); pods may still run another.
    ``dedicated`` tells that masters are the customer's (DaemonSets only such clusters have). ``traced``: its DaemonSets
    were not captured, and traces of it tell of it, which rule out no second plugin.
    """

    name: Literal["terway", "flannel", "both", "none"]
    daemon_set: str
    version: tuple[int, ...]
    dedicated: bool
    traced: bool
    evidence: tuple[Observation, ...]


def _daemon_set(found: Object) -> DaemonSet:
    pod = at(found, "spec", "template", "spec")
    containers = {text(container, "name"): text(container, "image") for container in items(pod, "containers")}
    desired = number(found, "status", "desiredNumberScheduled") or 0
    updated = number(found, "status", "updatedNumberScheduled")
    observed = number(found, "status", "observedGeneration")
    generation = number(found, "metadata", "generation")
    arguments = [
        argument
        for container in items(pod, "containers")
        for field in ("command", "args")
        for argument in texts(container, field)
    ]
    versions = [version for image in containers.values() if (version := image_version(image))]
    created = time(found, "metadata", "creationTimestamp")
    return DaemonSet(
        name=name(found),
        images=containers,
        version=versions[0] if versions else (),
        desired=desired,
        ready=number(found, "status", "numberReady") or 0,
        rolled_out=(updated is None or updated >= desired)
        and (observed is None or generation is None or observed >= generation),
        on_delete=text(found, "spec", "updateStrategy", "type") == "OnDelete",
        args=tuple(arguments),
        selector=labels(found, "spec", "selector", "matchLabels"),
        created_at=created.isoformat() if created else "",
    )


@fact(
    "daemon_sets",
    DaemonSets,
    needs=[Needs("daemonsets", "list")],
    kubectl="kubectl -n kube-system get ds -o wide",
)
async def daemon_sets(facts: Facts) -> DaemonSets:
    """The DaemonSets of kube-system with their images: network plugin, kube-proxy, DNS caches and others."""
    listing = await _of_kube_system(facts)
    found = tuple(sorted(map(_daemon_set, listing.items), key=lambda daemon_set: daemon_set.name))
    evidence = tuple(observed_daemon_set(daemon_set) for daemon_set in found)
    return DaemonSets(items=found, complete=listing.complete, evidence=evidence)


async def _of_kube_system(facts: Facts) -> Listing:
    """Return the DaemonSets of kube-system, out of the list of all where that can be had: others ask for it as well."""
    try:
        every = await facts.reads.list("daemonsets", limit=EVERY_DAEMON_SET)
    except Unreadable as error:
        if error.reason in {"timeout", "budget"}:
            raise
        every = None
    if every is None or not every.complete:
        return await facts.reads.list("daemonsets", namespace=_NAMESPACE, limit=_LIMIT)
    return Listing([one for one in every.items if namespace(one) == _NAMESPACE], complete=True)


def observed_daemon_set(daemon_set: DaemonSet) -> Observation:
    """Return that the DaemonSet is there, with its images, as evidence."""
    return Observation(
        object=f"DaemonSet kube-system/{daemon_set.name}",
        field="spec.template.spec.containers[].image",
        value=", ".join(sorted(set(daemon_set.images.values()))) or "(none)",
        kubectl=f"kubectl -n kube-system get ds {daemon_set.name} -o wide",
    )


@fact("plugin", Plugin, kubectl="kubectl -n kube-system get ds")
async def plugin(facts: Facts) -> Plugin:
    """Terway or Flannel, by the DaemonSets of kube-system; entries of the other plugin do not apply.

    Where these were not captured (a paste of something else), traces of one plugin alone tell it.
    """
    try:
        found = await facts(daemon_sets)
    except Unreadable as error:
        if error.reason != "not_captured":
            raise
        return await _by_signs(facts, error)
    terway, flannel = found.named(*_TERWAY), found.named(*_FLANNEL)
    if not terway and not flannel:
        # Renamed ones are told by their images.
        terway = tuple(one for one in found.items if any("/acs/terway" in image for image in one.images.values()))
        flannel = tuple(one for one in found.items if any("/acs/flannel" in image for image in one.images.values()))
    if not terway and not flannel and not found.complete:
        return await _by_signs(facts, Unreadable(_LIST, "not_captured", "neither plugin is among those that were seen"))
    masters = found.named("kube-proxy-master", "cloud-controller-manager")
    both = bool(terway and flannel)
    main = (terway or flannel or (None,))[0]
    seen = tuple(observed_daemon_set(one) for one in (*terway, *flannel))
    nothing = Observation(
        object="namespace kube-system",
        field="daemonsets",
        value="neither terway-eniip, terway-eni, terway nor kube-flannel-ds",
        kubectl="kubectl -n kube-system get ds",
    )
    return Plugin(
        name="both" if both else "terway" if terway else "flannel" if flannel else "none",
        daemon_set=main.name if main else "",
        version=main.version if main else (),
        dedicated=bool(masters),
        traced=False,
        evidence=seen or (nothing,),
    )


async def _by_signs(facts: Facts, unread: Unreadable) -> Plugin:
    """Return the plugin that what can be seen is of, where all of it is of one; raise ``unread`` where that is not."""
    signs = await plugin_signs(facts)
    names = {which for which, _ in signs}
    if len(names) != 1:
        raise unread
    return Plugin(
        name=names.pop(),
        daemon_set="",
        version=(),
        dedicated=False,
        traced=True,
        evidence=tuple(seen for _, seen in signs[:3]),
    )
