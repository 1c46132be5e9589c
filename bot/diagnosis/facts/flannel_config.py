"""Flannel's configuration: the CNI settings of the nodes and the network of the pods, in ConfigMap kube-flannel-cfg."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal

from bot.diagnosis.facts.kube_proxy_config import data_changed
from bot.diagnosis.facts.plugin import plugin
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.json_text import JsonText, read_json
from bot.diagnosis.objects import at, items, text
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = [
    "CniSettings",
    "FlannelCluster",
    "FlannelConfig",
    "FlannelSetting",
    "cni_settings",
    "flannel_cluster",
    "flannel_config",
]

NAME = "kube-flannel-cfg"
_NAMESPACES = ("kube-system", "kube-flannel")
_CNI_KEY = "cni-conf.json"
_NET_KEY = "net-conf.json"
_DEFAULT_LEASES = "/var/lib/cni/networks"
"""Where host-local keeps leases if nothing else is configured; on disk, so that they outlive a reboot."""
_SHOWN = 200
_IN_MEMORY = ("/var/run/", "/run/")


class CniSettings(Fact):
    """What cni-conf.json says, whichever of its two shapes it has.

    ``shape``: a list of plugins, a single one, or neither. ``cni_version`` is the one at the top, the only place that
    counts; ``cni_version_in_plugin`` tells that an element of the list has one. ``hairpin`` and ``promisc``: ``other``
    is a value that is neither true nor false. ``lease_dir`` is where leases lie, configured or by default.
    """

    shape: Literal["list", "single", "none"]
    cni_version: str
    cni_version_in_plugin: bool
    hairpin: Literal["on", "off", "other"]
    promisc: Literal["on", "off", "other"]
    portmap: bool
    lease_dir: str
    leases_in_memory: bool


class FlannelSetting(Observation):
    """A setting in kube-flannel-cfg; ``key`` is its name in the JSON, or ``json`` for whether that can be read."""

    key: str


class FlannelConfig(Fact):
    """ConfigMap kube-flannel-cfg. ``present``: found with a cni-conf.json, in ``namespace``; changed ``changed_s`` ago.

    ``valid``: cni-conf.json is JSON that the plugin can read; where it is not, ``problem`` says why and the settings
    are those that were meant. ``cni_version_in_net_conf``: the version stands in net-conf.json, where nobody reads it.
    ``settings`` are the same as evidence.
    """

    present: bool
    namespace: str
    changed_s: int | None
    valid: bool
    problem: str
    cni: CniSettings
    cni_version_in_net_conf: bool
    network: str
    backend: str
    settings: tuple[FlannelSetting, ...]
    evidence: tuple[Observation, ...]


class FlannelCluster(Fact):
    """Whether the nodes run Flannel. ``possible`` is False where Terway alone runs; ``certain`` needs Flannel alone.

    A configuration of Flannel without its usual DaemonSet counts, both plugins or neither do not.
    """

    possible: bool
    certain: bool
    evidence: tuple[Observation, ...]


def _flag(found: object) -> Literal["on", "off", "other"]:
    if found is None or found is False:
        return "off"
    return "on" if found is True else "other"


def cni_settings(conf: object) -> CniSettings:
    """Read the body of cni-conf.json, a list of plugins or a single plugin."""
    plugins = list(items(conf, "plugins"))
    if plugins:
        shape: Literal["list", "single", "none"] = "list"
        element: Mapping[str, Any] = next((one for one in plugins if one.get("type") == "flannel"), {})
    elif isinstance(conf, Mapping) and (text(conf, "type") == "flannel" or "delegate" in conf):
        shape, element, plugins = "single", conf, [conf]
    else:
        shape, element = "none", {}
    version = at(conf, "cniVersion")
    leases = text(element, "ipam", "dataDir") or _DEFAULT_LEASES
    return CniSettings(
        shape=shape,
        cni_version=version.strip() if isinstance(version, str) else "",
        cni_version_in_plugin=shape == "list" and any("cniVersion" in one for one in plugins),
        hairpin=_flag(at(element, "delegate", "hairpinMode")),
        promisc=_flag(at(element, "delegate", "promiscMode")),
        portmap=any(
            text(one, "type") == "portmap" and at(one, "capabilities", "portMappings") is True for one in plugins
        ),
        lease_dir=leases,
        leases_in_memory=leases.startswith(_IN_MEMORY),
    )


def _observed_settings(
    namespace: str, changed: dt.datetime | None, cni: JsonText, found: CniSettings, net: JsonText
) -> tuple[FlannelSetting, ...]:
    def setting(key: str, body: str, value: str) -> FlannelSetting:
        return FlannelSetting(
            object=f"ConfigMap {namespace}/{NAME}",
            field=f"data[{body}]{'' if key == 'json' else f' {key}'}",
            value=value[:_SHOWN],
            seen_at=changed,
            kubectl=f"kubectl -n {namespace} get cm {NAME} -o yaml",
            key=key,
        )

    validity = "valid JSON" if cni.valid else f"not valid JSON: {cni.error}"
    version = found.cni_version or ("(only inside an element of plugins)" if found.cni_version_in_plugin else "(none)")
    seen = [
        setting("json", _CNI_KEY, validity),
        setting("cniVersion", _CNI_KEY, version),
        setting("hairpinMode", _CNI_KEY, {"on": "true", "off": "not true", "other": "no boolean"}[found.hairpin]),
        setting("promiscMode", _CNI_KEY, {"on": "true", "off": "not true", "other": "no boolean"}[found.promisc]),
        setting("portmap", _CNI_KEY, "with portMappings" if found.portmap else "(no such plugin in the chain)"),
        setting("ipam.dataDir", _CNI_KEY, found.lease_dir),
        setting("Network", _NET_KEY, text(net.value, "Network") or "(none)"),
        setting("Backend.Type", _NET_KEY, text(net.value, "Backend", "Type") or "(none)"),
    ]
    if at(net.value, "cniVersion") is not None:
        seen.append(setting("cniVersion in net-conf.json", _NET_KEY, text(net.value, "cniVersion")))
    return tuple(seen)


@fact(
    "flannel_config",
    FlannelConfig,
    needs=[Needs("configmaps", "get", namespace, (NAME,)) for namespace in _NAMESPACES],
    kubectl=f"kubectl -n kube-system get cm {NAME} -o yaml",
)
async def flannel_config(facts: Facts) -> FlannelConfig:
    """Flannel's settings for CNI and network, as written now; nodes may still run on older ones."""
    now = await facts.reads.now()
    found: Object | None = None
    namespace = _NAMESPACES[0]
    for namespace in _NAMESPACES:
        if found := await facts.reads.get("configmaps", NAME, namespace):
            break
    if found is None or not text(found, "data", _CNI_KEY):
        return FlannelConfig(
            present=False,
            namespace="",
            changed_s=None,
            valid=False,
            problem="there is none",
            cni=cni_settings(None),
            cni_version_in_net_conf=False,
            network="",
            backend="",
            settings=(),
            evidence=(),
        )
    changed = data_changed(found)
    cni, net = read_json(text(found, "data", _CNI_KEY)), read_json(text(found, "data", _NET_KEY))
    settings = cni_settings(cni.value)
    seen = _observed_settings(namespace, changed, cni, settings, net)
    return FlannelConfig(
        present=True,
        namespace=namespace,
        changed_s=seconds_since(changed, now),
        valid=cni.valid,
        problem=cni.error,
        cni=settings,
        cni_version_in_net_conf=at(net.value, "cniVersion") is not None,
        network=text(net.value, "Network"),
        backend=text(net.value, "Backend", "Type"),
        settings=seen,
        evidence=seen,
    )


@fact(
    "flannel_cluster",
    FlannelCluster,
    needs=[Needs("configmaps", "get", "kube-system", ("eni-config",))],
    kubectl="kubectl -n kube-system get ds",
)
async def flannel_cluster(facts: Facts) -> FlannelCluster:
    """Whether what is said about Flannel applies: by its DaemonSet, or by its configuration where that is not seen."""
    try:
        found = await facts(plugin)
    except Unreadable:
        config = await facts(flannel_config)
        if not config.present or await facts.reads.get("configmaps", "eni-config", "kube-system"):
            raise
        return FlannelCluster(possible=True, certain=True, evidence=config.evidence[:1])
    if found.name != "none":
        return FlannelCluster(possible=found.name != "terway", certain=found.name == "flannel", evidence=found.evidence)
    try:
        config = await facts(flannel_config)
    except Unreadable:
        return FlannelCluster(possible=True, certain=False, evidence=found.evidence)
    return FlannelCluster(possible=True, certain=config.present, evidence=config.evidence[:1] or found.evidence)
