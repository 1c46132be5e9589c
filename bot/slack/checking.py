"""Looks into a cluster that people ask for below an answer: progress in the message, then the result."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from bot.answer import Answer
from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.sources import pasted_scope
from bot.look import Look, SourceError
from bot.pool import Overloaded
from bot.service import Service
from bot.slack.access import Access
from bot.slack.answering import Answering, asker_of
from bot.slack.blocks import Looking, Message, answer_message, evidence_message, notices
from bot.slack.calls import SlackCalls
from bot.slack.mailbox import Mailbox
from bot.slack.outgoing import Outgoing, pages, shown
from bot.slack.sessions import Sessions, Stopped
from bot.slack.tasks import Check
from bot.store import GivenAnswer

__all__ = ["STOPPED", "Checking", "is_enough", "known_scope"]

_logger = logging.getLogger("acknet.slack")

_PROGRESS_SECONDS = 1.5
STOPPED = "⏹ The look into the cluster was stopped. What it had read so far is not shown."


def known_scope(kept: GivenAnswer) -> Scope:
    """Return where to look, as far as the thread tells: where was looked before, or what was pasted."""
    told = {name: kept.scope.get(name) for name in ("namespace", "pod", "node", "service")}
    scope = Scope(**told)
    return scope if scope != Scope() else pasted_scope("\n".join(kept.turns), Scope())


def is_enough(scope: Scope) -> bool:
    """Tell whether one can look without asking for more."""
    return bool(scope.node or (scope.namespace and (scope.pod or scope.service)))


class Checking:
    """Works on looks."""

    def __init__(
        self,
        service: Service,
        calls: SlackCalls,
        mailbox: Mailbox,
        *,
        access: Access,
        answering: Answering,
        sessions: Sessions,
    ) -> None:
        self._service, self._calls, self._mailbox = service, calls, mailbox
        self._access, self._answering, self._sessions = access, answering, sessions
        self._under_way: set[str] = set()

    async def check(self, check: Check) -> None:
        """Look, and show the result in place of the answer."""
        kept = await self._service.kept(check.answer)
        if kept is None:
            await self._tell(check, notices.answer_gone())
            return
        where = f"{check.spot.channel} {check.ts or check.answer}"
        if where in self._under_way:
            await self._tell(check, notices.looking_already())
            return
        self._under_way.add(where)
        try:
            await self._check(check, kept)
        finally:
            self._under_way.discard(where)

    async def busy(self, check: Check) -> None:
        """Say that there is too much to do."""
        await self._tell(check, notices.busy())

    async def _check(self, check: Check, kept: GivenAnswer) -> None:
        # Settings may have changed since the click, and a form can be sent by hand.
        refusal = await self._access.refusal(check.user, check.spot)
        against = self._access.scope_refusal(check.scope, check.cluster)
        if refusal or against:
            await self._tell(check, notices.not_allowed(refusal or (against or ("", ""))[1]))
            return
        engine = await self._answering.engine()
        before = await asyncio.to_thread(
            lambda: engine.explain(kept.entry, kept.turns) if kept.entry else engine.ask(kept.turns)
        )
        progress = _Progress(check, before, self._calls)
        look = Look(check.scope, cluster=self._access.context(check.cluster))
        asker = asker_of(check.user, check.spot)
        try:
            async with progress:
                answered = await self._sessions.run(
                    check.spot, lambda: self._service.ask(kept.turns, asker, look=look, tell=progress.tell)
                )
        except Stopped:
            await self._restore(check, before, aside=STOPPED)
        except SourceError as error:
            await self._restore(check, before, notices.look_failed(error.public))
        except Overloaded:
            await self._restore(check, before, notices.busy())
        except Exception:
            _logger.exception("slack: a look for %s failed", check.answer)
            await self._restore(check, before, notices.failed())
        else:
            await self._show(check, answered.answer, answered.id)

    async def _show(self, check: Check, answer: Answer, answer_id: str) -> None:
        private = await self._access.is_private(check.spot)
        message = await self._answering.draw(
            lambda: answer_message(
                answer,
                answer_id=answer_id,
                may_probe=True,
                evidence=not private,
                entry_url=self._answering.entry_url,
            )
        )
        await self._answering.replace(check.spot, check.ts, check.key, message)
        await self._answering.say_rest(check.spot, message, check.shown_key, edit=check.key)
        if private and answer.diagnosis is not None:
            report = answer.diagnosis
            seen = await self._answering.draw(lambda: evidence_message(report, answer.entry))
            for number, page in enumerate([shown(seen), *pages(seen)]):
                outgoing = Outgoing(do="post", spot=check.spot, user=check.user, message=page)
                await self._mailbox.put(f"{check.key} evidence {number}", outgoing)

    async def _restore(self, check: Check, before: Answer, said: Message | None = None, *, aside: str = "") -> None:
        """Show the answer as it was, and say why there was no look: in it, or to the asker alone."""
        message = await self._answering.draw(
            lambda: answer_message(
                before, answer_id=check.answer, may_probe=True, entry_url=self._answering.entry_url, aside=aside
            )
        )
        await self._answering.replace(check.spot, check.ts, check.key, message)
        if said is not None:
            await self._tell(check, said)

    async def _tell(self, check: Check, message: Message) -> None:
        await self._answering.tell(check.spot, check.user, f"{check.key} told", message)


class _Progress:
    """Shows in the message how far a look has come, no more often than Slack likes it."""

    def __init__(self, check: Check, before: Answer, calls: SlackCalls) -> None:
        self._check, self._before, self._calls = check, before, calls
        self._looking = Looking(check.cluster or "")
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, stage: Mapping[str, Any]) -> None:
        """Note a stage of the look."""
        self._looking = self._looking.told(stage)
        self._changed.set()

    async def __aenter__(self) -> None:
        """Begin to show it."""
        self._task = asyncio.create_task(self._show())

    async def __aexit__(self, *_: object) -> None:
        """End; what is being sent is sent, so that it cannot arrive after the result."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _show(self) -> None:
        check = self._check
        while True:
            message = answer_message(self._before, answer_id=check.answer, looking=self._looking)
            arguments = {name: value for name, value in shown(message).items() if not name.startswith("unfurl_")}
            if check.ts is None:
                return  # a response URL can be used a few times only
            sending = asyncio.ensure_future(
                self._calls.attempt(
                    self._calls.client.chat_update, channel=check.spot.channel, ts=check.ts, **arguments
                )
            )
            try:
                await asyncio.shield(sending)
            except asyncio.CancelledError:
                await sending
                raise
            await asyncio.sleep(_PROGRESS_SECONDS)
            await self._changed.wait()
            self._changed.clear()
