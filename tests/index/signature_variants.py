"""The shipped signatures as they turn up: filled, wrapped, cut, escaped, quoted, in logs; and foreign errors."""

from __future__ import annotations

import html
import json
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache

from corpus import Signature, load_corpus
from corpus.signature import squeeze
from index.phrases import FUNCTION_WORDS

__all__ = [
    "CUTS",
    "LOG",
    "SETTINGS",
    "VARIANTS",
    "cut_to_60_percent",
    "filled",
    "foreign_codes",
    "foreign_insertions",
    "foreign_phrases",
    "in_a_log",
    "literals_of",
    "owners",
    "says_enough",
    "without_masks",
]

Variant = Callable[[str], str]

_MASK = re.compile(r"<([a-z]+)>")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_FILLINGS = (
    {
        "int": "0",
        "ip": "10.24.0.17",
        "mac": "00:16:3e:1a:2b:3c",
        "id": "vsw-bp1s5fnvk4gn2tws03624",
        "name": "cn-hangzhou.10.24.0.12",
        "text": "Secondary",
        "version": "v1.13.2",
    },
    {
        "int": "65535",
        "ip": "2408:4005:3f4:1::a2",
        "mac": "EE-FF-00-11-22-33",
        "id": "C6BA1234-6CB4-4F2C-9D3A-0F1E2D3C4B5A",
        "name": "kube-system/web-7d4c9f8b6-x2kqz",
        "text": "some other kind",
        "version": "1.9",
    },
    {
        "int": "31",
        "ip": "10.24.x.x",
        "mac": "00:16:3e:**:**:**",
        "id": "vpc-2ze****k4",
        "name": "ingress",
        "text": "rr",
        "version": "v1.5.2-2f9c1a",
    },
)
LOG = [
    f"I1122 03:1{at % 10}:22.{at * 37:06}       1 controller.go:{at}] Syncing pod prod/api-{at} on node "
    f"cn-beijing.10.0.{at % 200}.7, nothing to do"
    for at in range(300)
]


@cache
def owners() -> dict[str, frozenset[str]]:
    """Signature → the entries that have it."""
    found: dict[str, set[str]] = {}
    for entry in load_corpus().entries:
        for signature in entry.signatures:
            found.setdefault(signature, set()).add(entry.id)
    return {signature: frozenset(entries) for signature, entries in found.items()}


def filled(signature: str) -> list[str]:
    """The signature with ids, addresses and numbers in its masks, in several ways."""
    texts = [_MASK.sub(lambda mask, fill=fill: fill[mask[1]], signature) for fill in _FILLINGS]
    return list(dict.fromkeys(texts))


def literals_of(signature: str) -> list[str]:
    """What stands between its masks."""
    return _MASK.split(signature)[::2]


def without_masks(signature: str) -> str:
    return _MASK.sub(" ", signature)


def in_a_log(text: str) -> str:
    """``text`` as a line among 300 others."""
    line = f'2025-11-22T03:11:22.104Z level=error attempt=3 msg="{text}'
    return "\n".join([*LOG[:211], line, *LOG[211:]])


def cut_to_60_percent(text: str) -> str:
    return text[: int(0.6 * len(text))]


def _broken(width: int) -> Variant:
    return lambda text: "\n".join(text[at : at + width] for at in range(0, len(text), width))


def _wrapped(width: int) -> Variant:
    return lambda text: "\n    ".join(textwrap.wrap(text, width))


def _quoted(text: str) -> str:
    lines = ["seen tonight", *_broken(50)(text).split("\n"), "on all nodes"]
    return "\n".join(f"> {line}" for line in lines)


def _slack(times: int) -> Variant:
    def escaped(text: str) -> str:
        for _ in range(times):
            text = html.escape(text, quote=False)
        return text

    return escaped


def _json(times: int) -> Variant:
    def escaped(text: str) -> str:
        for _ in range(times):
            text = json.dumps({"level": "error", "msg": text})
        return text

    return escaped


VARIANTS: dict[str, Variant] = {
    "as it is": lambda text: text,
    "in upper case": str.upper,
    "in lower case": str.lower,
    **{f"wrapped at {width} columns": _wrapped(width) for width in (40, 60, 80)},
    **{f"broken at {width} columns": _broken(width) for width in (23, 40, 60, 80)},
    "with Windows line ends": lambda text: _broken(40)(text).replace("\n", "\r\n"),
    "escaped by Slack": _slack(1),
    "escaped by Slack twice": _slack(2),
    "in JSON": _json(1),
    "in JSON in JSON": _json(2),
    "in JSON as Go writes it": lambda text: _json(1)(text).replace("<", r"\u003c").replace(">", r"\u003e"),
    "in YAML": lambda text: f"  message: '{text.replace(chr(39), chr(39) * 2)}'\n  reason: Failed",
    "quoted": _quoted,
    "in a table": lambda text: "\n".join(f"│ {line:<40} │" for line in _broken(40)(text).split("\n")),
    "in a log": lambda text: in_a_log(text) + '"',
    "in a sentence": lambda text: f"Since the upgrade we see {text}, what does it mean?",
    "at a sentence's end": lambda text: f"All of a sudden there is {text}. Please help.",
    "in Chinese without blanks": lambda text: f"报错{text}怎么处理",
    "as code": lambda text: f"`{text}`",
    "in italics": lambda text: f"_{text}_",
    "in colour": lambda text: f"\x1b[31m{text}\x1b[0m",
}
"""What happens to an error text on its way into a question."""

