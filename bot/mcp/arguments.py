"""What the tools take: the API's requests, described for whoever has only the schema to go by."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bot.web.models import MOST_TURNS, AskRequest, DiagnoseRequest, Name, Question, Scope

__all__ = ["AskArguments", "DiagnoseArguments", "EntryArguments"]

_SCOPE = "Where in the cluster to look: names of a namespace, pod, node or service, as far as they are known."


class AskArguments(AskRequest):
    """Arguments of ``ask``."""

    question: Question = Field(
        description="What a person would ask, in any words; an error message, log or manifest may be part of it, whole."
    )
    thread: Annotated[list[str], Field(max_length=MOST_TURNS)] | None = Field(
        None, description="Earlier turns of the conversation, oldest first: what was said of plugin, symptom, error."
    )
    diagnose: bool | None = Field(
        None, description="Look into the cluster first, read-only, to tell apart what can lie behind a symptom."
    )
    scope: Scope | None = Field(None, description=f"{_SCOPE} Takes diagnose.")


class DiagnoseArguments(DiagnoseRequest):
    """Arguments of ``diagnose``."""

    question: Question | None = Field(
        None, description="The trouble in a person's words, with what was pasted; the entries that fit are looked at."
    )
    entries: Annotated[list[Name], Field(max_length=100)] | None = Field(
        None, description="Ids of entries to look at. Without these and without a question all are."
    )
    scope: Scope | None = Field(None, description=_SCOPE)


class EntryArguments(BaseModel):
    """Arguments of ``get_entry``."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    id: Name = Field(description="An entry's id, such as terway-vswitch-ip-exhausted; the resources list all.")
