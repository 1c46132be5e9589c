"""``acknet ask``: a question in, the answer out."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bot.cli.console import UsageFailure, console, flush, is_interactive, print_line
from bot.cli.progress import BUILDING, progress_on_stderr
from bot.cli.settings import ConfigFlag, load_or_fail
from bot.cli.turns import read_turns

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["ask"]

_NO_ANSWER = 3


def ask(
    question: Annotated[
        list[str] | None, typer.Argument(metavar="QUESTION", help="The question; read from stdin without words.")
    ] = None,
    thread: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Earlier turns, oldest first: a JSON list of strings, or text with a blank line between two turns; "
            "- reads stdin.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object, that of POST /v1/ask.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Ask a running acknet serve in place of an index here.")
    ] = None,
    config: ConfigFlag = None,
) -> None:
    """Answer a question about container networking in ACK from its FAQ, with citations.

    Prints Markdown, and reads well on a terminal. A pasted log or manifest is a question too:
    kubectl describe pod web-0 | acknet ask. Exit code 0: there is an answer, or several to choose from; 3: the FAQ has
    none; 2: something failed.
    """
    turns = read_turns(question or (), thread)
    settings = load_or_fail({"server": server}, config)
    reply = _ask_server(settings, turns) if settings.server else _ask_index(settings, turns)
    if as_json:
        print_line(json.dumps(reply, indent=2))
    else:
        _print_answer(reply["answer"]["markdown"])
    _leave(_NO_ANSWER if reply["outcome"] == "no_answer" else 0)


def _leave(code: int) -> NoReturn:
    """End the process at once: taking a tenth of a second to clean up memory would keep the prompt waiting."""
    flush()
    os._exit(code)


def _ask_index(settings: Settings, turns: Sequence[str]) -> dict[str, Any]:
    from bot.engine import EngineError, open_engine
    from bot.render import json_answer

    with progress_on_stderr(BUILDING) as progress:
        try:
            engine = open_engine(settings, progress)
        except EngineError as error:
            raise UsageFailure(str(error)) from error
    return json_answer(engine.ask(turns))


def _ask_server(settings: Settings, turns: Sequence[str]) -> dict[str, Any]:
    from bot.client import Client, ClientError

    try:
        with Client(str(settings.server), settings.request_timeout) as client:
            reply = client.ask(turns[-1], turns[:-1])
    except ClientError as error:
        raise UsageFailure(str(error)) from error
    return reply.model_dump(mode="json")


def _print_answer(markdown: str) -> None:
    text = _harmless(markdown)
    if not is_interactive():
        print_line(text.rstrip("\n"))
        return
    from bot.render.terminal import print_answer

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    print_answer(text, console())


def _harmless(text: str) -> str:
    """Replace what would steer a terminal: a server may send anything."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in "\n\t" else " " if char.isspace() else "�" for char in text)
