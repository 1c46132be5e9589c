"""A language model that may help to understand a question."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from bot.settings.kinds import Decimal, ServerUrl, Text

__all__ = ["LlmSettings"]


class LlmSettings(BaseModel):
    """A language model that may help to understand a question."""

    llm_url: ServerUrl | None = Field(
        default=None,
        description="Base URL of an OpenAI-compatible server, such as http://127.0.0.1:8000/v1, whose model helps to "
        "read questions. It is sent the question without credentials and the titles of entries, never anything from "
        "a cluster. Without it no model is asked.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    llm_model: Text = Field(
        default="default",
        description="Name of the model that the server is asked for.",
        json_schema_extra={"accepts": "a model's name"},
    )
    llm_api_key: SecretStr | None = Field(
        default=None,
        description="Key that the server of the model wants.",
        json_schema_extra={"accepts": "a key"},
    )
    llm_timeout: Decimal = Field(
        default=5.0,
        gt=0,
        le=120,
        description="Seconds that the model may add to an answer, all calls together; what is not there by then is "
        "done without.",
    )
