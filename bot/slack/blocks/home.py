"""The Home tab: how to ask, how acknet is, what was asked most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock
from slack_sdk.models.views import View

from bot.slack.blocks.buttons import note, plain_text
from bot.slack.blocks.inline import Run
from bot.slack.blocks.pieces import Piece, block_of, heading, item, paragraph
from bot.slack.blocks.text import clip, one_line

__all__ = ["Asked", "HealthLine", "home_view"]

_MOST = 10
_LONGEST = 200


@dataclass(frozen=True)
class HealthLine:
    """How a part of acknet is: ``well`` None where that is not known."""

    what: str
    well: bool | None
    says: str = ""


@dataclass(frozen=True)
class Asked:
    """An entry, or a question, that was asked about, and how often."""

    title: str
    times: int


def home_view(
    *,
    health: Sequence[HealthLine] = (),
    asked_most: Sequence[Asked] = (),
    may_probe: bool = False,
    command: str = "/acknet",
) -> View:
    """Return the Home tab; ``may_probe``: whether the person who opens it may have a cluster looked into."""
    blocks: list[Block] = [
        HeaderBlock(text=plain_text("Container networking in ACK", 150)),
        block_of([paragraph(Run(_ABOUT))]),
        block_of([heading("How to ask"), *_how_to(command, may_probe=may_probe)]),
    ]
    if health:
        blocks += [DividerBlock(), block_of([heading("How acknet is"), *map(_health, health[:_MOST])])]
    if asked_most:
        lines = [
            item([Run(clip(one_line(one.title), _LONGEST) or "–"), Run(f"  ({one.times})", italic=True)], number=place)
            for place, one in enumerate(asked_most[:_MOST], 1)
        ]
        blocks += [DividerBlock(), block_of([heading("Asked most"), *lines])]
    blocks.append(note("acknet answers from the Container networking FAQ of ACK and cites it. It changes nothing."))
    return View(type="home", blocks=blocks)


_ABOUT = (
    "Ask about Terway, Flannel, kube-proxy or IPv6 in clusters of Alibaba Cloud ACK. "
    "Say what you see, or paste the error as it is: logs, events and kubectl output are welcome."
)


def _how_to(command: str, *, may_probe: bool) -> list[Piece]:
    lines = [
        [Run("In a channel: ", bold=True), Run("mention acknet with your question. Go on in the thread without it.")],
        [Run("Here: ", bold=True), Run("write in the Messages tab.")],
        [Run("Anywhere: ", bold=True), Run(f"{one_line(command)} your question", code=True)],
        [
            Run("On a message: ", bold=True),
            Run("More actions, "),
            Run("Explain this error", bold=True),
            Run(". It reads the message and the text files in it."),
        ],
    ]
    if may_probe:
        lines.append(
            [
                Run("In a cluster: ", bold=True),
                Run("Run read-only checks", bold=True),
                Run(" below an answer finds out which case it is."),
            ]
        )
    return [item(line) for line in lines]


def _health(line: HealthLine) -> Piece:
    sign = {True: "🟢", False: "🔴", None: "⚪"}[line.well]
    says = f": {clip(one_line(line.says), _LONGEST)}" if one_line(line.says) else ""
    return item(
        [Run(f"{sign} "), Run(clip(one_line(line.what), _LONGEST) or "–", bold=True), *([Run(says)] if says else [])]
    )
