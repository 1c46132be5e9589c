"""What there is to see: messages, views, what was called and delivered."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import TypeVar

from tests.doubles.slack.agents import Prompts, Session, Status
from tests.doubles.slack.core import Core
from tests.doubles.slack.delivery import Delivery
from tests.doubles.slack.files import File
from tests.doubles.slack.messages import Message
from tests.doubles.slack.requests import Received
from tests.doubles.slack.views import View

__all__ = ["Looking"]

T = TypeVar("T")

_STEP = 0.01


class Looking(Core):
    """Reads the workspace; all that is returned, but for deliveries, are copies."""

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """Return what all can see in ``channel``, oldest first; with ``thread_ts`` that thread alone."""

        def look() -> list[Message]:
            found = self._workspace.messages.of(channel)
            return [message for message in found if thread_ts in (None, message.root)]

        return self._look(look)

    def posted(self, channel: str, thread_ts: str | None = None) -> list[Message]:
        """Return those of :meth:`messages` that the app has posted."""
        return [each for each in self.messages(channel, thread_ts) if each.user == self._workspace.app.bot_user]

    def message(self, message: Message) -> Message:
        """Return how ``message`` is now."""

        def look() -> Message:
            kept = self._workspace.messages.get(message.channel, message.ts)
            if kept is None:
                raise LookupError(f"no message {message.ts} in {message.channel}")
            return kept

        return self._look(look)

    def ephemerals(self, user: str, channel: str | None = None) -> list[Message]:
        """Return what only ``user`` can see."""

        def look() -> list[Message]:
            found = self._workspace.messages.ephemerals(user)
            return [message for message in found if channel in (None, message.channel)]

        return self._look(look)

    def modals(self, user: str) -> list[View]:
        """Return the open modals of ``user``, the one on top last."""
        return self._look(lambda: self._workspace.views.stack(user))

    def home(self, user: str) -> View | None:
        """Return the Home tab of ``user`` where the app has published one."""
        return self._look(lambda: self._workspace.views.home(user))

    def dm(self, user: str) -> str:
        """Return the id of the channel in which ``user`` and the app write to each other."""
        return self._loop.call(lambda: self._workspace.direct_messages(user).id)

    def status(self, message: Message) -> Status | None:
        """Return the status line of the thread that ``message`` belongs to."""
        return self._look(lambda: self._workspace.agents.status((message.channel, message.root)))

    def session(self, message: Message) -> Session | None:
        """Return the agent session of the thread that ``message`` belongs to."""
        return self._look(lambda: self._workspace.agents.sessions.get((message.channel, message.root)))

    def suggested_prompts(self, user: str) -> Prompts | None:
        """Return the prompts that the direct messages of ``user`` show."""
        return self._look(lambda: self._workspace.agents.prompts.get(self._workspace.direct_messages(user).id))

    @property
    def files(self) -> list[File]:
        return self._look(self._files.all)

    @property
    def calls(self) -> list[Received]:
        """All requests to the double, oldest first."""
        return list(self._server.received)

    def calls_of(self, method: str) -> list[Received]:
        """Return the calls of a Web API method, or the requests that :class:`Received` names otherwise."""
        return [call for call in self.calls if call.method == method]

    @property
    def deliveries(self) -> list[Delivery]:
        """All that the app was told, or is still to be told, in order."""
        return list(self._deliveries.all)

    def events(self, kind: str) -> list[Delivery]:
        """Return the deliveries of events of that type."""
        return [delivery for delivery in self.deliveries if delivery.event.get("type") == kind]

    def wait_until(self, condition: Callable[[], T], timeout: float = 60.0) -> T:
        """Return what ``condition`` returns once that is true in any sense; raise AssertionError after ``timeout``."""
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not so after {timeout} s"
            time.sleep(_STEP)
        return found

    async def until(self, condition: Callable[[], T], timeout: float = 60.0) -> T:  # noqa: ASYNC109
        """Do as :meth:`wait_until` without blocking the caller's event loop."""
        deadline = time.monotonic() + timeout
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not so after {timeout} s"
            await asyncio.sleep(_STEP)
        return found

    def _look(self, look: Callable[[], T]) -> T:
        return self._loop.call(lambda: copy.deepcopy(look()))
