"""Keeps up with one kind of object in one namespace, whatever breaks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from typing import Protocol

from bot.diagnosis.live.watching import ClusterWatch, Expired
from bot.diagnosis.reader import Object, Unreadable
from bot.diagnosis.resources import Resource

__all__ = ["Follower", "Heard"]

_logger = logging.getLogger("acknet.watch")

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
_REFUSED_PAUSE = 300.0
_BETWEEN_LISTS = 1.0


class Heard(Protocol):
    """What is told of changes."""

    def begin(self) -> None:
        """What was known of the objects is void; those that are there follow."""

    def is_there(self, item: Object) -> None:
        """An object is there, or has changed."""

    def is_gone(self, item: Object) -> None:
        """An object is gone, or no longer as it was selected."""


class Follower:
    """Lists, then watches from there on; lists anew when the server has forgotten what was.

    After an error it waits, longer each time; where it is not permitted, it tries every five minutes. ``trouble`` says
    what is wrong, in a sentence without secrets; empty when all is well.
    """

    def __init__(
        self, watch: ClusterWatch, resource: Resource, namespace: str, fields: Mapping[str, str], heard: Heard
    ) -> None:
        self._watch, self._resource, self._namespace, self._fields = watch, resource, namespace, fields
        self._heard = heard
        self._version = ""
        self._failures = 0
        self.trouble = ""
        self.listed = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            try:
                if not self._version:
                    await self._list()
                await self._follow()
            except Expired:
                self._version = ""
                await asyncio.sleep(_BETWEEN_LISTS)
            except Unreadable as error:
                await self._wait(error)

    async def _list(self) -> None:
        listed = await self._watch.list(self._resource, self._namespace, self._fields)
        self._heard.begin()
        for item in listed.items:
            self._heard.is_there(item)
        if not listed.complete:
            _logger.warning("watch: more %s in %s than are read", self._resource.plural, self._namespace)
        self._version = listed.version
        self.listed.set()

    async def _follow(self) -> None:
        """Follow one watch to its end, which comes when its time is over."""
        changes = self._watch.changes(self._resource, self._namespace, self._fields, self._version)
        begun = asyncio.get_running_loop().time()
        async for change in changes:
            match change.kind:
                case "ADDED" | "MODIFIED":
                    self._heard.is_there(change.item)
                case "DELETED":
                    self._heard.is_gone(change.item)
            self._version = change.version
            self._failures, self.trouble = 0, ""
        if asyncio.get_running_loop().time() - begun < _BETWEEN_LISTS:
            # A server that ends each watch at once is not asked without pause.
            await asyncio.sleep(_BETWEEN_LISTS)

    async def _wait(self, error: Unreadable) -> None:
        self._failures += 1
        said = f"{error.what}: {error.detail or error.reason}"
        if error.reason == "forbidden":
            said = f"{error.what} is not permitted"
        if said != self.trouble:
            _logger.warning("watch: %s", said)
        self.trouble = said
        # A connection that broke once is nothing to wait for long; where a list is wanted, the version tells.
        pause = min(_FIRST_PAUSE * (1 << min(self._failures - 1, 10)), _LONGEST_PAUSE)
        pause = _REFUSED_PAUSE if error.reason == "forbidden" else pause * random.uniform(0.5, 1.0)  # noqa: S311
        await asyncio.sleep(pause)
