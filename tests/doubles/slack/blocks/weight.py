"""How much text blocks hold together, which Slack bounds without saying how it counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

__all__ = ["CONTAINER", "LIMIT", "weight"]

LIMIT = 12_000
"""What a message may weigh; beyond it is refused with msg_blocks_too_long."""
CONTAINER = 20
"""What a block, and each part of it that holds a list of others, weighs besides its characters.

Slack speaks of 12,000 characters with a buffer for block containers; 11,341 characters of rich text were refused.
"""

_SHOWN = {"text", "alt_text", "title", "caption"}


def weight(blocks: Sequence[Any]) -> int:
    """Return the characters that ``blocks`` show, with what their containers weigh."""
    return sum(CONTAINER + _shown(block) + sum(_inner(part) for part in block.values()) for block in blocks)


def _inner(part: Any) -> int:
    if isinstance(part, list):
        return sum(_inner(each) for each in part)
    if not isinstance(part, dict):
        return 0
    own = CONTAINER if any(isinstance(value, list) for value in part.values()) else 0
    return own + _shown(part) + sum(_inner(value) for value in part.values())


def _shown(part: dict[str, Any]) -> int:
    return sum(len(value) for key, value in part.items() if key in _SHOWN and isinstance(value, str))
