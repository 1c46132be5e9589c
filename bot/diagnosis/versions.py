"""The component versions that a diagnosis read, which select the branches of an entry's steps."""

from __future__ import annotations

from collections.abc import Iterable

from bot.diagnosis.facts.agents import Agents
from bot.diagnosis.facts.nodes import Nodes
from bot.diagnosis.facts.plugin import Plugin
from bot.diagnosis.facts.server import Server
from bot.diagnosis.judge import Judge
from corpus import Version

__all__ = ["read_versions"]


def read_versions(judge: Judge) -> dict[str, Version]:
    """Return component → version, of those that the facts collected so far give without contradiction.

    Where nodes run different versions a component is left out: a branch must not be chosen on a guess.
    """
    found: dict[str, Version | None] = {}
    server, nodes = judge.collected("server"), judge.collected("nodes")
    if isinstance(server, Server):
        found["kubernetes"] = server.numbers
    if isinstance(nodes, Nodes):
        found["kubelet"] = _the_one(node.kubelet for node in nodes.items)
    agents, plugin = judge.collected("agents"), judge.collected("plugin")
    if isinstance(agents, Agents):
        for component in ("terway", "flannel", "kube-proxy"):
            found[component] = _the_one(agent.version for agent in agents.items if agent.component == component)
    if isinstance(plugin, Plugin) and plugin.name in {"terway", "flannel"} and plugin.name not in found:
        found[plugin.name] = plugin.version
    return {component: version for component, version in found.items() if version}


def _the_one(versions: Iterable[Version]) -> Version | None:
    different = set(versions)
    return different.pop() if len(different) == 1 else None
