"""The Slack double's Web API, called with the SDK that apps call Slack's with."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)

from tests.doubles.bolt_apps import client_of
from tests.doubles.slack import Fault, RateLimits, SlackPlatform, Timings, slack_platform, slowed

pytest_plugins = ["tests.doubles.slack.plugin"]
pytestmark = pytest.mark.usefixtures("no_proxy")

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*bold*"}}
MODAL = {
    "type": "modal",
    "callback_id": "where",
    "title": {"type": "plain_text", "text": "Where?"},
    "submit": {"type": "plain_text", "text": "Run"},
    "blocks": [
        {
            "type": "input",
            "block_id": "namespace",
            "label": {"type": "plain_text", "text": "Namespace"},
            "element": {"type": "plain_text_input", "action_id": "value", "max_length": 63},
        }
    ],
}


@pytest.fixture
def slack_platform_options() -> dict[str, Any]:
    """What has to expire is advanced."""
    return {"now": slowed()}


@pytest.fixture
def slack(slack_platform: SlackPlatform) -> SlackPlatform:
    for user in ("U1", "U2"):
        slack_platform.user(user)
    slack_platform.channel("C1", "help", members=["U1", "U2"])
    return slack_platform


async def error_of(call: Any) -> str:
    with pytest.raises(SlackApiError) as raised:
        await call
    return str(raised.value.response["error"])


def test_auth_test_tells_who_calls_and_with_what_scopes(slack: SlackPlatform) -> None:
    slack.app.scopes = {"chat:write", "commands"}

    async def go() -> None:
        answer = await client_of(slack).auth_test()
        assert answer["user_id"] == slack.bot_user
        assert answer["team_id"] == slack.team.id
        assert answer.headers["x-oauth-scopes"] == "chat:write,commands"

    asyncio.run(go())


def test_a_call_is_refused_without_a_token_of_the_right_kind(slack: SlackPlatform) -> None:
    async def go() -> None:
        assert await error_of(client_of(slack, token="").auth_test()) == "not_authed"
        assert await error_of(client_of(slack, token="xoxb-other").auth_test()) == "invalid_auth"
        assert await error_of(client_of(slack, token=slack.app_token).auth_test()) == "not_allowed_token_type"
        assert await error_of(client_of(slack).api_call("chat.nothing")) == "unknown_method"
        slack.app.revoked = True
        assert await error_of(client_of(slack).auth_test()) == "token_revoked"

    asyncio.run(go())


def test_a_missing_scope_is_named_with_what_there_is(slack: SlackPlatform) -> None:
    slack.app.scopes = {"users:read"}

    async def go() -> None:
        with pytest.raises(SlackApiError) as raised:
            await client_of(slack).chat_postMessage(channel="C1", text="hello")
        assert raised.value.response.data == {
            "ok": False,
            "error": "missing_scope",
            "needed": "chat:write",
            "provided": "users:read",
        }
        assert await error_of(client_of(slack).conversations_history(channel="C1")) == "missing_scope"

    asyncio.run(go())


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"channel": "C404"}, "channel_not_found"),
        ({"channel": "GPRIVATE"}, "channel_not_found"),
        ({"channel": "COTHER"}, "not_in_channel"),
        ({"channel": "COLD"}, "is_archived"),
        ({"thread_ts": "1.000001"}, "thread_not_found"),
        ({"text": " "}, "no_text"),
        ({"text": "x" * 4001}, "msg_too_long"),
        ({"text": "x", "markdown_text": "x"}, "markdown_text_conflict"),
        ({"text": "", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"metadata": {"event_type": "x"}}, "invalid_metadata_format"),
        ({"blocks": "[{"}, "invalid_blocks_format"),
        ({"blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3000}}] * 4}, "msg_blocks_too_long"),
        ({"text": "ping <!channel>"}, "refused_by_double"),
        ({"text": "a < b"}, "refused_by_double"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<@U2> & you"}}]}, "refused_by_double"),
    ],
)
def test_a_message_is_refused_as_slack_refuses_it(slack: SlackPlatform, arguments: dict[str, Any], error: str) -> None:
    slack.channel("COTHER", app=False)
    slack.channel("GPRIVATE", kind="group", app=False)
    slack.channel("COLD", archived=True)

    async def go() -> None:
        given = {"channel": "C1", "text": "hello"} | arguments
        assert await error_of(client_of(slack).api_call("chat.postMessage", json=given)) == error

    asyncio.run(go())
    assert not slack.posted("C1")


def test_only_roots_of_threads_can_be_replied_to(slack: SlackPlatform) -> None:
    async def go() -> None:
        root = slack.say("C1", "U1", "question")
        reply = await client_of(slack).chat_postMessage(channel="C1", text="answer", thread_ts=root.ts)
        call = client_of(slack).chat_postMessage(channel="C1", text="more", thread_ts=reply["ts"])
        assert await error_of(call) == "cannot_reply_to_message"
        assert [message.text for message in slack.messages("C1", root.ts)] == ["question", "answer"]

    asyncio.run(go())


def test_mentions_that_are_allowed_pass() -> None:
    async def go(slack: SlackPlatform) -> None:
        slack.channel("C1")
        await client_of(slack).chat_postMessage(channel="C1", text="<@U1>: see <https://example.com/a|the page>")
        message = slack.posted("C1")[0]
        assert message.mentions == ["U1"]
        assert message.links == [("https://example.com/a", "the page")]

    with slack_platform(may_mention={"U1"}, now=slowed()) as slack:
        asyncio.run(go(slack))


def test_metadata_is_read_back_where_it_is_asked_for(slack: SlackPlatform) -> None:
    metadata = {"event_type": "acknet_answer", "event_payload": {"question": "1700000000.000100"}}

    async def go() -> None:
        client = client_of(slack)
        root = slack.say("C1", "U1", "question")
        await client.chat_postMessage(channel="C1", text="answer", thread_ts=root.ts, metadata=metadata)
        found = await client.conversations_replies(channel="C1", ts=root.ts, include_all_metadata=True)
        assert [message.get("metadata") for message in found["messages"]] == [None, metadata]
        plain = await client.conversations_replies(channel="C1", ts=root.ts)
        assert all("metadata" not in message for message in plain["messages"])
        history = await client.conversations_history(channel="C1", include_all_metadata=True)
        assert [message["reply_count"] for message in history["messages"]] == [1]

    asyncio.run(go())


def test_history_comes_newest_first_and_in_pages(slack: SlackPlatform) -> None:
    for number in range(7):
        slack.say("C1", "U1", f"message {number}")

    async def go() -> None:
        pages = [
            [message["text"] for message in page["messages"]]
            async for page in await client_of(slack).conversations_history(channel="C1", limit=3)
        ]
        assert pages == [[f"message {n}" for n in (6, 5, 4)], [f"message {n}" for n in (3, 2, 1)], ["message 0"]]
        middle = slack.messages("C1")[3].ts
        after = await client_of(slack).conversations_history(channel="C1", oldest=middle, limit=100)
        assert [message["text"] for message in after["messages"]] == ["message 6", "message 5", "message 4"]
        assert await error_of(client_of(slack).conversations_history(channel="C1", cursor="?")) == "invalid_cursor"

    asyncio.run(go())


def test_history_is_scarce_for_apps_distributed_outside_the_marketplace() -> None:
    async def go(slack: SlackPlatform) -> None:
        slack.user("U1")
        slack.channel("C1", members=["U1"])
        for number in range(20):
            slack.say("C1", "U1", str(number))
        page = await client_of(slack).conversations_history(channel="C1", limit=100)
        assert len(page["messages"]) == 15
        assert await error_of(client_of(slack).conversations_history(channel="C1")) == "ratelimited"
        slack.advance(60)
        await client_of(slack).conversations_history(channel="C1")

    with slack_platform(limits=RateLimits(distributed=True), now=slowed()) as slack:
        asyncio.run(go(slack))


def test_the_sdk_waits_as_long_as_a_rate_limit_tells_it_to(slack: SlackPlatform) -> None:
    slack.faults.append(Fault.rate_limited("chat.postMessage", retry_after=1))

    async def go() -> None:
        assert await error_of(client_of(slack).chat_postMessage(channel="C1", text="one")) == "ratelimited"
        slack.faults.append(Fault.rate_limited("chat.postMessage", retry_after=1))
        patient = client_of(slack, retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)])
        start = time.monotonic()
        await patient.chat_postMessage(channel="C1", text="two")
        assert time.monotonic() - start >= 1

    asyncio.run(go())
    assert [call.status for call in slack.calls_of("chat.postMessage")] == [429, 429, 200]
    assert [message.text for message in slack.posted("C1")] == ["two"]


def test_a_channel_takes_a_burst_and_then_a_message_a_second() -> None:
    async def go(slack: SlackPlatform) -> None:
        slack.channel("C1")
        slack.channel("C2")
        client = client_of(slack)
        for number in range(3):
            await client.chat_postMessage(channel="C1", text=str(number))
        with pytest.raises(SlackApiError) as raised:
            await client.chat_postMessage(channel="C1", text="too much")
        assert raised.value.response.status_code == 429
        assert raised.value.response.headers["Retry-After"] == "1"
        await client.chat_postMessage(channel="C2", text="elsewhere")
        slack.advance(1)
        await client.chat_postMessage(channel="C1", text="later")

    with slack_platform(limits=RateLimits(posting_burst=3), now=slowed()) as slack:
        asyncio.run(go(slack))


def test_a_reset_after_the_message_was_stored_makes_a_careless_retry_post_twice(slack: SlackPlatform) -> None:
    slack.faults.append(Fault.reset_after("chat.postMessage", times=2))

    async def go() -> None:
        with pytest.raises(aiohttp.ClientError):
            await client_of(slack, retry_handlers=[]).chat_postMessage(channel="C1", text="once")
        assert [message.text for message in slack.posted("C1")] == ["once"]
        careless = client_of(slack, retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=1)])
        await careless.chat_postMessage(channel="C1", text="twice")

    asyncio.run(go())
    assert [message.text for message in slack.posted("C1")] == ["once", "twice", "twice"]


def test_server_errors_and_cut_answers_reach_the_client_as_they_are(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack, retry_handlers=[])
        slack.faults.append(Fault.server_error("auth.test", status=503))
        with pytest.raises(SlackApiError):
            await client.auth_test()
        slack.faults.append(Fault.cut_body("auth.test"))
        with pytest.raises(aiohttp.ClientPayloadError):
            await client.auth_test()
        slack.faults.append(Fault.reset_before("chat.*"))
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C1", text="lost")
        assert not slack.posted("C1")
        slack.faults.append(Fault.server_error("auth.test", times=1))
        stubborn = client_of(slack, retry_handlers=[AsyncServerErrorRetryHandler()])
        assert (await stubborn.auth_test())["ok"]

    asyncio.run(go())
    assert [call.faulty for call in slack.calls_of("auth.test")] == [True, True, True, False]


def test_a_fault_can_wait_for_its_turn_and_choose_whom_it_befalls(slack: SlackPlatform) -> None:
    slack.channel("C2")
    slack.faults.append(Fault("chat.*", error="fatal_error", skip=1, when=lambda call: b"C1" in call.body))

    async def go() -> None:
        client = client_of(slack)
        await client.chat_postMessage(channel="C1", text="first")
        await client.chat_postMessage(channel="C2", text="elsewhere")
        assert await error_of(client.chat_postMessage(channel="C1", text="second")) == "fatal_error"
        await client.chat_postMessage(channel="C1", text="third")

    asyncio.run(go())
    assert [message.text for message in slack.posted("C1")] == ["first", "third"]


@pytest.mark.parametrize(
    ("content_type", "body", "error"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"[]", "json_not_object"),
        ("application/json", b"\xff", "invalid_charset"),
        ("text/xml", b"<a/>", "invalid_post_type"),
    ],
)
def test_a_body_that_slack_cannot_read_is_refused(
    slack: SlackPlatform, content_type: str, body: bytes, error: str
) -> None:
    headers = {"Authorization": f"Bearer {slack.bot_token}", "Content-Type": content_type}
    answer = httpx.post(f"{slack.base_url}chat.postMessage", content=body, headers=headers, trust_env=False)
    assert answer.json() == {"ok": False, "error": error}


def test_a_slow_call_takes_effect_though_its_client_has_given_up(slack: SlackPlatform) -> None:
    slack.faults.append(Fault.slow("chat.postMessage", delay=0.3))

    async def go() -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.1)) as session:
            with pytest.raises(TimeoutError):
                await client_of(slack, session=session).chat_postMessage(channel="C1", text="late")
        assert not slack.posted("C1")
        await slack.until(lambda: slack.posted("C1"))

    asyncio.run(go())


def test_an_update_changes_what_it_names_and_keeps_the_rest(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack)
        posted = await client.chat_postMessage(channel="C1", text="working", blocks=[SECTION])
        await client.chat_update(channel="C1", ts=posted["ts"], text="done")
        message = slack.posted("C1")[0]
        assert (message.text, message.words) == ("done", "*bold*")
        assert [version["text"] for version in message.revisions] == ["working"]
        theirs = slack.say("C1", "U1", "mine")
        assert await error_of(client.chat_update(channel="C1", ts=theirs.ts, text="x")) == "cant_update_message"
        assert await error_of(client.chat_delete(channel="C1", ts=theirs.ts)) == "cant_delete_message"
        await client.chat_delete(channel="C1", ts=posted["ts"])
        assert await error_of(client.chat_update(channel="C1", ts=posted["ts"], text="x")) == "message_not_found"

    asyncio.run(go())


def test_an_ephemeral_message_is_seen_by_one_user_and_cannot_be_updated(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack)
        posted = await client.chat_postEphemeral(channel="C1", user="U1", text="for you")
        assert [message.text for message in slack.ephemerals("U1")] == ["for you"]
        assert not slack.ephemerals("U2")
        assert not slack.messages("C1")
        call = client.chat_update(channel="C1", ts=posted["message_ts"], text="changed")
        assert await error_of(call) == "message_not_found"
        assert await error_of(client.chat_postEphemeral(channel="C1", user="U9", text="x")) == "user_not_in_channel"

    asyncio.run(go())


def test_a_stream_is_appended_to_until_it_is_stopped(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.say("C1", "U1", "question")
        stream = await client.chat_stream(
            channel="C1",
            thread_ts=root.ts,
            recipient_team_id=slack.team.id,
            recipient_user_id="U1",
            buffer_size=1,
        )
        task = {"type": "task_update", "id": "1", "title": "Reading", "status": "in_progress", "details": "pods, "}
        await stream.append(markdown_text="It is ", chunks=[task])
        await stream.append(chunks=[{**task, "title": "Read", "status": "complete", "details": "nodes"}])
        streaming = slack.posted("C1")[0]
        assert streaming.stream is not None
        assert streaming.stream.open
        assert streaming.stream.tasks["1"]["title"] == "Read"
        assert streaming.stream.tasks["1"]["details"] == "pods, nodes"
        metadata = {"event_type": "x", "event_payload": {}}
        await stream.stop(markdown_text="DNS.", blocks=[SECTION], metadata=metadata, session_status="active")
        message = slack.posted("C1")[0]
        assert (message.text, message.words, message.metadata) == ("It is DNS.", "*bold*", metadata)
        session = slack.session(root)
        assert session is not None
        assert session.status == "active"
        late = client.chat_appendStream(channel="C1", ts=message.ts, markdown_text="more")
        assert await error_of(late) == "message_not_in_streaming_state"

    asyncio.run(go())


def test_a_stream_needs_a_thread_and_in_channels_a_recipient(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.say("C1", "U1", "question")
        start = "chat.startStream"
        assert await error_of(client.api_call(start, json={"channel": "C1"})) == "invalid_arguments"
        given = {"channel": "C1", "thread_ts": root.ts}
        assert await error_of(client.api_call(start, json=given)) == "missing_recipient_team_id"
        given["recipient_team_id"] = slack.team.id
        assert await error_of(client.api_call(start, json=given)) == "missing_recipient_user_id"
        private = slack.direct_message("U1", "question")
        await client.chat_startStream(channel=private.channel, thread_ts=private.ts, markdown_text="hello")

    asyncio.run(go())


def test_a_stream_ends_by_itself_after_a_while_and_can_then_be_updated(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.direct_message("U1", "question")
        started = await client.chat_startStream(channel=root.channel, thread_ts=root.ts, markdown_text="It")
        where = {"channel": root.channel, "ts": started["ts"]}
        assert await error_of(client.chat_update(**where, text="all")) == "streaming_state_conflict"
        slack.advance(305)
        await client.chat_appendStream(**where, markdown_text=" is")
        slack.advance(2)
        assert await error_of(client.chat_appendStream(**where, markdown_text="x")) == "message_not_in_streaming_state"
        assert await error_of(client.chat_stopStream(**where)) == "message_not_in_streaming_state"
        await client.chat_update(**where, text="It is DNS.")

    asyncio.run(go())


def test_a_stream_shows_a_plan_and_takes_fifty_blocks(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.direct_message("U1", "question")
        where = {"channel": root.channel, "thread_ts": root.ts}
        plan: list[dict[str, Any]] = [{"type": "plan_update", "title": "Three checks"}]
        started = await client.chat_startStream(**where, chunks=plan, task_display_mode="plan")
        where = {"channel": root.channel, "ts": started["ts"]}
        await client.chat_appendStream(**where, chunks=[{"type": "blocks", "blocks": [SECTION] * 50}])
        one_more = client.chat_appendStream(**where, chunks=[{"type": "blocks", "blocks": [SECTION]}])
        assert await error_of(one_more) == "invalid_arguments"
        long = {"type": "task_update", "id": "1", "title": "x" * 257, "status": "complete"}
        assert await error_of(client.chat_appendStream(**where, chunks=[long])) == "invalid_arguments"
        await client.chat_stopStream(**where, blocks=[SECTION] * 50)
        message = slack.posted(root.channel)[0]
        assert message.stream is not None
        assert (message.stream.plan_title, len(message.blocks)) == ("Three checks", 100)

    asyncio.run(go())


def test_status_prompts_and_sessions_are_kept_as_the_agent_surface_shows_them(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.direct_message("U1", "question")
        where = {"channel_id": root.channel, "thread_ts": root.ts}
        await client.assistant_threads_setStatus(**where, status="is reading", loading_messages=["Asking the nodes"])
        status = slack.status(root)
        assert status is not None
        assert status.text == "is reading"
        slack.advance(121)
        assert slack.status(root) is None
        await client.assistant_threads_setStatus(**where, status="is writing")
        await client.chat_postMessage(channel=root.channel, thread_ts=root.ts, text="answer")
        assert slack.status(root) is None
        with pytest.raises(SlackApiError) as raised:
            await client.assistant_threads_setStatus(**where, status="x", loading_messages=["y" * 51])
        assert raised.value.response["response_metadata"]["messages"] == [
            "[ERROR] must be less than 51 characters [json-pointer:/loading_messages/0]"
        ]

        prompts = [{"title": "DNS", "message": "Why does DNS fail?"}]
        await client.assistant_threads_setSuggestedPrompts(**where, prompts=prompts)
        assert slack.suggested_prompts("U1") is None
        await client.assistant_threads_setSuggestedPrompts(channel_id=root.channel, prompts=prompts)
        shown = slack.suggested_prompts("U1")
        assert shown is not None
        assert shown.prompts == prompts

        await client.agents_sessions_setStatus(**where, status="processing", title="DNS")
        await client.agents_sessions_rename(**where, title="DNS in kube-system")
        session = slack.session(root)
        assert session is not None
        assert (session.status, session.title) == ("processing", "DNS in kube-system")
        assert await error_of(client.agents_sessions_setStatus(**where, status="busy")) == "invalid_arguments"
        slack.app.events.discard("agent_session_stopped")
        warned = await client.agents_sessions_setStatus(**where, status="processing")
        assert warned["warning"] == "missing_agent_session_stopped_event_subscription"

    asyncio.run(go())


def test_a_home_tab_is_published_and_replaced_by_hash(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack)
        first = await client.views_publish(user_id="U1", view={"type": "home", "blocks": [SECTION]})
        home = slack.home("U1")
        assert home is not None
        assert home.words == "*bold*"
        again = {"type": "home", "blocks": [SECTION, {"type": "divider"}]}
        await client.views_publish(user_id="U1", view=again, hash=first["view"]["hash"])
        stale = client.views_publish(user_id="U1", view=again, hash=first["view"]["hash"])
        assert await error_of(stale) == "hash_conflict"
        assert await error_of(client.views_publish(user_id="U9", view=again)) == "user_not_found"
        assert await error_of(client.views_open(trigger_id="x", view=MODAL)) == "invalid_trigger_id"

    asyncio.run(go())


def test_modals_are_stacked_and_updated(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack)
        below = {**MODAL, "external_id": "run-1"}
        first = (await client.views_open(trigger_id=slack.shortcut("x", "U1").trigger_id, view=below))["view"]
        changed = {**below, "title": {"type": "plain_text", "text": "Running"}}
        second = (await client.views_update(external_id="run-1", view=changed, hash=first["hash"]))["view"]
        stale = client.views_update(view_id=first["id"], view=below, hash=first["hash"])
        assert await error_of(stale) == "hash_conflict"
        await client.views_update(view_id=first["id"], view=below, hash=second["hash"])
        outside = client.views_push(trigger_id=slack.shortcut("x", "U1").trigger_id, view=MODAL)
        assert await error_of(outside) == "not_found"
        for _ in range(2):
            within = slack.submit(slack.modals("U1")[-1], {"namespace": "shop"}).trigger_id
            await client.views_push(trigger_id=within, view=MODAL)
        within = slack.submit(slack.modals("U1")[-1], {"namespace": "shop"}).trigger_id
        assert await error_of(client.views_push(trigger_id=within, view=MODAL)) == "push_limit_reached"
        assert [view.revisions for view in slack.modals("U1")] == [2, 0, 0]
        twice = client.views_open(trigger_id=slack.shortcut("x", "U2").trigger_id, view=below)
        assert await error_of(twice) == "duplicate_external_id"

    asyncio.run(go())


def test_a_file_is_uploaded_in_three_steps_and_fetched_with_the_token(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, root = client_of(slack), slack.say("C1", "U1", "question")
        await client.files_upload_v2(
            content="step 1\n步骤 2\n",
            filename="steps.txt",
            channel="C1",
            thread_ts=root.ts,
            initial_comment="all steps",
        )
        message = slack.posted("C1")[0]
        assert (message.subtype, message.thread_ts, message.text) == ("file_share", root.ts, "all steps")
        found = (await client.files_info(file=message.files[0]["id"]))["file"]
        assert found["name"] == "steps.txt"
        url = found["url_private_download"]
        async with httpx.AsyncClient(trust_env=False) as http:
            fetched = await http.get(url, headers={"Authorization": f"Bearer {slack.bot_token}"})
            assert fetched.text == "step 1\n步骤 2\n"
            signed_out = await http.get(url)
            assert signed_out.status_code == 200
            assert signed_out.headers["Content-Type"].startswith("text/html")
            expected = await client.files_getUploadURLExternal(filename="x.txt", length=3)
            assert (await http.post(expected["upload_url"], content=b"too long")).status_code == 400

    asyncio.run(go())
    assert slack.files[0].content == "step 1\n步骤 2\n".encode()


def test_people_groups_and_channels_are_told_as_they_are(slack: SlackPlatform) -> None:
    slack.user("U7", "guest", guest=True)
    slack.user("U8", "partner", team_id="TOTHER")
    slack.usergroup("S1", "oncall", ["U1", "U7"])
    slack.channel("CSHARED", shared=True)

    async def go() -> None:
        client = client_of(slack)
        guest = (await client.users_info(user="U7"))["user"]
        assert guest["is_restricted"]
        stranger = (await client.users_info(user="U8"))["user"]
        assert (stranger["team_id"], stranger["is_stranger"]) == ("TOTHER", False)
        assert await error_of(client.users_info(user="U404")) == "user_not_found"
        groups = (await client.usergroups_list())["usergroups"]
        assert [(group["handle"], group["user_count"]) for group in groups] == [("oncall", 2)]
        assert (await client.usergroups_users_list(usergroup="S1"))["users"] == ["U1", "U7"]
        assert (await client.conversations_info(channel="CSHARED"))["channel"]["is_ext_shared"]
        members = await client.conversations_members(channel="C1")
        assert members["members"] == ["U1", "U2", slack.bot_user]
        listed = await client.conversations_list(types="public_channel,im")
        assert [channel["id"] for channel in listed["channels"]] == ["C1", "CSHARED"]
        opened = await client.conversations_open(users="U1")
        assert opened["channel"]["id"] == slack.dm("U1")

    asyncio.run(go())


def test_a_reaction_is_added_once(slack: SlackPlatform) -> None:
    async def go() -> None:
        client, message = client_of(slack), slack.say("C1", "U1", "question")
        where = {"channel": "C1", "timestamp": message.ts}
        await client.reactions_add(**where, name="eyes")
        assert slack.message(message).reactions == {"eyes": [slack.bot_user]}
        assert await error_of(client.reactions_add(**where, name="eyes")) == "already_reacted"
        assert await error_of(client.reactions_add(**where, name="two words")) == "invalid_name"
        await client.reactions_remove(**where, name="eyes")
        assert await error_of(client.reactions_remove(**where, name="eyes")) == "no_reaction"

    asyncio.run(go())


def test_all_calls_are_recorded_with_their_arguments_and_answers(slack: SlackPlatform) -> None:
    async def go() -> None:
        client = client_of(slack)
        await client.chat_postMessage(channel="C1", text="hello", unfurl_links=False)
        await error_of(client.conversations_info(channel="C404"))

    asyncio.run(go())
    posted, asked = slack.calls
    assert (posted.method, posted.arguments["unfurl_links"], posted.ok) == ("chat.postMessage", False, True)
    assert (asked.method, asked.arguments["channel"], asked.error) == (
        "conversations.info",
        "C404",
        "channel_not_found",
    )
    assert posted.token == slack.bot_token


def test_ts_are_distinct_and_rise_even_when_the_clock_stands_still() -> None:
    with slack_platform(now=lambda: 1_700_000_000.0) as slack:
        slack.user("U1")
        slack.channel("C1", members=["U1"])
        stamps = [slack.say("C1", "U1", "x").ts for _ in range(5)]
        assert stamps == sorted(set(stamps))
        assert stamps[0].startswith("1700000000.")
        slack.advance(60)
        assert slack.say("C1", "U1", "x").ts.startswith("1700000060.")


@pytest.mark.parametrize("slack_platform_options", [{"timings": Timings(stream=5), "scopes": {"chat:write"}}])
def test_the_plugin_takes_options_from_a_fixture(slack_platform: SlackPlatform) -> None:
    assert slack_platform.app.scopes == {"chat:write"}
