"""Who may have which cluster looked into from Slack, and who may see what was seen there."""

from __future__ import annotations

from bot.diagnosis.facts.registry import Scope
from bot.settings import Settings
from bot.slack.directory import Directory
from bot.slack.tasks import Spot

__all__ = ["DEFAULT_CLUSTER", "DIRECT", "Access"]

DEFAULT_CLUSTER = "default"
"""Stands for the cluster that is looked into unless another is chosen."""
DIRECT = "direct"
"""Stands for direct messages among channels."""


class Access:
    """Applies the settings ``slack_probe…``; whatever cannot be found out about somebody stands against them."""

    def __init__(self, settings: Settings, directory: Directory) -> None:
        self._settings = settings
        self._directory = directory

    @property
    def default(self) -> str:
        """The cluster that is looked into unless another is chosen, by name where it has one."""
        return self._settings.context or DEFAULT_CLUSTER

    @property
    def clusters(self) -> tuple[str, ...]:
        """The clusters that may be chosen, by name, the default one first."""
        settings = self._settings
        every = dict.fromkeys([self.default, *settings.clusters])
        allowed = {self.default if name == DEFAULT_CLUSTER else name for name in settings.slack_probe_clusters}
        return tuple(name for name in every if not allowed or name in allowed)

    def context(self, cluster: str | None) -> str | None:
        """Return the context of a cluster that was chosen; None for a default one without a name."""
        chosen = cluster or (self.clusters[0] if self.clusters else None)
        return None if chosen == DEFAULT_CLUSTER else chosen

    def offered(self, spot: Spot) -> bool:
        """Tell whether a look may be asked for here at all."""
        channels = self._settings.slack_probe_channels
        here = DIRECT if spot.direct else spot.channel
        return self._settings.slack_probe and bool(self.clusters) and (not channels or here in channels)

    async def refusal(self, user: str, spot: Spot) -> str | None:
        """Say in a sentence why ``user`` may not have a cluster looked into from here; None: they may."""
        if not self._settings.slack_probe:
            return "It is not switched on for Slack."
        if not self.offered(spot):
            return "It is not allowed in this conversation."
        return None if await self._is_allowed(user) else "You are not among those who may."

    def scope_refusal(self, scope: Scope, cluster: str | None) -> tuple[str, str] | None:
        """Say which field of a form stands against a look, and why; None: nothing does."""
        if cluster is not None and cluster not in self.clusters:
            return "cluster", "This cluster may not be looked into from Slack."
        allowed = self._namespaces(cluster or (self.clusters[0] if self.clusters else DEFAULT_CLUSTER))
        if allowed is not None and scope.namespace not in allowed:
            names = ", ".join(sorted(allowed)[:10]) or "none"
            return "namespace", f"Say one of those that may be asked about: {names}."
        return None

    async def is_private(self, spot: Spot) -> bool:
        """Tell whether what was seen in a cluster is for the asker's eyes alone, because others read along."""
        if spot.direct or spot.response_url:
            return False
        return spot.shared or not await self._directory.is_private_to_members(spot.channel)

    async def _is_allowed(self, user: str) -> bool:
        settings = self._settings
        if user in settings.slack_probe_users:
            return True
        if not await self._directory.is_member(user):
            return False
        if not settings.slack_probe_groups:
            return not settings.slack_probe_users
        for group in settings.slack_probe_groups:
            if user in (await self._directory.members_of(group) or ()):
                return True
        return False

    def _namespaces(self, cluster: str) -> set[str] | None:
        """Return the namespaces of ``cluster`` that may be asked about; None: all."""
        if not self._settings.slack_probe_namespaces:
            return None
        allowed = set()
        for name in self._settings.slack_probe_namespaces:
            of, _, namespace = name.rpartition("/")
            if of in ("", cluster) or (of == DEFAULT_CLUSTER and cluster == self.default):
                allowed.add(namespace)
        return allowed
