"""A call of the Web API, and the register of its methods."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.doubles.slack.connections import SocketMode
from tests.doubles.slack.errors import SlackError, invalid_arguments
from tests.doubles.slack.files import Files
from tests.doubles.slack.people import Channel
from tests.doubles.slack.rate_limits import RateLimits
from tests.doubles.slack.workspace import Workspace

__all__ = ["METHODS", "Call", "Method", "method"]


@dataclass
class Call:
    """One call with its arguments, as a form or JSON gave them."""

    method: Method
    arguments: dict[str, Any]
    workspace: Workspace
    files: Files
    sockets: SocketMode
    limits: RateLimits

    def given(self, name: str) -> bool:
        return self.arguments.get(name) not in (None, "")

    def text(self, name: str, default: str = "") -> str:
        value = self.arguments.get(name)
        if value is None:
            return default
        if isinstance(value, (dict, list)):
            raise invalid_arguments(f"must provide a string [json-pointer:/{name}]")
        return str(value)

    def required(self, name: str) -> str:
        if not self.given(name):
            raise invalid_arguments(f"missing required field: {name} [json-pointer:/{name}]")
        return self.text(name)

    def flag(self, name: str) -> bool:
        return self.arguments.get(name) in (True, 1, "1", "true", "True")

    def number(self, name: str, default: int, most: int) -> int:
        """Return a whole number from 1 to ``most``; larger ones count as that."""
        try:
            value = int(self.arguments.get(name) or default)
        except (TypeError, ValueError):
            raise invalid_arguments(f"must provide an integer [json-pointer:/{name}]") from None
        if value < 1:
            raise SlackError("invalid_limit")
        return min(value, most)

    def structure(self, name: str, error: str = "invalid_arguments") -> Any:
        """Return an argument that is an object or array, or the JSON of one; None where it is not given."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            raise SlackError(error) from None

    def channel(self, name: str = "channel") -> Channel:
        return self.workspace.channel(self.required(name))

    def need(self, *scopes: str) -> None:
        """Raise missing_scope unless the token has one of ``scopes``."""
        granted = self.workspace.app.scopes
        if scopes and not granted.intersection(scopes):
            raise SlackError("missing_scope", needed=",".join(scopes), provided=",".join(sorted(granted)))

    def need_for(self, channel: Channel, right: str) -> None:
        """Raise missing_scope unless the token may do ``right`` (read, history) in a channel of this kind."""
        family = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}[channel.kind]
        self.need(f"{family}:{right}")


@dataclass(frozen=True)
class Method:
    """A method of the Web API; a token needs one of ``scopes``; ``tier`` says how often it may be called."""

    name: str
    run: Callable[[Call], dict[str, Any]]
    scopes: Sequence[str] = ()
    tier: int = 3
    token: str = "bot"


METHODS: dict[str, Method] = {}


def method(
    name: str, *scopes: str, tier: int = 3, token: str = "bot"
) -> Callable[[Callable[[Call], dict[str, Any]]], Callable[[Call], dict[str, Any]]]:
    """Register a function as what carries out ``name``; it returns the answer without ``ok``."""

    def register(run: Callable[[Call], dict[str, Any]]) -> Callable[[Call], dict[str, Any]]:
        METHODS[name] = Method(name, run, scopes, tier, token)
        return run

    return register
