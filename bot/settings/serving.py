"""The HTTP service, and whom `acknet ask` asks."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from bot.settings.kinds import Decimal, ServerUrl, Text, Whole
from bot.settings.tokens import ApiTokens

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
    shutdown_timeout: Decimal = Field(
        default=20.0,
        ge=0,
        le=600,
        description="Seconds that acknet serve, when it is told to stop, gives the requests that are under way.",
    )
    api_tokens: ApiTokens = Field(
        default=(),
        description="Who may use acknet serve from other machines: lines that acknet token new prints, with commas "
        "between them. They hold digests of the tokens, not the tokens.",
        json_schema_extra={"accepts": "a list of NAME:SCOPE+SCOPE:DIGEST"},
    )
    open_locally: bool = Field(
        default=True,
        description="Whether whoever asks from this machine needs no token. Switch it off where others work on the "
        "machine, or where a reverse proxy on it lets others in.",
    )
    open_metrics: bool = Field(
        default=False,
        description="Whether /metrics needs no token. The figures tell how much is asked and how it goes, not what or "
        "by whom.",
    )
    rate_limit: Whole = Field(
        default=600,
        ge=1,
        le=1_000_000,
        description="Requests a minute that acknet serve takes with one token; they may come all at once.",
    )
    public_url: ServerUrl | None = Field(
        default=None,
        description="URL under which people reach acknet serve; answers in Slack then link to the page of their entry.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    server: ServerUrl | None = Field(
        default=None,
        description="URL of a running acknet serve that acknet ask asks in place of its own index.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    server_token: SecretStr | None = Field(
        default=None,
        description="Token for that server, where it wants one.",
        json_schema_extra={"accepts": "a token that acknet token new printed"},
    )
