"""What an answer rests on, as links."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bot.answer import Answer, Citation, NoteSource
from bot.slack.blocks.inline import Run, link
from bot.slack.blocks.pieces import Piece, heading, paragraph
from bot.slack.blocks.text import clip, one_line

__all__ = ["sources"]

_ROOM = 3500
_LONGEST_WORDS = 300
_LONGEST_DOCUMENT = 100
_LONGEST_LABEL = 12
_MOST_DOCUMENTS = 4
_NOTES = "Public sources of acknet's notes"


def sources(answer: Answer) -> list[Piece]:
    """Return every citation and note source as a link to where it lies; none is ever left out.

    Where there are very many, their words are cut, at the worst to nothing but their label.
    """
    found = [*answer.citations, *answer.note_sources]
    if not found:
        return []
    most = min(_LONGEST_WORDS, _ROOM // len(found))
    documents = dict.fromkeys(one_line(citation.document) for citation in answer.citations)
    grouped = [
        (document, [citation for citation in answer.citations if one_line(citation.document) == document])
        for document in documents
    ]
    if len(grouped) > _MOST_DOCUMENTS:
        grouped = [("", list(answer.citations))]
    lines: list[Run] = []
    for document, citations in grouped:
        lines += _group(document, citations, most)
    lines += _group(_NOTES if answer.note_sources else "", answer.note_sources, most)
    return [heading("Sources"), paragraph(*lines[:-1])]


def _group(document: str, cited: Sequence[Citation | NoteSource], most: int) -> Iterable[Run]:
    if document:
        yield Run(f"{clip(document, _LONGEST_DOCUMENT)}\n", italic=True)
    for one in cited:
        label = f"[{clip(one_line(one.label), _LONGEST_LABEL)}]"
        yield link(f"{label} {clip(_words(one), most)}".rstrip(), one.url)
        yield Run("\n")


def _words(cited: Citation | NoteSource) -> str:
    if isinstance(cited, NoteSource):
        return one_line(cited.title)
    return one_line(f"“{cited.heading}”, {cited.part}" if cited.part else f"“{cited.heading}”")
