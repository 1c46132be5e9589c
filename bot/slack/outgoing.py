"""What acknet has to say in Slack, as it waits in the outbox."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from slack_sdk.models.blocks import MarkdownBlock

from bot.slack.blocks import Message
from bot.slack.tasks import Spot

__all__ = ["Outgoing", "pages", "shown"]

_PAGE = 11_000
_MOST_PAGES = 8


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


def pages(overflow: str | None) -> Sequence[Mapping[str, Any]]:
    """Return the whole of an answer, as messages below one that had to be shortened; none where it was not."""
    if not overflow:
        return ()
    found: list[str] = [""]
    fenced = False
    for line in _disarmed(overflow).splitlines(keepends=True):
        if not fenced and found[-1] and len(found[-1]) + len(line) > _PAGE - 2000 and line.startswith(("#", "\n")):
            found.append("")
        for start in range(0, len(line), _PAGE):
            piece = line[start : start + _PAGE]
            if len(found[-1]) + len(piece) > _PAGE - 10:
                found[-1] += "```\n" if fenced else ""
                found.append("```\n" if fenced else "")
            found[-1] += piece
        if line.lstrip().startswith("```"):
            fenced = not fenced
    return [
        {
            "text": f"The whole answer, part {number} of {len(found)}" if len(found) > 1 else "The whole answer",
            "blocks": [MarkdownBlock(text=page).to_dict()],
            "unfurl_links": False,
            "unfurl_media": False,
        }
        for number, page in enumerate(found[:_MOST_PAGES], 1)
    ]


def _disarmed(markdown: str) -> str:
    """Return ``markdown`` so that nothing in it mentions anybody: Slack reads its own references there, too."""
    for mark in ("<@", "<#", "<!"):
        markdown = markdown.replace(mark, f"<\u200b{mark[1]}")
    return markdown
