"""Ids of blocks and elements, which Slack makes up where an app gives none."""

from __future__ import annotations

import copy
from typing import Any

__all__ = ["with_ids"]

_INTERACTIVE = ("button", "buttons", "select", "overflow", "checkboxes", "picker", "input")


def with_ids(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return ``blocks`` with ids where the app gave none, as Slack gives them."""
    named = copy.deepcopy(blocks)
    for index, block in enumerate(named):
        _name(block, f"auto{index}")
    return named


def _name(block: dict[str, Any], name: str) -> None:
    block.setdefault("block_id", name)
    held = [*block.get("elements", ()), block.get("accessory"), block.get("element"), *block.get("actions", ())]
    for index, element in enumerate(held):
        if isinstance(element, dict) and str(element.get("type", "")).endswith(_INTERACTIVE):
            element.setdefault("action_id", f"{name}.{index}")
    for index, child in enumerate(block.get("child_blocks", ())):
        _name(child, f"{name}.{index}")
