"""What ``acknet corpus`` prints for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.cli.console import print_line

if TYPE_CHECKING:
    from corpus import Corpus, Entry, PageChange

__all__ = ["change_json", "entry_json", "print_json"]


def print_json(value: Mapping[str, Any]) -> None:
    """Print one JSON object."""
    print_line(json.dumps(value, indent=2))


def entry_json(entry: Entry, corpus: Corpus) -> dict[str, Any]:
    """Return a whole entry as plain data, its citations as in an answer."""
    citations = [
        {
            "edition": cite.edition,
            "document": corpus.editions[cite.edition].document,
            "heading": cite.heading,
            "url": corpus.editions[cite.edition].url,
            "entry": entry.id,
        }
        for cite in entry.cites
    ]
    return {**entry.model_dump(mode="json"), "citations": citations}


def change_json(change: PageChange, citing: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return a change as plain data; ``citing`` tells by a heading's key which entries rest on a section."""
    from corpus import SectionAdded

    cited = change.new if isinstance(change, SectionAdded) else change.old
    sections = {side: getattr(change, side, None) for side in ("old", "new")}
    return {
        "change": type(change).__name__.removeprefix("Section").lower(),
        **{side: section and asdict(section) for side, section in sections.items()},
        "diff": list(getattr(change, "lines", ())),
        "entries": list(citing.get(cited.key, ())),
    }
