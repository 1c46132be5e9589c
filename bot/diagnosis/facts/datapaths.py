"""Which data path runs on a node: DataPath V2, IPvlan or plain veth; read from the node's side before the settings."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from bot.diagnosis.facts.agents import agents
from bot.diagnosis.facts.eni_config import KUBECTL, EniConfig, eni_config
from bot.diagnosis.facts.eni_modes import EniMode, eni_modes
from bot.diagnosis.facts.nodes import Node, nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.facts.server import at_least
from bot.diagnosis.facts.terway_nodes import TerwayNode, terway_nodes
from bot.diagnosis.facts.terway_start_logs import StartSign, terway_start_logs
from bot.diagnosis.observation import Fact, Observation
from corpus import Version

__all__ = ["DataPath", "DataPathName", "DataPaths", "data_path_of", "datapaths"]

DataPathName = Literal["datapathv2", "ipvlan", "veth"]

_NAMES: dict[str, DataPathName] = {"datapathv2": "datapathv2", "ipvlan": "ipvlan", "veth": "veth"}
_EBPF_KERNEL = (4, 19)
_IPVLAN_ENDS = (1, 13, 0)
_NO_KUBE_PROXY = "k8s.aliyun.com/no-kube-proxy"


class DataPath(Observation):
    """The data path of a node. ``active``: what runs there, None where nothing proves it; ``asked``: what is set.

    ``accelerated``: Service traffic of its pods bypasses kube-proxy; None where that cannot be told. ``may_differ``
    says why the node may run something else than is configured: ``ebpf_policy`` (raised to V2 at run time),
    ``ipvlan_ends`` (moves to V2 at a reboot). ``plain_as_set``: no acceleration is asked for, and nothing could have
    raised the node to one. ``ipvlan_ends``: whether this Terway moves IPvlan nodes to V2 at reboots.
    """

    node: str
    active: DataPathName | None
    asked: DataPathName
    accelerated: bool | None
    may_differ: Literal["", "ebpf_policy", "ipvlan_ends"]
    ipvlan_ends: bool | None
    exclusive: bool
    plain_as_set: bool


class DataPaths(Fact):
    """Data paths of the nodes in question, by kind; ``asked_only`` are nodes where only the settings are known.

    ``none`` are nodes without acceleration, ``all_plain`` all nodes where none has or may have any. ``cluster``: the
    data path of all of them, None where they differ or nothing is known (what is configured counts where nothing else
    tells). ``per_packet_lb_off``: the setting that may take load balancing from the data path. ``without_kube_proxy``:
    nodes whose data path replaces kube-proxy.
    """

    items: tuple[DataPath, ...]
    cluster: DataPathName | None
    v2: tuple[DataPath, ...]
    ipvlan: tuple[DataPath, ...]
    veth: tuple[DataPath, ...]
    none: tuple[DataPath, ...]
    accelerated: tuple[DataPath, ...]
    all_accelerated: tuple[DataPath, ...]
    all_plain: tuple[DataPath, ...]
    asked_only: tuple[DataPath, ...]
    per_packet_lb_off: tuple[Observation, ...]
    without_kube_proxy: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def data_path_of(
    node: Node,
    *,
    mode: EniMode | None,
    reported: TerwayNode | None,
    logged: StartSign | None,
    accelerated_log: StartSign | None,
    config: EniConfig | None,
    version: Version | None,
) -> DataPath:
    """Tell the data path of a node: what its Node resource reports, else what its containers logged, else settings."""
    asked = _NAMES.get(config.virtual_type if config else "", "veth")
    exclusive = mode is not None and mode.mode == "exclusive"
    old_kernel = bool(node.kernel) and node.kernel < _EBPF_KERNEL
    active: DataPathName | None = None
    may_differ: Literal["", "ebpf_policy", "ipvlan_ends"] = ""
    seen = _configured(node.name, config)
    if exclusive and mode:
        seen = mode.model_copy(update={"value": "exclusive ENI mode, which has no acceleration"})
    elif reported and reported.datapath in _NAMES:
        active = _NAMES[reported.datapath]
        seen = reported.model_copy(update={"field": "spec.datapath.type", "value": reported.datapath, "seen_at": None})
    elif logged:
        active, seen = _NAMES[logged.kind], logged
    elif accelerated_log and asked != "veth":
        active, seen = asked, accelerated_log
    elif old_kernel:
        active = "veth"
        seen = node.seen.model_copy(
            update={"field": "status.nodeInfo.kernelVersion", "value": f"{_dotted(node.kernel)}, too old for eBPF"}
        )
    elif config and not config.virtual_type and config.policy_provider == "ebpf" and not config.policy_off:
        may_differ = "ebpf_policy"
    elif asked == "ipvlan" and at_least(version, *_IPVLAN_ENDS) is not False:
        may_differ = "ipvlan_ends"
    accelerated = False if exclusive else None if active is None else active != "veth"
    return DataPath(
        object=seen.object,
        field=seen.field,
        value=seen.value,
        seen_at=seen.seen_at,
        kubectl=seen.kubectl,
        node=node.name,
        active=active,
        asked=asked,
        accelerated=accelerated,
        may_differ=may_differ,
        ipvlan_ends=at_least(version, *_IPVLAN_ENDS),
        exclusive=exclusive,
        plain_as_set=active is None
        and config is not None
        and config.present
        and not config.invalid
        and asked == "veth"
        and not may_differ,
    )


def _configured(node: str, config: EniConfig | None) -> Observation:
    setting = config.honoured("eniip_virtual_type") if config else None
    value = f"{setting.text} is asked for; nothing read proves it on node {node}" if setting else "(not set)"
    return Observation(
        object="ConfigMap kube-system/eni-config",
        field=setting.field if setting else "data.10-terway.conf, key eniip_virtual_type within",
        value=value,
        kubectl=KUBECTL,
    )


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def _cluster(found: Sequence[DataPath]) -> DataPathName | None:
    told = {
        one.active or (None if one.may_differ == "ebpf_policy" else one.asked) for one in found if not one.exclusive
    }
    return told.pop() if len(told) == 1 else None


@fact("datapaths", DataPaths, kubectl="kubectl get nodes.network.alibabacloud.com -o yaml")
async def datapaths(facts: Facts) -> DataPaths:
    """The data path of each node in question, as its Node resource, its logs or else the settings tell."""
    main, asked, modes = await asyncio.gather(facts(plugin), facts(nodes), facts(eni_modes))
    if main.name != "terway":
        return _grouped([], None, [])
    partial = Partial(facts)
    reported, running, signs, config = await asyncio.gather(
        partial(terway_nodes), partial(agents), partial(terway_start_logs), partial(eni_config)
    )
    found = []
    for node in asked.items:
        mode = next((one for one in modes.items if one.node == node.name), None)
        if mode and mode.unmanaged:
            continue
        versions = [one.version for one in running.of("terway", node.name)] if running else []
        said = [one for one in signs.items if one.node == node.name and one.kind == "accelerated"] if signs else []
        found.append(
            data_path_of(
                node,
                mode=mode,
                reported=reported.named(node.name) if reported else None,
                logged=signs.data_path(node.name) if signs else None,
                accelerated_log=said[0] if said else None,
                config=config,
                version=(versions[0] if versions else main.version) or None,
            )
        )
    if config is None and any(one.active is None and not one.exclusive for one in found):
        partial.require()
    return _grouped(found, config, asked.items)


def _grouped(found: Sequence[DataPath], config: EniConfig | None, asked: Sequence[Node]) -> DataPaths:
    accelerated = tuple(one for one in found if one.accelerated)
    plain = tuple(one for one in found if one.accelerated is False)
    disabled = config is not None and "disable-per-package-lb" in config.cilium_args
    return DataPaths(
        items=tuple(found),
        cluster=_cluster(found),
        v2=tuple(one for one in found if one.active == "datapathv2"),
        ipvlan=tuple(one for one in found if one.active == "ipvlan"),
        veth=tuple(one for one in found if one.active == "veth"),
        none=plain,
        accelerated=accelerated,
        all_accelerated=accelerated if len(accelerated) == len(found) else (),
        all_plain=tuple(found) if all(one.accelerated is False or one.plain_as_set for one in found) else (),
        asked_only=tuple(one for one in found if one.accelerated is None),
        per_packet_lb_off=(
            Observation(
                object="ConfigMap kube-system/eni-config",
                field="data.10-terway.conf, key cilium_args within",
                value="disable-per-package-lb",
                kubectl=KUBECTL,
            ),
        )
        if disabled
        else (),
        without_kube_proxy=tuple(
            node.seen.model_copy(update={"field": f"metadata.labels[{_NO_KUBE_PROXY}]", "value": "true"})
            for node in asked
            if node.labels.get(_NO_KUBE_PROXY) == "true"
        ),
        evidence=tuple(found),
    )
