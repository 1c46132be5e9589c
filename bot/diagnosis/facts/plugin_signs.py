"""Which network plugin runs, by its traces, where DaemonSets cannot be seen: in a paste of something else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from bot.diagnosis.facts.registry import Facts
from bot.diagnosis.objects import at, first_text, items, labels, name, namespace, text
from bot.diagnosis.observation import Observation
from bot.diagnosis.reader import Object, Unreadable

__all__ = ["Sign", "plugin_signs"]

Plugin = Literal["terway", "flannel"]

_SYSTEM = "kube-system"
_LIMIT = 300
_CONFIG_MAPS: tuple[tuple[Plugin, str], ...] = (("terway", "eni-config"), ("flannel", "kube-flannel-cfg"))
# Pods of the plugins' DaemonSets; a suffix of their own follows.
_PODS: tuple[tuple[Plugin, re.Pattern[str]], ...] = (
    ("terway", re.compile(r"terway(?:-eni(?:ip)?)?-[a-z0-9]{5}\Z")),
    ("flannel", re.compile(r"kube-flannel-ds-(?:[a-z0-9]+-)?[a-z0-9]{5}\Z")),
)
_IMAGES: tuple[tuple[Plugin, re.Pattern[str]], ...] = (
    ("terway", re.compile(r"/terway[:@]")),
    ("flannel", re.compile(r"/flannel[:@]")),
)
_TEXTS: tuple[tuple[Plugin, re.Pattern[str]], ...] = (
    (
        "terway",
        re.compile(
            r"type=\\?\"terway\\?\"|failed to do add;|cmdAdd: |/eni/eni\.socket|can't found dev by mac|"
            r"no eni can handle the allocation|allocate IP timeout|InvalidVSwitchId\.IpNotEnough|PodENI Phase is",
            re.IGNORECASE,
        ),
    ),
    (
        "flannel",
        re.compile(r"type=\\?\"flannel\\?\"|flannel/subnet\.env|no IP addresses available in range set", re.IGNORECASE),
    ),
)
_REPORTERS: tuple[tuple[Plugin, re.Pattern[str]], ...] = (("terway", re.compile(r"terway-(?:daemon|controlplane)\b")),)
_NODE_KEYS = (
    "terway-config",
    "k8s.aliyun.com/exclusive-mode-eni-type",
    "k8s.aliyun.com/max-available-ip",
    "k8s.aliyun.com/trunk-on",
)
_POD_KEYS = ("k8s.aliyun.com/pod-ips", "k8s.aliyun.com/pod-eni", "k8s.aliyun.com/allocated")

Sign = tuple[Plugin, Observation]


async def plugin_signs(facts: Facts) -> list[Sign]:
    """Return what tells of Terway or Flannel in the objects that can be seen, one sign of each kind of object."""
    found: list[Sign] = []
    for which, config in _CONFIG_MAPS:
        if (one := await _get(facts, config)) is not None:
            found.append((which, _seen(one, "ConfigMap", "metadata.name", config)))
    for of in (_of_pods, _of_events, _of_nodes):
        found += await of(facts)
    if await _listed(facts, "nodes.network.alibabacloud.com"):
        found.append(("terway", _told("nodes.network.alibabacloud.com", "kind", "Terway's own Node resource")))
    return found


async def _get(facts: Facts, config: str) -> Object | None:
    try:
        return await facts.reads.get("configmaps", config, _SYSTEM)
    except Unreadable:
        return None


async def _listed(facts: Facts, kind: str) -> Sequence[Object]:
    try:
        return (await facts.reads.list(kind, limit=_LIMIT)).items
    except Unreadable:
        return ()


async def _of_pods(facts: Facts) -> list[Sign]:
    found: list[Sign] = []
    for one in await _listed(facts, "pods"):
        if namespace(one) in {_SYSTEM, ""}:
            found += [(which, _seen(one, "Pod", "metadata.name", name(one))) for which in _matching(_PODS, name(one))]
            for container in items(one, "spec", "containers"):
                image = text(container, "image")
                found += [(which, _seen(one, "Pod", "image", image)) for which in _matching(_IMAGES, image)]
        annotations = labels(one, "metadata", "annotations")
        found += [("terway", _seen(one, "Pod", "metadata.annotations", key)) for key in _POD_KEYS if key in annotations]
    return _firsts(found)


async def _of_events(facts: Facts) -> list[Sign]:
    found: list[Sign] = []
    for one in await _listed(facts, "events"):
        said = first_text(one, ("message",), ("note",))
        who = first_text(one, ("source", "component"), ("reportingComponent",), ("reportingController",))
        told = [*_matching(_TEXTS, said), *_matching(_REPORTERS, who)]
        involved = at(one, "involvedObject")
        about = " ".join(filter(None, [text(involved, "kind"), text(involved, "name")]))
        reason = text(one, "reason")
        found += [(which, _told(f"Event about {about or 'a pod'}", f"event {reason}", said[:200])) for which in told]
    return _firsts(found)


async def _of_nodes(facts: Facts) -> list[Sign]:
    found: list[Sign] = []
    for one in await _listed(facts, "nodes"):
        marks = {**labels(one), **labels(one, "metadata", "annotations")}
        found += [("terway", _seen(one, "Node", "metadata", key)) for key in _NODE_KEYS if key in marks]
        for condition in items(one, "status", "conditions"):
            if text(condition, "type") == "SufficientIP":
                found.append(("terway", _seen(one, "Node", "status.conditions", "SufficientIP")))
            elif text(condition, "reason") == "FlannelIsUp":
                found.append(("flannel", _seen(one, "Node", "status.conditions[NetworkUnavailable]", "FlannelIsUp")))
    return _firsts(found)


def _matching(patterns: Sequence[tuple[Plugin, re.Pattern[str]]], said: str) -> Iterator[Plugin]:
    return (which for which, pattern in patterns if pattern.search(said))


def _firsts(found: Sequence[Sign]) -> list[Sign]:
    """Return the first sign of each plugin."""
    firsts: dict[Plugin, Observation] = {}
    for which, seen in found:
        firsts.setdefault(which, seen)
    return list(firsts.items())


def _seen(one: Object, kind: str, field: str, value: str) -> Observation:
    where = namespace(one)
    return _told(f"{kind} {f'{where}/' if where else ''}{name(one)}", field, value)


def _told(what: str, field: str, value: str) -> Observation:
    return Observation(object=what, field=field, value=value, kubectl="kubectl -n kube-system get ds")
