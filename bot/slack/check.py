"""Finds out what keeps acknet from Slack: tokens, scopes, the connection, and whom the settings name."""

from __future__ import annotations

import email.utils
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient

from bot.settings import Settings
from bot.slack.access import DIRECT
from bot.slack.calls import Limited, Refused, SlackCalls, Trouble

__all__ = ["EVENTS", "SCOPES", "Found", "check"]

_SECONDS = 30
_SKEW_SECONDS = 60

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "mentions",
    "assistant:write": "suggested prompts",
    "channels:history": "follow-ups in threads of channels",
    "channels:read": "who reads a channel, and whether acknet is in it",
    "chat:write": "answers",
    "commands": "/acknet and Explain this error",
    "files:read": "text files in a message",
    "groups:history": "follow-ups in threads of private channels",
    "groups:read": "who reads a private channel",
    "im:history": "direct messages",
    "usergroups:read": "slack_probe_groups",
    "users:read": "who is a full member",
}
"""What the bot's token needs, and for what."""
EVENTS = (
    "agent_session_stopped",
    "app_home_opened",
    "app_mention",
    "message.channels",
    "message.groups",
    "message.im",
)
"""What the app has to subscribe to; Slack tells no bot whether it does."""

_TOKEN_TROUBLE = {
    "invalid_auth": "it is not one of Slack's, or of an app that was deleted; copy it again",
    "not_authed": "it did not arrive; copy it again",
    "account_inactive": "its app or workspace is gone; install the app again",
    "token_revoked": "it was revoked; install the app again",
    "token_expired": "it has expired; install the app again",
    "not_allowed_token_type": "it is another kind of token; the bot's begins with xoxb-, the app-level one with xapp-",
    "missing_scope": "it lacks a scope",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What was found out; ``well`` is None for what cannot be known from here."""

    well: bool | None
    says: str


async def check(settings: Settings) -> AsyncIterator[Found]:
    """Yield what is well and what is not, with what to do about it."""
    timeout = aiohttp.ClientTimeout(_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        client = AsyncWebClient(base_url=f"{settings.slack_base_url}/", session=session)
        calls = SlackCalls(client)
        if settings.slack_bot_token is None:
            yield Found(False, "ACKNET_SLACK_BOT_TOKEN is not set: Install App, Bot User OAuth Token")
        else:
            async for found in _bot(calls, settings.slack_bot_token, settings):
                yield found
        if settings.slack_app_token is not None:
            yield await _app_token(calls, settings.slack_app_token)
        elif settings.slack_signing_secret is not None:
            yield Found(None, "Events come over HTTP; whether the signing secret is the app's shows with the first one")
        else:
            yield Found(
                False,
                "Neither ACKNET_SLACK_APP_TOKEN (Socket Mode) nor ACKNET_SLACK_SIGNING_SECRET (HTTP) is set, so no "
                "events come",
            )
    yield Found(None, f"Slack does not tell what an app subscribes to; it has to be {', '.join(EVENTS)}")


async def _bot(calls: SlackCalls, token: SecretStr, settings: Settings) -> AsyncIterator[Found]:
    """Check the bot's token, then what is asked with it."""
    calls.client.token = token.get_secret_value()
    told: dict[str, Any] = {}

    async def test(**_: Any) -> Any:
        answer = await calls.client.auth_test()
        told.update({name.lower(): value for name, value in answer.headers.items()})
        return answer

    try:
        who = await calls.call(test)
    except (Trouble, Limited, Refused) as error:
        yield Found(False, _trouble("ACKNET_SLACK_BOT_TOKEN", error))
        return
    yield Found(True, f"The bot's token is that of {who.get('user')} in {who.get('team')} ({who.get('url')})")
    granted = {scope.strip() for scope in str(told.get("x-oauth-scopes", "")).split(",")}
    missing = {scope: use for scope, use in SCOPES.items() if scope not in granted}
    for scope, use in missing.items():
        yield Found(
            False, f"The scope {scope} is missing ({use}): add it under OAuth & Permissions, install the app again"
        )
    if not missing:
        yield Found(True, "The bot has every scope it needs")
    if more := sorted(granted - SCOPES.keys() - {""}):
        yield Found(None, f"It also has {', '.join(more)}, which acknet does not use")
    if (found := _clock(told.get("date"))) is not None:
        yield found
    async for one in _named(calls, settings):
        yield one


async def _app_token(calls: SlackCalls, token: SecretStr) -> Found:
    try:
        await calls.call(lambda: calls.client.apps_connections_open(app_token=token.get_secret_value()))
    except Refused as error:
        if error.error == "missing_scope":
            return Found(
                False, "The app-level token lacks the scope connections:write: Basic Information, make another"
            )
        return Found(False, _trouble("ACKNET_SLACK_APP_TOKEN", error))
    except (Trouble, Limited) as error:
        return Found(False, _trouble("ACKNET_SLACK_APP_TOKEN", error))
    return Found(True, "The app-level token opens connections for Socket Mode")


async def _named(calls: SlackCalls, settings: Settings) -> AsyncIterator[Found]:
    """Check that those whom the settings name exist, and that acknet is in those channels."""
    if not settings.slack_probe:
        yield Found(None, "Nobody may have a cluster looked into from Slack: slack_probe is off")
        return
    client = calls.client
    channels = [channel for channel in settings.slack_probe_channels if channel != DIRECT]
    async for found in _each(
        "slack_probe_channels", channels, lambda channel: calls.call(client.conversations_info, channel=channel)
    ):
        yield found
    async for found in _each(
        "slack_probe_users", settings.slack_probe_users, lambda user: calls.call(client.users_info, user=user)
    ):
        yield found
    async for found in _each(
        "slack_probe_groups",
        settings.slack_probe_groups,
        lambda group: calls.call(client.usergroups_users_list, usergroup=group),
    ):
        yield found


async def _each(
    setting: str, ids: Iterable[str], ask: Callable[[str], Awaitable[Mapping[str, Any]]]
) -> AsyncIterator[Found]:
    for one in ids:
        try:
            told = await ask(one)
        except (Trouble, Limited, Refused) as error:
            yield Found(False, f"{setting}: {one} cannot be found ({error})")
            continue
        channel = told.get("channel")
        if channel is not None and not channel.get("is_member"):
            yield Found(False, f"{setting}: acknet is not in {one}; invite it there")
        else:
            yield Found(True, f"{setting}: {one} is known")


def _clock(date: object) -> Found | None:
    """Compare Slack's clock with this one: what is signed is taken within five minutes."""
    try:
        there = email.utils.parsedate_to_datetime(str(date)).timestamp()
    except (ValueError, TypeError):
        return None
    apart = abs(time.time() - there)
    return Found(False, f"The clock here is {apart:.0f} s off Slack's; set it right") if apart > _SKEW_SECONDS else None


def _trouble(name: str, error: Exception) -> str:
    if isinstance(error, Refused):
        return f"{name}: {_TOKEN_TROUBLE.get(error.error, f'Slack says {error.error}')}"
    return f"{name} could not be checked, because Slack was not reached: {_way(error)}"


def _way(error: Exception) -> str:
    """Say what came in between, as far as a person can do something about it."""
    cause = error.__cause__
    match cause:
        case aiohttp.ClientConnectorDNSError():
            return f"there is no host {cause.host}"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return f"TLS with {cause.host} failed; is there a proxy in between?"
        case aiohttp.ClientConnectorError():
            return f"nothing answers at {cause.host}, port {cause.port}"
        case TimeoutError():
            return "it does not answer in time"
    return f"what answers there is not Slack's API, or it is in trouble ({error})"
