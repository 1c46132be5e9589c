"""``acknet mcp``: acknet as a tool of other agents."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.console import UsageFailure
from bot.cli.looking import ContextFlag, KubeconfigFlag
from bot.cli.running import end_while_building
from bot.cli.serve import listen_or_fail, serve_app
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.settings import Settings

__all__ = ["mcp"]


def mcp(
    http: Annotated[bool, typer.Option("--http", help="Serve streamable HTTP in place of stdin and stdout.")] = False,
    host: Annotated[str | None, typer.Option(help="With --http: address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="With --http: port to listen on; 0 takes any free one.")
    ] = None,
    kubeconfig: KubeconfigFlag = None,
    context: ContextFlag = None,
    config: ConfigFlag = None,
) -> None:
    """Let other agents ask, over the Model Context Protocol (MCP).

    They get the tools ask, diagnose and get_entry, and the entries as resources. Speaks the protocol on stdin and
    stdout, as agents start it, until stdin ends; logs go to stderr. With --http it prints its address when it is ready.
    Nothing is ever changed in a cluster.
    """
    if not http and (host is not None or port is not None):
        raise UsageFailure("--host and --port say where to listen, which takes --http")
    settings = load_or_fail({"host": host, "port": port, "kubeconfig": kubeconfig, "context": context}, config)
    if find_spec("mcp") is None:
        raise UsageFailure("acknet mcp needs the SDK of the protocol; run: pip install 'acknet[mcp]'")
    if http:
        _serve_http(settings)
    else:
        from bot.observe.log import log_to_stderr

        log_to_stderr(settings)
        asyncio.run(_serve_stdio(settings))


def _serve_http(settings: Settings) -> None:
    from bot.web.access import is_loopback

    listener = listen_or_fail(settings)
    if not settings.api_tokens and not is_loopback(listener.getsockname()[0]):
        listener.close()
        raise UsageFailure(
            "other machines reach this address, and there is no token in ACKNET_API_TOKENS, which acknet token new "
            "makes; or listen with --host 127.0.0.1"
        )
    from bot.mcp.part import MCP_PATH, mcp_parts
    from bot.web.app import create_app

    serve_app(create_app(settings, parts=mcp_parts), settings, listener, f"acknet takes MCP at {{url}}{MCP_PATH}")


async def _serve_stdio(settings: Settings) -> None:
    from bot import __version__
    from bot.mcp.stdio import serve_stdio
    from bot.observe.tracing import start_tracing

    end_tracing = start_tracing(__version__)
    await serve_stdio(settings)
    end_tracing()
    # Not after the event loop: it would wait for the thread that reads stdin.
    end_while_building()
