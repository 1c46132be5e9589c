"""What Slack reads into text: mentions, links, and what should have been escaped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

__all__ = ["escape", "links", "mentions", "problems", "url_problem"]

_SEQUENCE = re.compile(r"<([^<>]*)>")
_BARE_AMPERSAND = re.compile(r"&(?!amp;|lt;|gt;)")
_MENTION = re.compile(
    r"(?P<target>@[UW][A-Z0-9]+|#[CG][A-Z0-9]+|!here|!channel|!everyone|!subteam\^S[A-Z0-9]+)(?:\|[^<>]*)?"
)
_DATE = re.compile(r"!date\^\d+\^[^<>^]+(?:\^[^<>|]+)?\|[^<>]+")
_SCHEMES = {"http", "https", "mailto", "tel"}


def escape(text: str) -> str:
    """Escape the three characters that Slack gives a meaning."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mentions(text: str) -> list[str]:
    """Return whom ``text`` notifies or points at: ``U…``, ``C…``, ``here``, ``channel``, ``everyone``, ``S…``."""
    return [_target(match["target"]) for sequence in _inner(text) if (match := _MENTION.fullmatch(sequence))]


def links(text: str) -> list[tuple[str, str]]:
    """Return address and label of what ``text`` links; the label is the address where none is given."""
    found = []
    for sequence in _inner(text):
        if not sequence.startswith(("@", "#", "!")):
            address, bar, label = sequence.partition("|")
            found.append((address, label if bar else address))
    return found


def problems(text: str) -> Iterator[str]:
    """Say what in ``text`` was meant literally, or meant for Slack, but is not read so."""
    rest = _SEQUENCE.sub("", text)
    if "<" in rest or ">" in rest:
        yield "unescaped < or >"
    if _BARE_AMPERSAND.search(rest):
        yield "unescaped &"
    for sequence in _inner(text):
        if sequence.startswith(("@", "#", "!")):
            if not (_MENTION.fullmatch(sequence) or _DATE.fullmatch(sequence)):
                yield f"<{sequence}> is no control sequence"
            continue
        address, bar, label = sequence.partition("|")
        if problem := url_problem(address):
            yield f"<{sequence}>: {problem}"
        if bar and ("|" in label or not label.strip()):
            yield f"<{sequence}>: the label is empty or holds a |"


def url_problem(url: str) -> str | None:
    """Say why ``url`` cannot be followed, if so."""
    if re.search(r"[\s<>|]", url):
        return "must be a valid url"
    try:
        parts = urlsplit(url)
    except ValueError:
        return "must be a valid url"
    if parts.scheme not in _SCHEMES or not (parts.netloc or parts.scheme in ("mailto", "tel")):
        return "must be a valid url"
    return None


def _inner(text: str) -> list[str]:
    return [match[1] for match in _SEQUENCE.finditer(text)]


def _target(sequence: str) -> str:
    return sequence.removeprefix("!subteam^").lstrip("@#!")
