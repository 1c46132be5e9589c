"""Listens on a socket and serves the application there until it is told to stop."""

from __future__ import annotations

import math
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from bot.settings import Settings
from bot.web.protocol import HttpProtocol

__all__ = ["ListenError", "Server", "listen", "url_of"]

_BACKLOG = 2048


class ListenError(Exception):
    """Raised when an address cannot be listened on; its text, one line, says why."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port`` (0: any free one); raises ListenError."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise ListenError(f"cannot listen on host {host!r}: there is no such address on this machine") from error
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        # Now and not when the server starts: two processes may bind the same port, but only one may listen on it.
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise ListenError(f"cannot listen on {host}, port {port}: {error.strerror or error}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Return the address of ``listener`` as a URL."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server(uvicorn.Server):
    """Serves ``app``; ``on_ready`` is called once requests are taken."""

    def __init__(self, app: FastAPI, settings: Settings, on_ready: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=type("_Protocol", (HttpProtocol,), {"head_seconds": settings.request_timeout}),
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=math.ceil(settings.shutdown_timeout),
            )
        )
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then tell that it is done."""
        await super().startup(sockets)
        self._on_ready()

    def run_until_signalled(self, listener: socket.socket) -> None:
        """Serve on ``listener`` until SIGINT or SIGTERM, then finish what is under way and return.

        A second signal leaves what is under way unfinished.
        """

        def stop(_number: int, _frame: FrameType | None) -> None:
            self.force_exit = self.should_exit
            self.should_exit = True

        # uvicorn raises the signal again once it has shut down, which would end the process as if it had been killed.
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            self.run(sockets=[listener])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
