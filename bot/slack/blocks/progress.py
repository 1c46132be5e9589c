"""A look into a cluster while it goes on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from slack_sdk.models.blocks import Block

from bot.slack.blocks.inline import Run
from bot.slack.blocks.pieces import block_of, heading, paragraph
from bot.slack.blocks.text import clip, one_line

__all__ = ["FactState", "Looking", "looking_block"]

FactState = Literal["reading", "read", "unreadable"]

_SIGNS: dict[FactState, str] = {"read": "✓", "reading": "…", "unreadable": "✗"}
_SHOWN = 40
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Looking:
    """How far a look has come: facts by name, in the order in which they were begun."""

    cluster: str = ""
    facts: Mapping[str, FactState] = field(default_factory=dict)

    def told(self, stage: Mapping[str, Any]) -> Looking:
        """Return it after one more stage of an answer (``bot.service.Tell``)."""
        if stage.get("stage") != "probing":
            return self
        return replace(self, facts={**self.facts, str(stage["fact"]): stage["state"]})

    @property
    def says(self) -> str:
        """The same in a line."""
        states = list(self.facts.values())
        read, failed = states.count("read"), states.count("unreadable")
        where = f" into {clip(one_line(self.cluster), _LONGEST_NAME)}" if one_line(self.cluster) else ""
        parts = [f"{read} facts read" if read != 1 else "1 fact read"]
        if failed:
            parts.append(f"{failed} could not be read")
        return f"Looking{where}, read-only: {', '.join(parts)}"


def looking_block(looking: Looking) -> Block:
    """Return what was read so far and what is being read."""
    facts = list(looking.facts.items())
    shown = [
        f"{_SIGNS[state]} {clip(one_line(name.replace('_', ' ')), _LONGEST_NAME)}" for name, state in facts[-_SHOWN:]
    ]
    more = [f"{len(facts) - _SHOWN} before"] if len(facts) > _SHOWN else []
    lines = [paragraph(Run("  ".join([*more, *shown])))] if shown else []
    return block_of([heading(f"⏳ {looking.says}"), *lines])
