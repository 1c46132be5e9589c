"""Says things in Slack exactly once: through the outbox, with the key in the message's metadata to find it again."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from bot.observe.metrics import Metrics
from bot.service import Service
from bot.slack.calls import Limited, Refused, SlackCalls, Trouble
from bot.slack.outgoing import Outgoing
from bot.store import Lease, StoreUnavailable

__all__ = ["Mailbox"]

_logger = logging.getLogger("acknet.slack")

_EVENT_TYPE = "acknet_message"
_LEASE = dt.timedelta(seconds=90)
_AT_ONCE = 16
_IDLE_SECONDS = 1.0
_MOST_KNOWN = 5000
_DIRECT_TRIES = 5
_LIMITED_MOST = 60.0
_PLAINER = {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}
_GONE = {"message_not_found", "cant_update_message", "edit_window_closed", "cant_delete_message"}


class Mailbox:
    """Sends what is put into it, in the order of a thread, however often it has to try.

    Where the store is down things are sent at once, and may then be seen twice.
    """

    def __init__(self, service: Service, calls: SlackCalls, *, idle_seconds: float = _IDLE_SECONDS) -> None:
        self._service = service
        self._outbox = service.store.outbox
        self._calls = calls
        self._idle_seconds = idle_seconds
        self._put = asyncio.Event()
        self._sending: dict[asyncio.Task[None], str] = {}
        # What became of keys, for when the store cannot tell.
        self._known: OrderedDict[str, str] = OrderedDict()
        self._not_before: dict[str, float] = {}

    @property
    def metrics(self) -> Metrics:
        """Where is counted."""
        return self._service.metrics

    async def put(self, key: str, outgoing: Outgoing) -> None:
        """Have ``outgoing`` sent, once for its ``key``."""
        try:
            await self._outbox.enqueue(key, outgoing.model_dump(mode="json"), lane=outgoing.spot.place)
        except StoreUnavailable as error:
            self.metrics.store_failures.labels(error.reason).inc()
            await self._send_at_once(key, outgoing)
        else:
            self._put.set()

    async def posted(self, key: str) -> str | None:
        """Return the id of the message that was posted under ``key``; "" when it waits; None when it is unknown."""
        if key in self._known:
            return self._known[key]
        item = await self._service.remember(lambda: self._outbox.get(key), None)
        if item is None:
            return None
        return item.result or ("" if item.state in ("waiting", "leased") else None)

    async def work(self) -> None:
        """Send what is put down, here or by others, until cancelled; what is being sent then is sent to its end."""
        while True:
            free = _AT_ONCE - len(self._sending)
            self._put.clear()
            leases = await self._claim(free) if free else ()
            for lease in leases:
                # A lease that ended while it was being sent is taken by the next claim, perhaps this one.
                before = [task for task, key in self._sending.items() if key == lease.key]
                task = asyncio.create_task(self._send(lease, before))
                self._sending[task] = lease.key
                task.add_done_callback(self._sent)
            if not leases or not free:
                await self._wait()

    async def _claim(self, most: int) -> tuple[Lease, ...]:
        nothing: tuple[Lease, ...] = ()
        return await self._service.remember(lambda: self._outbox.claim(lease=_LEASE, limit=most), nothing)

    async def drain(self) -> None:
        """Wait until what is being sent is sent."""
        while self._sending:
            await asyncio.wait(set(self._sending))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._idle_seconds):
                await self._put.wait()
        except TimeoutError:
            return  # others may have put something down, or something may be due again

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.pop(task, None)
        self._put.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _logger.error("a message could not be sent", exc_info=error)

    async def _send(self, lease: Lease, before: Sequence[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.wait(before)
        try:
            outgoing = Outgoing.model_validate(lease.payload)
        except ValueError:
            _logger.exception("what is in the outbox under %r is no message of this version", lease.key)
            await self._service.remember(lambda: self._outbox.retry(lease, "not of this version"), None)
            return
        remember = self._service.remember
        if (wait := self._not_before.get(outgoing.spot.channel, 0.0) - time.monotonic()) > 0:
            await remember(lambda: self._outbox.postpone(lease, dt.timedelta(seconds=wait)), False)
            return
        try:
            ts = await self._carry_out(lease.key, outgoing, again=outgoing.known or lease.attempt > 1)
        except Limited as limited:
            after = dt.timedelta(seconds=limited.after)
            self._hold(outgoing.spot.channel, limited.after)
            await remember(lambda: self._outbox.postpone(lease, after), False)
        except (Trouble, Refused) as error:
            self.metrics.slack_calls_failed.labels(type(error).__name__.lower()).inc()
            if isinstance(error, Refused) and not error.mendable:
                _logger.warning("slack takes no %s in %s: %s", outgoing.do, outgoing.spot.channel, error)
                await remember(lambda: self._outbox.sent(lease, ""), False)
            else:
                _logger.info("slack: %s is tried again: %s", lease.key, error)
                reason = str(error)
                await remember(lambda: self._outbox.retry(lease, reason), None)
        else:
            await remember(lambda: self._outbox.sent(lease, ts), False)

    async def _send_at_once(self, key: str, outgoing: Outgoing) -> None:
        """Send without the store."""
        if key in self._known:
            return
        self._know(key, "")
        again = outgoing.known
        for attempt in range(_DIRECT_TRIES):
            try:
                await self._carry_out(key, outgoing, again=again)
            except Limited as limited:
                await asyncio.sleep(min(limited.after, _LIMITED_MOST))
            except Trouble:
                again = True
                await asyncio.sleep(2**attempt / 4)
            except Refused as error:
                _logger.warning("slack takes no %s in %s: %s", outgoing.do, outgoing.spot.channel, error)
                return
            else:
                return
        _logger.error("%s was given up: neither the store nor Slack took it", key)

    def _hold(self, channel: str, seconds: float) -> None:
        self._not_before = {name: until for name, until in self._not_before.items() if until > time.monotonic()}
        self._not_before[channel] = time.monotonic() + seconds

    def _know(self, key: str, ts: str) -> None:
        self._known[key] = ts
        self._known.move_to_end(key)
        while len(self._known) > _MOST_KNOWN:
            self._known.popitem(last=False)

    async def _carry_out(self, key: str, outgoing: Outgoing, *, again: bool) -> str:
        """Do it, and return the message's id; with ``again`` it may be done already."""
        match outgoing.do:
            case "respond":
                await self._respond(outgoing)
                return ""
            case "post" if outgoing.user is not None:
                return await self._post_privately(outgoing)
            case "post":
                found = self._known.get(key) or (await self._find(key, outgoing) if again else None)
                ts = found or await self._post(key, outgoing)
                self._know(key, ts)
                return ts
        ts = outgoing.ts or await self.posted(outgoing.of or "") or ""
        if ts:
            await self._change(outgoing, ts)
        return ts

    async def _post(self, key: str, outgoing: Outgoing) -> str:
        metadata = {"event_type": _EVENT_TYPE, "event_payload": {"key": key}}
        method, spot = self._calls.client.chat_postMessage, outgoing.spot
        place = {"channel": spot.channel, "thread_ts": spot.thread, "metadata": metadata}
        try:
            answer = await self._calls.call(method, **place, **outgoing.message)
        except Refused as error:
            if error.error not in _PLAINER:
                raise
            _logger.error("slack does not take the blocks of %s (%s); it is sent as text", key, error)  # noqa: TRY400
            answer = await self._calls.call(method, **place, text=outgoing.message.get("text", ""))
        return str(answer.get("ts", ""))

    async def _post_privately(self, outgoing: Outgoing) -> str:
        spot = outgoing.spot
        answer = await self._calls.call(
            self._calls.client.chat_postEphemeral,
            channel=spot.channel,
            user=outgoing.user,
            thread_ts=spot.thread,
            **_without_unfurling(outgoing.message),
        )
        return str(answer.get("message_ts", ""))

    async def _respond(self, outgoing: Outgoing) -> None:
        url = outgoing.spot.response_url
        if url is None:
            raise Refused("no response URL")
        kind: dict[str, Any] = {"replace_original": outgoing.replace}
        if not outgoing.replace:
            kind["response_type"] = "ephemeral"
            if outgoing.spot.thread:
                kind["thread_ts"] = outgoing.spot.thread
        await self._calls.respond(url, {**outgoing.message, **kind})

    async def _change(self, outgoing: Outgoing, ts: str) -> None:
        client, channel = self._calls.client, outgoing.spot.channel
        try:
            if outgoing.do == "delete":
                await self._calls.call(client.chat_delete, channel=channel, ts=ts)
            else:
                await self._calls.call(
                    client.chat_update, channel=channel, ts=ts, **_without_unfurling(outgoing.message)
                )
        except Refused as error:
            if error.error not in _GONE:
                raise
            _logger.info("slack: the message %s in %s is gone: %s", ts, channel, error)

    async def _find(self, key: str, outgoing: Outgoing) -> str | None:
        """Return the id of the message that bears ``key``, where Slack has it already."""
        spot, cursor = outgoing.spot, None
        client = self._calls.client
        method, where = (
            (client.conversations_replies, {"ts": spot.thread}) if spot.thread else (client.conversations_history, {})
        )
        while True:
            try:
                page: Mapping[str, Any] = await self._calls.call(
                    method, channel=spot.channel, include_all_metadata=True, limit=200, cursor=cursor, **where
                )
            except Refused as error:
                if error.error != "thread_not_found":
                    _logger.warning("slack: whether %s was sent cannot be read (%s); it is sent again", key, error)
                return None
            for message in page.get("messages") or ():
                metadata = message.get("metadata") or {}
                said = metadata.get("event_payload") or {}
                if metadata.get("event_type") == _EVENT_TYPE and said.get("key") == key:
                    return str(message["ts"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            # What was sent before a crash is among the newest of a channel.
            if not cursor or not spot.thread:
                return None


def _without_unfurling(message: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if not name.startswith("unfurl_")}
