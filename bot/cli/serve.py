"""``acknet serve``: what a team runs."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from bot import __version__
from bot.cli.console import UsageFailure, print_line
from bot.cli.settings import ConfigFlag, load_or_fail

__all__ = ["end_while_building", "serve"]


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of the setting's.")] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on, in place of the setting's; 0 takes any free one."),
    ] = None,
    config: ConfigFlag = None,
) -> None:
    """Answer questions over HTTP until it is stopped.

    Prints one line with its address when it listens. The index is opened meanwhile, or built where there is none.
    """
    settings = load_or_fail({"host": host, "port": port}, config)

    from bot.observe.log import log_to_stderr
    from bot.observe.tracing import start_tracing
    from bot.web.access import is_loopback
    from bot.web.app import create_app
    from bot.web.server import ListenError, Server, listen, url_of

    try:
        listener = listen(settings.host, settings.port)
    except ListenError as error:
        raise UsageFailure(f"{error}; choose another with --host or --port") from error
    url = url_of(listener)
    log_to_stderr(settings)
    end_tracing = start_tracing(__version__)
    if not settings.api_tokens and not is_loopback(listener.getsockname()[0]):
        print_line(
            f"acknet: warning: {url} is open to other machines, but every request from there is refused: there is no "
            "token in ACKNET_API_TOKENS; acknet token new makes one",
            sys.stderr,
        )
    app = create_app(settings)

    def tell_ready() -> None:
        print_line(f"acknet is ready at {url}")
        sys.stdout.flush()

    Server(app, settings, tell_ready).run_until_signalled(listener)
    end_tracing()
    if not app.state.opening.wait(0):
        end_while_building()


def end_while_building() -> None:
    """End the process at once.

    The thread that builds the index cannot be stopped, and an interpreter that shuts down around it may crash in
    native code. A build that was cut off is never taken for an index.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
