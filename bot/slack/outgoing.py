"""What acknet has to say in Slack, as it waits in the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from bot.slack.blocks import Message, reply_messages
from bot.slack.tasks import Spot

__all__ = ["MOST_PAGES", "Outgoing", "pages", "shown"]

MOST_PAGES = 16


class Outgoing(BaseModel):
    """One thing to be done.

    ``post`` says something, in public or, with ``user``, to one person alone; ``update`` and ``delete`` are about the
    message ``ts``, or the one that was posted under the key ``of``; ``respond`` goes to the spot's response URL, in
    place of what is there with ``replace``. ``known`` tells that it may have been sent before.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    do: Literal["post", "update", "delete", "respond"]
    spot: Spot
    message: dict[str, Any] = {}
    user: str | None = None
    ts: str | None = None
    of: str | None = None
    replace: bool = False
    known: bool = False


def shown(message: Message) -> dict[str, Any]:
    """Return ``message`` as the arguments of the calls that show it."""
    return message.payload()


def pages(message: Message) -> Sequence[dict[str, Any]]:
    """Return what belongs below ``message``: the whole of what had to be shortened, and all that was seen."""
    whole = reply_messages(message.overflow)[: MOST_PAGES // 2] if message.overflow else ()
    return [shown(page) for page in (*whole, *message.more)[:MOST_PAGES]]
