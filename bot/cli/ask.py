"""``acknet ask``: a question in, the answer out."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from bot.cli.console import UsageFailure, console, flush, is_interactive, print_line
from bot.cli.looking import (
    ContextFlag,
    KubeconfigFlag,
    Look,
    NamespaceFlag,
    NodeFlag,
    NowFlag,
    PodFlag,
    ServiceFlag,
    SnapshotFlag,
    facts_progress,
    look_into,
)
from bot.cli.progress import BUILDING, progress_on_stderr
from bot.cli.settings import ConfigFlag, load_or_fail
from bot.cli.turns import read_turns

if TYPE_CHECKING:
    from bot.client import Tell
    from bot.settings import Settings

__all__ = ["ask", "leave", "print_markdown"]

_NO_ANSWER = 3
_UNAUTHORIZED = 401
_STATES = ("reading", "read", "unreadable")


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
    diagnose: Annotated[
        bool, typer.Option("--diagnose", help="Look into the cluster, read-only, to tell the cases apart.")
    ] = False,
    namespace: NamespaceFlag = None,
    pod: PodFlag = None,
    node: NodeFlag = None,
    service: ServiceFlag = None,
    kubeconfig: KubeconfigFlag = None,
    context: ContextFlag = None,
    snapshot: SnapshotFlag = None,
    now: NowFlag = None,
    config: ConfigFlag = None,
) -> None:
    """Answer a question about container networking, with citations.

    Answers rest on ACK's FAQ and on nothing else. Prints Markdown, and reads well on a terminal. A pasted log or
    manifest is a question too: kubectl describe pod web-0 | acknet ask. Exit code 0: there is an answer, or several to
    choose from; 3: the FAQ has none; 2: something failed.
    """
    turns = read_turns(question or (), thread)
    settings = load_or_fail({"server": server, "kubeconfig": kubeconfig, "context": context}, config)
    look = Look(snapshot, now, namespace, pod, node, service)
    if not diagnose and (given := [name for name, value in vars(look).items() if value is not None]):
        raise UsageFailure(f"--{given[0]} says where to look, which takes --diagnose")
    if settings.server:
        reply = _ask_server(settings, turns, look if diagnose else None)
    else:
        reply = _ask_index(settings, turns, look if diagnose else None)
    if as_json:
        print_line(json.dumps(reply, indent=2))
    else:
        print_markdown(reply["answer"]["markdown"])
    leave(_NO_ANSWER if reply["outcome"] == "no_answer" else 0)


def leave(code: int) -> NoReturn:
    """End the process at once: taking a tenth of a second to clean up memory would keep the prompt waiting."""
    flush()
    os._exit(code)


def _ask_index(settings: Settings, turns: Sequence[str], look: Look | None) -> dict[str, Any]:
    from bot.engine import EngineError, open_engine
    from bot.render import json_answer

    with progress_on_stderr(BUILDING) as progress:
        try:
            engine = open_engine(settings, progress)
        except EngineError as error:
            raise UsageFailure(str(error)) from error
    if look is None:
        return json_answer(engine.ask(turns))
    found = look_into(settings, engine.corpus, look, entries=engine.suspects(turns), text="\n".join(turns))
    return json_answer(engine.ask(turns, found))


def _ask_server(settings: Settings, turns: Sequence[str], look: Look | None) -> dict[str, Any]:
    from bot.client import Client, ClientError
    from bot.web.models import Scope

    scope = None
    if look is not None:
        if look.snapshot is not None:
            raise UsageFailure("--snapshot is looked into here, not by a server; leave --server out")
        scope = Scope(namespace=look.namespace, pod=look.pod, node=look.node, service=look.service)
    token = settings.server_token.get_secret_value() if settings.server_token else None
    # A look takes its own time on top of that of any question.
    timeout = settings.request_timeout + (settings.diagnosis_timeout if look is not None else 0)
    try:
        with Client(str(settings.server), timeout, token=token) as client, _stages(look is not None) as tell:
            reply = client.ask(turns[-1], turns[:-1], diagnose=look is not None, scope=scope, tell=tell)
    except ClientError as error:
        hint = "; set ACKNET_SERVER_TOKEN to one" if error.status == _UNAUTHORIZED and token is None else ""
        raise UsageFailure(f"{error}{hint}") from error
    return reply.model_dump(mode="json")


@contextmanager
def _stages(looks: bool) -> Iterator[Tell | None]:
    """Yield what is told the stages of an answer, to be shown on a terminal; None where there is nothing to show."""
    if not (looks and is_interactive(sys.stderr)):
        yield None
        return
    with facts_progress() as progress:

        def tell(stage: Mapping[str, Any]) -> None:
            state = stage.get("state")
            if stage.get("stage") == "probing" and state in _STATES:
                progress(_harmless(str(stage.get("fact"))), state)

        yield tell


def print_markdown(markdown: str) -> None:
    """Print an answer on stdout: set for reading on a terminal, as Markdown elsewhere."""
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
