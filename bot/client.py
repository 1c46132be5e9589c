"""Asks a running ``acknet serve``."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

from bot.web.entry_models import EntryList, EntrySummary, EntryView
from bot.web.models import AskReply, AskRequest, Problem, Scope

__all__ = ["AsyncClient", "Client", "ClientError"]

_MAX_REPLY_BYTES = 16 * 1024 * 1024
_LONGEST_MESSAGE = 500
_Reply = TypeVar("_Reply", bound=BaseModel)
_Result = TypeVar("_Result")


class ClientError(Exception):
    """Raised when a server gave no usable reply; its text is one printable line.

    ``status`` is that of the reply, ``problem`` what the server said; None where it did not come to that.
    """

    def __init__(self, message: str, status: int | None = None, problem: Problem | None = None) -> None:
        super().__init__(_one_line(message))
        self.status = status
        self.problem = problem


class AsyncClient:
    """Asks the server at ``base_url``; a call takes at most ``timeout`` seconds.

    Proxies are taken from the environment (``HTTPS_PROXY``, ``NO_PROXY``, …), but none for a server on this machine.
    Every method raises ClientError.

    >>> async with AsyncClient("http://127.0.0.1:8080") as client:  # doctest: +SKIP
    ...     reply = await client.ask("how do I see which vSwitches Terway uses?")
    """

    def __init__(self, base_url: str, timeout: float = 30.0, *, max_reply_bytes: int = _MAX_REPLY_BYTES) -> None:
        self._base = _checked_url(base_url)
        self._timeout = timeout
        self._max_reply_bytes = max_reply_bytes
        try:
            self._http = httpx.AsyncClient(
                timeout=timeout,
                trust_env=not _is_loopback(self._base.host),
                headers={"Accept": "application/json, application/problem+json", "Accept-Encoding": "identity"},
            )
        except (ImportError, ValueError, httpx.InvalidURL) as error:
            raise ClientError(f"the proxy that the environment names cannot be used: {error}") from error

    async def ask(
        self, question: str, thread: Sequence[str] = (), *, diagnose: bool = False, scope: Scope | None = None
    ) -> AskReply:
        """Ask ``question`` after the earlier turns of ``thread`` (oldest first)."""
        try:
            request = AskRequest(question=question, thread=list(thread) or None, diagnose=diagnose or None, scope=scope)
            body = request.model_dump_json(exclude_none=True).encode()
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ClientError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        except ValueError as error:
            raise ClientError("the question holds half a character (a lone surrogate) and cannot be sent") from error
        return await self._call(AskReply, "POST", "/v1/ask", body)

    async def entries(self) -> tuple[EntrySummary, ...]:
        """List every entry."""
        return (await self._call(EntryList, "GET", "/v1/entries")).entries

    async def entry(self, entry_id: str) -> EntryView:
        """Return everything about the entry ``entry_id``."""
        if not entry_id:
            raise ClientError("an entry's id is not empty")
        # Dots too: ".." in a URL goes one step up before it is sent.
        step = quote(entry_id, safe="", errors="replace").replace(".", "%2E")
        return await self._call(EntryView, "GET", f"/v1/entries/{step}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _call(self, model: type[_Reply], method: str, path: str, body: bytes | None = None) -> _Reply:
        response, content = await self._exchange(method, path, body)
        if not response.is_success:
            raise self._refusal(response, content)
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise ClientError(
                f"{self._base} replied with something else than acknet does; is it an acknet server?",
                response.status_code,
            ) from error

    async def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[httpx.Response, bytes]:
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            # httpx limits each step; a server that sends byte by byte needs a limit for them all.
            async with (
                asyncio.timeout(self._timeout),
                self._http.stream(method, f"{self._base}{path}", content=body, headers=headers) as response,
            ):
                return response, await self._content(response)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise ClientError(f"{self._base} did not reply within {self._timeout:g} s") from error
        except httpx.ConnectError as error:
            raise ClientError(f"cannot reach {self._base} ({error}); is acknet serve running there?") from error
        except httpx.ProxyError as error:
            raise ClientError(f"the proxy on the way to {self._base} refuses: {error}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = str(error) or type(error).__name__
            raise ClientError(f"the reply of {self._base} broke off or is not HTTP ({reason})") from error

    async def _content(self, response: httpx.Response) -> bytes:
        if response.headers.get("content-encoding", "identity") != "identity":
            # Unpacking is left out: a few bytes can become any number.
            raise ClientError(f"{self._base} sent a packed reply, which was not asked for", response.status_code)
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            if len(content) > self._max_reply_bytes:
                raise ClientError(
                    f"{self._base} replied with more than {self._max_reply_bytes} bytes", response.status_code
                )
        return bytes(content)

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
        wrong = "; ".join(f"{error.pointer.removeprefix('#/')}: {error.detail}" for error in problem.errors or ())
        quoted = f" (request {problem.request_id})" if status >= httpx.codes.INTERNAL_SERVER_ERROR else ""
        return ClientError(f"{problem.detail}{' ' if wrong else ''}{wrong}{quoted}", status, problem)


class Client:
    """`AsyncClient` for code that is not asynchronous; for one thread at a time, and not within a running event loop.

    >>> with Client("http://127.0.0.1:8080") as client:  # doctest: +SKIP
    ...     print(client.ask("how do I see which vSwitches Terway uses?").answer.markdown)
    """

    def __init__(self, base_url: str, timeout: float = 30.0, *, max_reply_bytes: int = _MAX_REPLY_BYTES) -> None:
        self._client = AsyncClient(base_url, timeout, max_reply_bytes=max_reply_bytes)
        # A loop of its own: only there can a time limit hold for a whole call.
        self._runner = asyncio.Runner()

    def ask(
        self, question: str, thread: Sequence[str] = (), *, diagnose: bool = False, scope: Scope | None = None
    ) -> AskReply:
        """Ask ``question`` after the earlier turns of ``thread`` (oldest first)."""
        return self._run(self._client.ask(question, thread, diagnose=diagnose, scope=scope))

    def entries(self) -> tuple[EntrySummary, ...]:
        """List every entry."""
        return self._run(self._client.entries())

    def entry(self, entry_id: str) -> EntryView:
        """Return everything about the entry ``entry_id``."""
        return self._run(self._client.entry(entry_id))

    def close(self) -> None:
        """Close the connections."""
        try:
            self._run(self._client.aclose())
        finally:
            self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, call: Coroutine[Any, Any, _Result]) -> _Result:
        return self._runner.run(call)


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
