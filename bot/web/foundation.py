"""The parts that all others rest on: the index, the store, the cluster."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
from pathlib import Path

from bot.opening import NotReady
from bot.part import Background, Condition, Part
from bot.service import Service
from bot.settings import Settings
from bot.store import Reason, StoreUnavailable

__all__ = ["ClusterPart", "IndexPart", "StorePart", "not_open"]

_logger = logging.getLogger("acknet.store")

_QUEUES_SECONDS = 15.0
_CHECK_SECONDS = 2.0


class IndexPart(Part):
    """The index, opened in the background; nothing is answered without it."""

    name = "index"

    def __init__(self, service: Service) -> None:
        self._opening = service.opening

    async def start(self) -> None:
        """Begin to open it."""
        self._opening.start()

    async def condition(self) -> Condition:
        """Tell whether it is open, or why not."""
        try:
            digest = self._opening.engine.index_digest
        except NotReady as error:
            return not_open(error)
        return Condition("ok", digest)


class StorePart(Background):
    """The store: pruned by age, its queues counted. Answers go on without it."""

    name = "store"

    def __init__(self, service: Service) -> None:
        self._service = service
        self._checked: tuple[float, Condition] | None = None

    async def work(self) -> None:
        """Prune and count until it is stopped; first of all, open it, lest the first answers wait for that."""
        try:
            await self._service.store.open()
        except StoreUnavailable as error:
            _logger.warning("the store cannot be opened: %s", error)
        age = dt.timedelta(days=self._service.settings.store_days)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._service.store.keep_pruned(age))
            tasks.create_task(self._count_queues())

    async def condition(self) -> Condition:
        """Tell whether it can be written to; not tried more than once in a while."""
        now = asyncio.get_running_loop().time()
        if self._checked is None or now - self._checked[0] > _CHECK_SECONDS:
            self._checked = now, await self._check()
        # What failed since then counts, too; so does a nearly full disk, which takes the check and little else.
        trouble = self._service.store.trouble
        return _forgetful(trouble) if trouble else self._checked[1]

    async def _check(self) -> Condition:
        try:
            await self._service.store.check()
        except StoreUnavailable as error:
            return _forgetful(error.reason)
        return await super().condition()

    async def _count_queues(self) -> None:
        store, depth = self._service.store, self._service.metrics.queue_depth
        queues = {"event": store.events, "outbox": store.outbox, "alert": store.alerts, "notice": store.notices}
        while True:
            for name, queue in queues.items():
                found = await self._service.remember(queue.depth, None)
                if found is not None:
                    depth.labels(name, "waiting").set(found.waiting)
                    depth.labels(name, "leased").set(found.leased)
                    depth.labels(name, "dead").set(found.dead)
            await asyncio.sleep(_QUEUES_SECONDS)


class ClusterPart(Part):
    """The cluster that a look goes into. Answers from the FAQ go on without it."""

    name = "cluster"

    def __init__(self, service: Service) -> None:
        self._way = _way_in(service.settings)

    async def condition(self) -> Condition:
        """Tell whether a way into a cluster is configured; it is not tried, which would cost the API server."""
        return self._way


def _forgetful(reason: Reason) -> Condition:
    return Condition("failed", f"What is said is not remembered ({reason}); answers go on.")


def not_open(error: NotReady) -> Condition:
    """Return how an index fares that cannot be used because of ``error``."""
    return Condition("failed" if error.retry_after is None else "starting", str(error))


def _way_in(settings: Settings) -> Condition:
    if settings.kubeconfig is not None and not settings.kubeconfig.is_file():
        return Condition("failed", "The kubeconfig that the settings name is not there.")
    usual = Path(os.path.expanduser("~/.kube/config"))  # noqa: PTH111 (leaves the ~ where no home is known)
    named = settings.kubeconfig or os.environ.get("KUBECONFIG") or os.environ.get("KUBERNETES_SERVICE_HOST")
    if named or usual.is_file():
        return Condition("ok", "A way in is configured; each look says whether it works.")
    return Condition("off", "No way in is configured; what is pasted into a question can be looked into.")
