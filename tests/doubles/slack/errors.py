"""What the Web API says when it refuses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["SlackError", "invalid_arguments"]


class SlackError(Exception):
    """A call that is answered ``{"ok": false, "error": error, …}``.

    ``more`` comes on top of the answer; ``messages`` say what is wrong where (``[json-pointer:/…]``).
    """

    def __init__(
        self,
        error: str,
        *,
        messages: Iterable[str] = (),
        status: int = 200,
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(error)
        self.error = error
        self.messages = list(messages)
        self.status = status
        self.headers = headers or {}
        self.more = more

    @property
    def body(self) -> dict[str, Any]:
        said: dict[str, Any] = {"ok": False, "error": self.error}
        if self.messages:
            said["errors"] = self.messages
            said["response_metadata"] = {"messages": [f"[ERROR] {message}" for message in self.messages]}
        return said | self.more


def invalid_arguments(*messages: str) -> SlackError:
    """Return the failure of a call whose arguments do not fit."""
    return SlackError("invalid_arguments", messages=messages)
