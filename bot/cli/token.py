"""``acknet token``: who may use acknet serve from other machines."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from bot.cli.console import UsageFailure, print_line

__all__ = ["token_app"]

token_app = typer.Typer(name="token", help="Tokens for acknet serve.", no_args_is_help=True, rich_markup_mode=None)


class _Scope(StrEnum):
    """What a token is good for."""

    ask = "ask"
    diagnose = "diagnose"
    alerts = "alerts"
    admin = "admin"


@token_app.callback()
def _root() -> None:
    """Tokens for acknet serve."""


@token_app.command("new")
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Who gets the token, as logs and figures name them: a-z, 0-9, . _ -")
    ],
    scope: Annotated[
        list[_Scope],
        typer.Option(
            help="What it is good for; give it again for more. ask: questions; diagnose: these, and looks into the "
            "cluster; alerts: deliver alerts; admin: read the questions that nobody could answer."
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a token, and the line by which acknet serve knows it.

    The token is shown this once. The settings hold the line, in ACKNET_API_TOKENS (with commas between several) or in
    the TOML file as api_tokens = ["…"]. acknet serve reads them when it starts; without the line the token is worth
    nothing any more.
    """
    from bot.settings.tokens import ApiToken

    try:
        made, token = ApiToken.new(name, list(dict.fromkeys(one.value for one in scope)))
    except ValueError as error:
        raise UsageFailure(f"{name!r} cannot be the name of a token; take one such as ci or alertmanager") from error
    if as_json:
        print_line(json.dumps({"name": made.name, "token": token, "setting": made.line}, indent=2))
        return
    print_line(f"token, to be sent as Authorization: Bearer (it is shown this once):\n{token}\n")
    print_line(f"line for ACKNET_API_TOKENS or api_tokens of acknet serve:\n{made.line}")
