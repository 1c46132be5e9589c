"""ConfigMap eni-config: what Terway is told, where each setting stands, and whether it stands where Terway looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.json_text import JsonText, read_json
from bot.diagnosis.objects import at, items, text, time, times_changed
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Object

__all__ = [
    "ENI_CONF_SETTINGS",
    "POLICY_ON",
    "EniConfig",
    "Place",
    "Setting",
    "eni_config",
    "eni_config_of",
    "known_settings",
]

NAME, NAMESPACE = "eni-config", "kube-system"
KUBECTL = f"kubectl -n {NAMESPACE} get cm {NAME} -o yaml"

Place = Literal["data", "eni_conf", "10-terway.conf", "10-terway.conflist"]
"""A key of its own in the ConfigMap, or within one of its JSON texts."""

# Credentials may stand beside these (access_key, access_secret), so only what is named here is ever kept.
ENI_CONF_SETTINGS = frozenset(
    {
        "version",
        "vswitches",
        "security_group",
        "security_groups",
        "service_cidr",
        "max_pool_size",
        "min_pool_size",
        "min_eni",
        "max_eni",
        "eni_cap_ratio",
        "eni_cap_shift",
        "ip_warm_up_size",
        "vswitch_selection_policy",
        "eni_selection_policy",
        "ip_stack",
        "enable_eni_trunking",
        "enable_erdma",
        "ipam_type",
        "enable_ip_prefix",
        "ipv4_prefix_count",
        "ipv6_prefix_count",
        "enable_eip_pool",
        "enable_eip_migrate",
        "disable_network_policy",
        "in_cluster_loadbalance",
        "eniip_virtual_type",
    }
)
_CHAIN_SETTINGS = frozenset(
    {
        "eniip_virtual_type",
        "network_policy_provider",
        "host_stack_cidrs",
        "cilium_args",
        "ip_stack",
        "disable_network_policy",
        "in_cluster_loadbalance",
    }
)
_FLAGS: dict[str, frozenset[Place]] = {
    "disable_network_policy": frozenset({"data"}),
    "in_cluster_loadbalance": frozenset({"data"}),
    "eniip_virtual_type": frozenset({"10-terway.conf", "10-terway.conflist"}),
}
"""Settings that are often put where Terway does not look, and the places where it does."""

POLICY_ON = frozenset({"", "false", "0"})
"""Texts of disable_network_policy that leave enforcement on; any other switches it off."""


class Setting(Observation):
    """A setting at a place. ``honoured``: Terway looks there. ``changed_s``: seconds since it may last have changed."""

    key: str
    place: Place
    text: str
    honoured: bool
    changed_s: int | None


class EniConfig(Fact):
    """The ConfigMap. Ages are in seconds, None when not known; ``changed_s`` is that of the last change of any of it.

    ``invalid`` are the JSON texts that Terway cannot read; ``settings`` (of eni_conf) and ``chain`` (of the CNI
    configuration) then hold what is meant. ``flags`` are settings at all places where they stand.
    ``virtual_type`` is the data path asked for (lower case, empty: none), ``policy_provider`` ``ebpf`` or ``iptables``.
    ``central`` tells that IPAM is centralised, so that Terway's Node resources hold ENIs and addresses.
    """

    present: bool
    changed_s: int | None
    created_s: int | None
    invalid: tuple[Observation, ...]
    settings: dict[str, Any]
    chain: dict[str, Any]
    chain_plugins: tuple[str, ...]
    flags: tuple[Setting, ...]
    virtual_type: str
    policy_provider: str
    cilium_args: str
    central: bool
    policy_off: tuple[Setting, ...]
    policy_on: tuple[Observation, ...]
    policy_ignored: tuple[Setting, ...]
    evidence: tuple[Observation, ...]

    def honoured(self, key: str) -> Setting | None:
        """Return a setting where Terway looks for it."""
        return next((one for one in self.flags if one.key == key and one.honoured), None)

    def ignored(self, key: str) -> tuple[Setting, ...]:
        """Return a setting at the places where Terway does not look."""
        return tuple(one for one in self.flags if one.key == key and not one.honoured)


def known_settings(body: JsonText, known: frozenset[str] = ENI_CONF_SETTINGS) -> dict[str, Any]:
    """Return the settings in a JSON text that may be kept; none of those that hold credentials."""
    return {key: value for key, value in body.value.items() if key in known} if isinstance(body.value, dict) else {}


def eni_config_of(found: Object | None, age: Any) -> EniConfig:
    """Read the ConfigMap; ``age`` turns a time (or None) into seconds."""
    data = at(found, "data") if isinstance(at(found, "data"), Mapping) else {}
    changed = age(times_changed(found)) if found else None
    bodies = {key: read_json(text(data, key)) for key in ("eni_conf", _chain_key(data)) if text(data, key)}
    settings = known_settings(bodies["eni_conf"]) if "eni_conf" in bodies else {}
    chain_key = _chain_key(data)
    elements = _plugins(bodies[chain_key], chain_key) if chain_key in bodies else []
    terway = next((one for one in elements if text(one, "type") == "terway"), elements[0] if elements else {})
    chain = {key: value for key, value in terway.items() if key in _CHAIN_SETTINGS}
    holders: tuple[tuple[Place, Mapping[str, Any]], ...] = (("data", data), ("eni_conf", settings), (chain_key, chain))
    flags = [
        _setting(key, place, text(holder, key), _key_changed(found, place, key, age) or changed)
        for key in _FLAGS
        for place, holder in holders
        if key in holder
    ]
    policy = next((one for one in flags if one.key == "disable_network_policy" and one.honoured), None)
    off = (policy,) if policy and policy.text not in POLICY_ON else ()
    return EniConfig(
        present=found is not None,
        changed_s=changed,
        created_s=age(time(found, "metadata", "creationTimestamp")) if found else None,
        invalid=tuple(
            _seen(f"data.{key}", f"no valid JSON: {body.error}") for key, body in bodies.items() if body.error
        ),
        settings=settings,
        chain=chain,
        chain_plugins=tuple(text(one, "type") for one in elements),
        flags=tuple(flags),
        virtual_type=text(chain, "eniip_virtual_type").lower(),
        policy_provider=text(chain, "network_policy_provider").lower(),
        cilium_args=text(chain, "cilium_args"),
        central=text(settings, "ipam_type") == "crd",
        policy_off=off,
        policy_on=() if off or found is None else (_policy_on(policy),),
        policy_ignored=tuple(one for one in flags if one.key == "disable_network_policy" and not one.honoured),
        evidence=(_seen("metadata.managedFields", "last changed", time_of=found),) if found else (),
    )


def _chain_key(data: Mapping[str, Any]) -> Literal["10-terway.conf", "10-terway.conflist"]:
    return "10-terway.conflist" if text(data, "10-terway.conflist") else "10-terway.conf"


def _plugins(body: JsonText, key: str) -> list[Mapping[str, Any]]:
    if key == "10-terway.conflist":
        return list(items(body.value, "plugins"))
    return [body.value] if isinstance(body.value, dict) else []


def _setting(key: str, place: Place, value: str, changed: int | None) -> Setting:
    return Setting(
        object=f"ConfigMap {NAMESPACE}/{NAME}",
        field=f"data.{key}" if place == "data" else f"data.{place}, key {key} within",
        value=value[:100],
        kubectl=KUBECTL,
        key=key,
        place=place,
        text=value,
        honoured=place in _FLAGS[key],
        changed_s=changed,
    )


def _policy_on(policy: Setting | None) -> Observation:
    return policy or _seen("data.disable_network_policy", "(not set, so policies are enforced)")


def _seen(field: str, value: str, *, time_of: Object | None = None) -> Observation:
    return Observation(
        object=f"ConfigMap {NAMESPACE}/{NAME}",
        field=field,
        value=value,
        seen_at=times_changed(time_of) if time_of else None,
        kubectl=KUBECTL,
    )


def _key_changed(found: Object | None, place: Place, key: str, age: Any) -> int | None:
    """Return how long ago, at most, the key of ConfigMap data was written by whoever manages it."""
    name = key if place == "data" else place
    times = [
        when
        for entry in items(found, "metadata", "managedFields")
        if isinstance(at(entry, "fieldsV1", "f:data", f"f:{name}"), Mapping) and (when := time(entry, "time"))
    ]
    return age(max(times)) if times else None


@fact(
    "eni_config",
    EniConfig,
    needs=[Needs("configmaps", "get", NAMESPACE, (NAME,))],
    kubectl=KUBECTL,
)
async def eni_config(facts: Facts) -> EniConfig:
    """Terway's settings in ConfigMap eni-config, without credentials, and settings that stand in the wrong place."""
    now = await facts.reads.now()
    found = await facts.reads.get("configmaps", NAME, NAMESPACE)
    return eni_config_of(found, lambda when: seconds_since(when, now))
