"""Asks a running ``acknet serve``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from bot.exchange import ClientError, Exchange
from bot.web.entry_models import EntryList, EntrySummary, EntryView
from bot.web.models import AskReply, AskRequest, DiagnoseReply, DiagnoseRequest, RatingRequest, Scope

__all__ = ["AsyncClient", "Client", "ClientError", "Tell"]

_MAX_REPLY_BYTES = 16 * 1024 * 1024
_Request = TypeVar("_Request", bound=BaseModel)
_Reply = TypeVar("_Reply", bound=BaseModel)
_Result = TypeVar("_Result")

Tell = Callable[[Mapping[str, Any]], None]
"""Told the stages of an answer: ``{"stage": "retrieved"|"probing"|"answered", …}``, as `bot.service.Tell` says."""


class AsyncClient:
    """Asks the server at ``base_url``; a call takes at most ``timeout`` seconds.

    ``token`` is what ``acknet token new`` printed, where the server wants one. A call that the server could not be
    reached for, or that it says to send again later, is sent again, at most ``retries`` times and within the timeout;
    one that it may have begun to work on is not, unless it changes nothing. Proxies are taken from the environment
    (``HTTPS_PROXY``, ``NO_PROXY``, …), but none for a server on this machine. Every method raises ClientError.

    >>> async with AsyncClient("http://127.0.0.1:8080") as client:  # doctest: +SKIP
    ...     reply = await client.ask("how do I see which vSwitches Terway uses?")
    """

    def __init__(
        self,
        base_url: str,
        timeout: float = 30.0,
        *,
        token: str | None = None,
        retries: int = 2,
        max_reply_bytes: int = _MAX_REPLY_BYTES,
    ) -> None:
        self._exchange = Exchange(base_url, timeout, token=token, retries=retries, max_reply_bytes=max_reply_bytes)

    async def ask(
        self,
        question: str,
        thread: Sequence[str] = (),
        *,
        diagnose: bool = False,
        scope: Scope | None = None,
        tell: Tell | None = None,
    ) -> AskReply:
        """Ask ``question`` after the earlier turns of ``thread`` (oldest first); ``tell`` is told what is being done.

        With ``diagnose`` the server looks into its cluster first, where ``scope`` says.
        """
        body = _written(
            AskRequest, question=question, thread=list(thread) or None, diagnose=diagnose or None, scope=scope
        )
        return await self._post(AskReply, "/v1/ask", body, tell)

    async def diagnose(
        self,
        question: str | None = None,
        *,
        entries: Sequence[str] = (),
        scope: Scope | None = None,
        tell: Tell | None = None,
    ) -> DiagnoseReply:
        """Have the server look at ``entries`` and at those that may explain ``question``; without both, at all."""
        body = _written(DiagnoseRequest, question=question, entries=list(entries) or None, scope=scope)
        return await self._post(DiagnoseReply, "/v1/diagnose", body, tell)

    async def rate(self, answer_id: str, *, helpful: bool, reason: str | None = None) -> None:
        """Say whether the answer with this id (`AskReply.id`) helped; a later word takes the place of an earlier."""
        body = _written(RatingRequest, helpful=helpful, reason=reason)
        await self._exchange.call("POST", f"/v1/answers/{_step(answer_id, 'answer')}/rating", body, repeatable=True)

    async def entries(self) -> tuple[EntrySummary, ...]:
        """List every entry."""
        return (await self._get(EntryList, "/v1/entries")).entries

    async def entry(self, entry_id: str) -> EntryView:
        """Return everything about the entry ``entry_id``."""
        return await self._get(EntryView, f"/v1/entries/{_step(entry_id, 'entry')}")

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _get(self, model: type[_Reply], path: str) -> _Reply:
        return self._read(model, await self._exchange.call("GET", path, repeatable=True))

    async def _post(self, model: type[_Reply], path: str, body: bytes, tell: Tell | None) -> _Reply:
        if tell is None:
            return self._read(model, await self._exchange.call("POST", path, body))
        return self._read(model, await self._exchange.follow(path, body, tell))

    def _read(self, model: type[_Reply], content: bytes) -> _Reply:
        try:
            return model.model_validate_json(content)
        except ValidationError as error:
            raise self._exchange.strange_reply() from error


class Client:
    """`AsyncClient` for code that is not asynchronous; for one thread at a time, and not within a running event loop.

    >>> with Client("http://127.0.0.1:8080") as client:  # doctest: +SKIP
    ...     print(client.ask("how do I see which vSwitches Terway uses?").answer.markdown)
    """

    def __init__(
        self,
        base_url: str,
        timeout: float = 30.0,
        *,
        token: str | None = None,
        retries: int = 2,
        max_reply_bytes: int = _MAX_REPLY_BYTES,
    ) -> None:
        self._client = AsyncClient(base_url, timeout, token=token, retries=retries, max_reply_bytes=max_reply_bytes)
        # A loop of its own: only there can a time limit hold for a whole call.
        self._runner = asyncio.Runner()

    def ask(
        self,
        question: str,
        thread: Sequence[str] = (),
        *,
        diagnose: bool = False,
        scope: Scope | None = None,
        tell: Tell | None = None,
    ) -> AskReply:
        """Ask ``question``; see `AsyncClient.ask`."""
        return self._run(self._client.ask(question, thread, diagnose=diagnose, scope=scope, tell=tell))

    def diagnose(
        self,
        question: str | None = None,
        *,
        entries: Sequence[str] = (),
        scope: Scope | None = None,
        tell: Tell | None = None,
    ) -> DiagnoseReply:
        """Have the server look into its cluster; see `AsyncClient.diagnose`."""
        return self._run(self._client.diagnose(question, entries=entries, scope=scope, tell=tell))

    def rate(self, answer_id: str, *, helpful: bool, reason: str | None = None) -> None:
        """Say whether an answer helped; see `AsyncClient.rate`."""
        self._run(self._client.rate(answer_id, helpful=helpful, reason=reason))

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


def _written(model: type[_Request], **values: Any) -> bytes:
    try:
        return model(**values).model_dump_json(exclude_none=True).encode()
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ClientError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    except ValueError as error:
        raise ClientError("the question holds half a character (a lone surrogate) and cannot be sent") from error


def _step(identifier: str, what: str) -> str:
    """Return an id as one step of a path."""
    if not identifier:
        raise ClientError(f"the id of an {what} is not empty")
    # Dots too: ".." in a URL goes one step up before it is sent.
    return quote(identifier, safe="", errors="replace").replace(".", "%2E")
