"""The text of a kube-proxy configuration: its values, and what kube-proxy refuses or skips in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import yaml

from bot.diagnosis.documents import DocumentError, yaml_document

__all__ = ["FlawKind", "ProxyText", "TextFlaw", "parse_duration", "read_proxy_text"]

FlawKind = Literal["not_yaml", "duplicate", "wrong_type", "misplaced", "unknown"]
"""``not_yaml`` and ``wrong_type`` keep kube-proxy from starting; the others are skipped with a warning."""

_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_SLASHES = re.compile(r"(?:^|(?<=\s))//.*$", re.MULTILINE)
_TRAILING_COMMA = re.compile(r",[ \t]*$", re.MULTILINE)
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_FieldType = Literal["text", "number", "flag", "duration", "list", "map"]
_TOP: Mapping[str, _FieldType] = {
    "apiVersion": "text",
    "kind": "text",
    "metadata": "map",
    "featureGates": "map",
    "clientConnection": "map",
    "logging": "map",
    "hostnameOverride": "text",
    "bindAddress": "text",
    "healthzBindAddress": "text",
    "metricsBindAddress": "text",
    "bindAddressHardFail": "flag",
    "enableProfiling": "flag",
    "showHiddenMetricsForVersion": "text",
    "mode": "text",
    "iptables": "map",
    "ipvs": "map",
    "nftables": "map",
    "winkernel": "map",
    "detectLocalMode": "text",
    "detectLocal": "map",
    "clusterCIDR": "text",
    "nodePortAddresses": "list",
    "oomScoreAdj": "number",
    "conntrack": "map",
    "configSyncPeriod": "duration",
    "portRange": "text",
    "windowsRunAsService": "flag",
    "udpIdleTimeout": "duration",
    "resourceContainer": "text",
}
_SECTIONS: Mapping[str, Mapping[str, _FieldType]] = {
    "ipvs": {
        "scheduler": "text",
        "syncPeriod": "duration",
        "minSyncPeriod": "duration",
        "strictARP": "flag",
        "excludeCIDRs": "list",
        "tcpTimeout": "duration",
        "tcpFinTimeout": "duration",
        "udpTimeout": "duration",
    },
    "conntrack": {
        "max": "number",
        "maxPerCore": "number",
        "min": "number",
        "tcpEstablishedTimeout": "duration",
        "tcpCloseWaitTimeout": "duration",
        "tcpBeLiberal": "flag",
        "udpTimeout": "duration",
        "udpStreamTimeout": "duration",
    },
    "iptables": {
        "masqueradeBit": "number",
        "masqueradeAll": "flag",
        "localhostNodePorts": "flag",
        "syncPeriod": "duration",
        "minSyncPeriod": "duration",
    },
    "nftables": {
        "masqueradeBit": "number",
        "masqueradeAll": "flag",
        "syncPeriod": "duration",
        "minSyncPeriod": "duration",
    },
}
_HOMES = {
    "scheduler": "ipvs.scheduler",
    "strictARP": "ipvs.strictARP",
    "excludeCIDRs": "ipvs.excludeCIDRs",
    "tcpTimeout": "ipvs.tcpTimeout",
    "tcpFinTimeout": "ipvs.tcpFinTimeout",
    "udpTimeout": "ipvs.udpTimeout",
    "maxPerCore": "conntrack.maxPerCore",
    "min": "conntrack.min",
    "tcpEstablishedTimeout": "conntrack.tcpEstablishedTimeout",
    "tcpCloseWaitTimeout": "conntrack.tcpCloseWaitTimeout",
    "mode": "mode",
    "clusterCIDR": "clusterCIDR",
    "featureGates": "featureGates",
    "ipvs": "ipvs",
    "conntrack": "conntrack",
}
"""Where a field belongs that people put elsewhere."""


@dataclass(frozen=True, slots=True)
class TextFlaw:
    """Something in the text that kube-proxy does not take as meant: where, and what is wrong in a few words."""

    kind: FlawKind
    path: str
    says: str


@dataclass(frozen=True)
class ProxyText:
    """What a configuration says. ``values`` are read tolerantly; ``flaws`` empty means a strict reader agrees."""

    values: Mapping[str, Any]
    flaws: tuple[TextFlaw, ...]

    def value(self, path: str) -> Any:
        """Return the value at a dotted path; None when it is not set."""
        found: Any = self.values
        for key in path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found

    def text(self, path: str) -> str:
        """Return the text at a dotted path; empty when there is none."""
        found = self.value(path)
        return found if isinstance(found, str) else ""

    def number(self, path: str) -> int | None:
        """Return the whole number at a dotted path."""
        found = self.value(path)
        return found if isinstance(found, int) and not isinstance(found, bool) else None

    def seconds(self, path: str) -> float | None:
        """Return the duration at a dotted path in seconds; None when it is not set or is none."""
        return parse_duration(self.value(path))

    @property
    def decodes(self) -> bool:
        """Whether kube-proxy starts with it; fields that it skips do no harm to that."""
        return not any(flaw.kind in {"not_yaml", "wrong_type"} for flaw in self.flaws)


def parse_duration(value: object) -> float | None:
    """Return seconds of a duration as Go writes them (``10s``, ``1h0m0s``); None where a unit is missing."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    if text in {"0", "+0", "-0"}:
        return 0.0
    sign = -1.0 if text.startswith("-") else 1.0
    rest = text.lstrip("+-")
    parts = list(_DURATION.finditer(rest))
    if not parts or "".join(part[0] for part in parts) != rest:
        return None
    return sign * sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


