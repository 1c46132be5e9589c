"""What buttons and forms carry, and what comes back with a click."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

__all__ = ["ButtonValue", "FormPlace", "InvalidValue"]

_Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class InvalidValue(ValueError):
    """Raised for a value that no button or form of acknet carries."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def encode(self) -> str:
        """Return the value as a button or form carries it."""
        return self.model_dump_json(exclude_none=True)

    @classmethod
    def decode(cls, value: str | None) -> Self:
        """Read a value that came back; raises InvalidValue."""
        try:
            return cls.model_validate_json(value or "")
        except ValidationError as error:
            raise InvalidValue("a value that acknet did not write") from error


class ButtonValue(_Value):
    """The answer that a button belongs to, the entry it names, and for feedback whether the answer helped."""

    answer: _Id
    entry: _Id | None = None
    helpful: bool | None = None


class FormPlace(_Value):
    """The answer that a form belongs to and where its message is; ``ts`` is the message's, ``thread`` its thread's.

    Where only one person sees the message it has no ``ts`` and is replaced through its ``response_url``.
    """

    answer: _Id
    channel: _Id
    thread: _Id | None = None
    ts: _Id | None = None
    response_url: Annotated[str, StringConstraints(max_length=1000)] | None = None
