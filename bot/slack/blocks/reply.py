"""A whole answer as replies, where its message had to leave something out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from bot.slack.blocks.buttons import note
from bot.slack.blocks.inline import Run, plain, runs_of
from bot.slack.blocks.length import BUDGET, TEXT
from bot.slack.blocks.message import Message
from bot.slack.blocks.pieces import Piece, block_of, code, heading, item, paragraph, quote
from bot.slack.blocks.text import clean, fallback, size

__all__ = ["paged", "reply_messages"]

_LARGEST_PIECE = 3000
_PAGE = BUDGET - 200  # the rest is for what stands above


def reply_messages(markdown: str) -> tuple[Message, ...]:
    """Return ``Message.overflow`` as messages to be sent one after the other; nothing of it is left out."""
    return paged(_pieces(markdown), "The whole answer")


def paged(pieces: Iterable[Piece], title: str) -> tuple[Message, ...]:
    """Return ``pieces`` under ``title`` as messages to be sent one after the other, as many as it takes."""
    pages: list[list[Piece]] = [[]]
    room = _PAGE
    for piece in _split(pieces):
        if piece.weight > room:
            pages.append([])
            room = _PAGE
        pages[-1].append(piece)
        room -= piece.weight
    shown = [pieces for pieces in pages if pieces]
    return tuple(_message(pieces, title, number, len(shown)) for number, pieces in enumerate(shown, 1))


def _message(pieces: list[Piece], title: str, number: int, most: int) -> Message:
    title = title if most == 1 else f"{title}, part {number} of {most}"
    said = "\n".join([title, *(plain(piece.runs) for piece in pieces)])
    return Message(text=fallback(said, TEXT), blocks=(note(title), block_of(pieces)))


def _pieces(markdown: str) -> Iterator[Piece]:
    tree = SyntaxTreeNode(MarkdownIt("commonmark", {"html": False}).parse(clean(markdown)))
    for node in tree.children:
        yield from _blocks(node, 0)


def _blocks(node: SyntaxTreeNode, indent: int) -> Iterator[Piece]:
    match node.type:
        case "heading":
            yield heading(plain(_runs(node)))
        case "paragraph":
            yield paragraph(*_runs(node))
        case "fence" | "code_block":
            yield code(node.content)
        case "blockquote":
            for child in node.children:
                quoted = [quote(*_runs(child))] if child.type == "paragraph" else _blocks(child, indent)
                yield from quoted
        case "ordered_list" | "bullet_list":
            first = max(1, int(node.attrs.get("start", 1))) if node.type == "ordered_list" else None
            for place, one in enumerate(node.children):
                yield from _item(one, 0 if first is None else first + place, indent)


def _item(node: SyntaxTreeNode, number: int, indent: int) -> Iterator[Piece]:
    opens = [child for child in node.children[:1] if child.type == "paragraph"]
    yield item(_runs(*opens), number=number, indent=indent)
    for child in node.children[len(opens) :]:
        yield from _blocks(child, indent + 1)


def _runs(*nodes: SyntaxTreeNode) -> list[Run]:
    return [run for node in nodes for inline in node.children for run in runs_of(inline.content)]


def _split(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield ``pieces``, those that are very large in parts."""
    for piece in pieces:
        part: list[Run] = []
        room = _LARGEST_PIECE
        for run in piece.runs:
            rest = run
            while size(rest.text) > room:
                cut = _cut(rest.text, room)
                yield replace(piece, runs=(*part, replace(rest, text=rest.text[:cut])))
                part, room, rest = [], _LARGEST_PIECE, replace(rest, text=rest.text[cut:])
            part.append(rest)
            room -= size(rest.text)
        yield replace(piece, runs=tuple(part))


def _cut(text: str, most: int) -> int:
    """Return where to cut ``text``: after the last line that ``most`` holds, else wherever."""
    cut = most // 2 if not text.isascii() else most
    line = text.rfind("\n", 0, cut)
    return line + 1 if line > 0 else max(cut, 1)
