"""What was seen, where and when: the evidence of a verdict."""

from __future__ import annotations

import datetime as dt

from pydantic import BaseModel, ConfigDict

__all__ = ["Fact", "Observation"]


class Fact(BaseModel):
    """Base of all facts; immutable, and plain data for the expressions of cases."""

    model_config = ConfigDict(frozen=True)


class Observation(Fact):
    """A value in a field of an object, when it was so, and the command that shows a person the same.

    Kinds of observations add fields that the expressions of cases choose by. ``seen_at`` is when the value was
    written or the event last happened, None where the object does not say: then it is what was read just now.
    """

    object: str
    field: str
    value: str
    seen_at: dt.datetime | None = None
    kubectl: str
