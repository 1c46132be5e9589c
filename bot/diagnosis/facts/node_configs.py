"""What Terway is told on each node: eni-config with the node's own ConfigMap laid over it, and whether it read it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Literal

from bot.diagnosis.facts.agents import Agent, agents
from bot.diagnosis.facts.eni_config import EniConfig, eni_config, known_settings
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.json_text import read_json
from bot.diagnosis.merge_patch import merge_patch
from bot.diagnosis.objects import at, items, text, time, times_changed
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = ["LABEL", "NodeConfig", "NodeConfigs", "OwnConfig", "node_configs", "own_config_of", "vswitches_of"]

LABEL = "terway-config"
_NAMESPACE = "kube-system"
_MAX_CONFIG_MAPS = 5
# What documentation leaves for the reader to fill in.
_PLACEHOLDER = re.compile(r"\*{2,}")


class OwnConfig(Fact):
    """The ConfigMap that nodes name by label: ``missing`` itself or its eni_conf, ``invalid``, or ``given``.

    ``placeholders`` are values with asterisks that were copied from documentation.
    """

    name: str
    state: Literal["given", "missing", "no_eni_conf", "invalid"]
    error: str
    settings: dict[str, Any]
    placeholders: tuple[str, ...]
    changed_s: int | None
    seen: Observation


class NodeConfig(Observation):
    """What Terway is told on a node. ``zone`` is the node's; ``vswitches`` those configured for it, merged.

    ``own``: name of the node's own ConfigMap (empty: none), ``own_vswitches`` what that lists for the zone, None where
    it does not list the zone. ``fallback``: nothing is configured for the zone, so the vSwitch of the primary ENI
    serves; ``other_zones``: it is for others only. ``changed_s``: seconds since the last change of what the node is
    told (``base_changed_s``: of eni-config, ``own_changed_s``: of its own ConfigMap or of the label that names it),
    ``started_s`` since Terway started there; ``stale``: Terway is older than the change, None where that is not known.
    """

    node: str
    zone: str
    own: str
    own_state: Literal["", "given", "missing", "no_eni_conf", "invalid"]
    own_vswitches: tuple[str, ...] | None
    base_vswitches: tuple[str, ...]
    vswitches: tuple[str, ...]
    fallback: bool
    other_zones: bool
    max_eni: int | None
    eni_cap_ratio: float | None
    changed_s: int | None
    base_changed_s: int | None
    started_s: int | None
    stale: bool | None
    base_stale: bool | None
    own_changed_s: int | None
    own_stale: bool | None


class NodeConfigs(Fact):
    """What Terway is told on the nodes in question.

    ``stale`` says of the nodes where Terway has not read the last change of eni-config yet, ``fresh`` of those where
    it has.
    """

    items: tuple[NodeConfig, ...]
    own: tuple[OwnConfig, ...]
    stale: tuple[Observation, ...]
    fresh: tuple[Observation, ...]
    evidence: tuple[Observation, ...]

    @property
    def vswitches(self) -> tuple[str, ...]:
        """The vSwitches that Terway is told to use on these nodes."""
        return tuple(dict.fromkeys(vswitch for one in self.items for vswitch in one.vswitches))

    def named(self, node: str) -> NodeConfig | None:
        """Return that of a node."""
        return next((one for one in self.items if one.node == node), None)


def vswitches_of(settings: Mapping[str, Any], zone: str) -> tuple[str, ...] | None:
    """Return the vSwitches listed for a zone; None where the zone is not listed."""
    listed = at(settings, "vswitches", zone)
    return tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else None


def own_config_of(name: str, found: Object | None, changed_s: int | None) -> OwnConfig:
    """Read the ConfigMap ``name`` of nodes; ``found`` None where there is none."""
    body = read_json(text(found, "data", "eni_conf")) if text(found, "data", "eni_conf") else None
    settings = known_settings(body) if body else {}
    state: Literal["given", "missing", "no_eni_conf", "invalid"] = (
        "missing" if found is None else "no_eni_conf" if body is None else "given" if body.valid else "invalid"
    )
    error = body.error if body else ""
    placeholders = tuple(one for one in _strings(settings) if _PLACEHOLDER.search(one))
    value = {
        "missing": "there is no such ConfigMap",
        "no_eni_conf": "it has no key eni_conf",
        "invalid": f"no valid JSON: {error}",
        "given": ", ".join(placeholders) or f"vswitches {_listed(settings)}",
    }[state]
    return OwnConfig(
        name=name,
        state=state,
        error=error,
        settings=settings,
        placeholders=placeholders,
        changed_s=changed_s,
        seen=Observation(
            object=f"ConfigMap {_NAMESPACE}/{name}",
            field="data.eni_conf" if found is not None else "metadata.name",
            value=value[:300],
            seen_at=times_changed(found) if found is not None else None,
            kubectl=f"kubectl -n {_NAMESPACE} get cm {name} -o yaml",
        ),
    )


def _listed(settings: Mapping[str, Any]) -> str:
    zones = at(settings, "vswitches")
    if not isinstance(zones, Mapping):
        return "not set"
    return "; ".join(f"{zone}: {', '.join(vswitches_of(settings, zone) or ())}" for zone in zones) or "none"


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    children = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [found for child in children for found in _strings(child)]


def _node_config(
    node: Node, base: EniConfig, own: OwnConfig | None, agent: Agent | None, label_s: int | None
) -> NodeConfig:
    merges = own is not None and own.state in {"given", "invalid"}
    merged = merge_patch(base.settings, own.settings) if own and merges else base.settings
    configured = vswitches_of(merged, node.zone)
    own_ages = [age for age in ((own.changed_s, label_s) if own else ()) if age is not None]
    own_changed_s = min(own_ages, default=None)
    # A ConfigMap whose last change is not known may have changed at any time.
    whole = base.changed_s is not None and (own is None or own.changed_s is not None)
    changed_s = min(base.changed_s, *own_ages) if base.changed_s is not None and whole and own_ages else base.changed_s
    changed_s = changed_s if whole else None
    started_s = agent.started_s if agent else None
    listed_zones = at(merged, "vswitches")
    zones = listed_zones if isinstance(listed_zones, Mapping) else {}
    zone = node.zone or "unknown"
    listed = ", ".join(configured) if configured else "none, so that of the primary ENI serves"
    ratio = at(merged, "eni_cap_ratio")
    most = at(merged, "max_eni")
    return NodeConfig(
        object=f"Node {node.name}",
        field="labels[terway-config]" if own else "labels[topology.kubernetes.io/zone]",
        value=f"zone {zone}: vSwitches {listed}" + (f" (with ConfigMap {own.name})" if own else ""),
        kubectl=f"kubectl get node {node.name} -L {LABEL},topology.kubernetes.io/zone",
        node=node.name,
        zone=node.zone,
        own=own.name if own else "",
        own_state=own.state if own else "",
        own_vswitches=vswitches_of(own.settings, node.zone) if own else None,
        base_vswitches=vswitches_of(base.settings, node.zone) or (),
        vswitches=configured or (),
        fallback=base.present and not configured,
        other_zones=bool(zones) and not configured,
        max_eni=most if isinstance(most, int) and not isinstance(most, bool) else None,
        eni_cap_ratio=float(ratio) if isinstance(ratio, int | float) and not isinstance(ratio, bool) else None,
        changed_s=changed_s,
        base_changed_s=base.changed_s,
        started_s=started_s,
        stale=_older(started_s, changed_s),
        base_stale=_older(started_s, base.changed_s),
        own_changed_s=own_changed_s,
        own_stale=_older(started_s, own_changed_s),
    )


def _older(started_s: int | None, changed_s: int | None) -> bool | None:
    return None if started_s is None or changed_s is None else started_s > changed_s


def _labelled_s(found: Object | None) -> tuple[Any, ...]:
    """Return the times at which managers that own the label last wrote the node's metadata."""
    return tuple(
        when
        for entry in items(found, "metadata", "managedFields")
        if isinstance(at(entry, "fieldsV1", "f:metadata", "f:labels", f"f:{LABEL}"), Mapping)
        and text(entry, "subresource") != "status"
        and (when := time(entry, "time"))
    )


