"""How the client and a server exchange one request and its reply: time, size, tokens, events, and sending again."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from bot.web.models import Problem

__all__ = ["ClientError", "Exchange"]

_T = TypeVar("_T")
_LONGEST_MESSAGE = 500
_FIRST_PAUSE = 0.2
_COME_AGAIN = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)
# Less than the time after which servers close a connection that nobody uses.
_KEEPALIVE_SECONDS = 2.0


class ClientError(Exception):
    """Raised when a server gave no usable reply; its text is one printable line.

    ``status`` is that of the reply, ``problem`` what the server said; None where it did not come to that.
    """

    def __init__(self, message: str, status: int | None = None, problem: Problem | None = None) -> None:
        super().__init__(_one_line(message))
        self.status = status
        self.problem = problem


class _Again(Exception):
    """The call was not worked on, or may be repeated: ``error`` is what it ends with where it is not sent again."""

    def __init__(self, error: ClientError, pause: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.pause = pause


class Exchange:
    """The connections to one server, as `bot.client.AsyncClient` describes them."""

    def __init__(self, base_url: str, timeout: float, *, token: str | None, retries: int, max_reply_bytes: int) -> None:
        self._base = _checked_url(base_url)
        self._timeout = timeout
        self._retries = retries
        self._max_reply_bytes = max_reply_bytes
        headers = {"Accept-Encoding": "identity"} | (
            {"Authorization": f"Bearer {_checked_token(token)}"} if token else {}
        )
        try:
            self._http = httpx.AsyncClient(
                timeout=timeout,
                trust_env=not _is_loopback(self._base.host),
                headers=headers,
                limits=httpx.Limits(keepalive_expiry=_KEEPALIVE_SECONDS),
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise ClientError(f"the proxy that the environment names cannot be used: {error}") from error

    async def call(self, method: str, path: str, body: bytes | None = None, *, repeatable: bool = False) -> bytes:
        """Return the body of the reply; raises ClientError. ``repeatable``: doing it twice does no more than once."""

        async def once() -> bytes:
            async with self._sent(method, path, body, "application/json", repeatable=repeatable) as response:
                return await self._content(response)

        return await self._until_done(once)

    async def follow(self, path: str, body: bytes, tell: Callable[[Mapping[str, Any]], None]) -> bytes:
        """Return the result of a reply in server-sent events, after telling its progress; raises ClientError."""

        async def once() -> bytes:
            async with self._sent("POST", path, body, "text/event-stream", repeatable=False) as response:
                if not response.headers.get("content-type", "").startswith("text/event-stream"):
                    return await self._content(response)
                async for name, data in self._events(response):
                    if name == "progress":
                        tell(self._object(data))
                    elif name == "result":
                        return data
                    elif name == "problem":
                        raise self._refusal(response, data)
            raise ClientError(f"the reply of {self._base} ended before its result", response.status_code)

        return await self._until_done(once)

    def strange_reply(self) -> ClientError:
        """Return the error of a reply that cannot be read."""
        return ClientError(f"{self._base} replied with something else than acknet does; is it an acknet server?", 200)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _until_done(self, once: Callable[[], Awaitable[_T]]) -> _T:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._timeout
        left = self._retries
        pause = _FIRST_PAUSE
        while True:
            try:
                # httpx limits each step; a server that sends byte by byte needs a limit for them all.
                async with asyncio.timeout_at(end):
                    return await once()
            except _Again as again:
                wait = pause if again.pause is None else again.pause
                if left == 0 or loop.time() + wait >= end:
                    raise again.error from again
                await asyncio.sleep(wait)
                left -= 1
                pause *= 2
            except TimeoutError as error:
                raise ClientError(f"{self._base} did not reply within {self._timeout:g} s") from error

    @asynccontextmanager
    async def _sent(
        self, method: str, path: str, body: bytes | None, accept: str, *, repeatable: bool
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its reply once that is no refusal; raises ClientError or _Again."""
        headers = {"Accept": f"{accept}, application/problem+json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            async with self._http.stream(method, f"{self._base}{path}", content=body, headers=headers) as response:
                if not response.is_success:
                    refusal = self._refusal(response, await self._content(response))
                    pause = _come_again(response)
                    raise refusal if pause is None else _Again(refusal, pause)
                yield response
        except httpx.TimeoutException as error:
            raise ClientError(f"{self._base} did not reply within {self._timeout:g} s") from error
        except httpx.ConnectError as error:
            # It never got there.
            raise _Again(ClientError(f"cannot reach {self._base} ({error}); is acknet serve running there?")) from error
        except httpx.ProxyError as error:
            raise ClientError(f"the proxy on the way to {self._base} refuses: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            broken = ClientError(f"the reply of {self._base} broke off or is not HTTP ({reason})")
            if repeatable and isinstance(error, httpx.NetworkError | httpx.RemoteProtocolError):
                raise _Again(broken) from error
            raise broken from error

    async def _content(self, response: httpx.Response) -> bytes:
        return b"".join([chunk async for chunk in self._chunks(response)])

    async def _chunks(self, response: httpx.Response) -> AsyncIterator[bytes]:
        if response.headers.get("content-encoding", "identity") != "identity":
            # Unpacking is left out: a few bytes can become any number.
            raise ClientError(f"{self._base} sent a packed reply, which was not asked for", response.status_code)
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._max_reply_bytes:
                raise ClientError(
                    f"{self._base} replied with more than {self._max_reply_bytes} bytes", response.status_code
                )
            yield chunk

    async def _events(self, response: httpx.Response) -> AsyncIterator[tuple[str, bytes]]:
        """Yield the server-sent events by name, as acknet writes them: one line of data each, comments between."""
        waiting = bytearray()
        async for chunk in self._chunks(response):
            start = max(0, len(waiting) - 1)
            waiting += chunk
            while (end := waiting.find(b"\n\n", start)) >= 0:
                lines = [line.partition(b":") for line in bytes(waiting[:end]).split(b"\n")]
                del waiting[: end + 2]
                start = 0
                fields = {name: value.removeprefix(b" ") for name, _, value in lines if name}
                if b"data" in fields:
                    yield fields.get(b"event", b"message").decode("utf-8", "replace"), fields[b"data"]

    def _object(self, data: bytes) -> Mapping[str, Any]:
        try:
            found = json.loads(data)
        except ValueError as error:
            raise self.strange_reply() from error
        if not isinstance(found, dict):
            raise self.strange_reply()
        return found

    def _refusal(self, response: httpx.Response, content: bytes) -> ClientError:
        status = response.status_code
        if response.has_redirect_location:
            target = response.headers["location"]
            return ClientError(f"{self._base} redirects to {target}; use the address it redirects to", status)
        try:
            problem = Problem.model_validate_json(content)
        except ValidationError:
            said = f"{status} {response.reason_phrase}".strip()
            return ClientError(f"{self._base} replied {said} without saying why; is it an acknet server?", status)
        if response.is_success:
            status = problem.status  # that of an event: the reply had begun when it went wrong
        wrong = "; ".join(f"{error.pointer.removeprefix('#/')}: {error.detail}" for error in problem.errors or ())
        quoted = f" (request {problem.request_id})" if status >= httpx.codes.INTERNAL_SERVER_ERROR else ""
        return ClientError(f"{problem.detail}{' ' if wrong else ''}{wrong}{quoted}", status, problem)


def _come_again(response: httpx.Response) -> float | None:
    """Return in how many seconds the server wants to be asked again; None where it does not say."""
    after = response.headers.get("retry-after", "")
    return float(after) if response.status_code in _COME_AGAIN and after.isdecimal() and len(after) < 6 else None


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.rstrip("/"))
    except httpx.InvalidURL as error:
        raise ClientError(f"{text!r} is not a URL: {error}") from error
    plain = url.host and not (url.query or url.fragment or url.userinfo or any(map(str.isspace, text)))
    usable = url.port is None or 0 < url.port < 65536
    if url.scheme not in {"http", "https"} or not plain or not usable:
        raise ClientError(f"{text!r} is not a server's address; write it like http://127.0.0.1:8080")
    return url


def _checked_token(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise ClientError("the token for the server is none: it has no spaces and nothing but letters, digits, _ and -")
    return token


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _one_line(text: str) -> str:
    """Return ``text`` on one line without anything that a terminal would act on: much of it is the server's."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(printable.split())
    return line if len(line) <= _LONGEST_MESSAGE else f"{line[:_LONGEST_MESSAGE]}…"
