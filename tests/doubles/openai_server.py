"""An OpenAI-compatible server on a loopback port that answers as it is told, well or badly."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["ModelServer", "Reply", "Script", "model_server"]

_PAUSE = 0.05


@dataclass(frozen=True)
class Reply:
    """What goes back: ``body`` as it is, or ``content`` as a completion; cut short or never as wanted.

    ``drip_head`` and ``drip_body`` say for how many seconds bytes that mean nothing come one by one, before the headers
    end and after them.
    """

    content: str = ""
    body: bytes | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    cut: bool = False
    drip_head: float = 0
    drip_body: float = 0
    reset: bool = False

    def bytes(self) -> bytes:
        if self.body is not None:
            return self.body
        message = {"role": "assistant", "content": self.content}
        whole = {"object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
        return json.dumps(whole).encode()


Script = Callable[[dict[str, Any]], Reply]
"""Told a request's body, says what to reply."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        double = self.server.double
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        double.asked.append(body)
        double.headers.append(dict(self.headers))
        self._reply(double.script(body), double.ended)

    def _reply(self, reply: Reply, ended: threading.Event) -> None:
        if reply.hang:
            ended.wait(60)
            self.close_connection = True
        elif reply.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
        else:
            self._send(reply, ended)

    def _send(self, reply: Reply, ended: threading.Event) -> None:
        data = reply.bytes()
        dripped = round(reply.drip_body / _PAUSE)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(dripped + len(data) + (10 if reply.cut else 0)))
        if reply.drip_head:
            self.flush_headers()
            self.wfile.write(b"X-Padding: ")
            self._drip(b"x", round(reply.drip_head / _PAUSE), ended)
            self.wfile.write(b"\r\n")
        self.end_headers()
        self._drip(b" ", dripped, ended)
        self.wfile.write(data)
        self.close_connection = self.close_connection or reply.cut

    def _drip(self, byte: bytes, times: int, ended: threading.Event) -> None:
        for _ in range(times):
            self.wfile.write(byte)
            if ended.wait(_PAUSE):
                return
        if times:
            self.server.double.dripped_out += 1

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    double: ModelServer

    def handle_error(self, *_: object) -> None:
        """A client that leaves is no error."""


class ModelServer:
    """The server at ``url``; ``asked`` holds the bodies and ``headers`` the headers of all requests.

    ``dripped_out`` counts the drips that somebody waited for to their end.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.dripped_out = 0
        self.ended = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.double = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def texts(self) -> list[str]:
        """Return what the model was shown of questions, oldest first."""
        return [body["messages"][-1]["content"] for body in self.asked]


@contextmanager
def model_server(script: Script | Reply) -> Iterator[ModelServer]:
    """Serve until the block is left; a single reply is given to every request."""
    double = ModelServer((lambda _: script) if isinstance(script, Reply) else script)
    thread = threading.Thread(target=double.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield double
    finally:
        double.ended.set()
        double.server.shutdown()
        thread.join()
        double.server.server_close()
