"""What Terway's containers said when they started: which data path they set up, or why they refused to."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Literal

from bot.diagnosis.facts.agents import Agent, agents
from bot.diagnosis.facts.nodes import nodes
from bot.diagnosis.facts.partial import Partial
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.facts.terway_nodes import terway_nodes
from bot.diagnosis.observation import Fact, Observation
from bot.diagnosis.reader import LogWindow, Unreadable

__all__ = ["StartSign", "StartSignKind", "StartSigns", "signs_in", "terway_start_logs"]

StartSignKind = Literal[
    "datapathv2",
    "ipvlan",
    "veth",
    "accelerated",
    "loadbalance_on",
    "kernel_too_old",
    "ipvlan_refused",
    "chainer_missing",
    "mode_changed",
    "config_unreadable",
]

_MAX_NODES = 2
_WINDOW = LogWindow(limit_bytes=96 * 1024)
# Cilium's own --datapath-mode=veth is what Terway calls DataPath V2; plain veth runs no accelerating Cilium.
_SIGNS: tuple[tuple[StartSignKind, str, str], ...] = (
    ("datapathv2", "terway-init", r"datapathv2 enabled|datapath is already v2"),
    ("ipvlan", "terway-init", r"keep ipvlan mode"),
    ("mode_changed", "terway-init", r"exclusive eni mode changed"),
    ("kernel_too_old", "terway-init", r"unsupport kernel version"),
    ("ipvlan_refused", "terway-init", r"ipvlan is unsupported"),
    ("config_unreadable", "terway-init", r"failed process input"),
    ("veth", "policy", r"enable ebpf provider, run cilium"),
    ("datapathv2", "policy", r"--datapath-mode[=\s'\"]+veth\b"),
    ("ipvlan", "policy", r"--datapath-mode[=\s'\"]+ipvlan\b"),
    ("accelerated", "policy", r"using cilium as network routing & policy"),
    ("ipvlan_refused", "policy", r"ipvlan is not supported"),
    ("chainer_missing", "policy", r"no cilium chainer is installed"),
    ("loadbalance_on", "policy", r"enable-in-cluster-loadbalance=[\"']?true"),
)
_COMPILED = tuple((kind, container, re.compile(pattern, re.IGNORECASE)) for kind, container, pattern in _SIGNS)
_DATA_PATHS: frozenset[StartSignKind] = frozenset({"datapathv2", "ipvlan", "veth"})


class StartSign(Observation):
    """A telling text in the log of a container of the node's Terway pod; of the line only that text is shown."""

    node: str
    pod: str
    container: str
    kind: StartSignKind


class StartSigns(Fact):
    """Telling texts of the nodes looked at; ``looked_at`` names them, ``unread`` says which logs could not be read."""

    items: tuple[StartSign, ...]
    looked_at: tuple[str, ...]
    unread: tuple[str, ...]
    evidence: tuple[Observation, ...]

    def data_path(self, node: str) -> StartSign | None:
        """Return what says which data path the node runs: the init container before the policy agent."""
        told = [one for one in self.items if one.node == node and one.kind in _DATA_PATHS]
        return next(iter(sorted(told, key=lambda one: one.container != "terway-init")), None)


def signs_in(log: str, container: str) -> Iterator[tuple[StartSignKind, str]]:
    """Yield the kinds of telling texts in a container's log with the text found, each kind once."""
    policy_only = False
    for kind, where, pattern in _COMPILED:
        if where != container:
            continue
        if found := pattern.search(log):
            # Cilium that only enforces policies prints its flags as well, and then they do not tell the data path.
            if policy_only and kind in {"datapathv2", "ipvlan"}:
                continue
            policy_only = policy_only or kind == "veth"
            yield kind, found[0]


async def _read(facts: Facts, agent: Agent, container: str, *, previous: bool = False) -> list[StartSign]:
    window = LogWindow(limit_bytes=_WINDOW.limit_bytes, previous=previous)
    log = await facts.reads.log(agent.pod, container, window) or ""
    option = " --previous" if previous else ""
    return [
        StartSign(
            object=f"Pod kube-system/{agent.pod}",
            field=f"log of container {container}",
            value=said,
            kubectl=f"kubectl -n kube-system logs {agent.pod} -c {container}{option}",
            node=agent.node,
            pod=agent.pod,
            container=container,
            kind=kind,
        )
        for kind, said in signs_in(log, container)
    ]


@fact(
    "terway_start_logs",
    StartSigns,
    needs=[Needs("pods/log", "get", "kube-system")],
    kubectl="kubectl -n kube-system logs <terway-pod> -c terway-init",
)
async def terway_start_logs(facts: Facts) -> StartSigns:
    """What the starting Terway pods of the nodes in question said of their data path.

    Only those nodes are looked at whose data path Terway's Node resource does not tell, and those whose agent fails.
    """
    running, asked, reported = await asyncio.gather(facts(agents), facts(nodes), Partial(facts)(terway_nodes))
    told = {one.name for one in reported.items if one.datapath} if reported else set()
    order = [node.name for node in asked.items]
    wanted = [one for one in running.of("terway") if one.node not in told or one.init_failed or one.crashing]
    wanted.sort(key=lambda one: order.index(one.node) if one.node in order else len(order))
    signs: list[StartSign] = []
    unread: list[str] = []
    for agent in wanted[:_MAX_NODES]:
        steps = [("terway-init", False)]
        if "policy" in agent.containers:
            steps.append(("policy", agent.crashing and agent.restarts > 0))
        for container, previous in steps:
            known = any(one.node == agent.node and one.kind in _DATA_PATHS for one in signs)
            if known and container == "policy" and not agent.crashing:
                continue
            try:
                signs += await _read(facts, agent, container, previous=previous)
            except Unreadable as error:
                unread.append(f"{error.what}: {error.reason}")
    return StartSigns(
        items=tuple(signs),
        looked_at=tuple(agent.node for agent in wanted[:_MAX_NODES]),
        unread=tuple(unread),
        evidence=tuple(signs),
    )
