"""The questions that benches ask: those the tests hold out, none of which is in the index."""

from __future__ import annotations

import json

from bench.environment import REPOSITORY

__all__ = ["COLD_QUESTION", "questions"]

COLD_QUESTION = "Pods stay in ContainerCreating with InvalidVSwitchId.IpNotEnough, how do I add more IP addresses?"

_HELD_OUT = REPOSITORY / "tests" / "questions" / "heldout.jsonl"


def questions(count: int) -> list[str]:
    """Return ``count`` questions without earlier turns, from the shortest to the longest in even steps."""
    lines = _HELD_OUT.read_text(encoding="utf-8").splitlines()
    asked = [row["query"] for row in map(json.loads, lines) if isinstance(row["query"], str)]
    asked = sorted((question for question in asked if any(map(str.isalnum, question))), key=len)
    count = min(count, len(asked))
    return [asked[at * (len(asked) - 1) // max(count - 1, 1)] for at in range(count)]
