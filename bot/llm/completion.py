"""One call of an OpenAI-compatible server that is trusted with nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from bot.llm.prompts import Form

__all__ = ["Completion", "CompletionError", "Deadline"]

_MOST_BYTES = 64 * 1024
_MOST_TOKENS = 400
_MOST_REST_SECONDS = 300.0
_REST_SECONDS = 15.0
_NOT_TAKEN = {httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY}

_Form = TypeVar("_Form", bound=Form)


class CompletionError(Exception):
    """The model gave nothing that can be used; ``rest`` is for how many seconds it is not worth asking again."""

    def __init__(self, message: str, rest: float = 0.0) -> None:
        super().__init__(message)
        self.rest = rest


class Deadline:
    """The end of a time of ``seconds`` that begins now."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; 0 when it is over."""
        return max(0.0, self._end - time.monotonic())


class Completion:
    """Asks the model ``model`` of the server at ``url`` to fill in forms. Safe to use from several threads.

    Not every server takes a schema for its replies; one that refuses it is asked without from then on.
    """

    def __init__(self, url: str, model: str, key: str | None = None) -> None:
        self._url = f"{url}/chat/completions"
        self._model = model
        # Packed replies could unpack to any size.
        self._headers = {"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._trust = httpx.create_ssl_context()  # which takes longer than everything else of a call
        self._takes_schema = True

    def ask(self, instruction: str, text: str, form: type[_Form], deadline: Deadline) -> _Form:
        """Return the form as the model fills it in for ``text``. Must not be called within a running event loop.

        Raises CompletionError for whatever goes wrong, when no time is left at the latest.
        """
        plain = {
            "model": self._model,
            "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": _MOST_TOKENS,
        }
        schema = {"type": "json_schema", "json_schema": {"name": "reply", "schema": form.model_json_schema()}}
        received = _until(deadline, self._post(plain, {"response_format": schema}))
        try:
            return form.model_validate_json(_content(received))
        except ValidationError as error:
            raise CompletionError("the reply does not have the form that was asked for") from error

    async def _post(self, plain: Mapping[str, Any], schema: Mapping[str, Any]) -> bytes:
        # A client for each call: nothing is left open, and a call of a model takes far longer than making one. Its own
        # time limits are for each read, which a server that drips never reaches; the deadline ends it.
        async with httpx.AsyncClient(
            headers=self._headers, verify=self._trust, follow_redirects=False, timeout=httpx.Timeout(None)
        ) as client:
            if self._takes_schema:
                status, received = await self._exchange(client, {**plain, **schema})
                if status not in _NOT_TAKEN:
                    return received
            status, received = await self._exchange(client, plain)
            if status in _NOT_TAKEN:
                raise CompletionError(f"the server answers {status}", _REST_SECONDS)
            self._takes_schema = False
            return received

    async def _exchange(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> tuple[int, bytes]:
        received = bytearray()
        async with client.stream("POST", self._url, json=body) as reply:
            if reply.status_code in _NOT_TAKEN:
                return reply.status_code, b""
            if reply.status_code != httpx.codes.OK:
                raise CompletionError(f"the server answers {reply.status_code}", _rest(reply))
            async for piece in reply.aiter_raw():
                received += piece
                if len(received) > _MOST_BYTES:
                    raise CompletionError("the reply is too long")
        return reply.status_code, bytes(received)


def _until(deadline: Deadline, work: Coroutine[Any, Any, bytes]) -> bytes:
    """Do ``work`` and return what it does; it ends with the deadline, whatever it waits for."""

    async def bounded() -> bytes:
        async with asyncio.timeout(deadline.left):
            return await work

    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(bounded())
    except TimeoutError as error:
        raise CompletionError("no reply in time", _REST_SECONDS) from error
    except httpx.HTTPError as error:
        raise CompletionError(f"no reply ({type(error).__name__})", _REST_SECONDS) from error
    finally:
        # Unlike asyncio.run, closing does not wait for a thread that still looks for the server's address.
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


def _rest(reply: httpx.Response) -> float:
    """Return how long the server wants to be left alone."""
    try:
        asked = float(reply.headers.get("Retry-After", ""))
    except ValueError:
        return _REST_SECONDS
    return min(asked, _MOST_REST_SECONDS) if asked >= 0 else _REST_SECONDS


def _content(received: bytes) -> str:
    try:
        content = json.loads(received)["choices"][0]["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise CompletionError("the reply is no completion") from error
    if not isinstance(content, str):
        raise CompletionError("the reply holds no text")
    return content
