"""From which vSwitch pods have their addresses, and whether it is one that their node is told to use."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bot.diagnosis.facts.eni_modes import eni_modes
from bot.diagnosis.facts.namespace_pods import namespace_pods
from bot.diagnosis.facts.node_configs import NodeConfig, node_configs
from bot.diagnosis.facts.node_pods import node_pods
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pod_networking import OwnEnis, own_enis
from bot.diagnosis.facts.pods import Pod, pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.terway_nodes import Eni, TerwayNode, terway_nodes
from bot.diagnosis.observation import Fact, Observation

__all__ = ["AddressOrigin", "AddressOrigins", "address_origins", "long_used", "origin_of"]

Origin = Literal["outside", "configured", "not_read_yet", "unknown"]
"""A vSwitch that the node is not told to use; one that it is; one that only an outdated Terway still uses; not to be
told."""

_MAX_UNNAMED = 20


class AddressOrigin(Observation):
    """The vSwitch that a pod's address is from (empty: not known), and how it came to that.

    ``joined_later``: the node joined after the last change of its settings; ``changed_later``: these changed after the
    node had joined. ``long_used``: pods from before the last change have addresses of this vSwitch, and another one
    that is configured has none of those, so this one is not the one that was added.
    """

    pod: str
    node: str
    vswitch: str
    origin: Origin
    joined_later: bool
    changed_later: bool
    long_used: bool


class AddressOrigins(Fact):
    """The vSwitches of the pods in question, or where none is named of young pods on ENIs outside the settings.

    ``outside``: pods whose vSwitch their node is not told to use, and what it is told; ``reused_node`` and ``edited``
    say how that came. ``outdated``: pods whose vSwitch only an outdated Terway still uses. ``excluded``: why the
    address of each named pod is as it should be. ``not_added``: why the named pods use no vSwitch that was added.
    """

    items: tuple[AddressOrigin, ...]
    outside: tuple[Observation, ...]
    reused_node: tuple[Observation, ...]
    edited: tuple[Observation, ...]
    outdated: tuple[AddressOrigin, ...]
    excluded: tuple[Observation, ...]
    not_added: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


@dataclass(frozen=True)
class _Place:
    """A node with what is reported of it and what it is told."""

    node: Node
    report: TerwayNode | None
    config: NodeConfig | None


def origin_of(eni: Eni | None, report: TerwayNode | None, config: NodeConfig | None) -> Origin:
    """Tell whether the vSwitch of an ENI is one that its node is told to use.

    What Terway works with counts (the resource's vSwitchOptions), unless it is older than settings that say otherwise.
    """
    if eni is None or report is None or not report.vswitches:
        return "unknown"
    if eni.vswitch not in report.vswitches:
        return "outside"
    told = config is None or config.fallback or eni.vswitch in config.vswitches
    return "configured" if told or not (config and config.stale) else "not_read_yet"


def long_used(vswitch: str, report: TerwayNode, config: NodeConfig, older_pods: frozenset[str]) -> bool:
    """Tell whether a vSwitch served pods before the last change while another configured one did not."""
    served = {eni.vswitch for eni in report.enis if older_pods.intersection(eni.pods)}
    others = set(config.vswitches or report.vswitches) - {vswitch}
    return vswitch in served and bool(others - served)


def _origin(pod: Pod, place: _Place, older_pods: frozenset[str]) -> AddressOrigin:
    report, config = place.report, place.config
    eni = report.eni_of(pod.key, pod.ips) if report else None
    changed, created = (config.changed_s if config else None), place.node.created_s
    both = changed is not None and created is not None
    seen: Observation = eni or pod.seen
    address = ", ".join(pod.ips)
    return AddressOrigin(
        object=seen.object,
        field=f"{seen.field}.ipv4[{address}]" if eni else "status.podIPs",
        value=f"{pod.key} has {address} of {eni.vswitch} ({eni.cidr})" if eni else address,
        seen_at=seen.seen_at,
        kubectl=seen.kubectl,
        pod=pod.key,
        node=place.node.name,
        vswitch=eni.vswitch if eni else "",
        origin=origin_of(eni, report, config),
        joined_later=both and (created or 0) < (changed or 0),
        changed_later=both and (created or 0) > (changed or 0),
        long_used=bool(eni and report and config and long_used(eni.vswitch, report, config, older_pods)),
    )


def _told(place: _Place) -> list[Observation]:
    """Return the vSwitches that Terway works with on the node."""
    if place.report is None:
        return []
    shown = {"field": "spec.eni.vSwitchOptions", "value": ", ".join(place.report.vswitches), "seen_at": None}
    return [place.report.model_copy(update=shown)]


def _started_before(change_s: int | None, there: Sequence[Pod]) -> frozenset[str]:
    if change_s is None:
        return frozenset()
    return frozenset(pod.key for pod in there if pod.started_s is not None and pod.started_s > change_s)


def _unnamed(place: _Place, there: Sequence[Pod]) -> list[Pod]:
    """Return the pods of the node that started after the last change and are on ENIs outside the settings."""
    report, config = place.report, place.config
    if report is None or config is None or config.changed_s is None:
        return []
    here = [pod for pod in there if pod.node == place.node.name and not pod.host_network]
    young = [pod for pod in here if pod.started_s is not None and pod.started_s < config.changed_s]
    return [pod for pod in young if origin_of(report.eni_of(pod.key, pod.ips), report, config) == "outside"]


@fact("address_origins", AddressOrigins, kubectl="kubectl get nodes.network.alibabacloud.com <node> -o yaml")
async def address_origins(facts: Facts) -> AddressOrigins:
    """From which vSwitch the pods in question have their addresses, and whether their nodes are told to use it."""
    needed, extra = Partial(facts), Partial(facts)
    (asked, waiting, reported), (configs, modes, own) = await asyncio.gather(
        asyncio.gather(facts(nodes), facts(pods), needed(terway_nodes)),
        asyncio.gather(extra(node_configs), extra(eni_modes), extra(own_enis)),
    )
    places = {
        node.name: _Place(
            node, reported.usable(node.name) if reported else None, configs.named(node.name) if configs else None
        )
        for node in asked.items
    }
    on_nodes: tuple[Pod, ...] = ()
    meant: list[Pod] = []
    if waiting.given:
        asking = set(own.pods) if own else set()
        meant = [
            pod
            for pod in waiting.items
            if pod.ips and not pod.host_network and pod.node in places and pod.key not in asking
        ]
    # A pod that has no address yet came from nowhere; then its neighbours tell nothing either.
    if meant or not (waiting.given or waiting.stuck):
        there = await extra(node_pods)
        on_nodes = there.items if there else ()
    if not (waiting.given or waiting.stuck):
        others = await extra(namespace_pods)
        there_or_meant = on_nodes if asked.given else others.items if others else ()
        meant = [pod for place in places.values() for pod in _unnamed(place, there_or_meant)][:_MAX_UNNAMED]
    found = []
    for pod in meant:
        place = places[pod.node]
        here = [one for one in on_nodes if one.node == pod.node]
        found.append(_origin(pod, place, _started_before(place.config.changed_s if place.config else None, here)))
    mine = (await facts(plugin)).name == "terway"
    outside = [one for one in found if one.origin == "outside"] if mine else []
    excluded: list[Observation] = [*(modes.all_unmanaged if modes else ())]
    if waiting.given:
        excluded += _as_it_should_be(waiting.items, found, own, places)
    used_before = [
        one.model_copy(update={"value": f"{one.value}; pods from before the last change use it as well"})
        for one in found
        if one.long_used
    ]
    if not (outside or excluded) and meant:
        needed.require()
    return AddressOrigins(
        items=tuple(found),
        outside=_with_settings(outside, places),
        reused_node=_with_settings([one for one in outside if one.joined_later], places),
        edited=_with_settings([one for one in outside if one.changed_later], places),
        outdated=tuple(one for one in found if one.origin == "not_read_yet"),
        excluded=tuple(excluded),
        not_added=tuple(used_before) if waiting.given and len(used_before) == len(waiting.items) else (),
        evidence=tuple(found),
    )


def _with_settings(found: Sequence[AddressOrigin], places: Mapping[str, _Place]) -> tuple[Observation, ...]:
    on = dict.fromkeys(one.node for one in found)
    return (*found, *(told for node in on for told in _told(places[node])))


def _as_it_should_be(
    named: Sequence[Pod], found: Sequence[AddressOrigin], own: OwnEnis | None, places: Mapping[str, _Place]
) -> list[Observation]:
    """Return why the address of each named pod is right, or that it has none; nothing where that is open for one."""
    why: list[Observation] = []
    by_key = {one.pod: one for one in found}
    owned = {one.pod: one for one in own.items} if own else {}
    for pod in named:
        if pod.host_network:
            shown = {"field": "spec.hostNetwork", "value": "true: its addresses are the node's"}
            why.append(pod.seen.model_copy(update=shown))
        elif not pod.ips:
            why.append(pod.seen.model_copy(update={"field": "status.podIPs", "value": "it has no address yet"}))
        elif pod.key in owned and owned[pod.key].as_told:
            why.append(owned[pod.key])
        elif pod.key in by_key and by_key[pod.key].origin == "configured":
            why += [by_key[pod.key], *_told(places[pod.node])]
        else:
            return []
    return why