CUTS: dict[str, Variant] = {
    "at the end": cut_to_60_percent,
    "with dots": lambda text: cut_to_60_percent(text) + "...",
    "with an ellipsis": lambda text: cut_to_60_percent(text) + "…",
    "and broken at 30 columns": lambda text: _broken(30)(cut_to_60_percent(text)),
    "in a log": lambda text: in_a_log(cut_to_60_percent(text)),
}
"""The ways in which 60 % of an error text are left."""


def says_enough(signature: str, text: str) -> bool:
    """Whether 60 % of ``text``, a filled signature, could tell anybody which error it is.

    It cannot where masks take so much room that less than half of the signature's own letters is left, where less
    than six letters are, or a single whole word of a sentence.
    """
    short = cut_to_60_percent(text)
    literals = literals_of(signature)
    left = at = 0
    for literal in literals:
        at = text.find(literal, at)
        left += _letters(short[at : at + len(literal)])
        at += len(literal)
    ends_a_word = not (short[-1].isalnum() and text[len(short)].isalnum())
    one_word_of_many = " " in signature and " " not in short.strip() and ends_a_word
    return left >= max(6, sum(map(_letters, literals)) / 2) and not one_word_of_many


def _letters(text: str) -> int:
    return len("".join(text.split()))


SETTINGS: dict[str, str] = {
    "alone": "{}",
    "in a log line": 'time="2025-03-04T10:31:07Z" level=error msg="{}"',
    "in an event": "Warning  FailedCreatePodSandBox  3m  kubelet  {}",
    "behind a klog header": "E0304 10:31:07.123456       1 server.go:42] {}",
    "behind a sentence": "Our pods hang. The log says: {}",
    "as code in a question": "what is `{}` ?",
}
"""Where foreign errors stand."""


def foreign_phrases() -> Iterator[tuple[str, str]]:
    """Yield (signature, the same error text with one of its words replaced) for signatures of several words.

    Only where enough is left to tell what it resembles: of four words and more, three of which are no function words.
    Function words are left alone, and codes within a sentence: what stands around them is the frame of many messages.
    """
    for signature in owners():
        words = signature.split()
        telling = {word for word in re.findall(r"[a-z0-9]+", _MASK.sub(" ", signature).lower()) if _tells(word)}
        if len(_MASK.sub(" ", signature).split()) < 4 or len(telling) < 3:
            continue
        for at, word in enumerate(words):
            core = word.rstrip(":,.;")
            if core.isascii() and core.isalpha() and _tells(core.lower()) and len(_CAMEL.findall(core)) < 3:
                other = ("Gizmos" if word[0].isupper() else "gizmos") + word[len(core) :]
                text = filled(" ".join([*words[:at], other, *words[at + 1 :]]))[0]
                if not _holds_a_signature(text):
                    yield signature, text


def foreign_insertions() -> Iterator[tuple[str, str]]:
    """Yield (signature, the same error text with one word more between two of its own) where enough tells of it."""
    for signature in owners():
        words = signature.split()
        telling = {word for word in re.findall(r"[a-z0-9]+", _MASK.sub(" ", signature).lower()) if _tells(word)}
        if len(_MASK.sub(" ", signature).split()) < 4 or len(telling) < 3:
            continue
        for at in range(1, len(words)):
            # Beside a mask the word would be part of what fills it, beside a number of what is left out.
            if all(re.fullmatch(r"[A-Za-z_']+[:,.;]?", word) for word in words[at - 1 : at + 1]):
                text = filled(" ".join([*words[:at], "gizmo", *words[at:]]))[0]
                if not _holds_a_signature(text):
                    yield signature, text


def foreign_codes() -> Iterator[tuple[str, str]]:
    """Yield (signature, the same code with one part replaced) for dotted codes and codes of three parts and more."""
    for signature in owners():
        if "." in signature and re.fullmatch(r"[\w.]+", signature):
            first, second = signature.split(".")
            yield from ((signature, f"{first}.GizmosGone"), (signature, f"GizmosGone.{second}"))
        parts = _CAMEL.findall(signature)
        if "".join(parts) == signature and sum(map(_tells, map(str.lower, parts))) >= 3:
            for at, part in enumerate(parts):
                if _tells(part.lower()):
                    yield signature, "".join([*parts[:at], "Gizmo", *parts[at + 1 :]])


def _tells(word: str) -> bool:
    return word not in FUNCTION_WORDS and not word.isdigit() and len(word) > 2


def _holds_a_signature(text: str) -> bool:
    return any(re.search(Signature.compile(signature).pattern, squeeze(text)) for signature in owners())
