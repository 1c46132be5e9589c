"""What acknet tells of itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from bot.settings.kinds import Lowercase

__all__ = ["ObservingSettings"]


class ObservingSettings(BaseModel):
    """What acknet tells of itself."""

    log_level: Annotated[Literal["debug", "info", "warning", "error"], Lowercase] = Field(
        default="warning", description="The least severe log lines that go to stderr."
    )
    log_format: Annotated[Literal["console", "json"], Lowercase] = Field(
        default="console", description="How log lines are written: for people, or a JSON object each."
    )
