"""The ``acknet`` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from bot import __version__
from bot.cli.ask import ask
from bot.cli.audit import audit_app
from bot.cli.console import ReaderGone, UsageFailure, flush, print_line
from bot.cli.corpus import corpus_app
from bot.cli.diagnose import diagnose
from bot.cli.evaluate import evaluate
from bot.cli.index import index_app
from bot.cli.mcp import mcp
from bot.cli.questions import questions_app
from bot.cli.serve import serve
from bot.cli.settings import settings
from bot.cli.slack import slack
from bot.cli.snapshot import snapshot
from bot.cli.token import token_app
from bot.cli.watch import watch

__all__ = ["app", "main"]

app = typer.Typer(
    name="acknet",
    help="Answers questions about container networking in Alibaba Cloud ACK, with citations to the FAQ.",
    epilog='Try: acknet ask "pods stuck in ContainerCreating, InvalidVSwitchId.IpNotEnough"',
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        print_line(f"acknet {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Answers questions about container networking in Alibaba Cloud ACK, with citations to the FAQ."""


app.command()(ask)
app.command()(diagnose)
app.command()(snapshot)
app.command()(serve)
app.command()(slack)
app.command()(watch)
app.command()(mcp)
app.command("eval")(evaluate)
app.command()(settings)
app.add_typer(corpus_app, name="corpus")
app.add_typer(index_app, name="index")
app.add_typer(audit_app, name="audit")
app.add_typer(questions_app, name="questions")
app.add_typer(token_app, name="token")


def _called() -> str:
    """The command as it was typed: kubectl runs a plugin by a name of its own."""
    return "kubectl acknet" if Path(sys.argv[0]).stem == "kubectl-acknet" else "acknet"


def _misused(error: typer.TyperException) -> str:
    """Return in one line what is wrong with the words and options that were typed, and where to read about them."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else _called()
    said = error.format_message().rstrip(".")
    return f"{said} See: {command} --help" if said.endswith("?") else f"{said}; see: {command} --help"


def main() -> None:
    """Run the command; a failure the user can mend ends with one line on stderr and exit code 2."""
    try:
        try:
            code = app(prog_name=_called(), standalone_mode=False)
        except typer.TyperException as error:
            said = error.format_message()
            if said.startswith("Usage:"):  # the help of a command that takes another one, where none was typed
                print_line(said, sys.stderr)
                sys.exit(2)
            raise UsageFailure(_misused(error)) from error
        finally:
            flush()
        sys.exit(code)
    except UsageFailure as failure:
        print_line(f"acknet: {' '.join(str(failure).split())}", sys.stderr)
        sys.exit(2)
    except ReaderGone:
        # The interpreter would complain at exit about what it cannot print any more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except KeyboardInterrupt:
        sys.exit(130)
