"""Failures to give pods of a node their addresses, wherever they are told: pods, nodes, Terway's resources, its log."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from bot.diagnosis.facts.agents import Agent
from bot.diagnosis.facts.events import FRESH_S, Event
from bot.diagnosis.facts.node_configs import NodeConfig
from bot.diagnosis.facts.pods import Pods, seconds_since
from bot.diagnosis.facts.sandbox import Failure, FailureCode, classify
from bot.diagnosis.facts.terway_nodes import TerwayNode
from bot.diagnosis.observation import Observation
from bot.diagnosis.timestamps import TIMESTAMP, parse_time

__all__ = [
    "OTHER_TROUBLE",
    "SHORTAGE",
    "AddressFailure",
    "failures_in_log",
    "of_enis",
    "of_node_events",
    "of_pods",
    "superseded",
    "vswitches_in",
]

SHORTAGE: frozenset[FailureCode] = frozenset({"vswitch_exhausted", "address_quota"})
"""Codes that Terway takes for a vSwitch without addresses."""

OTHER_TROUBLE: frozenset[FailureCode] = frozenset(
    {"device_missing", "ram_forbidden", "security_group_limit", "agent_down", "not_initialized", "subnet_env"}
)
"""Codes that name a cause of their own: neither the vSwitch's addresses nor the number of ENIs."""

CONTROL_PLANE_PAUSE_S = 20 * 60
"""So long the control plane keeps what it knows of vSwitches."""

_REPEATED_S = 3 * 60
_VSWITCH = re.compile(r"\bvsw-[0-9a-z]+", re.IGNORECASE)
_LINE_TIME = re.compile(TIMESTAMP, re.ASCII)
# Lines in which Terway prints its configuration, credentials included.
_CONFIGURATION = re.compile(r"got config|eni config:|access_?key|access_?secret", re.IGNORECASE)
_EXCERPT = 240

Source = Literal["pod", "node", "terway_node", "eni", "log"]


class AddressFailure(Observation):
    """A failure on a node. ``current``: it is fresh, not mended by a restart since, and the pod (if any) still waits.

    ``pod`` is ``namespace/name``, empty where a node as a whole is told of; ``vswitches`` are those the text names.
    """

    code: FailureCode
    source: Source
    node: str
    pod: str
    age_s: int | None
    current: bool
    vswitches: tuple[str, ...]


def vswitches_in(message: str) -> tuple[str, ...]:
    """Return the ids of vSwitches in a text, each once."""
    return tuple(dict.fromkeys(found.lower() for found in _VSWITCH.findall(message)))


def superseded(
    age_s: int | None, code: FailureCode, config: NodeConfig | None, agent: Agent | None, *, central: bool
) -> bool:
    """Tell whether a failure came before a remedy whose effect has to be waited for.

    A restart of the node's Terway makes older failures history; where that cannot be seen, only those of just now
    count, for a kubelet tries again within a minute. With centralised IPAM the control plane goes on with
    what it knew of vSwitches for a while after a change that Terway has read.
    """
    if age_s is None:
        return True
    if agent is None and config is None and age_s > _REPEATED_S:
        return True
    started_s = agent.started_s if agent else config.started_s if config else None
    if started_s is not None and started_s < age_s:
        return True
    changed_s = config.changed_s if config else None
    read = config is not None and config.stale is False
    return central and code in SHORTAGE and read and changed_s is not None and changed_s < CONTROL_PLANE_PAUSE_S


def of_pods(failures: Iterable[Failure], known: Pods, succeeded: Mapping[str, int]) -> list[AddressFailure]:
    """Return pods' failures; ``succeeded``: pod → seconds since it last got an address.

    A pod that no longer is among those that wait, or is gone, has no failure that is current.
    """
    by_key = {pod.key: pod for pod in known.items}
    found = []
    for one in failures:
        pod = by_key.get(one.pod)
        # One that waits would be among the pods in question where all of these were read.
        waits = pod.stage in {"creating", "unknown"} if pod is not None else not known.complete
        since = succeeded.get(one.pod)
        mended = since is not None and one.age_s is not None and since <= one.age_s
        found.append(
            AddressFailure(
                object=one.object,
                field=one.field,
                value=one.value,
                seen_at=one.seen_at,
                kubectl=one.kubectl,
                code=one.code,
                source="pod",
                node=pod.node if pod else one.node,
                pod=one.pod,
                age_s=one.age_s,
                current=one.fresh and waits and not mended,
                vswitches=one.vswitches,
            )
        )
    return found


def of_node_events(events: Iterable[Event]) -> list[AddressFailure]:
    """Return the failures among events of nodes and of Terway's Node resources."""
    return [
        AddressFailure(
            # Both kinds are called Node; the name of Terway's tells them apart.
            object=f"nodes.network.alibabacloud.com {event.name}" if event.of_terway else event.object,
            field=event.field,
            value=event.value,
            seen_at=event.seen_at,
            kubectl=event.kubectl,
            code=code,
            source="terway_node" if event.of_terway else "node",
            node=event.name,
            pod="",
            age_s=event.age_s,
            current=event.fresh,
            vswitches=vswitches_in(event.message),
        )
        for event in events
        if event.kind == "Node" and event.type != "Normal" and (code := classify(event.message)) != "other"
    ]


def of_enis(node: TerwayNode) -> list[AddressFailure]:
    """Return what the conditions of a node's ENIs say."""
    found = []
    for eni in node.enis:
        for condition in eni.conditions:
            insufficient = condition.type == "InsufficientIP"
            code: FailureCode = "vswitch_exhausted" if insufficient else classify(condition.message)
            if code == "other":
                continue
            found.append(
                AddressFailure(
                    object=condition.object,
                    field=condition.field,
                    value=condition.value,
                    seen_at=condition.seen_at,
                    kubectl=condition.kubectl,
                    code=code,
                    source="eni",
                    node=node.name,
                    pod="",
                    age_s=condition.age_s,
                    current=condition.age_s is not None and condition.age_s <= FRESH_S,
                    vswitches=(eni.vswitch.lower(),) if insufficient else vswitches_in(condition.message),
                )
            )
    return found


def failures_in_log(log: str, agent: Agent, now: dt.datetime) -> list[AddressFailure]:
    """Return the newest line of each kind of failure in the log of a node's Terway.

    A line that does not say when it was written is never current.
    """
    newest: dict[tuple[FailureCode, tuple[str, ...]], AddressFailure] = {}
    for line in log.splitlines():
        code = classify(line)
        if code == "other" or _CONFIGURATION.search(line):
            continue
        stamp = _LINE_TIME.search(line[:200])
        when = parse_time(stamp[0]) if stamp else None
        age_s = seconds_since(when, now)
        vswitches = vswitches_in(line)
        newest[code, vswitches] = AddressFailure(
            object=f"Pod kube-system/{agent.pod}",
            field="log of container terway",
            value=line.strip()[:_EXCERPT],
            seen_at=when,
            kubectl=f"kubectl -n kube-system logs {agent.pod} -c terway --since=1h",
            code=code,
            source="log",
            node=agent.node,
            pod="",
            age_s=age_s,
            current=age_s is not None and age_s <= FRESH_S,
            vswitches=vswitches,
        )
    return list(newest.values())
