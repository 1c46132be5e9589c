"""One call of an OpenAI-compatible server that is trusted with nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

__all__ = ["Completion", "CompletionError", "Deadline"]

_MOST_BYTES = 64 * 1024
_MOST_TOKENS = 400
_MOST_REST_SECONDS = 300.0
_REST_SECONDS = 15.0


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
    """Asks the model ``model`` of the server at ``url`` for JSON objects. Safe to use from several threads."""

    def __init__(self, url: str, model: str, key: str | None = None) -> None:
        self._url = f"{url}/chat/completions"
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    def ask(self, instruction: str, text: str, schema: Mapping[str, Any], deadline: Deadline) -> dict[str, Any]:
        """Return the JSON object that the model answers ``text`` with; whether it fits ``schema`` is not checked.

        Raises CompletionError for whatever goes wrong, within the time that is left.
        """
        body = {
            "model": self._model,
            "messages": [{"role": "system", "content": instruction}, {"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": _MOST_TOKENS,
            "response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": dict(schema)}},
        }
        return _object(_content(self._post(body, deadline)))

    def _post(self, body: Mapping[str, Any], deadline: Deadline) -> bytes:
        if deadline.left == 0:
            raise CompletionError("there is no time left")
        received = bytearray()
        try:
            # A client for each call: nothing is left open, and a call of a model takes far longer than making one.
            with (
                httpx.Client(headers=self._headers, follow_redirects=False) as client,
                client.stream("POST", self._url, json=body, timeout=deadline.left) as reply,
            ):
                if reply.status_code != httpx.codes.OK:
                    raise CompletionError(f"the server answers {reply.status_code}", _rest(reply))
                for piece in reply.iter_bytes():
                    received += piece
                    if len(received) > _MOST_BYTES:
                        raise CompletionError("the reply is too long")
                    if deadline.left == 0:
                        raise CompletionError("the reply came too slowly", _REST_SECONDS)
        except httpx.HTTPError as error:
            raise CompletionError(f"no reply ({type(error).__name__})", _REST_SECONDS) from error
        return bytes(received)


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


def _object(content: str) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise CompletionError("the reply is not JSON") from error
    if not isinstance(found, dict):
        raise CompletionError("the reply is no JSON object")
    return found
