"""Inline Markdown as runs of styled text, which Slack shows exactly as they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from bot.slack.blocks.text import clean, clip, one_line, size

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["Run", "clip_runs", "link", "plain", "runs_of", "size_of"]

_LONGEST_URL = 3000
_LONGEST_LABEL = 500
_MOST_PARSED = 5000
_STYLES = {"strong": "bold", "em": "italic", "s": "strike"}


@dataclass(frozen=True, slots=True)
class Run:
    """Text in one style; ``url`` makes it a link. Nothing in it is markup: it can neither mention nor link."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    url: str | None = None

    @property
    def size(self) -> int:
        """What it counts against the limits of a message."""
        return size(self.text) + len(self.url or "")


def runs_of(markdown: str) -> list[Run]:
    """Return inline Markdown as runs.

    Links in it become their words and address: only sources that acknet cites are links. HTML stays text, and so does
    what is longer than any statement.
    """
    if len(markdown) > _MOST_PARSED:
        return [Run(clean(markdown))]
    tokens = _parser().parseInline(clean(markdown))
    return list(_merged(run for token in tokens for run in _runs(token.children or [])))


def link(label: str, url: str) -> Run:
    """Return a link; only its label, on one line, where ``url`` is no address that Slack takes."""
    label = clip(one_line(label), _LONGEST_LABEL) or "–"
    return Run(label, url=url) if _followable(url) else Run(label)


def plain(runs: Iterable[Run]) -> str:
    """Return the words of ``runs``."""
    return "".join(run.text for run in runs)


def size_of(runs: Iterable[Run]) -> int:
    """Return what ``runs`` count together."""
    return sum(run.size for run in runs)


def clip_runs(runs: Iterable[Run], most: int) -> tuple[Run, ...]:
    """Return as much of ``runs`` as ``most`` characters hold, with an ellipsis where they end early."""
    kept: list[Run] = []
    for run in runs:
        if run.size > most:
            if words := clip(run.text, most - len(run.url or "")):
                kept.append(replace(run, text=words))
            break
        kept.append(run)
        most -= run.size
    return tuple(kept)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("strikethrough")


def _runs(tokens: Iterable[Token]) -> Iterator[Run]:
    depth = dict.fromkeys(_STYLES.values(), 0)
    links: list[tuple[str, list[str]]] = []
    for token in tokens:
        kind = token.type
        if kind.endswith(("_open", "_close")) and (style := _STYLES.get(kind.rpartition("_")[0])):
            depth[style] += token.nesting
            continue
        if kind == "link_open":
            links.append((str(token.attrs.get("href", "")), []))
            continue
        if kind == "link_close":
            url, words = links.pop()
            text = f" ({url})" if url and url != "".join(words).strip() else ""
        else:
            text = " " if kind == "softbreak" else "\n" if kind == "hardbreak" else token.content
        for _url, words in links:
            words.append(text)
        if text:
            yield Run(
                text,
                bold=depth["bold"] > 0,
                italic=depth["italic"] > 0,
                strike=depth["strike"] > 0,
                code=kind == "code_inline",
            )


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    for _, alike in groupby(runs, key=lambda run: (run.bold, run.italic, run.strike, run.code, run.url)):
        first, *others = alike
        yield replace(first, text="".join([first.text, *(run.text for run in others)])) if others else first


def _followable(url: str) -> bool:
    if len(url) > _LONGEST_URL or not url.isascii() or not url.isprintable() or any(char in url for char in " <>|"):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
