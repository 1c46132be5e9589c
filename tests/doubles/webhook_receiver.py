"""Takes what acknet posts about incidents: a real HTTP server on a loopback port, in a thread."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Posted", "WebhookReceiver", "webhook_receiver"]

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Posted:
    """One request: its headers, by their names in lower case, and its body as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def notice(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass
class WebhookReceiver:
    """What came to ``url``. ``posts`` are all requests that were answered with success.

    ``refuse`` many requests are answered with 503 first; they are in ``refused``.
    """

    url: str = ""
    refuse: int = 0
    posts: list[Posted] = field(default_factory=list)
    refused: list[Posted] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def notices(self) -> list[dict[str, Any]]:
        """What was posted, without what came twice with one Idempotency-Key."""
        with self.changed:
            return list({post.headers["idempotency-key"]: post.notice for post in self.posts}.values())

    @property
    def kinds(self) -> list[str]:
        return [notice["kind"] for notice in self.notices]

    def wait(self, enough: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """Wait until what came is ``enough``, and return it."""
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        while not enough(notices := self.notices):
            with self.changed:
                left = give_up_at - time.monotonic()
                assert left > 0, f"in vain; there came: {[notice['kind'] for notice in notices]}"
                self.changed.wait(min(left, 0.5))
        return notices

    def take(self, post: Posted) -> int:
        with self.changed:
            refused = len(self.refused) < self.refuse
            (self.refused if refused else self.posts).append(post)
            self.changed.notify_all()
        return 503 if refused else 204


@contextmanager
def webhook_receiver(*, refuse: int = 0) -> Iterator[WebhookReceiver]:
    """Take posts until the block is left."""
    receiver = WebhookReceiver(refuse=refuse)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:
                return  # whoever sent it was killed meanwhile
            status = receiver.take(Posted({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """Say nothing of clients that were killed."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="webhook-receiver")
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join(20)
