"""Who counts as a full member, and which channels only such people read."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.calls import SlackCalls
from bot.slack.directory import Directory
from tests.doubles.slack import SlackPlatform, slack_platform
from tests.doubles.slack_manifest import granted

T = TypeVar("T")


@pytest.fixture(scope="module")
def slack() -> Iterator[SlackPlatform]:
    with slack_platform(scopes=granted()[1]) as running:
        running.user("UMEMBER")
        running.user("UGUEST", guest=True)
        running.user("UBOT", bot=True)
        running.user("UELSEWHERE", team_id="T0OTHER")
        running.user("UTHEIRBOT", team_id="T0OTHER", bot=True)
        yield running


def asked(slack: SlackPlatform, ask: Callable[[Directory], Awaitable[T]]) -> T:
    async def run() -> T:
        return await ask(Directory(SlackCalls(AsyncWebClient(slack.bot_token, base_url=slack.base_url))))

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("user", "is_member"),
    [("UMEMBER", True), ("UGUEST", False), ("UBOT", False), ("UELSEWHERE", False), ("UNOBODY", None)],
)
def test_full_members_are_people_of_the_workspace(slack: SlackPlatform, user: str, is_member: bool | None) -> None:
    assert asked(slack, lambda directory: directory.is_member(user)) is is_member


@pytest.mark.parametrize(
    ("members", "shared", "private"),
    [
        (["UMEMBER", "UBOT"], False, True),
        (["UMEMBER", "UGUEST"], False, False),
        (["UMEMBER", "UELSEWHERE"], False, False),
        (["UMEMBER", "UTHEIRBOT"], False, False),
        (["UMEMBER"], True, False),
    ],
)
def test_a_channel_is_private_to_members_where_nobody_else_reads_it(
    slack: SlackPlatform, members: list[str], shared: bool, private: bool
) -> None:
    channel = "C" + "".join(members) + str(int(shared))
    slack.channel(channel, members=members, shared=shared)
    assert asked(slack, lambda directory: directory.is_private_to_members(channel)) is private


def test_what_cannot_be_found_out_is_not_known(slack: SlackPlatform) -> None:
    assert asked(slack, lambda directory: directory.is_private_to_members("CNONE")) is None
    assert asked(slack, lambda directory: directory.members_of("SNONE")) is None