def read_proxy_text(text: str) -> ProxyText:
    """Read a ``config.conf``, strictly and, where that fails, without ``//`` comments, tabs and trailing commas."""
    flaws: list[TextFlaw] = []
    try:
        found = yaml_document(text)
    except DocumentError as error:
        flaws.append(TextFlaw("not_yaml", "", str(error)))
        found = _tolerant(text)
    else:
        flaws += (TextFlaw("duplicate", key, f"{key} stands there twice") for key in _duplicates(text))
        if not isinstance(found, Mapping):
            flaws.append(TextFlaw("not_yaml", "", "is no YAML mapping"))
    values = found if isinstance(found, Mapping) else {}
    flaws += _field_flaws(values)
    return ProxyText(values=values, flaws=tuple(dict.fromkeys(flaws)))


def _tolerant(text: str) -> Any:
    cleaned = _TRAILING_COMMA.sub("", _SLASHES.sub("", text.lstrip("\ufeff").replace("\t", "  ")))
    try:
        return yaml_document(cleaned)
    except DocumentError:
        return None


def _duplicates(text: str) -> Iterator[str]:
    """Yield the keys that stand twice in one mapping; the text is known to parse."""
    seen: list[set[str] | None] = []
    waits_for_key: list[bool] = []
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            seen.pop()
            waits_for_key.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        if seen and seen[-1] is not None:
            if waits_for_key[-1] and isinstance(event, yaml.ScalarEvent):
                key = str(event.value)[:60]
                if key in seen[-1]:
                    yield key
                seen[-1].add(key)
            waits_for_key[-1] = not waits_for_key[-1]
        if isinstance(event, yaml.MappingStartEvent):
            seen.append(set())
            waits_for_key.append(True)
        elif isinstance(event, yaml.SequenceStartEvent):
            seen.append(None)
            waits_for_key.append(False)


def _field_flaws(values: Mapping[str, Any]) -> Iterator[TextFlaw]:
    yield from _flaws_of("", values, _TOP)
    for section, known in _SECTIONS.items():
        inside = values.get(section)
        if isinstance(inside, Mapping):
            yield from _flaws_of(f"{section}.", inside, known)


def _flaws_of(prefix: str, values: Mapping[str, Any], known: Mapping[str, _FieldType]) -> Iterator[TextFlaw]:
    spelled = {name.lower(): name for name in known}
    for key, value in values.items():
        path = f"{prefix}{key}"[:80]
        expected = known.get(key)
        if expected is not None:
            if value is not None and not _fits(value, expected):
                yield TextFlaw("wrong_type", path, f"{path} {_WANTED[expected]}")
        elif (home := _HOMES.get(key)) and home != path:
            yield TextFlaw("misplaced", path, f"{path} is skipped; the field is {home}")
        elif right := spelled.get(key.lower()):
            yield TextFlaw("misplaced", path, f"{path} is skipped; it is spelt {prefix}{right}")
        else:
            yield TextFlaw("unknown", path, f"{path} is no field known here")


_WANTED: Mapping[_FieldType, str] = {
    "text": "is no text",
    "number": "is no whole number",
    "flag": "is neither true nor false",
    "duration": "is no duration with a unit such as 10s",
    "list": "is no list",
    "map": "is no mapping",
}


def _fits(value: object, expected: _FieldType) -> bool:
    match expected:
        case "text":
            return isinstance(value, str)
        case "number":
            return isinstance(value, int) and not isinstance(value, bool)
        case "flag":
            return isinstance(value, bool)
        case "duration":
            return parse_duration(value) is not None
        case "list":
            return isinstance(value, list)
        case "map":
            return isinstance(value, Mapping)
