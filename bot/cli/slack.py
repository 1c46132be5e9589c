"""``acknet slack``: the Slack bot alone, over Socket Mode."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.console import UsageFailure, flush, print_line
from bot.cli.running import run_until_signalled
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.service import Service
    from bot.settings import Settings

__all__ = ["slack"]


def slack(
    check: Annotated[
        bool, typer.Option("--check", help="Say what is wrong with tokens, scopes and the connection, and end.")
    ] = False,
    config: ConfigFlag = None,
) -> None:
    """Answer in Slack over Socket Mode until it is stopped.

    Events over HTTP are taken by acknet serve. The index is opened meanwhile, or built where there is none. With
    --check nothing is answered; the exit code is 2 where something is wrong.
    """
    settings = load_or_fail(config=config)
    if check:
        asyncio.run(_check(settings))
        return
    if settings.slack_bot_token is None:
        raise UsageFailure("acknet slack needs the bot's token; set ACKNET_SLACK_BOT_TOKEN, as docs/slack.md shows")
    if settings.slack_app_token is None:
        raise UsageFailure(
            "acknet slack needs an app-level token for Socket Mode; set ACKNET_SLACK_APP_TOKEN, or let acknet serve "
            "take events over HTTP"
        )
    run_until_signalled(settings, _answer)


async def _check(settings: Settings) -> None:
    from bot.slack.check import check

    wrong = 0
    async for found in check(settings):
        wrong += found.well is False
        sign = {True: "ok", False: "WRONG", None: "note"}[found.well]
        print_line(f"{sign:5}  {found.says}")
    if wrong:
        flush()
        raise UsageFailure(
            f"{wrong} of these keep acknet from doing its work in Slack; docs/slack.md says how to set it up"
        )


async def _answer(service: Service, stopped: asyncio.Event) -> None:
    from bot.slack.bot import SlackBot

    bot = SlackBot(service)
    await bot.start()
    try:
        print_line("acknet is being connected to Slack")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await bot.stop()
