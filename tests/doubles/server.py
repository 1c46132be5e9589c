"""A real server on a loopback port, in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse

import httpx

from bot.opening import AskEngine, EngineOpening
from bot.part import Part
from bot.service import Service
from bot.settings import Settings
from bot.web.app import create_app
from bot.web.parts import serve_parts
from bot.web.server import Server, listen, url_of

__all__ = ["RawReply", "RunningServer", "running_server"]


@dataclass(frozen=True)
class RawReply:
    """What came back over a bare socket."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class RunningServer:
    """A server that listens at ``url``; ``http`` is a client for it."""

    url: str
    address: tuple[str, int]
    opening: EngineOpening
    http: httpx.Client

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        with socket.create_connection(self.address, timeout=90) as connection:
            yield connection

    def send_raw(self, data: bytes) -> RawReply:
        """Send ``data`` over a bare socket and read one reply."""
        with self.connection() as connection:
            connection.sendall(data)
            return read_reply(connection)


def read_reply(connection: socket.socket) -> RawReply:
    with HTTPResponse(connection) as response:
        response.begin()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return RawReply(response.status, headers, response.read())


@contextmanager
def running_server(
    open_engine: Callable[[Settings], AskEngine],
    settings: Settings | None = None,
    *,
    threads: int | None = None,
    waiting: int = 64,
    opened: bool = True,
    parts: Callable[[Service], Sequence[Part]] = serve_parts,
) -> Iterator[RunningServer]:
    """Serve until the block is left; with ``opened`` the engine is open (or has failed) before it is entered."""
    settings = settings or Settings()
    app = create_app(settings, open_engine, threads=threads, waiting=waiting, parts=parts)
    listener = listen("127.0.0.1", 0)
    ready = threading.Event()
    server = Server(app, settings, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    address, url = listener.getsockname(), url_of(listener)
    thread.start()
    try:
        assert ready.wait(90), "the server did not start"
        if opened:
            assert app.state.opening.wait(90), "the engine was not opened"
        with httpx.Client(base_url=url, timeout=90, trust_env=False) as http:
            yield RunningServer(url, address, app.state.opening, http)
    finally:
        server.should_exit = True
        thread.join(90)
    assert not thread.is_alive(), "the server did not stop"
