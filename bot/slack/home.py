"""The app's own places: the Home tab, and the prompts of its messages."""

from __future__ import annotations

import asyncio
import datetime as dt

from bot.opening import NotReady
from bot.service import Service
from bot.slack.access import Access
from bot.slack.blocks import Asked, HealthLine, home_view
from bot.slack.calls import Limited, Refused, SlackCalls, Trouble
from bot.slack.tasks import Spot
from bot.store import AskedOften, StoreUnavailable

__all__ = ["PROMPTS", "Home"]

_DAYS = 30
_MOST_AT_ONCE = 20

PROMPTS: tuple[tuple[str, str], ...] = (
    (
        "Pods stay in ContainerCreating",
        "My pods stay in ContainerCreating with InvalidVSwitchId.IpNotEnough.",
    ),
    ("Which network mode is it?", "How do I find out which network plugin and which mode my cluster uses?"),
    ("A Service is not reached", "A pod cannot reach a Service through its own Service address."),
    ("IPv6 for pods", "How do I get IPv6 addresses for my pods and Services?"),
)
"""What the messages of the app suggest to ask: a title and the question."""


class Home:
    """Shows the Home tab and suggests prompts, beside what is more urgent; what fails is shown the next time."""

    def __init__(self, service: Service, calls: SlackCalls, access: Access) -> None:
        self._service, self._calls, self._access = service, calls, access
        self._showing: set[asyncio.Task[None]] = set()

    def opened(self, user: str, tab: str, channel: str) -> None:
        """Show ``user`` what belongs to a tab that they opened."""
        if len(self._showing) >= _MOST_AT_ONCE:
            return
        show = self._suggest(channel) if tab == "messages" else self._publish(user)
        task = asyncio.create_task(show)
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)

    async def stop(self) -> None:
        """Finish what is being shown."""
        if self._showing:
            await asyncio.wait(self._showing, timeout=5)

    async def may_write(self, channel: str) -> bool:
        """Tell whether acknet is in ``channel``; where that cannot be found out it is not."""
        if channel.startswith("D"):
            return False  # whether it is acknet's own cannot be told from the id
        try:
            found = await self._calls.call(self._calls.client.conversations_info, channel=channel)
        except (Trouble, Limited, Refused):
            return False
        return bool((found.get("channel") or {}).get("is_member"))

    async def _suggest(self, channel: str) -> None:
        prompts = [{"title": title, "message": question} for title, question in PROMPTS]
        # With a thread_ts the call would do nothing, since messages of agents have no thread yet.
        await self._calls.attempt(
            self._calls.client.assistant_threads_setSuggestedPrompts,
            channel_id=channel,
            title="Ask about container networking",
            prompts=prompts,
        )

    async def _publish(self, user: str) -> None:
        direct = Spot(channel="", direct=True)
        may_probe = self._access.offered(direct) and await self._access.refusal(user, direct) is None
        view = home_view(health=await self._health(), asked_most=await self._asked_most(), may_probe=may_probe)
        await self._calls.attempt(self._calls.client.views_publish, user_id=user, view=view.to_dict())

    async def _health(self) -> list[HealthLine]:
        try:
            entries = len(self._service.engine.corpus.entries)
            lines = [HealthLine("Answers", True, f"from {entries} entries of the FAQ")]
        except NotReady as error:
            if error.retry_after is not None:
                lines = [HealthLine("Answers", None, "the index is being opened; questions wait for it")]
            else:
                lines = [HealthLine("Answers", False, "the index cannot be opened; tell those who run acknet")]
        try:
            await self._service.store.check()
            lines.append(HealthLine("Memory of answers and ratings", True))
        except StoreUnavailable:
            lines.append(HealthLine("Memory of answers and ratings", False, "down; answers go on"))
        if self._service.settings.slack_probe:
            # Whether they are reached shows when one is looked into.
            lines.append(HealthLine("Looks into clusters", None, ", ".join(self._access.clusters) or "none is allowed"))
        return lines

    async def _asked_most(self) -> list[Asked]:
        since = dt.datetime.now(dt.UTC) - dt.timedelta(days=_DAYS)
        nothing: tuple[AskedOften, ...] = ()
        found = await self._service.remember(lambda: self._service.store.answers.asked_most(since), nothing)
        try:
            corpus = self._service.engine.corpus
        except NotReady:
            return []
        return [Asked(corpus[one.entry].title, one.count) for one in found if one.entry in corpus]
