"""The watcher as a part of a running acknet."""

from __future__ import annotations

from collections.abc import Callable

from bot.diagnosis.live.kubeconfig import NoCluster
from bot.oncall.watch.watcher import TICK_SECONDS, Watcher
from bot.part import Background, Condition
from bot.service import Service

__all__ = ["WatchPart"]


class WatchPart(Background):
    """Watches the namespaces of the settings."""

    name = "watch"

    def __init__(
        self, service: Service, wake: Callable[[], None] = lambda: None, *, tick: float = TICK_SECONDS
    ) -> None:
        self._watcher = Watcher(service, wake, tick=tick)
        self._no_cluster = ""

    async def work(self) -> None:
        """Watch until stopped; without a way into a cluster it is begun anew, with growing pauses."""
        try:
            self._no_cluster = ""
            await self._watcher.run()
        except NoCluster:
            self._no_cluster = "There is no way into a cluster, or it does not work; the log tells more."
            raise

    async def condition(self) -> Condition:
        """Tell whether everything is watched that should be."""
        trouble = self._watcher.trouble
        if self._no_cluster:
            return Condition("failed", self._no_cluster)
        if trouble:
            more = f" (and {len(trouble) - 1} more)" if len(trouble) > 1 else ""
            return Condition("failed", f"{trouble[0]}{more}")
        return await super().condition()
