"""``acknet serve``: what a team runs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from bot import __version__
from bot.cli.console import UsageFailure, print_line
from bot.cli.running import end_while_building
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI

    from bot.settings import Settings

__all__ = ["listen_or_fail", "serve", "serve_app"]


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

    from bot.web.access import is_loopback

    listener = listen_or_fail(settings)
    if not settings.api_tokens and not is_loopback(listener.getsockname()[0]):
        from bot.web.server import url_of

        print_line(
            f"acknet: warning: {url_of(listener)} is open to other machines, but every request from there is refused: "
            "there is no token in ACKNET_API_TOKENS; acknet token new makes one",
            sys.stderr,
        )
    from bot.web.app import create_app

    serve_app(create_app(settings), settings, listener, "acknet is ready at {url}")


def listen_or_fail(settings: Settings) -> socket.socket:
    """Return a socket that listens where the settings say; raises UsageFailure."""
    from bot.web.server import ListenError, listen

    try:
        return listen(settings.host, settings.port)
    except ListenError as error:
        raise UsageFailure(f"{error}; choose another with --host or --port") from error


def serve_app(app: FastAPI, settings: Settings, listener: socket.socket, ready: str) -> None:
    """Serve ``app`` on ``listener`` until it is stopped; prints ``ready`` with its {url} once requests are taken."""
    from bot.observe.log import log_to_stderr
    from bot.observe.memory import keep_small
    from bot.observe.tracing import start_tracing
    from bot.web.server import Server, url_of

    log_to_stderr(settings)
    end_tracing = start_tracing(__version__)

    def tell_ready() -> None:
        print_line(ready.format(url=url_of(listener)))
        sys.stdout.flush()
        keep_small(app.state.opening.wait)

    Server(app, settings, tell_ready).run_until_signalled(listener)
    end_tracing()
    if not app.state.opening.wait(0):
        end_while_building()
