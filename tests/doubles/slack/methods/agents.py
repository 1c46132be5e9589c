"""assistant.threads.* and agents.sessions.*: status lines, suggested prompts, sessions."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from tests.doubles.slack.agents import Prompts
from tests.doubles.slack.blocks.base import Strict, chars
from tests.doubles.slack.blocks.oracle import pointer_messages
from tests.doubles.slack.errors import SlackError, invalid_arguments
from tests.doubles.slack.methods.call import Call, method

__all__ = ["check_session_status"]

_STATUSES = ("active", "processing", "suspended", "closed")
_TITLE_MOST = 200


class _Prompt(Strict):
    title: Annotated[str, chars(255)]
    message: Annotated[str, chars(3000)]


_LOADING: TypeAdapter[Any] = TypeAdapter(Annotated[list[Annotated[str, chars(50)]], Field(max_length=10)])
_PROMPTS: TypeAdapter[Any] = TypeAdapter(Annotated[list[_Prompt], Field(min_length=1, max_length=4)])


def check_session_status(status: str, at: str = "status") -> None:
    """Raise what Slack answers for a status that sessions do not have."""
    if status not in _STATUSES:
        raise invalid_arguments(f"must be one of: {', '.join(_STATUSES)} [json-pointer:/{at}]")


def _thread(call: Call) -> tuple[str, str]:
    channel = call.channel("channel_id")
    try:
        return channel.id, call.workspace.thread(channel.id, call.required("thread_ts")).ts
    except SlackError as error:
        raise SlackError("invalid_thread_ts" if error.error == "thread_not_found" else error.error) from None


@method("assistant.threads.setStatus", "chat:write", "assistant:write")
def set_status(call: Call) -> dict[str, Any]:
    thread = _thread(call)
    loading = call.structure("loading_messages") or []
    if messages := pointer_messages(_LOADING, loading, "/loading_messages"):
        raise invalid_arguments(*messages)
    call.workspace.agents.set_status(thread, call.text("status"), loading)
    return {}


@method("assistant.threads.setTitle", "assistant:write")
def set_title(call: Call) -> dict[str, Any]:
    call.workspace.agents.titles[_thread(call)] = call.required("title")
    return {}


@method("assistant.threads.setSuggestedPrompts", "assistant:write")
def set_suggested_prompts(call: Call) -> dict[str, Any]:
    channel, prompts = call.channel("channel_id"), call.structure("prompts")
    if messages := pointer_messages(_PROMPTS, prompts, "/prompts"):
        raise invalid_arguments(*messages)
    # Under agent_view a call for a thread is taken and shows nothing.
    if not call.given("thread_ts"):
        call.workspace.agents.prompts[channel.id] = Prompts(call.text("title") or None, prompts)
    return {}


@method("agents.sessions.setStatus", "chat:write")
def set_session_status(call: Call) -> dict[str, Any]:
    thread, status, title = _thread(call), call.required("status"), call.text("title")
    check_session_status(status)
    if len(title) > _TITLE_MOST:
        raise invalid_arguments(f"must be less than {_TITLE_MOST + 1} characters [json-pointer:/title]")
    session = call.workspace.agents.set_session(thread, status, title or None)
    answer = {"status": session.status, "agent_status": session.status, "title": session.title or ""}
    if status == "processing" and "agent_session_stopped" not in call.workspace.app.events:
        answer["warning"] = "missing_agent_session_stopped_event_subscription"
    return answer


@method("agents.sessions.rename", "chat:write")
def rename_session(call: Call) -> dict[str, Any]:
    thread, title = _thread(call), call.required("title")
    if len(title) > _TITLE_MOST:
        raise invalid_arguments(f"must be less than {_TITLE_MOST + 1} characters [json-pointer:/title]")
    session = call.workspace.agents.sessions.get(thread)
    if session is None:
        raise SlackError("session_not_found")
    session.title = title
    return {"title": title}
