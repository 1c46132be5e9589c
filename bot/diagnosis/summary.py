"""What kind of cluster was looked at, in one line."""

from __future__ import annotations

from bot.diagnosis.facts.datapaths import DataPaths
from bot.diagnosis.facts.eni_modes import EniModes
from bot.diagnosis.facts.plugin import Plugin
from bot.diagnosis.facts.server import Server
from bot.diagnosis.judge import Judge
from bot.diagnosis.models import ClusterSummary

__all__ = ["summarize"]


async def summarize(judge: Judge, source: str) -> ClusterSummary:
    """Return version, plugin, mode and datapath as far as they could be read.

    Mode and datapath are those of the nodes in question, where the entries asked for them; nothing more is read for
    this line.
    """
    server, plugin = await judge.known("server"), await judge.known("plugin")
    modes, paths = judge.collected("eni_modes"), judge.collected("datapaths")
    return ClusterSummary(
        version=server.version if isinstance(server, Server) else None,
        plugin=plugin.name if isinstance(plugin, Plugin) else None,
        mode=modes.cluster if isinstance(modes, EniModes) else None,
        datapath=paths.cluster if isinstance(paths, DataPaths) else None,
        source=source,
    )
