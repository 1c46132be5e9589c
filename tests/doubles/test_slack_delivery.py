"""How the Slack double tells apps what happens: Socket Mode, signed HTTP, interactions; with Bolt at the other end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp
import httpx
import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_sdk.signature import SignatureVerifier
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from tests.doubles.bolt_apps import bolt_app, client_of, listening_over_http, listening_over_socket
from tests.doubles.slack import EventLimits, Fault, SlackPlatform, Team, Timings, slack_platform, slowed

pytest_plugins = ["tests.doubles.slack.plugin"]
pytestmark = pytest.mark.usefixtures("no_proxy")

MODAL = {
    "type": "modal",
    "callback_id": "where",
    "notify_on_close": True,
    "title": {"type": "plain_text", "text": "Where?"},
    "submit": {"type": "plain_text", "text": "Run"},
    "blocks": [
        {
            "type": "input",
            "block_id": "namespace",
            "label": {"type": "plain_text", "text": "Namespace"},
            "element": {"type": "plain_text_input", "action_id": "value", "max_length": 63},
        },
        {
            "type": "input",
            "block_id": "cluster",
            "optional": True,
            "label": {"type": "plain_text", "text": "Cluster"},
            "element": {
                "type": "static_select",
                "action_id": "value",
                "options": [{"text": {"type": "plain_text", "text": "Production"}, "value": "prod"}],
            },
        },
    ],
}
ANSWER = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "It is DNS."}},
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "run", "value": "dns", "text": {"type": "plain_text", "text": "Run checks"}}
        ],
    },
    {
        "type": "context_actions",
        "elements": [
            {
                "type": "feedback_buttons",
                "action_id": "feedback",
                "positive_button": {"text": {"type": "plain_text", "text": "Helpful"}, "value": "yes"},
                "negative_button": {"text": {"type": "plain_text", "text": "Not helpful"}, "value": "no"},
            }
        ],
    },
]


@pytest.fixture
def slack_platform_options() -> dict[str, Any]:
    """What has to expire is advanced."""
    return {"now": slowed()}


@pytest.fixture
def slack(slack_platform: SlackPlatform) -> SlackPlatform:
    return peopled(slack_platform)


def peopled(slack: SlackPlatform) -> SlackPlatform:
    for user in ("U1", "U2"):
        slack.user(user)
    slack.channel("C1", "help", members=["U1", "U2"])
    return slack


def answering(slack: SlackPlatform) -> AsyncApp:
    """An app that answers mentions and direct messages in a thread, and takes all other messages."""
    app = bolt_app(slack)

    @app.event("app_mention")
    async def mentioned(event: dict[str, Any], client: Any) -> None:
        await client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="It is DNS.", blocks=ANSWER)

    @app.event("message")
    async def told(event: dict[str, Any], client: Any) -> None:
        if event["channel_type"] == "im" and "bot_id" not in event:
            await client.chat_postMessage(channel=event["channel"], thread_ts=event["ts"], text="It is DNS.")

    return app


TRANSPORTS = pytest.mark.parametrize("listening", [listening_over_socket, listening_over_http])
Listening = Callable[[SlackPlatform, AsyncApp], Any]


# Both transports


@TRANSPORTS
def test_a_mention_is_delivered_acknowledged_and_answered_in_its_thread(
    slack: SlackPlatform, listening: Listening
) -> None:
    async def go() -> None:
        async with listening(slack, answering(slack)):
            question = slack.mention("C1", "U1", "nginx answers 504")
            answers = await slack.until(lambda: slack.posted("C1", question.ts))
            assert [(answer.text, answer.thread_ts) for answer in answers] == [("It is DNS.", question.ts)]
            for delivery in await slack.until(lambda: slack.events("app_mention")):
                assert (await delivery).acked
                assert [attempt.took > 0 for attempt in delivery.attempts] == [True]

    asyncio.run(go())


@TRANSPORTS
def test_a_direct_message_is_answered_and_the_app_hears_its_own_answer(
    slack: SlackPlatform, listening: Listening
) -> None:
    async def go() -> None:
        async with listening(slack, answering(slack)):
            question = slack.direct_message("U1", "nginx answers 504")
            assert question.thread_ts is None
            await slack.until(lambda: slack.posted(question.channel, question.ts))
            theirs, own = await slack.until(lambda: len(slack.events("message")) == 2 and slack.events("message"))
            assert theirs.event["channel_type"] == own.event["channel_type"] == "im"
            assert own.event["bot_id"] == slack.app.bot_id
            assert "bot_id" not in theirs.event

    asyncio.run(go())


@TRANSPORTS
def test_edits_and_deletes_are_told(slack: SlackPlatform, listening: Listening) -> None:
    async def go() -> None:
        async with listening(slack, answering(slack)):
            message = slack.say("C1", "U1", "befor")
            slack.edit(message, "before")
            slack.delete(message)
            await slack.until(lambda: len([each for each in slack.events("message") if each.acked]) == 3)
            _, changed, deleted = [each.event for each in slack.events("message")]
            assert (changed["subtype"], changed["message"]["text"]) == ("message_changed", "before")
            assert changed["previous_message"]["text"] == "befor"
            assert (deleted["subtype"], deleted["deleted_ts"]) == ("message_deleted", message.ts)

    asyncio.run(go())


@TRANSPORTS
def test_a_button_answers_through_its_response_url(slack: SlackPlatform, listening: Listening) -> None:
    async def go() -> None:
        app = answering(slack)

        @app.action("run")
        async def run(ack: Any, respond: Any, body: dict[str, Any]) -> None:
            await ack()
            await respond(f"checked {body['actions'][0]['value']}", replace_original=False, response_type="ephemeral")

        async with listening(slack, app):
            question = slack.mention("C1", "U1", "nginx answers 504")
            answer = (await slack.until(lambda: slack.posted("C1", question.ts)))[0]
            assert answer.actions == ["run", "feedback"]
            click = await slack.click(answer, "run", user="U2")
            assert click.acked
            seen = await slack.until(lambda: slack.ephemerals("U2"))
            assert [message.text for message in seen] == ["checked dns"]
            with pytest.raises(LookupError):
                slack.click(answer, "nothing", user="U2")

    asyncio.run(go())


@TRANSPORTS
def test_a_modal_is_opened_refused_and_submitted(slack: SlackPlatform, listening: Listening) -> None:
    submitted: list[dict[str, Any]] = []

    async def go() -> None:
        app = answering(slack)

        @app.action("run")
        async def run(ack: Any, client: Any, body: dict[str, Any]) -> None:
            await ack()
            await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

        @app.view("where")
        async def where(ack: Any, view: dict[str, Any]) -> None:
            values = view["state"]["values"]
            if values["namespace"]["value"]["value"] == "kube-system":
                await ack(response_action="errors", errors={"namespace": "not allowed"})
            else:
                submitted.append(values)
                await ack()

        async with listening(slack, app):
            question = slack.mention("C1", "U1", "nginx answers 504")
            answer = (await slack.until(lambda: slack.posted("C1", question.ts)))[0]
            await slack.click(answer, "run", user="U2")
            modal = (await slack.until(lambda: slack.modals("U2")))[0]
            assert modal.title == "Where?"
            with pytest.raises(LookupError):
                slack.submit(modal)
            refused = await slack.submit(modal, {"namespace": "kube-system"})
            assert refused.errors == {"namespace": "not allowed"}
            assert slack.modals("U2")
            await slack.submit(modal, {"namespace": "shop", "cluster": "prod"})
            assert not slack.modals("U2")

    asyncio.run(go())
    assert submitted[0]["namespace"] == {"value": {"type": "plain_text_input", "value": "shop"}}
    assert submitted[0]["cluster"]["value"]["selected_option"]["value"] == "prod"


@TRANSPORTS
def test_feedback_commands_and_shortcuts_reach_the_app(slack: SlackPlatform, listening: Listening) -> None:
    told: list[str] = []

    async def go() -> None:
        app = answering(slack)

        @app.action("feedback")
        async def feedback(ack: Any, action: dict[str, Any]) -> None:
            await ack()
            told.append(action["value"])

        @app.command("/acknet")
        async def command(ack: Any, command: dict[str, Any]) -> None:
            await ack(f"asked: {command['text']}")

        @app.shortcut("explain")
        async def explain(ack: Any, shortcut: dict[str, Any], client: Any) -> None:
            await ack()
            told.append(shortcut["message"]["text"])
            await client.chat_postEphemeral(
                channel=shortcut["channel"]["id"], user=shortcut["user"]["id"], text="It is DNS."
            )

        async with listening(slack, app):
            question = slack.mention("C1", "U1", "nginx answers 504")
            answer = (await slack.until(lambda: slack.posted("C1", question.ts)))[0]
            await slack.click(answer, "feedback", user="U1", value="no")
            with pytest.raises(LookupError):
                slack.click(answer, "feedback", user="U1", value="perhaps")
            await slack.slash("/acknet", "why 504", channel="C1", user="U1")
            assert [message.text for message in slack.ephemerals("U1")] == ["asked: why 504"]
            message = slack.say("C1", "U2", "error: i/o timeout")
            await slack.shortcut("explain", "U2", message)
            await slack.until(lambda: slack.ephemerals("U2"))

    asyncio.run(go())
    assert told == ["no", "error: i/o timeout"]


@TRANSPORTS
def test_the_home_tab_and_what_people_look_at_are_told(slack: SlackPlatform, listening: Listening) -> None:
    looked_at: list[Any] = []

    async def go() -> None:
        app = answering(slack)

        @app.event("app_home_opened")
        async def opened(event: dict[str, Any], client: Any) -> None:
            if event["tab"] == "home":
                view = {"type": "home", "blocks": [{"type": "divider"}]}
                await client.views_publish(user_id=event["user"], view=view)

        @app.event("app_context_changed")
        async def changed(event: dict[str, Any]) -> None:
            looked_at.extend(event["context"]["entities"])

        async with listening(slack, app):
            slack.open_home("U1")
            await slack.until(lambda: slack.home("U1"))
            slack.open_home("U1", "messages")
            slack.look_at("U1", {"type": "slack#/types/channel_id", "value": "C1"})
            await slack.until(lambda: looked_at)

    asyncio.run(go())
    assert looked_at == [{"type": "slack#/types/channel_id", "value": "C1"}]


@TRANSPORTS
def test_what_is_on_the_home_tab_can_be_used(slack: SlackPlatform, listening: Listening) -> None:
    used: list[dict[str, Any]] = []

    async def go() -> None:
        app = answering(slack)

        @app.action({"block_id": "auto0"})
        async def use(ack: Any, action: dict[str, Any], body: dict[str, Any]) -> None:
            await ack()
            used.append(action | {"view": body["view"]["type"]})

        options = [{"text": {"type": "plain_text", "text": text}, "value": text} for text in ("dns", "ipv6")]
        elements: list[dict[str, Any]] = [
            {"type": "static_select", "action_id": "one", "options": options},
            {"type": "checkboxes", "action_id": "many", "options": options},
            {"type": "users_select", "action_id": "who"},
        ]
        await app.client.views_publish(
            user_id="U1", view={"type": "home", "blocks": [{"type": "actions", "elements": elements}]}
        )
        async with listening(slack, app):
            home = slack.home("U1")
            assert home is not None
            await slack.click(home, "one", value="ipv6")
            await slack.click(home, "many", value=["dns", "ipv6"])
            await slack.click(home, "who", value="U2")
            with pytest.raises(LookupError):
                slack.click(home, "one", value="ipv4")

    asyncio.run(go())
    one, many, who = used
    assert (one["selected_option"]["value"], one["view"]) == ("ipv6", "home")
    assert [option["value"] for option in many["selected_options"]] == ["dns", "ipv6"]
    assert who["selected_user"] == "U2"


@TRANSPORTS
def test_the_stop_button_ends_the_stream_and_is_told(slack: SlackPlatform, listening: Listening) -> None:
    stopped: list[dict[str, Any]] = []

    async def go() -> None:
        app = answering(slack)

        @app.event("agent_session_stopped")
        async def stop(event: dict[str, Any]) -> None:
            stopped.append(event)

        async with listening(slack, app):
            root = slack.say("C1", "U1", "question")
            stream = await app.client.chat_startStream(
                channel="C1",
                thread_ts=root.ts,
                recipient_team_id=slack.team.id,
                recipient_user_id="U1",
                markdown_text="It",
            )
            slack.press_stop(root, "U1")
            await slack.until(lambda: stopped)
            assert stopped[0]["streaming_message_ts"] == [stream["ts"]]
            with pytest.raises(Exception, match="message_not_in_streaming_state"):
                await app.client.chat_appendStream(channel="C1", ts=stream["ts"], markdown_text="x")

    asyncio.run(go())


# Socket Mode


def deaf_client(slack: SlackPlatform, acks: Callable[[SocketModeRequest], bool]) -> tuple[SocketModeClient, list[Any]]:
    """A Socket Mode client that acknowledges what ``acks`` says, and the requests that it got."""
    received: list[SocketModeRequest] = []
    client = SocketModeClient(slack.app_token, web_client=client_of(slack), ping_interval=1)

    async def listen(client: Any, request: SocketModeRequest) -> None:
        received.append(request)
        if acks(request):
            await client.send_socket_mode_response(SocketModeResponse(request.envelope_id))

    client.socket_mode_request_listeners.append(listen)
    return client, received


def test_an_unacknowledged_event_comes_again_through_another_connection(slack: SlackPlatform) -> None:
    slack.app.events = {"app_mention"}

    async def go() -> None:
        deaf, first = deaf_client(slack, lambda request: False)
        await deaf.connect()
        question = slack.mention("C1", "U1", "nginx answers 504")
        await slack.until(lambda: first)
        hearing, second = deaf_client(slack, lambda request: True)
        await hearing.connect()
        slack.advance(3)
        await slack.until(lambda: second)
        delivery = await slack.events("app_mention")[0]
        again = second[0]
        assert (again.retry_attempt, again.retry_reason) == (1, "timeout")
        assert again.payload["event"]["ts"] == question.ts
        assert [attempt.failure for attempt in delivery.attempts] == ["timeout", ""]
        assert {request.payload["event_id"] for request in first} >= {again.payload["event_id"]}
        assert again.envelope_id not in {request.envelope_id for request in first}
        await deaf.close()
        await hearing.close()

    asyncio.run(go())


def test_an_event_is_given_up_after_three_more_tries_and_a_command_at_once(slack: SlackPlatform) -> None:
    slack.app.events = {"app_mention"}

    async def go() -> None:
        deaf, received = deaf_client(slack, lambda request: False)
        await deaf.connect()
        began = slack.now()
        slack.mention("C1", "U1", "nginx answers 504")
        mention = slack.events("app_mention")[0]
        await slack.until(lambda: slack.advance(2) or mention.done)
        assert not mention.acked
        assert [(attempt.number, attempt.reason) for attempt in mention.attempts] == [
            (0, ""),
            (1, "timeout"),
            (2, "timeout"),
            (3, "timeout"),
        ]
        assert [round((attempt.at - began) / 10) for attempt in mention.attempts] == [0, 0, 7, 37]
        command = slack.slash("/acknet", "x", channel="C1", user="U1")
        await slack.until(lambda: any(request.type == "slash_commands" for request in received))
        slack.advance(3)
        await command
        assert (command.acked, len(command.attempts)) == (False, 1)
        await deaf.close()

    asyncio.run(go())


def test_a_lost_acknowledgement_makes_the_app_answer_twice_unless_it_knows_the_event(slack: SlackPlatform) -> None:
    slack.app.events = {"app_mention"}

    async def go() -> None:
        async with listening_over_socket(slack, answering(slack)):
            slack.ignore_acks(1)
            question = slack.mention("C1", "U1", "nginx answers 504")
            await slack.until(lambda: slack.posted("C1", question.ts))
            slack.advance(3)
            await slack.until(lambda: len(slack.posted("C1", question.ts)) == 2)

    asyncio.run(go())


def test_an_event_can_be_delivered_twice_at_will(slack: SlackPlatform) -> None:
    async def go() -> None:
        async with listening_over_socket(slack, answering(slack)):
            question = slack.mention("C1", "U1", "nginx answers 504")
            again = slack.redeliver(slack.events("app_mention")[0])
            await again
            await slack.until(lambda: len(slack.posted("C1", question.ts)) == 2)
            first, second = slack.events("app_mention")
            assert first.payload["event_id"] == second.payload["event_id"]

    asyncio.run(go())


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
def test_the_sdk_reconnects_when_it_is_told_to(slack: SlackPlatform, reason: Any) -> None:
    async def go() -> None:
        async with listening_over_socket(slack, answering(slack)):
            slack.disconnect(reason)
            await slack.until(lambda: slack.connections_opened >= 2 and slack.connections)
            question = slack.mention("C1", "U1", "nginx answers 504")
            await slack.until(lambda: slack.posted("C1", question.ts))
        assert len(slack.calls_of("apps.connections.open")) == slack.connections_opened

    asyncio.run(go())


def test_the_sdk_reconnects_after_a_connection_was_dropped_or_fell_silent() -> None:
    async def go(slack: SlackPlatform) -> None:
        async with listening_over_socket(slack, answering(slack)):
            slack.drop_connections()
            await slack.until(lambda: slack.connections)
            before = slack.connections_opened
            slack.go_silent()
            await slack.until(lambda: slack.connections_opened > before, timeout=90)
            question = slack.mention("C1", "U1", "nginx answers 504")
            await slack.until(lambda: slack.posted("C1", question.ts), timeout=90)

    with slack_platform(timings=Timings(ack=0.2), events={"app_mention"}) as slack:
        asyncio.run(go(peopled(slack)))


def test_a_ticket_opens_one_connection(slack: SlackPlatform) -> None:
    async def go() -> None:
        url = (await client_of(slack).apps_connections_open(app_token=slack.app_token))["url"]
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as connection:
                hello = await connection.receive_json()
                assert (hello["type"], hello["num_connections"]) == ("hello", 1)
                assert hello["debug_info"]["approximate_connection_time"] > 0
                with pytest.raises(aiohttp.WSServerHandshakeError):
                    await session.ws_connect(url)
            expired = (await client_of(slack).apps_connections_open(app_token=slack.app_token))["url"]
            slack.advance(31)
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(expired)

    asyncio.run(go())


def test_the_eleventh_connection_is_turned_away(slack: SlackPlatform) -> None:
    slack.haunt(9)

    async def go() -> None:
        async with aiohttp.ClientSession() as session:
            tenth = await session.ws_connect(await url_of(slack))
            assert (await tenth.receive_json())["num_connections"] == 10
            eleventh = await session.ws_connect(await url_of(slack))
            assert (await eleventh.receive_json())["reason"] == "too_many_websockets"
            assert (await eleventh.receive()).type is aiohttp.WSMsgType.CLOSE
            await eleventh.close()
            await tenth.close()

    asyncio.run(go())


def test_an_acknowledgement_counts_on_the_connection_that_got_the_envelope(slack: SlackPlatform) -> None:
    slack.app.events = {"app_mention"}

    async def go() -> None:
        async with aiohttp.ClientSession() as session:
            first = await session.ws_connect(await url_of(slack))
            await first.receive_json()
            slack.mention("C1", "U1", "nginx answers 504")
            envelope = await first.receive_json()
            second = await session.ws_connect(await url_of(slack))
            await second.receive_json()
            await second.send_json({"envelope_id": envelope["envelope_id"]})
            await second.send_str("not even JSON")
            await slack.until(lambda: len(slack.stray_frames) == 2)
            slack.advance(3)
            again = await second.receive_json()
            assert again["retry_attempt"] == 1
            await second.send_json({"envelope_id": again["envelope_id"]})
            assert (await slack.events("app_mention")[0]).acked
            await first.close()
            await second.close()
        assert slack.stray_frames == [{"envelope_id": envelope["envelope_id"]}, "not even JSON"]

    asyncio.run(go())


def test_pings_go_both_ways() -> None:
    async def go(slack: SlackPlatform) -> None:
        async with aiohttp.ClientSession() as session:
            connection = await session.ws_connect(await url_of(slack))
            await connection.receive_json()
            await connection.ping(b"hello")
            listening = asyncio.create_task(connection.receive())
            await slack.until(lambda: slack.connections[0].pings and slack.connections[0].pongs)
            listening.cancel()
            await connection.close()

    with slack_platform(timings=Timings(ping=0.05)) as slack:
        asyncio.run(go(slack))


async def url_of(slack: SlackPlatform) -> str:
    opened = await client_of(slack).apps_connections_open(app_token=slack.app_token)
    return str(opened["url"])


# Signed HTTP


class Endpoint:
    """A request URL that answers as it is told, and keeps what it got."""

    def __init__(self, *answers: Callable[[web.Request], Awaitable[web.StreamResponse]] | web.Response) -> None:
        self.answers = list(answers)
        self.received: list[tuple[dict[str, str], bytes]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.received.append((dict(request.headers), await request.read()))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, web.Response):
            return web.Response(status=answer.status, headers=dict(answer.headers))
        return await answer(request)

    async def __aenter__(self) -> Self:
        application = web.Application()
        application.router.add_post("/slack/events", self.handle)
        self.runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.01, handler_cancellation=True)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self.runner.addresses[0][1]}/slack/events"
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.runner.cleanup()


def test_requests_carry_the_signature_that_the_sdk_verifies(slack: SlackPlatform) -> None:
    async def go() -> None:
        async with Endpoint(web.Response()) as endpoint:
            slack.request_url = endpoint.url
            slack.advance(1000)
            slack.mention("C1", "U1", "节点 NotReady & more")
            await slack.events("app_mention")[0]
            await slack.slash("/acknet", "为什么", channel="C1", user="U1")
            slack.request_url = None
        verifier = SignatureVerifier(slack.signing_secret)
        assert len(endpoint.received) == 3
        for headers, body in endpoint.received:
            assert verifier.is_valid_request(body, headers)
            assert not verifier.is_valid_request(body + b" ", headers)
        assert "节点" in json.loads(endpoint.received[0][1])["event"]["text"]

    asyncio.run(go())


def test_bolt_refuses_what_is_signed_with_another_secret_or_long_ago(slack: SlackPlatform) -> None:
    async def go() -> None:
        body = b'{"type":"url_verification","challenge":"x"}'
        async with listening_over_http(slack, answering(slack)) as url, httpx.AsyncClient(trust_env=False) as http:
            good = await http.post(url, content=body, headers=slack.sign(body))
            forged = await http.post(url, content=body, headers=slack.sign(body, secret="other"))
            replayed = await http.post(url, content=body, headers=slack.sign(body, timestamp=slack.now() - 600))
        assert (good.status_code, forged.status_code, replayed.status_code) == (200, 401, 401)

    asyncio.run(go())


def test_a_request_url_has_to_answer_the_challenge(slack: SlackPlatform) -> None:
    async def go() -> None:
        async with listening_over_http(slack, answering(slack)) as url:
            assert await asyncio.to_thread(slack.verify, url)
        async with Endpoint(web.Response()) as endpoint:
            assert not await asyncio.to_thread(slack.verify, endpoint.url)

    asyncio.run(go())


def test_a_failed_event_is_retried_with_number_and_reason(slack: SlackPlatform) -> None:
    async def slowly(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        return web.Response()

    async def go() -> None:
        redirect = web.Response(status=302, headers={"Location": "/slack/events"})
        async with Endpoint(slowly, web.Response(status=500), redirect, web.Response()) as endpoint:
            slack.app.events = {"app_mention"}
            slack.request_url = endpoint.url
            slack.mention("C1", "U1", "nginx answers 504")
            await slack.until(lambda: endpoint.received)
            slack.advance(3)
            await slack.until(lambda: len(endpoint.received) == 2)
            delivery = slack.events("app_mention")[0]
            await slack.until(lambda: len(delivery.attempts) == 2)
            await slack.until(lambda: not slack.advance(60) and len(endpoint.received) >= 3)
            await slack.until(lambda: slack.advance(300) or delivery.done)
            slack.request_url = None
        retries = [
            (headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")) for headers, _ in endpoint.received
        ]
        assert retries[:3] == [(None, None), ("1", "http_timeout"), ("2", "http_error")]
        assert len({json.loads(body)["event_id"] for _, body in endpoint.received if body}) == 1

    asyncio.run(go())


def test_an_app_that_asks_for_no_retry_gets_none(slack: SlackPlatform) -> None:
    async def go() -> None:
        async with Endpoint(web.Response(status=503, headers={"X-Slack-No-Retry": "1"})) as endpoint:
            slack.app.events = {"app_mention"}
            slack.request_url = endpoint.url
            slack.mention("C1", "U1", "nginx answers 504")
            delivery = await slack.events("app_mention")[0]
            assert (delivery.acked, delivery.failures) == (False, ["http_error"])
            slack.request_url = None

    asyncio.run(go())


def test_events_end_where_hardly_any_delivery_succeeds() -> None:
    timings, limits = Timings(event_retries=(0.0, 0.0, 0.0)), EventLimits(judged_from=8)
    with slack_platform(timings=timings, event_limits=limits, events={"app_mention"}, now=slowed()) as slack:
        peopled(slack)
        slack.request_url = "http://127.0.0.1:9/slack/events"
        for _ in range(2):
            slack.mention("C1", "U1", "nginx answers 504")
        slack.wait_until(lambda: not slack.events_enabled)
        assert slack.events("app_mention")[0].failures == ["connection_failed"] * 4
        slack.mention("C1", "U1", "again")
        assert len(slack.events("app_mention")) == 2


def test_an_app_that_is_told_too_much_is_told_so_once_a_minute() -> None:
    with slack_platform(event_limits=EventLimits(hourly=2), events={"app_mention"}) as slack:
        peopled(slack)
        for _ in range(5):
            slack.mention("C1", "U1", "nginx answers 504")
        assert len(slack.events("app_mention")) == 2
        warnings = [each.payload for each in slack.deliveries if each.payload["type"] == "app_rate_limited"]
        assert [warning["team_id"] for warning in warnings] == [slack.team.id]


# Interactions


def test_a_trigger_opens_one_view_within_three_seconds(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, _ = client_of(slack), slack.say("C1", "U1", "x")
        first = slack.shortcut("explain", "U1")
        await client.views_open(trigger_id=first.trigger_id, view=MODAL)
        with pytest.raises(Exception, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=first.trigger_id, view=MODAL)
        second = slack.shortcut("explain", "U1")
        slack.advance(3.1)
        with pytest.raises(Exception, match="expired_trigger_id"):
            await client.views_open(trigger_id=second.trigger_id, view=MODAL)
        assert len(slack.modals("U1")) == 1

    asyncio.run(go())


def test_a_response_url_can_be_used_five_times_within_half_an_hour(slack: SlackPlatform) -> None:
    async def go() -> None:
        await client_of(slack).chat_postMessage(channel="C1", text="answer", blocks=ANSWER)
        answer = slack.posted("C1")[0]
        used = slack.click(answer, "run", user="U1").response_url
        unused = slack.click(answer, "run", user="U1").response_url
        async with httpx.AsyncClient(trust_env=False) as http:
            for number in range(5):
                sent = await http.post(used, json={"text": str(number), "response_type": "ephemeral"})
                assert (sent.status_code, sent.text) == (200, "ok")
            assert (await http.post(used, json={"text": "6"})).json()["error"] == "used_url"
            refused = await http.post(unused, json={"blocks": [{"type": "nope"}]})
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_blocks")
            await http.post(unused, json={"replace_original": True, "text": "replaced"})
            assert slack.message(answer).text == "replaced"
            await http.post(unused, json={"text": "for all", "response_type": "in_channel"})
            assert slack.posted("C1")[-1].text == "for all"
            await http.post(unused, json={"delete_original": True})
            assert [message.text for message in slack.posted("C1")] == ["for all"]
            slack.advance(1801)
            assert (await http.post(unused, json={"text": "late"})).json()["error"] == "expired_url"
        assert [message.text for message in slack.ephemerals("U1")] == list("01234")

    asyncio.run(go())


def test_a_view_submission_can_update_push_and_clear(slack: SlackPlatform) -> None:
    answers: list[dict[str, Any]] = [
        {"response_action": "update", "view": {**MODAL, "title": {"type": "plain_text", "text": "Again?"}}},
        {"response_action": "push", "view": {**MODAL, "title": {"type": "plain_text", "text": "Deeper?"}}},
        {"response_action": "push", "view": {"type": "modal"}},
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "clear"},
    ]

    async def go() -> None:
        app = answering(slack)

        @app.view("where")
        async def where(ack: Any) -> None:
            await ack(answers.pop(0))

        closed: list[bool] = []

        @app.view_closed("where")
        async def close(ack: Any, body: dict[str, Any]) -> None:
            await ack()
            closed.append(body["is_cleared"])

        async with listening_over_socket(slack, app):
            trigger = slack.shortcut("unheard", "U1").trigger_id
            await app.client.views_open(trigger_id=trigger, view=MODAL)
            values = {"namespace": "shop"}
            await slack.submit(slack.modals("U1")[-1], values)
            assert [view.title for view in slack.modals("U1")] == ["Again?"]
            await slack.submit(slack.modals("U1")[-1], values)
            assert [view.title for view in slack.modals("U1")] == ["Again?", "Deeper?"]
            bad_view = await slack.submit(slack.modals("U1")[-1], values)
            assert bad_view.refusal is not None
            assert bad_view.refusal["error"] == "invalid_arguments"
            bad_errors = await slack.submit(slack.modals("U1")[-1], values)
            assert bad_errors.refusal is not None
            told = slack.close_modal(slack.modals("U1")[-1])
            assert told is not None
            await told
            assert closed == [False]
            await slack.submit(slack.modals("U1")[-1], values)
            assert not slack.modals("U1")

    asyncio.run(go())


# Identities


def test_shared_channels_grids_guests_and_bots_show_in_what_is_delivered() -> None:
    team = Team(enterprise_id="E1", org_wide=True)

    async def go(slack: SlackPlatform) -> None:
        slack.user("U8", "partner", team_id="TOTHER")
        slack.user("U9", "other bot", bot=True)
        slack.channel("CSHARED", members=["U8", "U9"], shared=True)
        async with listening_over_socket(slack, answering(slack)):
            slack.mention("CSHARED", "U8", "hello")
            slack.mention("CSHARED", "U9", "hello")
            partner, bot = await slack.until(lambda: slack.events("app_mention")[1:] and slack.events("app_mention"))
            assert partner.payload["is_ext_shared_channel"]
            assert partner.payload["enterprise_id"] == "E1"
            assert partner.payload["authorizations"][0]["team_id"] is None
            assert (partner.event["team"], partner.event["user_team"]) == ("TOTHER", "TOTHER")
            assert bot.event["bot_id"] == "B9"
            clicked = slack.shortcut("explain", "U8")
            assert clicked.payload["team"] is None
            assert clicked.payload["enterprise"]["id"] == "E1"
            assert (await client_of(slack).auth_test())["is_enterprise_install"]

    with slack_platform(team=team) as slack:
        asyncio.run(go(slack))


def test_files_come_with_messages_and_from_shared_channels_only_as_stubs(slack: SlackPlatform) -> None:
    async def go() -> None:
        async with listening_over_socket(slack, answering(slack)):
            log = slack.upload("U1", "pod.log", "dial tcp: i/o timeout")
            slack.mention("C1", "U1", "see the log", files=[log])
            told = (await slack.until(lambda: slack.events("app_mention")))[0].event
            assert (told["subtype"], told["files"][0]["preview"]) == ("file_share", "dial tcp: i/o timeout")
            slack.say("C1", "U1", "log", files=[log], stubs=True)
            await slack.until(lambda: len(slack.events("message")) >= 2)
            stub = next(each.event for each in slack.events("message") if each.event["text"] == "log")
            assert stub["files"] == [{"id": log.id, "mode": "file_access", "file_access": "check_file_info"}]
            fetched = await client_of(slack).files_info(file=log.id)
            assert fetched["file"]["mode"] == "snippet"

    asyncio.run(go())


def test_only_events_that_the_app_may_have_are_delivered(slack: SlackPlatform) -> None:
    slack.channel("COTHER", members=["U1"], app=False)
    slack.mention("COTHER", "U1", "not there")
    slack.app.scopes.discard("channels:history")
    slack.say("C1", "U1", "no scope")
    slack.react(slack.messages("C1")[0], "U1", "eyes")
    assert not slack.deliveries
    slack.mention("C1", "U1", "hello")
    assert [delivery.event["type"] for delivery in slack.deliveries] == ["app_mention"]


def test_a_fault_can_befall_the_opening_of_connections() -> None:
    async def go(slack: SlackPlatform) -> None:
        async with listening_over_socket(slack, answering(slack)):
            assert len(slack.connections) == 1
        refused, taken = slack.calls_of("apps.connections.open")
        assert taken.at - refused.at >= 1

    with slack_platform() as slack:
        slack.faults.append(Fault.rate_limited("apps.connections.open", retry_after=1))
        asyncio.run(go(peopled(slack)))
