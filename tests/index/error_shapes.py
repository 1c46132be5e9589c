"""What happens to the FAQ's errors on their way into a question, several things at once."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Callable, Iterator

from index.squeezed import squeezed
from tests.index.faq_errors import FAQ_ERRORS
from tests.index.foreign_errors import FOREIGN_ERRORS
from tests.index.signature_variants import LOG, filled, literals_of

__all__ = ["CASES", "CUTS", "ENDINGS", "ESCAPES", "PLACES", "shapes", "specific"]

Shape = Callable[[str], str]

CUTS: dict[str, Shape] = {
    "all of it": lambda text: text,
    "its first 60 %": lambda text: text[: int(0.6 * len(text))],
    "its last 60 %": lambda text: text[len(text) - int(0.6 * len(text)) :],
}

CASES: dict[str, Shape] = {"as it is": lambda text: text, "upper case": str.upper, "lower case": str.lower}

_FULL_WIDTH = str.maketrans(",:;()[]!?", "，：；（）［］！？")

ESCAPES: dict[str, Shape] = {
    "plain": lambda text: text,
    "in JSON": lambda text: json.dumps(text)[1:-1],
    "in JSON in JSON": lambda text: json.dumps(json.dumps(text)[1:-1])[1:-1],
    "in full width": lambda text: text.translate(_FULL_WIDTH),
}

_HEADER = "2025-11-22T03:11:22.104Z level=error attempt=3 msg: "


def _log_with(at: int) -> Shape:
    return lambda text: "\n".join([*LOG[:at], text, *LOG[at:]])


PLACES: dict[str, Shape] = {
    "alone": lambda text: text,
    "in a line of a log": lambda text: _HEADER + text,
    "first of 300 lines": _log_with(0),
    "in the middle of 300 lines": _log_with(150),
    "last of 300 lines": _log_with(300),
    "in 300 lines with a header each": lambda text: _log_with(97)(_HEADER + text),
    "in a sentence": lambda text: f"Since the upgrade our pods hang, the log says: {text}\nWhat is wrong?",
    "in Chinese": lambda text: f"升级之后报错：“{text}”，请问怎么处理？",
}


def _wrapped(text: str) -> str:
    return "\n".join(line[at : at + 80] for line in text.split("\n") for at in range(0, max(1, len(line)), 80))


def _by_slack(text: str) -> str:
    return html.escape(text, quote=False)


_OWN_LINE = ("alone", "first of 300 lines", "in the middle of 300 lines", "last of 300 lines")

ENDINGS: dict[str, Shape] = {
    "as it is": lambda text: text,
    "wrapped at 80 columns": _wrapped,
    "escaped by Slack": _by_slack,
    "wrapped at 80 columns, escaped by Slack": lambda text: _by_slack(_wrapped(text)),
}
"""What happens last."""


def specific(error: str, text: str, cut: str) -> bool:
    """Whether what is left of ``text``, a filled ``error`` of the FAQ, can tell anybody which one it is.

    It can if nine letters and half of the error's own stand there (ids and addresses do not count), if it breaks off
    within a word or has three whole ones (fewer may stand in any sentence, and parts of a code are those of others),
    and if neither another error of the FAQ nor one of the foreign errors here has the same letters.
    """
    if cut == "all of it":
        return True
    left = CUTS[cut](text)
    if cut == "its first 60 %":
        broken = _within_a_part(left[-1], text[len(left)])
    else:
        broken = _within_a_part(text[-len(left) - 1], left[0])
    if not broken and len(left.split()) < 3:
        return False
    own = "".join(map(squeezed, literals_of(error)))
    kept = squeezed(left)
    held = sum(map(len, _held(literals_of(error), text, cut)))
    if held < max(9, len(own) / 2):
        return False
    others = [
        other for name, entries in FAQ_ERRORS.items() if not entries & FAQ_ERRORS[error] for other in filled(name)
    ]
    return not any(kept in squeezed(other) for other in (*others, *FOREIGN_ERRORS))


def _within_a_part(left: str, right: str) -> bool:
    """Whether a break between two letters is one within a part of a word."""
    return left.isalnum() and right.isalnum() and not (left.islower() and right.isupper())


def _held(literals: list[str], text: str, cut: str) -> Iterator[str]:
    """Yield what is left of each literal of ``text``."""
    length = int(0.6 * len(text)) if cut != "all of it" else len(text)
    first, end = (len(text) - length, len(text)) if cut == "its last 60 %" else (0, length)
    at = 0
    for literal in literals:
        at = text.find(literal, at)
        yield squeezed(text[max(at, first) : max(first, min(at + len(literal), end))])
        at += len(literal)


def shapes() -> Iterator[tuple[str, Shape, str]]:
    """Yield the name of every shape, what makes it of an error, and how it is cut."""
    for cut, case, escape, place, ending in itertools.product(CUTS, CASES, ESCAPES, PLACES, ENDINGS):
        # Letters in another case are told apart from the rest by nothing that escapes or surrounds them.
        if case == "as it is" or (escape == "plain" and "300" not in place):
            yield f"{cut}, {case}, {escape}, {place}, {ending}", _shape(cut, case, escape, place, ending), cut


def _shape(cut: str, case: str, escape: str, place: str, ending: str) -> Shape:
    # What has lost its beginning stands at that of a line, or behind dots.
    dots = "..." if cut == "its last 60 %" and place not in _OWN_LINE else ""
    return lambda text: ENDINGS[ending](PLACES[place](ESCAPES[escape](dots + CASES[case](CUTS[cut](text)))))
