"""What Bolt hands over: events, commands, shortcuts, clicks and forms; all quick, what takes time is for workers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext

from bot.service import Service
from bot.slack.access import Access
from bot.slack.answering import Answering, asker_of
from bot.slack.blocks import ButtonValue, FormPlace, InvalidValue, Message, names, notices
from bot.slack.blocks.views import FormErrors, checks_form, read_checks_form, read_reason_form, reason_form
from bot.slack.calls import SlackCalls
from bot.slack.checking import is_enough, known_scope
from bot.slack.events import asked, changed, snippets_of
from bot.slack.home import Home
from bot.slack.intake import Intake
from bot.slack.outgoing import shown
from bot.slack.plain import plain
from bot.slack.tasks import Ask, Check, Edit, Explain, Spot, Stop

__all__ = ["COMMAND", "SHORTCUT", "Listeners"]

_logger = logging.getLogger("acknet.slack")

COMMAND = "/acknet"
SHORTCUT = "acknet.explain_error"
"""Callback id of the message shortcut "Explain this error"."""

Body = dict[str, Any]

_MESSAGES = ("app_mention", "message")


class Listeners:
    """The listeners of one Bolt app, which awaits each of them before it answers Slack."""

    def __init__(
        self,
        service: Service,
        calls: SlackCalls,
        *,
        intake: Intake,
        answering: Answering,
        access: Access,
        home: Home,
    ) -> None:
        self._service, self._calls, self._intake = service, calls, intake
        self._answering, self._access, self._home = answering, access, home

    def install(self, app: AsyncApp) -> None:
        """Have ``app`` call them."""
        app.error(self._failed)
        for name in _MESSAGES:
            app.event(name)(self._message)
        app.event("app_home_opened")(self._opened)
        app.event("agent_session_stopped")(self._stopped)
        app.command(COMMAND)(self._command)
        app.message_shortcut(SHORTCUT)(self._shortcut)
        app.action(names.RUN_CHECKS)(self._run_checks)
        app.action(names.ANOTHER_LOOK)(self._run_checks)
        app.action(names.EXPLAIN_PATTERN)(self._explain)
        app.action(names.FEEDBACK)(self._feedback)
        app.action(names.NOBODY_ANSWERED)(self._nobody_answered)
        app.view(names.CHECKS_FORM)(self._checks_form)
        app.view(names.REASON_FORM)(self._reason_form)

    async def _failed(self, error: Exception) -> BoltResponse | None:
        """Acknowledge what was made up; what failed otherwise Slack may send again."""
        if isinstance(error, InvalidValue):
            _logger.warning("slack: %s", error)
            return BoltResponse(status=200)
        _logger.error("slack: an event could not be taken", exc_info=error)
        return None

    async def take_message(self, body: Mapping[str, Any]) -> bool:
        """Take an event about a message without Bolt, which would look at each for long; False: Bolt has to.

        It has to as long as it has not found out whose the bot's token is.
        """
        if body.get("type") != "event_callback" or not self._answering.bot_user:
            return False
        event = body.get("event") or {}
        if event.get("type") not in _MESSAGES:
            return False
        if event.get("user") != self._answering.bot_user:
            await self._take(body)
        return True

    async def _message(self, body: Body, context: AsyncBoltContext) -> None:
        self._answering.bot_user = context.bot_user_id or ""
        await self._take(body)

    async def _take(self, body: Mapping[str, Any]) -> None:
        """Take a message, its change or its deletion, where it is about a question to acknet."""
        bot_user = self._answering.bot_user
        if body["event"].get("subtype") in ("message_changed", "message_deleted"):
            change = changed(body, bot_user)
            if change is None:
                return
            about = change.ask if isinstance(change, Edit) else change
            if await self._answering.knows(about.spot.channel, about.ts):
                await self._intake.take(change)
            return
        found = asked(body, bot_user)
        if found is None:
            return
        ask, certain = found
        if certain or await self._answering.owns(ask.spot):
            await self._intake.take(ask)

    async def _opened(self, body: Body) -> None:
        event = body["event"]
        self._home.opened(event["user"], event.get("tab", "home"), event.get("channel", ""))

    async def _stopped(self, body: Body) -> None:
        event = body["event"]
        spot = Spot(channel=event["channel"], thread=event.get("thread_ts"))
        await self._intake.take(Stop(spot=spot, user=str(event.get("user") or ""), pressed=body["event_id"]))

    async def _command(self, ack: AsyncAck, body: Body) -> None:
        spot = Spot(
            channel=body["channel_id"],
            direct=body["channel_id"].startswith("D"),
            response_url=body.get("response_url"),
        )
        text = plain(body.get("text") or "", self._answering.bot_user)
        if not text:
            await ack(**_said(notices.no_question()))
            return
        await self._intake.take(Ask(spot=spot, ts=body["trigger_id"], user=body["user_id"], text=text))
        await ack()

    async def _shortcut(self, ack: AsyncAck, body: Body) -> None:
        """Explain a message: in its thread where acknet can write, else to the one who asked."""
        message = body["message"]
        channel = body["channel"]["id"]
        is_member = await self._home.may_write(channel)
        spot = Spot(
            channel=channel,
            thread=message.get("thread_ts") or message["ts"],
            direct=channel.startswith("D"),
            response_url=None if is_member else body.get("response_url"),
        )
        ask = Ask(
            spot=spot,
            ts=f"{message['ts']} {body['action_ts']}",
            user=body["user"]["id"],
            text=plain(_text_of(message), self._answering.bot_user),
            files=snippets_of(message.get("files") or ()),
        )
        await self._intake.take(ask)
        await ack()

    async def _run_checks(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        action, spot, value = body["actions"][0], _spot(body), _value(body)
        user = body["user"]["id"]
        if (refusal := await self._access.refusal(user, spot)) is not None:
            await self._whisper(body, notices.not_allowed(refusal))
            return
        kept = await self._service.kept(value.answer)
        if kept is None:
            await self._whisper(body, notices.answer_gone())
            return
        # Where was looked without a name for the cluster, it was the default one.
        scope, cluster = known_scope(kept), kept.scope.get("cluster", self._access.default if kept.scope else None)
        clusters = self._access.clusters
        if cluster not in clusters:
            cluster = clusters[0] if len(clusters) == 1 else None
        ready = cluster is not None and is_enough(scope) and self._access.scope_refusal(scope, cluster) is None
        if ready or (action["action_id"] == names.ANOTHER_LOOK and cluster is not None and kept.scope):
            await self._intake.take(
                Check(
                    spot=spot,
                    ts=_shown_at(body),
                    user=user,
                    answer=value.answer,
                    action=action["action_ts"],
                    scope=scope,
                    cluster=cluster,
                )
            )
            return
        place = FormPlace(
            answer=value.answer,
            channel=spot.channel,
            thread=spot.thread,
            ts=_shown_at(body),
            response_url=spot.response_url,
        )
        form = checks_form(place, clusters=clusters, known=scope, cluster=cluster)
        await self._calls.attempt(self._calls.client.views_open, trigger_id=body["trigger_id"], view=form.to_dict())

    async def _checks_form(self, ack: AsyncAck, body: Body) -> None:
        try:
            wanted = read_checks_form(body["view"])
        except FormErrors as error:
            await ack(response_action="errors", errors=error.errors)
            return
        place, user = wanted.place, body["user"]["id"]
        if (against := self._access.scope_refusal(wanted.scope, wanted.cluster)) is not None:
            field, why = against
            await ack(response_action="errors", errors={field: why})
            return
        spot = Spot(
            channel=place.channel,
            thread=place.thread,
            direct=place.channel.startswith("D"),
            response_url=place.response_url,
        )
        check = Check(
            spot=spot,
            ts=place.ts,
            user=user,
            answer=place.answer,
            action=body["view"]["id"],
            scope=wanted.scope,
            cluster=wanted.cluster,
        )
        await self._intake.take(check)
        await ack()

    async def _explain(self, ack: AsyncAck, body: Body) -> None:
        value, action = _value(body), body["actions"][0]
        if value.entry is not None:
            await self._intake.take(
                Explain(
                    spot=_spot(body),
                    ts=_shown_at(body),
                    user=body["user"]["id"],
                    answer=value.answer,
                    entry=value.entry,
                    action=action["action_ts"],
                )
            )
        await ack()

    async def _feedback(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        value, spot, user = _value(body), _spot(body), body["user"]["id"]
        helpful = value.helpful is not False
        if not helpful:
            place = FormPlace(answer=value.answer, channel=spot.channel, thread=spot.thread, ts=_shown_at(body))
            form = reason_form(place).to_dict()
            await self._calls.attempt(self._calls.client.views_open, trigger_id=body["trigger_id"], view=form)
        await self._service.rate(value.answer, asker_of(user, spot), helpful=helpful)
        if helpful:
            await self._whisper(body, notices.thanks())

    async def _reason_form(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        place, reason = read_reason_form(body["view"])
        if reason:
            asker = asker_of(body["user"]["id"], Spot(channel=place.channel, thread=place.thread))
            await self._service.rate(place.answer, asker, helpful=False, reason=reason)

    async def _nobody_answered(self, ack: AsyncAck, body: Body) -> None:
        await ack()
        known = await self._service.nobody_answered(_value(body).answer)
        await self._whisper(body, notices.question_kept() if known else notices.answer_gone())

    async def _whisper(self, body: Body, message: Message) -> None:
        """Say something small to the one who clicked; it is not kept, for they can click again."""
        spot = _spot(body)
        client, user = self._calls.client, body["user"]["id"]
        said = {name: value for name, value in shown(message).items() if not name.startswith("unfurl_")}
        if spot.response_url is None or _shown_at(body) is not None:
            where = {"channel": spot.channel, "user": user, "thread_ts": spot.thread}
            await self._calls.attempt(client.chat_postEphemeral, **where, **said)
            return
        await self._calls.respond(spot.response_url, {**said, "response_type": "ephemeral", "replace_original": False})


def _value(body: Body) -> ButtonValue:
    return ButtonValue.decode(body["actions"][0].get("value"))


def _shown_at(body: Body) -> str | None:
    """Return the id of the message that was clicked; None for one that only one person sees."""
    container = body.get("container") or {}
    return None if container.get("is_ephemeral") else container.get("message_ts")


def _spot(body: Body) -> Spot:
    container, channel = body.get("container") or {}, (body.get("channel") or {}).get("id", "")
    message: Mapping[str, Any] = body.get("message") or {}
    ts = _shown_at(body)
    return Spot(
        channel=channel,
        thread=container.get("thread_ts") or message.get("thread_ts") or ts,
        direct=channel.startswith("D"),
        response_url=body.get("response_url") if ts is None else None,
    )


def _text_of(message: Mapping[str, Any]) -> str:
    """Return what a message says, that of an app too, which may have said it in an attachment."""
    parts = [str(message.get("text") or "")]
    for attachment in message.get("attachments") or ():
        if isinstance(attachment, Mapping):
            parts += [str(attachment.get(name) or "") for name in ("pretext", "title", "text", "fallback")]
    return "\n".join(dict.fromkeys(part for part in parts if part))


def _said(message: Message) -> dict[str, Any]:
    said = shown(message)
    return {"text": said["text"], "blocks": said["blocks"], "response_type": "ephemeral"}
