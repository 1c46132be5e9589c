"""What is remembered, where, and for how long."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bot.settings.kinds import Whole
from bot.settings.store_url import StoreUrl, usual_store

__all__ = ["StoreSettings"]


class StoreSettings(BaseModel):
    """What is remembered, where, and for how long."""

    store_url: StoreUrl = Field(
        default_factory=usual_store,
        description="What acknet remembers lies here: a SQLite file, which it makes, or a PostgreSQL database, which "
        "several replicas can share. In the path of a file a leading ~ is the home directory; XDG_STATE_HOME moves the "
        "default.",
        json_schema_extra={
            "default": "sqlite:///~/.local/state/acknet/acknet.db",
            "accepts": "sqlite:///PATH or a connection URI of PostgreSQL",
        },
    )
    store_days: Whole = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days that acknet remembers what is over; what is older is deleted.",
    )
