"""What has to happen to text and JSON before the store keeps it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from bot.diagnosis.redaction.redact import redact, redact_object

__all__ = ["index_key", "kept_json", "kept_text", "plain"]

# PostgreSQL indexes no value much longer.
_KEY_CHARACTERS = 200
# More would keep the event loop from others for milliseconds.
_AT_ONCE = 500


def plain(text: str) -> str:
    """Return ``text`` without what no database column takes: NUL and halves of surrogate pairs."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def index_key(key: str) -> str:
    """Return ``key`` as it can be indexed: a long one gives way to its beginning and its digest."""
    if not key:
        raise ValueError("a key cannot be empty")
    if len(key) <= _KEY_CHARACTERS:
        return plain(key)
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return f"{plain(key[: _KEY_CHARACTERS - len(digest) - 1])}~{digest}"


async def kept_text(text: str, most: int) -> str:
    """Return the first ``most`` characters of what a person wrote, without credentials."""
    # Cut twice: first so that an endless paste costs little, then what may be half a credential at the first cut.
    head = text[: 2 * most]
    redacted = redact(head) if len(head) <= _AT_ONCE else await asyncio.to_thread(redact, head)
    return plain(redacted)[:most]


async def kept_json(value: Any) -> Any:
    """Return a JSON value that came from outside, without credentials."""
    return value if value is None else await asyncio.to_thread(redact_object, value)