@fact(
    "node_configs",
    NodeConfigs,
    needs=[Needs("configmaps", "get", _NAMESPACE), Needs("nodes", "get")],
    kubectl=f"kubectl get node -L {LABEL},topology.kubernetes.io/zone",
)
async def node_configs(facts: Facts) -> NodeConfigs:
    """What Terway is told on the nodes in question: vSwitches for their zones, merged, and whether it has read it."""
    now, asked, base, running = await asyncio.gather(
        facts.reads.now(), facts(nodes), facts(eni_config), Partial(facts)(agents)
    )
    names = list(dict.fromkeys(label for node in asked.items if (label := node.labels.get(LABEL))))
    own: dict[str, OwnConfig] = {}
    for name in names[:_MAX_CONFIG_MAPS]:
        found = await facts.reads.get("configmaps", name, _NAMESPACE)
        changed = times_changed(found) if found is not None else None
        own[name] = own_config_of(name, found, seconds_since(changed, now))
    read = []
    for node in asked.items:
        named = own.get(node.labels.get(LABEL, ""))
        labelled: tuple[Any, ...] = ()
        if named and asked.given:
            labelled = _labelled_s(await facts.reads.get("nodes", node.name))
        label_s = seconds_since(max(labelled), now) if labelled else None
        agent = next(iter(running.of("terway", node.name)), None) if running else None
        read.append(_node_config(node, base, named, agent, label_s))
    return NodeConfigs(
        items=tuple(read),
        own=tuple(own.values()),
        stale=tuple(_staleness(one) for one in read if one.base_stale),
        fresh=tuple(_staleness(one) for one in read if one.base_stale is False),
        evidence=tuple(read),
    )


def _staleness(config: NodeConfig) -> Observation:
    return Observation(
        object=f"Node {config.node}",
        field="start of its Terway pod",
        value=f"{config.started_s} s ago; eni-config last changed {config.base_changed_s} s ago",
        kubectl=f"kubectl -n {_NAMESPACE} get pod -o wide --field-selector spec.nodeName={config.node}",
    )
