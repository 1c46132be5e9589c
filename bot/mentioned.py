"""Component versions that a question or a paste names, so that the branch that holds is answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus import Version, parse_version

__all__ = ["mentioned_versions"]

_NUMBER = r"v?(?P<version>\d+(?:\.\d+){1,3}(?:\.\d+)?)"
_GAP = r"(?:[\s:=(]|version|release|is|at|on|now|running|runs|we|use|版本|是){0,6}?\s*"
_NAMES = {
    "terway": r"terway(?:-eniip|-eni)?",
    "flannel": r"flannel",
    "kubelet": r"kubelet",
    "kube-proxy": r"kube-?proxy(?:-worker|-master)?",
    "kubernetes": r"kubernetes|k8s|ack",
}
_SAID = {
    component: re.compile(rf"\b(?:{names})\b(?:\s+(?:add-?on|image|component|plugin|组件))?{_GAP}{_NUMBER}", re.I)
    for component, names in _NAMES.items()
}
_IMAGE = re.compile(r"/(?P<name>terway|flannel|kube-proxy)(?:-\w+)?:(?P<version>v?\d+(?:\.\d+)+)", re.I)
_GIT_VERSION = re.compile(
    r"(?P<key>kubeletVersion|kubeProxyVersion|gitVersion)\W{1,4}(?P<version>v\d+(?:\.\d+)+)", re.I
)
_GIT_KEYS = {"kubeletversion": "kubelet", "kubeproxyversion": "kube-proxy", "gitversion": "kubernetes"}
_ACK_NODE = re.compile(r"\b(?P<version>v1\.\d+\.\d+)-aliyun\.\d+\b")
_BEFORE_CHANGE = re.compile(r"\b(?:from|before|until|since|older than|newer than|later than|above|below|>=?|<=?|than)\s*$", re.I)


def mentioned_versions(text: str) -> dict[str, Version]:
    """Return component → version for the components whose version ``text`` states once and clearly.

    A component with several different versions (an upgrade from one to another, nodes that differ) is left out, and so
    is a bound such as "older than 1.8": a branch must not be chosen on a guess. What is said of Kubernetes also stands
    for the kubelet and kube-proxy unless theirs is said.
    """
    found: dict[str, set[Version]] = {}
    for component, version in _mentions(text):
        if (parsed := parse_version(version)) is not None:
            found.setdefault(component, set()).add(parsed)
    known = {component: versions.pop() for component, versions in found.items() if len(versions) == 1}
    if "kubernetes" in known:
        for component in ("kubelet", "kube-proxy"):
            if component not in found:
                known[component] = known["kubernetes"]
    return known


def _mentions(text: str) -> Iterator[tuple[str, str]]:
    for match in _IMAGE.finditer(text):
        yield match["name"].lower(), match["version"]
    for match in _GIT_VERSION.finditer(text):
        yield _GIT_KEYS[match["key"].lower()], match["version"]
    for match in _ACK_NODE.finditer(text):
        yield "kubernetes", match["version"]
    for component, pattern in _SAID.items():
        for match in pattern.finditer(text):
            if not _BEFORE_CHANGE.search(text[max(0, match.start("version") - 14) : match.start("version")].rstrip("v")):
                yield component, match["version"]
                behind = re.match(r"\s*(?:->|to|→|up to|升级到|到)\s*v?(\d+(?:\.\d+)+)", text[match.end("version") :])
                if behind:
                    yield component, behind[1]
