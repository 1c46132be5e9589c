"""Finds private keys, tokens and what is base64 of a credential: what shows by itself what it is."""

from __future__ import annotations

import base64
import binascii
import itertools
import re
from collections.abc import Callable

from bot.diagnosis.redaction.field_values import REDACTED

__all__ = ["without_base64", "without_private_keys", "without_tokens"]

_MAX_RUN = 16 * 1024
_NEAR = 200

# A letter right before counts as a border where it is that of an escape: the n of \nLTAI….
_START = r"(?:(?<![A-Za-z0-9+/_-])|(?<=\\[nrt]))"
_TOKENS = re.compile(
    rf"""LTAI[A-Za-z0-9]{{10,64}} | {_START}LTAI[A-Za-z0-9*]{{2,64}}
    | {_START}(?:STS\.[A-Za-z0-9]{{8,128}}
    | eyJ[A-Za-z0-9_+/=-]{{10,16384}}(?:\.[A-Za-z0-9_+/=-]{{0,16384}}){{0,4}}
    | AKIA[0-9A-Z]{{16}} | gh[pousr]_[A-Za-z0-9]{{16,255}} | github_pat_\w{{20,255}}
    | xox[abeoprs]-[A-Za-z0-9-]{{10,255}} | xapp-[A-Za-z0-9-]{{10,255}}
    | acknet_[A-Za-z0-9_-]{{43}}(?![A-Za-z0-9_-]))""",
    re.VERBOSE,
)
_SCHEME = re.compile(
    r"\b(?P<scheme>bearer|basic)(?P<gap>\s{1,4}|%20)(?P<value>[A-Za-z0-9._~+/=-]{8,16384})", re.IGNORECASE
)
_RANDOM = re.compile(r"\d|[a-z][A-Z]|=\Z")
_USER_INFO = re.compile(
    r"(?<=://)(?:(?:[^\s/?#\"'`<>\\]|\\(?![nrt])){1,512}"
    r"|[^\s/:@\"'`<>]{1,128}:(?!\d{1,5}/)[^\s@\"'`<>]{1,256}(?:@[^\s@/\"'`<>]{1,128}){0,4})@"
    r"|(?<![^\s\"'`=:(])[\w.-]{1,64}:[^\s:/@\"'`]{1,256}@(?=(?:tcp|unix|udp)\()"
)
# The secret of an access key has 30 letters and digits of every sort; taken for one only close to an access key's id.
_SORTS = r"(?=[A-Za-z]*\d)(?=[A-Z0-9]*[a-z])(?=[a-z0-9]*[A-Z])"
_PARTNER = re.compile(rf"(?<![A-Za-z0-9+/=_-]){_SORTS}[A-Za-z0-9]{{28,44}}(?![A-Za-z0-9+/=_-])")

_PEM = re.compile(r"-----(?P<edge>BEGIN|END) [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(
    r"(?:(?:\s|\\+[nr]|[|>-])*[A-Za-z0-9+/=]{16,100}(?![A-Za-z0-9+/=]))*"
    r"(?:(?:\s|\\+[nr])*[A-Za-z0-9+/]{1,100}={1,2})?"
)
_PEM_LINE = re.compile(r"[\s>|]*[A-Za-z0-9+/=]{1,100}\s*\Z")
_PEM_LINE_END = re.compile(r"[A-Za-z0-9+/=]{16,100}\s*\Z")
_LINE_BREAK = re.compile(r"\n|\\n")

_BASE64 = re.compile(
    r"(?<![A-Za-z0-9+/=_.-])(?:[A-Za-z0-9+/]{16,}|[A-Za-z0-9+/]{4,}(?=={1,2}(?![A-Za-z0-9=])))={0,2}(?![A-Za-z0-9+/=_-])"
)
_HEX = re.compile(r"[0-9a-f]+\Z")
# LTAI in base64 at each of its three offsets, and -----BEGIN.
_BASE64_OF = re.compile(r"TFRBS[T-X]|[EUk0]xUQU[kl]|MVEFJ|LS0tLS1CRU")


def without_tokens(text: str) -> str:
    """Return ``text`` without access keys, JWTs and other tokens, Authorization schemes, user information in URLs."""
    if "LTAI" in text:
        text = _without_partners(text)
    text = _TOKENS.sub(REDACTED, text)
    text = _SCHEME.sub(_scheme, text)
    return _USER_INFO.sub(f"{REDACTED}@", text)


def _scheme(match: re.Match[str]) -> str:
    is_token = match["value"] != REDACTED and _RANDOM.search(match["value"])
    return f"{match['scheme']}{match['gap']}{REDACTED}" if is_token else match[0]


def _without_partners(text: str) -> str:
    """Take out what stands close to an access key's id and looks like the secret that belongs to it."""
    parts: list[str] = []
    at = looked = 0
    for found in re.finditer("LTAI", text):
        start, looked = max(looked, found.start() - _NEAR), min(len(text), found.end() + _NEAR)
        for partner in _PARTNER.finditer(text, start, looked):
            parts += (text[at : partner.start()], REDACTED)
            at = partner.end()
    return "".join((*parts, text[at:]))


def without_private_keys(text: str) -> str:
    """Return ``text`` without the bodies of private keys in PEM, also of those whose begin or end was cut off."""
    parts: list[str] = []
    at = 0
    edges = [*_PEM.finditer(text)]
    for edge, following in itertools.zip_longest(edges, edges[1:]):
        if edge["edge"] == "END":
            if edge.start() > at and (start := _start_of_body(text, at, edge.start())) < edge.start():
                parts += (text[at:start], REDACTED)
                at = edge.start()
            continue
        start = edge.end()
        if following and following["edge"] == "END" and following.start() - start <= _MAX_RUN:
            end = following.start()
        else:
            body = _PEM_BODY.match(text, start, start + _MAX_RUN)
            end = body.end() if body else start
        if REDACTED in text[start : end + len(REDACTED)]:
            parts.append(text[at:end])
        else:
            parts += (text[at:start], REDACTED)
        at = end
    return "".join((*parts, text[at:]))


def _start_of_body(text: str, lowest: int, end: int) -> int:
    """Return where the lines of base64 start that stand before an END."""
    start = end
    while start > lowest:
        breaks = [found.end() for found in _LINE_BREAK.finditer(text, max(lowest, start - 160), start - 1)]
        line = breaks[-1] if breaks else max(lowest, start - 160)
        content = text[line:start].replace("\\n", " \n")
        if line >= start or REDACTED in content:
            break
        if not _PEM_LINE.match(content):
            tail = _PEM_LINE_END.search(content)
            return line + tail.start() if tail else start
        start = line
    return start


def without_base64(text: str, redacted: Callable[[str], str]) -> str:
    """Return ``text`` without base64 whose content, if only in part, ``redacted`` would take a credential out of."""

    def replaced(match: re.Match[str]) -> str:
        run = match[0]
        if _BASE64_OF.search(run):
            return REDACTED
        if _HEX.match(run) or run.isalpha() or run.isdigit() or len(run) > _MAX_RUN:
            return run
        try:
            content = base64.b64decode(run + "=" * (-len(run) % 4), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return run
        is_text = content.translate({9: None, 10: None, 13: None}).isprintable()
        return REDACTED if is_text and redacted(content) != content else run

    return _BASE64.sub(replaced, text)
