"""The methods of the Web API."""

from __future__ import annotations

from tests.doubles.slack.methods import (
    agents,
    chat,
    connection,
    conversations,
    files,
    people,
    reactions,
    streaming,
    views,
)
from tests.doubles.slack.methods.call import METHODS, Call, Method

__all__ = [
    "METHODS",
    "Call",
    "Method",
    "agents",
    "chat",
    "connection",
    "conversations",
    "files",
    "people",
    "reactions",
    "streaming",
    "views",
]
