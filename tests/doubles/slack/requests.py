"""Requests to the double as they came."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.doubles.slack.errors import SlackError

__all__ = ["Received", "Reply"]


@dataclass
class Received:
    """A request; ``method`` names a Web API method, or is ``response_url``, ``upload``, ``download``, ``socket``.

    ``status`` and ``answer`` tell how it ended: what was sent back, or None where the connection was closed.
    """

    method: str
    verb: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    arguments: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    answer: dict[str, Any] | None = None
    faulty: bool = False

    @property
    def token(self) -> str | None:
        """The token of its Authorization header."""
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" and token.strip() else None

    @property
    def ok(self) -> bool:
        return bool(self.answer and self.answer.get("ok"))

    @property
    def error(self) -> str | None:
        return self.answer.get("error") if self.answer else None


@dataclass
class Reply:
    """An answer that is to be sent."""

    status: int
    body: bytes
    content_type: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def json(cls, value: Mapping[str, Any], status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        return cls(status, json.dumps(value, ensure_ascii=False).encode(), headers=dict(headers or {}))

    @classmethod
    def text(cls, value: str, status: int = 200) -> Reply:
        return cls(status, value.encode(), "text/plain; charset=utf-8")


def parse_arguments(query: str, content_type: str, body: bytes) -> dict[str, Any]:
    """Return the arguments of a Web API call; raise what Slack says of a body it cannot read."""
    arguments: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    kind = content_type.partition(";")[0].strip().lower()
    if not body:
        return arguments
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise SlackError("invalid_charset") from None
    if kind == "application/json":
        try:
            given = json.loads(text)
        except json.JSONDecodeError:
            raise SlackError("invalid_json") from None
        if not isinstance(given, dict):
            raise SlackError("json_not_object")
        return arguments | given
    if kind == "application/x-www-form-urlencoded":
        return arguments | dict(parse_qsl(text, keep_blank_values=True))
    raise SlackError("missing_post_type" if not kind else "invalid_post_type")
