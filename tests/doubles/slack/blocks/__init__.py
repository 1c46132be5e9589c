"""The block oracle: what Slack takes in messages, modals and the Home tab, and what people get from it."""

from __future__ import annotations

from tests.doubles.slack.blocks.oracle import check_blocks, check_view, parse_blocks
from tests.doubles.slack.blocks.reading import links, mentions, words
from tests.doubles.slack.blocks.weight import weight

__all__ = ["check_blocks", "check_view", "links", "mentions", "parse_blocks", "weight", "words"]
