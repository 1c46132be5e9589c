"""HTTP/1.1 as Slack sends it: over several connections, each kept open and used again."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

__all__ = ["HttpSender", "MalformedAnswer", "Response", "TooManyRedirects"]

_REDIRECTS = 2
_AS_GET = (301, 302, 303)
_REDIRECTING = (*_AS_GET, 307, 308)


class TooManyRedirects(Exception):
    """The app sends on and on."""


class MalformedAnswer(Exception):
    """What the app answered is no HTTP."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; the names in ``headers`` are lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class HttpSender:
    """Posts; as many connections are opened as there are requests under way at a time."""

    def __init__(self) -> None:
        self._idle: dict[tuple[str, str], list[_Connection]] = {}

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Response:
        """Return what is answered. Raises OSError, TooManyRedirects or MalformedAnswer."""
        verb, sent = "POST", body
        for _ in range(_REDIRECTS + 1):
            response = await self._exchange(verb, url, sent, headers)
            if response.status not in _REDIRECTING or "location" not in response.headers:
                return response
            url = urljoin(url, response.headers["location"])
            if response.status in _AS_GET:
                verb, sent = "GET", b""
        raise TooManyRedirects

    async def close(self) -> None:
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()

    async def _exchange(self, verb: str, url: str, body: bytes, headers: dict[str, str]) -> Response:
        address = urlsplit(url)
        idle = self._idle.setdefault((address.scheme, address.netloc), [])
        connection = None
        while idle and connection is None:
            connection = idle.pop()
            if connection.closed:
                connection = None
        if connection is None:
            connection = await _connected(address)
        response = None
        try:
            response = await connection.exchange(_request(verb, address, body, headers))
        finally:
            if response is not None and connection.reusable:
                idle.append(connection)
            else:
                connection.abort()
        return response


class _Connection(asyncio.Protocol):
    """One connection, which takes one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._got = bytearray()
        self._answered: asyncio.Future[Response] | None = None
        self.closed = False
        self.reusable = False

    def exchange(self, request: bytes) -> asyncio.Future[Response]:
        """Send a request; return what will be its answer."""
        assert self._transport is not None
        self._answered = asyncio.get_running_loop().create_future()
        self.reusable = False
        self._transport.write(request)
        return self._answered

    def abort(self) -> None:
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._got += data
        self._take(ended=False)

    def eof_received(self) -> None:
        self.closed = True
        self._take(ended=True)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(exc or ConnectionResetError("the connection was closed"))

    def _take(self, *, ended: bool) -> None:
        """Hand on the answer once it is there as a whole."""
        if self._answered is None or self._answered.done():
            return
        try:
            response = _response(self._got, ended=ended)
        except (ValueError, IndexError):
            self._answered.set_exception(MalformedAnswer(bytes(self._got[:200])))
            return
        if response is not None:
            self._got.clear()
            self.reusable = not self.closed and response.headers.get("connection", "").lower() != "close"
            self._answered.set_result(response)


async def _connected(address: SplitResult) -> _Connection:
    secure = address.scheme == "https"
    _, connection = await asyncio.get_running_loop().create_connection(
        _Connection,
        address.hostname,
        address.port or (443 if secure else 80),
        ssl=ssl.create_default_context() if secure else None,
    )
    return connection


def _request(verb: str, address: SplitResult, body: bytes, headers: dict[str, str]) -> bytes:
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    lines = [f"{verb} {target} HTTP/1.1", f"Host: {address.netloc}", "Accept: */*"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode("latin-1") + body


def _response(got: bytearray, *, ended: bool) -> Response | None:
    """Return the answer in ``got``, None where more is to come; raise ValueError or IndexError where it is none."""
    head, separator, body = bytes(got).partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    status = int(first.split(" ")[1])
    if status // 100 == 1:  # something is still to come
        del got[: len(head) + len(separator)]
        return _response(got, ended=ended)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if status in (204, 304):
        return Response(status, headers, b"")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        whole = _unchunked(body)
        return None if whole is None else Response(status, headers, whole)
    if "content-length" in headers:
        length = int(headers["content-length"])
        return Response(status, headers, body[:length]) if len(body) >= length else None
    return Response(status, headers, body) if ended else None


def _unchunked(body: bytes) -> bytes | None:
    """Return what the chunks hold, None where more is to come."""
    parts = []
    while True:
        size, separator, rest = body.partition(b"\r\n")
        if not separator:
            return None
        length = int(size.partition(b";")[0], 16)
        if len(rest) < length + 2:
            return None
        if length == 0:
            return b"".join(parts)
        parts.append(rest[:length])
        body = rest[length + 2 :]
