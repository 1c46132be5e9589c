"""Tells a Slack channel about incidents: a thread each, through the outbox, so that nothing is said twice."""

from __future__ import annotations

from bot.oncall.notice import Notice
from bot.oncall.queue_worker import Later
from bot.slack.blocks import Message, answer_message
from bot.slack.blocks.incident import incident_message, incident_reply
from bot.slack.outgoing import Outgoing, pages, shown
from bot.slack.tasks import Spot
from bot.store import Store

__all__ = ["SlackSink"]

_WAIT_SECONDS = 0.5


class SlackSink:
    """Puts what is said about incidents into the outbox, from where the Slack bot of any process sends it."""

    def __init__(self, store: Store, channel: str) -> None:
        self.name = f"slack {channel}"
        self._store = store
        self._channel = channel

    async def send(self, notice: Notice) -> None:
        """Put it down; raises Later as long as the message that its thread begins with is not sent."""
        root = f"{self.name} {notice.thread}"
        if notice.kind == "opened":
            await self._put(root, self._post(self._spot(), incident_message(notice.headline)))
            return
        spot = await self._thread(root, notice)
        key = f"{self.name} {notice.key}"
        await self._put(f"{key} said", self._post(spot, incident_reply(notice.text)))
        if notice.answer is not None:
            message = answer_message(notice.answer, answer_id=notice.answer_id or "")
            await self._put(key, self._post(spot, message))
            for number, page in enumerate(pages(message)):
                await self._put(f"{key} rest {number}", Outgoing(do="post", spot=spot, message=dict(page)))
        # In the thread's lane, so that what the thread begins with is changed in the order of what is said below.
        head = shown(incident_message(notice.headline))
        await self._put(f"{key} head", Outgoing(do="update", spot=spot, of=root, message=head))

    async def close(self) -> None:
        """Leave the outbox to the bot."""

    async def _thread(self, root: str, notice: Notice) -> Spot:
        """Return where the incident is talked about: the channel itself, where its first message could not be sent."""
        item = await self._store.outbox.get(root)
        if item is not None and item.state in ("waiting", "leased"):
            raise Later("the thread has not begun yet", _WAIT_SECONDS)
        if item is None or not item.result:
            return self._spot()
        await self._store.incidents.set_thread(notice.headline.incident, {"channel": self._channel, "ts": item.result})
        return self._spot(item.result)

    async def _put(self, key: str, outgoing: Outgoing) -> None:
        await self._store.outbox.enqueue(key, outgoing.model_dump(mode="json"), lane=outgoing.spot.place)

    def _post(self, spot: Spot, message: Message) -> Outgoing:
        return Outgoing(do="post", spot=spot, message=shown(message))

    def _spot(self, thread: str | None = None) -> Spot:
        return Spot(channel=self._channel, thread=thread)
