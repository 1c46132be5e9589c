"""Socket Mode: connections that an app opens and Slack sends through."""

from __future__ import annotations

import asyncio
import contextlib
import json
import uuid
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import WSMsgType, web

from tests.doubles.slack.clock import Clock, Timings
from tests.doubles.slack.delivery import Attempt, Delivery
from tests.doubles.slack.people import App

__all__ = ["Connection", "Reason", "SocketMode"]

Reason = Literal["warning", "refresh_requested", "too_many_websockets", "link_disabled"]

_MOST = 10
_LIFETIME = 18_060


@dataclass
class Connection:
    """One open connection; ``silent`` ones neither answer nor deliver, ``leaving`` ones get nothing new.

    One without a socket is a ghost: the app has lost it, Slack has not noticed and goes on to deliver through it.
    """

    name: str
    socket: web.WebSocketResponse | None = None
    silent: bool = False
    leaving: bool = False
    pings: int = 0
    pongs: int = 0
    received: list[Any] = field(default_factory=list)
    waiting: dict[str, asyncio.Future[Any]] = field(default_factory=dict)

    closed: bool = False

    @property
    def usable(self) -> bool:
        return not (self.closed or self.leaving)

    async def send(self, frame: dict[str, Any]) -> None:
        """Send a frame; whether it arrives shows in what comes back."""
        if self.socket is not None and not self.silent:
            with contextlib.suppress(ConnectionError):
                await self.socket.send_str(json.dumps(frame, ensure_ascii=False))

    async def close(self) -> None:
        self.closed = True
        if self.socket is not None:
            await self.socket.close()

    def take(self, frame: dict[str, Any]) -> bool:
        """Tell whether a frame acknowledges what was sent here."""
        waiting = self.waiting.get(str(frame.get("envelope_id")))
        if waiting is None or waiting.done():
            return False
        waiting.set_result(frame.get("payload"))
        return True


class SocketMode:
    """Hands out tickets, keeps connections and delivers through them."""

    def __init__(self, app: App, clock: Clock, timings: Timings) -> None:
        self._app, self._clock, self._timings = app, clock, timings
        self.root = ""
        self.connections: list[Connection] = []
        self.opened = 0
        self.strays: list[Any] = []
        """Frames that acknowledge nothing which was sent through their connection."""
        self.ignored_acks = 0
        """How many acknowledgements are to get lost from now on."""
        self._tickets: dict[str, float] = {}
        self._changed = asyncio.Event()
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def issue_url(self) -> str:
        """Return an address that can be connected to once, for a while."""
        ticket = uuid.uuid4().hex
        self._tickets[ticket] = self._clock.now() + self._timings.ticket
        return f"{self.root.replace('http', 'ws', 1)}/link/?ticket={ticket}&app_id={self._app.id}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection until it ends."""
        expires = self._tickets.pop(request.query.get("ticket", ""), 0.0)
        if self._clock.now() > expires:
            return web.Response(status=401, text="invalid ticket")
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.opened += 1
        connection = Connection(f"connection {self.opened}", socket)
        if len(self.open()) >= _MOST:
            await connection.send(_disconnect("too_many_websockets"))
            await connection.close()
            return socket
        self.connections.append(connection)
        await connection.send(self._hello())
        self._changed.set()
        pinging = asyncio.create_task(self._ping(connection))
        try:
            await self._read(connection, socket)
        finally:
            connection.closed = True
            pinging.cancel()
            self._changed.set()
        return socket

    def haunt(self, ghosts: int) -> None:
        """Add connections that the app has lost and Slack still counts."""
        for number in range(ghosts):
            self.connections.append(Connection(f"ghost {len(self.connections)}.{number}"))

    def open(self) -> list[Connection]:
        return [connection for connection in self.connections if not connection.closed]

    async def attempt(self, delivery: Delivery, number: int, reason: str) -> Attempt:
        """Send an envelope through a connection and await what acknowledges it on the same one."""
        at = self._clock.now()
        deadline = at + self._timings.ack
        avoid = delivery.attempts[-1].via if delivery.attempts else ""
        connection = await self._choose(deadline, avoid)
        if connection is None:
            return Attempt(number, reason, at, "", self._clock.now() - at, "connection_failed")
        envelope_id = str(uuid.uuid4())
        envelope: dict[str, Any] = {
            "envelope_id": envelope_id,
            "type": delivery.kind,
            "accepts_response_payload": delivery.accepts_response,
            "payload": delivery.payload,
        }
        if delivery.kind == "events_api":
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        acked = connection.waiting[envelope_id] = asyncio.get_running_loop().create_future()
        await connection.send(envelope)
        overdue = self._clock.alarm(deadline)
        try:
            await asyncio.wait({acked, overdue}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            overdue.cancel()
            del connection.waiting[envelope_id]
        took = self._clock.now() - at
        if acked.done():
            return Attempt(number, reason, at, connection.name, took, answer=acked.result())
        return Attempt(number, reason, at, connection.name, took, "timeout")

    async def disconnect(self, reason: Reason, connections: list[Connection] | None = None) -> None:
        """Tell apps to reconnect; all but a warning close the connection a moment later."""
        for connection in connections or self.open():
            await connection.send(_disconnect(reason))
            if reason != "warning":
                connection.leaving = True
                task = asyncio.create_task(self._close(connection))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        for connection in self.open():
            await connection.close()

    async def _close(self, connection: Connection) -> None:
        await asyncio.sleep(self._timings.goodbye)
        await connection.close()

    async def _choose(self, deadline: float, avoid: str) -> Connection | None:
        """Return the connection whose turn it is, another than ``avoid`` if there is one; wait for one to be opened."""
        while True:
            usable = [connection for connection in self.open() if connection.usable]
            others = [connection for connection in usable if connection.name != avoid]
            if usable:
                self._turn += 1
                return (others or usable)[self._turn % len(others or usable)]
            self._changed.clear()
            changed = asyncio.create_task(self._changed.wait())
            overdue = self._clock.alarm(deadline)
            await asyncio.wait({changed, overdue}, return_when=asyncio.FIRST_COMPLETED)
            for waiting in (changed, overdue):
                waiting.cancel()
            if self._clock.now() >= deadline:
                return None

    async def _read(self, connection: Connection, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if connection.silent:
                continue
            if message.type is WSMsgType.PING:
                connection.pings += 1
                await socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                connection.pongs += 1
            elif message.type is WSMsgType.TEXT:
                self._take(connection, message.data)

    def _take(self, connection: Connection, text: str) -> None:
        try:
            frame = json.loads(text)
        except json.JSONDecodeError:
            frame = text
        connection.received.append(frame)
        if self.ignored_acks and isinstance(frame, dict) and "envelope_id" in frame:
            self.ignored_acks -= 1
        elif not isinstance(frame, dict) or not connection.take(frame):
            self.strays.append(frame)

    async def _ping(self, connection: Connection) -> None:
        while connection.socket is not None and not connection.closed:
            await asyncio.sleep(self._timings.ping)
            if not connection.silent:
                with contextlib.suppress(ConnectionError):
                    await connection.socket.ping(b"Ping from applink-double")

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open()),
            "debug_info": {
                "host": "applink-double",
                "build_number": 1,
                "approximate_connection_time": _LIFETIME,
            },
            "connection_info": {"app_id": self._app.id},
        }


def _disconnect(reason: Reason) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-double"}}
