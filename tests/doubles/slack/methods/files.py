"""files.*: upload in three steps, and what is known of files."""

from __future__ import annotations

from typing import Any

from tests.doubles.slack.errors import SlackError, invalid_arguments
from tests.doubles.slack.files import File
from tests.doubles.slack.methods.call import Call, method
from tests.doubles.slack.methods.chat import thread_of

__all__: list[str] = []


@method("files.getUploadURLExternal", "files:write", tier=4)
def get_upload_url(call: Call) -> dict[str, Any]:
    name = call.required("filename")
    try:
        length = int(call.required("length"))
    except ValueError:
        raise invalid_arguments("must provide an integer [json-pointer:/length]") from None
    if length < 1:
        raise invalid_arguments("must be greater than 1 [json-pointer:/length]")
    app = call.workspace.app
    file, url = call.files.expect(name, length, app.bot_user, snippet=call.given("snippet_type"))
    return {"upload_url": url, "file_id": file.id}


@method("files.completeUploadExternal", "files:write", tier=4)
def complete_upload(call: Call) -> dict[str, Any]:
    given = call.structure("files")
    if not isinstance(given, list) or not given:
        raise invalid_arguments("missing required field: files [json-pointer:/files]")
    files = [_uploaded(call, each) for each in given]
    channels = [call.text("channel_id")] if call.given("channel_id") else call.text("channels").split(",")
    for channel_id in filter(None, channels):
        channel = call.workspace.channel(channel_id)
        if call.workspace.app.bot_user not in channel.members:
            raise SlackError("not_in_channel")
        thread_ts = thread_of(call, channel)
        text = call.text("initial_comment")
        call.workspace.check_text(text)
        call.workspace.post_as_app(
            channel.id,
            text,
            subtype="file_share",
            thread_ts=thread_ts,
            files=[call.files.as_json(file) for file in files],
        )
        for file in files:
            file.channels.append(channel.id)
    return {"files": [{"id": file.id, "title": file.title} for file in files]}


def _uploaded(call: Call, given: Any) -> File:
    file = call.files.get(given.get("id", "") if isinstance(given, dict) else "")
    if file.content is None or file.owner != call.workspace.app.bot_user:
        raise SlackError("file_not_found")
    file.title = given.get("title") or file.title
    return file


@method("files.info", "files:read", tier=4)
def info(call: Call) -> dict[str, Any]:
    file = call.files.get(call.required("file"))
    if file.content is None:
        raise SlackError("file_not_found")
    return {"file": call.files.as_json(file)}


@method("files.delete", "files:write")
def delete(call: Call) -> dict[str, Any]:
    file = call.files.get(call.required("file"))
    if file.owner != call.workspace.app.bot_user:
        raise SlackError("cant_delete_file")
    call.files.remove(file)
    return {}
