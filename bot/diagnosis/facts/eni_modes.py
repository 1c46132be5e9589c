"""Shared or exclusive ENI mode: of each node in question, and of the cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from bot.diagnosis.facts.agents import Agents, agents
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import DaemonSets, daemon_sets, observed_daemon_set, plugin
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.observation import Fact, Observation
from corpus import Version

__all__ = ["MODE_LABEL", "EniMode", "EniModes", "Mode", "eni_modes", "mode_of"]

MODE_LABEL = "k8s.aliyun.com/exclusive-mode-eni-type"
_IGNORED_LABEL = "k8s.aliyun.com/ignore-by-terway"
_NODE_POOL_LABELS = ("node.alibabacloud.com/nodepool-id", "alibabacloud.com/nodepool-id")
_PER_NODE = (1, 11, 0)

Mode = Literal["shared", "exclusive"]


class EniMode(Observation):
    """The mode of a node; None where it cannot be told. ``label`` is the value of the label that asks for a mode.

    ``label_ignored``: Terway there is too old for the label. ``unmanaged``: Terway leaves this node alone.
    """

    node: str
    pool: str
    mode: Mode | None
    label: str
    label_ignored: bool
    unmanaged: bool


class EniModes(Fact):
    """Modes of the nodes in question. ``cluster``: the mode of all nodes, ``mixed`` where they differ, None: not known.

    ``shared``, ``exclusive``, ``undecided`` and ``unmanaged`` are the nodes of each kind; ``whole_cluster`` is the
    evidence for a mode that DaemonSets decide for all nodes. ``all_unmanaged`` is filled where Terway leaves all nodes
    that were pointed at alone. ``trunk`` are nodes where pods may get an ENI of their own through a trunk ENI.
    """

    items: tuple[EniMode, ...]
    cluster: Literal["shared", "exclusive", "mixed"] | None
    whole_cluster: tuple[Observation, ...]
    shared: tuple[EniMode, ...]
    exclusive: tuple[EniMode, ...]
    undecided: tuple[EniMode, ...]
    ignored_labels: tuple[EniMode, ...]
    all_unmanaged: tuple[EniMode, ...]
    trunk: tuple[Observation, ...]
    evidence: tuple[Observation, ...]

    def of(self, node: str) -> Mode | None:
        """Return the mode of a node."""
        return next((one.mode for one in self.items if one.node == node), None)


def mode_of(label: str, version: Version | None, *, shared_set: bool, exclusive_set: bool) -> Mode | None:
    """Return the mode of a node from its label, the version of Terway on it, and which DaemonSets there are.

    The DaemonSet terway-eni alone means exclusive for all nodes. Otherwise the label decides from v1.11.0 on; before,
    it means nothing. None: it asks for exclusive mode and the version is not known, or both DaemonSets are there.
    """
    if exclusive_set:
        return None if shared_set else "exclusive"
    if label.lower() != "enionly":
        return "shared"
    honoured = at_least(version, *_PER_NODE)
    return None if honoured is None else "exclusive" if honoured else "shared"


def _mode(node: Node, version: Version | None, sets: DaemonSets) -> EniMode:
    label = node.labels.get(MODE_LABEL, "")
    unmanaged = node.labels.get(_IGNORED_LABEL) == "true" or node.labels.get("type") == "virtual-kubelet"
    shared_set, exclusive_set = bool(sets.named("terway-eniip", "terway")), bool(sets.named("terway-eni"))
    known = sets.complete or shared_set or exclusive_set
    mode = mode_of(label, version, shared_set=shared_set, exclusive_set=exclusive_set) if known else None
    shown = f"{MODE_LABEL}={label}" if label else f"no {MODE_LABEL}"
    why = "Terway leaves it alone" if unmanaged else f"{mode or 'undecided'}, {shown}"
    return EniMode(
        object=f"Node {node.name}",
        field="metadata.labels",
        value=why,
        kubectl=f"kubectl get node {node.name} --show-labels",
        node=node.name,
        pool=next((pool for key in _NODE_POOL_LABELS if (pool := node.labels.get(key))), ""),
        mode=None if unmanaged else mode,
        label=label,
        label_ignored=label.lower() == "enionly" and at_least(version, *_PER_NODE) is False,
        unmanaged=unmanaged,
    )


def _cluster(
    found: Sequence[EniMode], *, complete: bool, decided: Mode | None
) -> Literal["shared", "exclusive", "mixed"] | None:
    modes = {one.mode for one in found if not one.unmanaged}
    if len(modes - {None}) > 1:
        return "mixed"
    if decided:
        return decided
    return next(iter(modes)) if complete and len(modes) == 1 else None


def _version(running: Agents | None, node: str, template: Version) -> Version | None:
    """Return the version of Terway on a node: that of its pod, else that which the DaemonSet asks for."""
    versions = [one.version for one in running.of("terway", node)] if running else []
    return (versions[0] if versions else template) or None


@fact("eni_modes", EniModes, kubectl=f"kubectl get nodes -L {MODE_LABEL}")
async def eni_modes(facts: Facts) -> EniModes:
    """Shared or exclusive ENI mode, by DaemonSets, the nodes' labels and the version of Terway that honours them."""
    sets, asked, main = await asyncio.gather(facts(daemon_sets), facts(nodes), facts(plugin))
    labelled = any(node.labels.get(MODE_LABEL) for node in asked.items)
    running = await Partial(facts)(agents) if labelled else None
    terway = main.name == "terway"
    found = (
        tuple(_mode(node, _version(running, node.name, main.version), sets) for node in asked.items) if terway else ()
    )
    exclusive_set = sets.named("terway-eni")
    only_exclusive = bool(exclusive_set) and not sets.named("terway-eniip", "terway")
    too_old = terway and not exclusive_set and at_least(main.version or None, *_PER_NODE) is False
    decided: Mode | None = "exclusive" if only_exclusive else "shared" if too_old else None
    given = [one for one in found if one.unmanaged] if asked.given else []
    return EniModes(
        items=found,
        cluster=_cluster(found, complete=asked.complete or not labelled, decided=decided),
        whole_cluster=tuple(map(observed_daemon_set, exclusive_set)) if only_exclusive else (),
        shared=tuple(one for one in found if one.mode == "shared"),
        exclusive=tuple(one for one in found if one.mode == "exclusive"),
        undecided=tuple(one for one in found if one.mode is None and not one.unmanaged),
        ignored_labels=tuple(one for one in found if one.label_ignored),
        all_unmanaged=tuple(given) if given and len(given) == len(found) else (),
        trunk=tuple(
            Observation(
                object=f"Node {node.name}",
                field="status.allocatable[aliyun/member-eni]",
                value=amount,
                kubectl=f"kubectl describe node {node.name}",
            )
            for node in asked.items
            if terway and (amount := node.extended.get("aliyun/member-eni", "0")) not in {"", "0"}
        ),
        evidence=found,
    )
