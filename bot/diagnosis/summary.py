"""What kind of cluster was looked at, in one line."""

from __future__ import annotations

from bot.diagnosis.facts.plugin import Plugin
from bot.diagnosis.facts.server import Server
from bot.diagnosis.judge import Judge
from bot.diagnosis.models import ClusterSummary

__all__ = ["summarize"]


async def summarize(judge: Judge, source: str) -> ClusterSummary:
    """Return version, plugin, mode and datapath as far as they could be read."""
    server, plugin = await judge.known("server"), await judge.known("plugin")
    return ClusterSummary(
        version=server.version if isinstance(server, Server) else None,
        plugin=plugin.name if isinstance(plugin, Plugin) else None,
        mode=None,
        datapath=None,
        source=source,
    )
