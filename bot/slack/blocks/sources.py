"""What an answer rests on, as links."""

from __future__ import annotations

from bot.answer import Answer
from bot.slack.blocks.inline import Run, link
from bot.slack.blocks.pieces import Piece, heading, paragraph
from bot.slack.blocks.text import clip, one_line

__all__ = ["sources"]

_ROOM = 3500
_LONGEST_HEADING = 300
_LONGEST_LABEL = 12


def sources(answer: Answer) -> list[Piece]:
    """Return every citation and note source as a link to where it lies; none is ever left out.

    Where there are very many, their headings are cut, at the worst to nothing but their label.
    """
    found = [*answer.citations, *answer.note_sources]
    if not found:
        return []
    each = min(_LONGEST_HEADING, _ROOM // len(found))
    lines: list[Run] = []
    for cited in answer.citations:
        part = f", {cited.part}" if cited.part else ""
        words = f"“{one_line(cited.heading)}”{one_line(part)}"
        lines += _line(cited.label, words, cited.url, one_line(f", {cited.document}"), each)
    for note in answer.note_sources:
        lines += _line(note.label, one_line(note.title), note.url, ", for acknet's own note", each)
    return [heading("Sources"), paragraph(*lines[:-1])]


def _line(label: str, words: str, url: str, after: str, most: int) -> list[Run]:
    label = f"[{clip(one_line(label), _LONGEST_LABEL)}]"
    shown = clip(words, most - len(after)) if most - len(after) > len(words) // 2 else ""
    if shown:
        return [Run(f"{label} "), link(shown, url), Run(f"{after}\n")]
    shown = clip(words, most)
    return [link(f"{label} {shown}".rstrip(), url), Run("\n")]
