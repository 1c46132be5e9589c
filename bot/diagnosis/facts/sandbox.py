"""Why the network of a pod could not be set up: the innermost cause in what kubelet and plugin report of it."""

from __future__ import annotations

import re
from typing import Literal

from bot.diagnosis.facts.events import Event, pod_events
from bot.diagnosis.facts.pods import pods
from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import Unreadable

__all__ = ["Failure", "FailureCode", "SandboxFailures", "classify", "sandbox_failures"]

FailureCode = Literal[
    "vswitch_exhausted",
    "address_quota",
    "eni_quota",
    "ipv4_per_eni",
    "security_group_limit",
    "no_capacity",
    "allocation_timeout",
    "device_missing",
    "ram_forbidden",
    "throttled",
    "agent_down",
    "not_initialized",
    "range_exhausted",
    "duplicate_allocation",
    "subnet_env",
    "hairpin_promisc",
    "plugin_config",
    "other",
]
"""What the text blames, the innermost cause first; FACTS of the plugins' sources, matched whatever the case."""

_PATTERNS: tuple[tuple[FailureCode, str], ...] = (
    ("device_missing", r"can't found dev by mac|cannot find dev(?:ice)? by mac"),
    (
        "eni_quota",
        r"EniPerInstanceLimitExceeded|max ENI exceeded",
    ),
    ("security_group_limit", r"SecurityGroupInstanceLimitExceed"),
    ("address_quota", r"QuotaExceeded\.PrivateIpAddress"),
    (
        "vswitch_exhausted",
        r"InvalidVSwitchId\.IpNotEnough|vsw-[0-9a-z]+ ip is not enough|InsufficientIP\b.*ip is not enough"
        r"|no ip left|no available vSwitch for zone|can ?not found available vSwitch for zone|alloc inhibit",
    ),
    ("ipv4_per_eni", r"InvalidOperation\.Ipv[46]CountExceeded"),
    ("ram_forbidden", r"Forbidden\.RAM"),
    ("throttled", r"\bThrottling\b"),
    ("no_capacity", r"no eni can handle the allocation"),
    ("agent_down", r"dial unix /var/run/eni/eni\.socket|eni\.socket: connect"),
    ("not_initialized", r"has not been initialized|cni (?:plugin not|config un)initialized"),
    ("range_exhausted", r"no IP addresses available in range set|Network \S+ too small to allocate from"),
    ("duplicate_allocation", r"duplicate allocation is not allowed"),
    ("subnet_env", r"subnet\.env"),
    ("hairpin_promisc", r"cannot set hairpin mode and promiscuous mode"),
    ("plugin_config", r"error parse config|unmarshal|invalid character|failed to parse"),
    ("allocation_timeout", r"allocate (?:remote )?IP timeout|error wait pod eni info|PodENI Phase is|DeadlineExceeded"),
)
_CODES = tuple((code, re.compile(pattern, re.IGNORECASE)) for code, pattern in _PATTERNS)
_RANGE = re.compile(r"range set: (?P<first>[0-9a-fA-F.:]+)-(?P<last>[0-9a-fA-F.:]+)")
_MAC = re.compile(r"by mac (?P<mac>(?:[0-9a-f]{2}:){5}[0-9a-f]{2})", re.IGNORECASE)
_VSWITCH = re.compile(r"\bvsw-[0-9a-z]+", re.IGNORECASE)
_REASONS = frozenset(
    {
        "FailedCreatePodSandBox",
        "AllocIPFailed",
        "AllocResourceFailed",
        "CniPodCreateError",
        "CniCreateENIError",
        "PodCreateFailed",
        "FailedSync",
    }
)
_NOT_NETWORK = frozenset(
    {"FailedMount", "FailedAttachVolume", "FailedScheduling", "ErrImagePull", "ImagePullBackOff", "Failed", "BackOff"}
)


class Failure(Observation):
    """A failed set-up of a pod's network. ``first``-``last``: the range said to be used up; ``mac``, ``vswitches``.

    ``count`` over ``span_s`` seconds, last ``age_s`` ago. ``current``: it is fresh and the pod still waits (or is not
    known to have got further).
    """

    code: FailureCode
    pod: str
    node: str
    reason: str
    message: str
    count: int
    age_s: int | None
    span_s: int
    fresh: bool
    current: bool
    first: str
    last: str
    mac: str
    vswitches: tuple[str, ...]


class SandboxFailures(Fact):
    """The failures, newest first; ``current`` are those that still hold a pod up.

    ``codes``: the kinds among the current ones. ``elsewhere``: what else holds the pods in question up, which is no
    matter of the network (volumes, images).
    """

    items: tuple[Failure, ...]
    current: tuple[Failure, ...]
    codes: tuple[str, ...]
    elsewhere: tuple[Observation, ...]
    evidence: tuple[Observation, ...]


def classify(message: str) -> FailureCode:
    """Return what a failure's text blames; ``other`` when it is none that is known."""
    return next((code for code, pattern in _CODES if pattern.search(message)), "other")


def _failure(event: Event, node: str, *, waits: bool) -> Failure:
    span = _RANGE.search(event.message)
    mac = _MAC.search(event.message)
    return Failure(
        object=event.object,
        field=event.field,
        value=event.value,
        seen_at=event.seen_at,
        kubectl=event.kubectl,
        code=classify(event.message),
        pod=f"{event.namespace}/{event.name}",
        node=node,
        reason=event.reason,
        message=event.message,
        count=event.count,
        age_s=event.age_s,
        span_s=max(0, (event.first_s or 0) - (event.age_s or 0)),
        fresh=event.fresh,
        current=event.fresh and waits,
        first=span["first"] if span else "",
        last=span["last"] if span else "",
        mac=mac["mac"].lower() if mac else "",
        vswitches=tuple(dict.fromkeys(found.lower() for found in _VSWITCH.findall(event.message))),
    )


@fact("sandbox_failures", SandboxFailures, kubectl="kubectl describe pod <pod>")
async def sandbox_failures(facts: Facts) -> SandboxFailures:
    """Failures to set up the network of the pods in question, told apart by the innermost cause in their text."""
    found = await facts(pod_events)
    try:
        known = {pod.key: pod for pod in (await facts(pods)).items}
    except Unreadable:
        known = {}
    failures, elsewhere = [], []
    for event in found.items:
        pod = known.get(f"{event.namespace}/{event.name}")
        waits = pod is None or pod.stage in {"creating", "unknown"}
        code = classify(event.message)
        if event.reason in _REASONS and (event.reason != "FailedSync" or code != "other"):
            failures.append(_failure(event, pod.node if pod else "", waits=waits))
        elif event.reason in _NOT_NETWORK and event.fresh and event.type != "Normal":
            elsewhere.append(event)
    current = tuple(one for one in failures if one.current)
    return SandboxFailures(
        items=tuple(failures),
        current=current,
        codes=tuple(dict.fromkeys(one.code for one in current)),
        elsewhere=tuple(elsewhere),
        evidence=current or tuple(failures[:3]),
    )
