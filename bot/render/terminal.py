"""The answer on a terminal: the words of its Markdown, set for tired eyes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_answer"]

_WIDEST, _NARROWEST = 100, 20
_STYLES = {"code_inline": "cyan", "strong": "bold", "em": "dim italic"}
_CODE, _RISK = "green", "yellow"
_SOURCES = "Sources"
_QUIET = frozenset({_SOURCES, "See also"})
_LABELS = re.compile(r"(?<!\w)(?:\[(?:\d{1,3}|[a-z]{1,2})\])+")
_BEFORE_URL = re.compile(r"\s*—\s*$")


def print_answer(markdown: str, console: Console) -> None:
    """Print an answer's Markdown on ``console``.

    Prose wraps at 100 columns. Code begins in the first column and never wraps, so that what is copied is what runs.
    Risks stand out; the labels of citations and what follows the answer (sources, see also) are dimmed.
    """
    tree = SyntaxTreeNode(MarkdownIt("commonmark").parse(markdown))
    _Page(console).print_blocks(tree.children)


class _Page:
    """Prints block after block, with blank lines where they help."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._width = min(console.width, _WIDEST)
        self._section = ""
        self._addresses: set[str] = set()
        self._printed = self._after_code = False

    def print_blocks(self, blocks: Sequence[SyntaxTreeNode], indent: int = 0) -> None:
        for block in blocks:
            match block.type:
                case "heading":
                    self._print_heading(block)
                case "paragraph":
                    self._print_text(_inline(block), indent, spaced=indent == 0)
                case "blockquote":
                    self._print_risk(block, indent)
                case "ordered_list" | "bullet_list" if self._section == _SOURCES:
                    self._print_sources(block)
                case "ordered_list" | "bullet_list":
                    self._print_list(block, indent)
                case _:
                    self._print_code(block.content)

    @property
    def _quiet(self) -> bool:
        return self._section in _QUIET

    def _print_heading(self, heading: SyntaxTreeNode) -> None:
        title = _inline(heading)
        self._section = "" if heading.tag == "h1" else title.plain
        title.stylize("bold" if heading.tag == "h1" or self._quiet else "bold cyan")
        self._print_text(title, spaced=True)

    def _print_code(self, code: str) -> None:
        self._console.print()
        self._console.print(Text(code.rstrip("\n"), _CODE), soft_wrap=True)
        self._after_code = True

    def _print_risk(self, quote: SyntaxTreeNode, indent: int) -> None:
        for block in quote.children:
            if block.type == "paragraph":
                text = _inline(block)
                text.stylize_before(_RISK)
                self._print_text(text, indent)
            else:
                self.print_blocks([block], indent)

    def _print_list(self, items: SyntaxTreeNode, indent: int) -> None:
        steps = items.type == "ordered_list"
        spaced = indent == 0
        for number, item in enumerate(items.children, int(items.attrs.get("start", 1))):
            bullet = f"{number}. " if steps else "- "
            opens = [block for block in item.children[:1] if block.type == "paragraph"]
            self._print_text(_inline(*opens) if opens else Text(), indent, bullet, spaced=spaced)
            self.print_blocks(item.children[len(opens) :], indent + len(bullet))
            spaced = spaced and steps  # bullets stay together

    def _print_sources(self, sources: SyntaxTreeNode) -> None:
        """Print each source, and below it its address where it is the first one there."""
        for source in sources.children:
            text = _inline(source.children[0], links=False) if source.children else Text()
            self._print_text(text[: len(_BEFORE_URL.sub("", text.plain))])
            for address in _addresses(source):
                if address not in self._addresses:
                    self._addresses.add(address)
                    self._console.print(Text(f"    {address}", Style(dim=True, link=address)), soft_wrap=True)

    def _print_text(self, text: Text, indent: int = 0, bullet: str = "", *, spaced: bool = False) -> None:
        if self._printed and (spaced or self._after_code):
            self._console.print()
        self._printed, self._after_code = True, False
        if self._quiet:
            text.stylize_before("dim")
        before = " " * indent + bullet
        for line in text.wrap(self._console, max(self._width - len(before), _NARROWEST)):
            line.rstrip()
            self._console.print(Text(before).append_text(line), soft_wrap=True)
            before = " " * len(before)


def _inline(block: SyntaxTreeNode, *, links: bool = True) -> Text:
    """Return the text of a paragraph or heading, with its ``links`` or without."""
    text = Text()
    for inline in block.children:
        for piece in inline.children:
            if links or piece.type != "link":
                _append(text, piece, "")
    return text


def _append(text: Text, piece: SyntaxTreeNode, style: str) -> None:
    match piece.type:
        case "text":
            _append_words(text, piece.content, style)
        case "softbreak" | "hardbreak":
            text.append(" ")
        case "strong" | "em":
            for child in piece.children:
                _append(text, child, f"{style} {_STYLES[piece.type]}")
        case "link":
            start = len(text)
            for child in piece.children:
                _append(text, child, style)
            text.stylize(Style(underline=True, link=str(piece.attrs["href"])), start)
        case _:
            text.append(piece.content, f"{style} {_STYLES.get(piece.type, '')}")


def _append_words(text: Text, words: str, style: str) -> None:
    """Append words in ``style``, labels of citations dimmed."""
    at = 0
    for labels in _LABELS.finditer(words):
        text.append(words[at : labels.start()], style)
        text.append(labels[0], "dim")
        at = labels.end()
    text.append(words[at:], style)


def _addresses(block: SyntaxTreeNode) -> Iterator[str]:
    return (str(node.attrs["href"]) for node in block.walk() if node.type == "link")
