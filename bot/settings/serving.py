"""The HTTP service, and whom `acknet ask` asks."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bot.settings.kinds import Decimal, ServerUrl, Text, Whole

__all__ = ["ServingSettings"]


class ServingSettings(BaseModel):
    """The HTTP service, and whom `acknet ask` asks."""

    host: Text = Field(
        default="127.0.0.1",
        description="Address that acknet serve listens on; 0.0.0.0 opens it to the network.",
        json_schema_extra={"accepts": "an address or host name"},
    )
    port: Whole = Field(
        default=8080, ge=0, le=65535, description="TCP port that acknet serve listens on; 0 takes any free one."
    )
    max_body_bytes: Whole = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="Largest request body, in bytes, that acknet serve reads. The default has room for a paste of "
        "1 MB, escaped as JSON.",
    )
    request_timeout: Decimal = Field(
        default=30.0,
        gt=0,
        le=3600,
        description="Seconds a request may take: how long acknet ask waits for a server, and how long acknet serve "
        "works on a request.",
    )
    server: ServerUrl | None = Field(
        default=None,
        description="URL of a running acknet serve that acknet ask asks in place of its own index.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
