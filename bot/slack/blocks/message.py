"""A message as it goes to Slack."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from slack_sdk.models.blocks import Block

__all__ = ["Message"]


@dataclass(frozen=True)
class Message:
    """What is sent as one message.

    ``text``: what notifications show and screen readers read, escaped, at most 4,000 characters. ``blocks``: what
    people see, within Slack's limits. ``overflow``: the whole as Markdown where the blocks had to leave something out,
    for a reply or a file. ``more``: what belongs below it, message by message.
    """

    text: str
    blocks: tuple[Block, ...]
    overflow: str | None = None
    more: tuple[Message, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return it as arguments of ``chat.postMessage``, ``chat.postEphemeral`` and ``chat.update``: plain data."""
        return {
            "text": self.text,
            "blocks": [block.to_dict() for block in self.blocks],
            "unfurl_links": False,
            "unfurl_media": False,
        }
