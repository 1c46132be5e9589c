"""The vSwitches that pods take their addresses from, at every place where a Terway cluster names them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from bot.diagnosis.facts.eni_config import EniConfig, eni_config
from bot.diagnosis.facts.eni_modes import MODE_LABEL
from bot.diagnosis.facts.nodes import Node
from bot.diagnosis.facts.observed import observed
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.surveyed_nodes import surveyed_nodes
from bot.diagnosis.facts.terway_nodes import terway_nodes
from bot.diagnosis.objects import at, name
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["PodVSwitches", "pod_vswitches", "vswitch_ids"]

_LIMIT = 50
_DYNAMIC = "terway-config"
_OWN_ENIS = frozenset({"aliyun/eni", "aliyun/member-eni"})


class PodVSwitches(Fact):
    """``configured``: by eni-config and PodNetworkings; ``in_use``: of ENIs that nodes have.

    ``overridden``: nodes that take another ConfigMap's vSwitches instead.
    """

    configured: tuple[Observation, ...]
    in_use: tuple[Observation, ...]
    overridden: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def vswitch_ids(found: Any) -> list[str]:
    """Return the ids in a list, or in the lists of a map of zones."""
    if isinstance(found, dict):
        return [one for ids in found.values() for one in vswitch_ids(ids)]
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def _has_own_enis(config: EniConfig, asked: Iterable[Node]) -> bool:
    """Tell whether pods may get ENIs of their own, which PodNetworkings are about: trunk or exclusive ones.

    A node that takes settings of its own may have them as well.
    """
    return (
        bool(config.invalid)
        or config.settings.get("enable_eni_trunking") is True
        or any(
            node.labels.get(MODE_LABEL) or node.labels.get(_DYNAMIC) or _OWN_ENIS.intersection(node.extended)
            for node in asked
        )
    )


def _joined(ids: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(ids)) or "(none)"


@fact(
    "pod_vswitches",
    PodVSwitches,
    needs=[Needs("podnetworkings.network.alibabacloud.com", "list")],
    kubectl="kubectl -n kube-system get cm eni-config -o yaml; kubectl get podnetworking",
)
async def pod_vswitches(facts: Facts) -> PodVSwitches:
    """The vSwitches of Terway's pods; Flannel's pods have none."""
    if (await facts(plugin)).name != "terway":
        return PodVSwitches(configured=(), in_use=(), overridden=(), evidence=())
    read = Partial(facts)
    config, asked, reported = await read(eni_config), await read(surveyed_nodes), await read(terway_nodes)
    configured = []
    if config and config.evidence:
        ids = vswitch_ids(config.settings.get("vswitches"))
        configured.append(
            config.evidence[0].model_copy(
                update={"field": "data.eni_conf, key vswitches within", "value": _joined(ids)}
            )
        )
    networkings: Sequence[Object] = ()
    if config is None or asked is None or _has_own_enis(config, asked.items):
        try:
            networkings = (await facts.reads.list("podnetworkings.network.alibabacloud.com", limit=_LIMIT)).items
        except Unreadable:
            networkings = ()
    configured += [
        Observation(
            object=f"PodNetworking {name(one)}",
            field="spec.vSwitchOptions",
            value=_joined(vswitch_ids(at(one, "spec", "vSwitchOptions"))),
            kubectl=f"kubectl get podnetworking {name(one)} -o yaml",
        )
        for one in networkings[:6]
    ]
    in_use = [
        Observation(
            **observed(
                node,
                field="status.networkInterfaces",
                value=_joined(eni.vswitch for eni in node.enis if eni.vswitch),
            )
        )
        for node in (reported.items if reported else ())
        if node.enis
    ]
    overridden = [
        node.seen.model_copy(update={"field": f"metadata.labels[{_DYNAMIC}]", "value": node.labels[_DYNAMIC]})
        for node in (asked.items if asked else ())
        if node.labels.get(_DYNAMIC)
    ]
    if not configured and not in_use:
        read.require()
    return PodVSwitches(
        configured=tuple(configured),
        in_use=tuple(in_use[:6]),
        overridden=tuple(overridden[:6]),
        evidence=(*configured, *in_use[:4]),
    )
