"""Questions and what becomes of them: answered, changed, deleted, another entry wanted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from bot.opening import AskEngine, NotReady
from bot.pool import Overloaded
from bot.service import Asker, Service
from bot.slack.access import Access
from bot.slack.blocks import Message, answer_message, notices
from bot.slack.calls import Limited, Refused, SlackCalls, Trouble
from bot.slack.mailbox import Mailbox
from bot.slack.outgoing import MOST_PAGES, Outgoing, pages, shown
from bot.slack.plain import plain
from bot.slack.snippets import Snippets
from bot.slack.tasks import Ask, Edit, Explain, Remove, Spot, answer_key, shown_key

__all__ = ["Answering", "asker_of"]

_logger = logging.getLogger("acknet.slack")

T = TypeVar("T")

_MOST_TURNS = 12
_MOST_REPLIES = 15
_MOST_RESPONSES = 4  # to a response URL, besides the answer
_READY_SECONDS = 600.0
_STATUS = "is looking it up …"
_PENDING_SECONDS = 20.0


def asker_of(user: str, spot: Spot) -> Asker:
    """Return who asks, as the service keeps it."""
    return Asker("slack", user, spot.place)


class Answering:
    """Works on questions; what it has to say goes through the mailbox."""

    def __init__(
        self, service: Service, calls: SlackCalls, mailbox: Mailbox, access: Access, snippets: Snippets
    ) -> None:
        self._service, self._calls, self._mailbox = service, calls, mailbox
        self._access, self._snippets = access, snippets
        self.bot_user = ""
        # One thread: drawing takes long, and whoever has to acknowledge events shares the interpreter with it.
        self._drawing = ThreadPoolExecutor(1, thread_name_prefix="slack-draw")
        self._threads: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def draw(self, call: Callable[[], T]) -> T:
        """Return what ``call`` returns, which makes messages, without holding up the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._drawing, call)

    def close(self) -> None:
        """End the thread that draws."""
        self._drawing.shutdown(wait=False, cancel_futures=True)

    async def owns(self, spot: Spot) -> bool:
        """Tell whether acknet has answered in this thread, or is about to."""
        if await self._service.conversation(spot.place):
            return True
        # Its first question may still be worked on, or the store be down.
        return await self._mailbox.posted(answer_key(spot.channel, spot.thread or "")) is not None

    async def knows(self, channel: str, ts: str) -> bool:
        """Tell whether this message was asked of acknet."""
        if await self._mailbox.posted(answer_key(channel, ts)) is not None:
            return True
        return await self._is_pending(channel, ts)

    async def ask(self, ask: Ask, *, again: bool = False) -> None:
        """Answer a question."""
        await self._show_status(ask.spot)
        message = await self._answer(ask)
        await self._say(ask, message, known=again)

    async def edit(self, edit: Edit) -> None:
        """Answer a question anew that was changed, in place of the answer."""
        ask = edit.ask
        await self._settled(ask.spot.channel, ask.ts)
        key = answer_key(ask.spot.channel, ask.ts)
        message = await self._answer(ask)
        if await self._mailbox.posted(key) is None:
            await self._say(ask, message, known=True)
            return
        await self._mailbox.put(edit.key, Outgoing(do="update", spot=ask.spot, of=key, message=shown(message)))
        await self.say_rest(ask.spot, message, key, edit=edit.key)

    async def remove(self, remove: Remove) -> None:
        """Delete the answer to a question that was deleted."""
        await self._settled(remove.spot.channel, remove.ts)
        key = answer_key(remove.spot.channel, remove.ts)
        shown_at = await self._mailbox.posted(key)
        if shown_at is None:
            return
        await self._delete(remove, key)
        for of in (key, shown_key(remove.spot.channel, shown_at)):
            for number in range(MOST_PAGES):
                if await self._mailbox.posted(f"{of} rest {number}") is None:
                    break
                await self._delete(remove, f"{of} rest {number}")

    async def _delete(self, remove: Remove, of: str) -> None:
        await self._mailbox.put(f"{remove.key} {of}", Outgoing(do="delete", spot=remove.spot, of=of))

    async def explain(self, explain: Explain) -> None:
        """Show another entry in place of an answer."""
        kept = await self._service.kept(explain.answer)
        engine = await self.engine()
        if kept is None or explain.entry not in engine.corpus:
            await self.tell(explain.spot, explain.user, f"{explain.key} gone", notices.answer_gone())
            return
        answered = await self._service.explain(explain.entry, kept.turns, asker_of(explain.user, explain.spot))
        before = engine.corpus[kept.entry].title if kept.entry and kept.entry in engine.corpus else None
        may_probe = self._access.offered(explain.spot)
        message = await self.draw(
            lambda: answer_message(
                answered.answer,
                answer_id=answered.id,
                may_probe=may_probe,
                entry_url=self.entry_url,
                instead_of=before,
            )
        )
        await self.replace(explain.spot, explain.ts, explain.key, message)
        await self.say_rest(explain.spot, message, explain.shown_key, edit=explain.key)

    async def replace(self, spot: Spot, ts: str | None, key: str, message: Message) -> None:
        """Show ``message`` in place of the one at ``ts``, or of the one that only one person sees."""
        if ts is None:
            await self._mailbox.put(key, Outgoing(do="respond", spot=spot, replace=True, message=shown(message)))
        else:
            await self._mailbox.put(key, Outgoing(do="update", spot=spot, ts=ts, message=shown(message)))

    async def tell(self, spot: Spot, user: str, key: str, message: Message) -> None:
        """Say something that only ``user`` sees."""
        await self._mailbox.put(
            key, Outgoing(do="respond" if spot.response_url else "post", spot=spot, user=user, message=shown(message))
        )

    async def busy(self, ask: Ask | Edit) -> None:
        """Say that there is too much to do; that is the answer then."""
        if isinstance(ask, Ask):
            await self._say(ask, notices.busy())

    async def _answer(self, ask: Ask) -> Message:
        """Return the answer, or what is said in its place."""
        lock = self._threads.setdefault(ask.spot.place, asyncio.Lock())
        async with lock:  # what is asked next in a thread rests on what was answered before
            turns = await self._turns(ask)
            if not turns:
                return notices.no_question()
            try:
                await self.engine()
                answered = await self._service.ask(turns, asker_of(ask.user, ask.spot))
            except Overloaded:
                return notices.busy()
            except Exception:
                _logger.exception("slack: no answer to %s", ask.key)
                return notices.failed()
        may_probe = self._access.offered(ask.spot)
        return await self.draw(
            lambda: answer_message(
                answered.answer, answer_id=answered.id, may_probe=may_probe, entry_url=self.entry_url
            )
        )

    def entry_url(self, entry_id: str) -> str | None:
        """Return the page of an entry; None where nobody said under which URL people reach it."""
        base = self._service.settings.public_url
        return None if base is None else f"{base}/entries/{entry_id}"

    async def engine(self) -> AskEngine:
        """Return the engine, which may still be being opened; raises NotReady when it cannot be."""
        async with asyncio.timeout(_READY_SECONDS):
            while True:
                try:
                    return self._service.engine
                except NotReady as error:
                    if error.retry_after is None:
                        raise
                    await asyncio.sleep(min(error.retry_after, 0.5))

    async def _say(self, ask: Ask, message: Message, *, known: bool = False) -> None:
        key = answer_key(ask.spot.channel, ask.ts)
        if ask.spot.response_url:
            await self._mailbox.put(key, Outgoing(do="respond", spot=ask.spot, message=shown(message)))
        else:
            await self._mailbox.put(key, Outgoing(do="post", spot=ask.spot, message=shown(message), known=known))
        await self.say_rest(ask.spot, message, key, known=known)

    async def say_rest(self, spot: Spot, message: Message, of: str, *, edit: str = "", known: bool = False) -> None:
        """Say the whole of an answer that was shortened, below it, or in place of what was said there before.

        ``of`` is a key of what was shown; ``edit`` one of the change, where something was shown in place of it.
        """
        rest = await self.draw(lambda: pages(message))
        if spot.response_url:
            for number, page in enumerate(rest[:_MOST_RESPONSES]):
                await self._mailbox.put(f"{of} rest {number}", Outgoing(do="respond", spot=spot, message=page))
            return
        for number, page in enumerate(rest):
            key = f"{of} rest {number}"
            if edit and await self._mailbox.posted(key) is not None:
                await self._mailbox.put(f"{key} {edit}", Outgoing(do="update", spot=spot, of=key, message=page))
            else:
                await self._mailbox.put(key, Outgoing(do="post", spot=spot, message=page, known=known))
        if not edit:
            return
        number = len(rest)
        while await self._mailbox.posted(key := f"{of} rest {number}"):
            await self._mailbox.put(f"{key} {edit}", Outgoing(do="delete", spot=spot, of=key))
            number += 1

    async def _turns(self, ask: Ask) -> list[str]:
        """Return the question and what was said before it, oldest first; nothing where nothing is asked."""
        pasted = await self._snippets.read(ask.files)
        question = "\n\n".join(filter(None, (ask.text, *pasted)))
        if ask.spot.response_url or ask.spot.thread == ask.message:
            return [question] if question else []
        before = await self._before(ask)
        if not question and before:
            return before
        if before and before[-1] == question:
            before = before[:-1]
        return [*before[-_MOST_TURNS:], question] if question else []

    async def _before(self, ask: Ask) -> list[str]:
        """Return what people said in the thread: what acknet was asked there, else what is written there."""
        given = await self._service.conversation(ask.spot.place)
        if given:
            return list(given[-1].turns)
        try:
            page: Mapping[str, Any] = await self._calls.call(
                self._calls.client.conversations_replies,
                channel=ask.spot.channel,
                ts=ask.spot.thread or "",
                latest=ask.message,
                limit=_MOST_REPLIES,
            )
        except (Trouble, Limited, Refused) as error:
            _logger.info("slack: the thread of %s cannot be read: %s", ask.key, error)
            return []
        said = [
            plain(str(message.get("text") or ""), self.bot_user)
            for message in page.get("messages") or ()
            if message.get("ts") != ask.message and not message.get("bot_id")
        ]
        return [text for text in said if text][-_MOST_TURNS:]

    async def _show_status(self, spot: Spot) -> None:
        if spot.direct and spot.thread:
            await self._calls.attempt(
                self._calls.client.assistant_threads_setStatus,
                channel_id=spot.channel,
                thread_ts=spot.thread,
                status=_STATUS,
            )

    async def _is_pending(self, channel: str, ts: str) -> bool:
        found = await self._service.remember(lambda: self._service.store.events.get(f"ask {channel} {ts}"), None)
        return found is not None and found.state in ("waiting", "leased")

    async def _settled(self, channel: str, ts: str) -> None:
        """Wait until the question was worked on as it was first asked, here or in another process."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PENDING_SECONDS
        while await self._is_pending(channel, ts) and loop.time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
