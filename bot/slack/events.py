"""Which events ask something of acknet, and what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bot.slack.plain import addressee, mentions, plain
from bot.slack.tasks import Ask, Edit, Remove, Snippet, Spot

__all__ = ["asked", "changed", "snippets_of"]

_SPOKEN = {None, "file_share", "thread_broadcast"}
_MOST_TEXT = 200_000


def asked(body: Mapping[str, Any], bot_user: str) -> tuple[Ask, bool] | None:
    """Return what a message event asks, and whether it is certainly asked of acknet.

    It is for a mention and in a direct message; what else is said in a thread is meant for acknet only where it has
    answered before. None: it asks nothing of acknet.
    """
    event = body["event"]
    text = str(event.get("text") or "")
    if not _is_spoken(event):
        return None
    named = event["type"] == "app_mention"
    if not named and mentions(text, bot_user) and not _is_direct(event):
        return None  # the same message comes as app_mention
    in_thread = event.get("thread_ts") not in (None, event["ts"])
    if not (named or _is_direct(event) or in_thread):
        return None
    certain = named or _is_direct(event)
    if not certain and addressee(text) not in (None, bot_user):
        return None  # people talk to each other
    return _ask(body, event, bot_user), certain


def changed(body: Mapping[str, Any], bot_user: str) -> Edit | Remove | None:
    """Return what became of a message that may be a question; None: nothing that matters."""
    event = body["event"]
    before = event.get("previous_message") or {}
    after = event.get("message") or {}
    if before.get("bot_id") or after.get("bot_id"):
        return None
    if event.get("subtype") == "message_deleted" or after.get("subtype") == "tombstone":
        ts = str(event.get("deleted_ts") or after.get("ts") or "")
        return (
            Remove(spot=_spot(body, {**event, "ts": ts, "thread_ts": before.get("thread_ts")}), ts=ts) if ts else None
        )
    if event.get("subtype") != "message_changed" or not _is_spoken(after):
        return None
    if after.get("text") == before.get("text") or not after.get("edited"):
        return None  # an unfurled link, a new reply
    shown = {**after, "channel": event["channel"], "channel_type": event.get("channel_type")}
    return Edit(ask=_ask(body, shown, bot_user), edited=str(after["edited"].get("ts") or event.get("event_ts") or ""))


def snippets_of(files: Iterable[Mapping[str, Any]]) -> tuple[Snippet, ...]:
    """Return the files of a message."""
    return tuple(
        Snippet(
            id=str(file.get("id") or ""),
            url=file.get("url_private_download") or file.get("url_private"),
            kind=str(file.get("mimetype") or ""),
            size=int(file.get("size") or 0),
        )
        for file in files
        if isinstance(file, Mapping)
    )


def _is_spoken(message: Mapping[str, Any]) -> bool:
    """Tell whether a person wrote it."""
    return message.get("subtype") in _SPOKEN and bool(message.get("user")) and not message.get("bot_id")


def _is_direct(event: Mapping[str, Any]) -> bool:
    return event.get("channel_type") == "im" or str(event.get("channel", "")).startswith("D")


def _spot(body: Mapping[str, Any], message: Mapping[str, Any]) -> Spot:
    return Spot(
        channel=message["channel"],
        thread=message.get("thread_ts") or message["ts"],
        direct=_is_direct(message),
        shared=bool(body.get("is_ext_shared_channel")),
    )


def _ask(body: Mapping[str, Any], message: Mapping[str, Any], bot_user: str) -> Ask:
    return Ask(
        spot=_spot(body, message),
        ts=message["ts"],
        user=message["user"],
        text=plain(str(message.get("text") or "")[:_MOST_TEXT], bot_user),
        files=snippets_of(message.get("files") or ()),
    )
