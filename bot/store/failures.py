"""What callers see when the store cannot do its work."""

from __future__ import annotations

from typing import Literal

from bot.diagnosis.redaction.redact import redact

__all__ = ["Reason", "StoreUnavailable"]

Reason = Literal["slow", "locked", "full", "read_only", "damaged", "unreachable", "refused", "schema", "failed"]
"""Why the store failed, few enough to label a metric with."""

_WORDS: dict[Reason, str] = {
    "slow": "the store does not answer in time",
    "locked": "another program holds the store locked",
    "full": "the store's disk is full",
    "read_only": "the store can only be read",
    "damaged": "the store is damaged",
    "unreachable": "the store cannot be reached",
    "refused": "the store cannot be used as it is configured",
    "schema": "the store's tables are not those of this version",
    "failed": "the store failed",
}
_MOST = 300


class StoreUnavailable(Exception):
    """The store did not do what was asked, or did not say so in time; ``reason`` says why, ``detail`` in its own words.

    Whoever answers questions catches this and goes on without the store. After ``slow`` and ``unreachable`` it is not
    known whether a write took place; every write may be repeated. The text never holds a password or a stored value.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        line = redact(" ".join(detail[: 2 * _MOST].split()))[:_MOST]
        self.reason: Reason = reason
        self.detail = "".join(char if char.isprintable() else "\ufffd" for char in line)
        super().__init__(f"{_WORDS[reason]}: {self.detail}")
