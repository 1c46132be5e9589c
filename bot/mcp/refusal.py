"""What is said, in one sentence, where a call cannot be answered."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from pydantic import ValidationError

from bot.web.crash import crash
from bot.web.problems import PROBLEMS, as_problem

if TYPE_CHECKING:
    from corpus import Corpus, Entry

__all__ = ["Refusal", "known_entry", "refusal_of"]

_MOST_ERRORS = 5
_LONGEST_ECHO = 100
_SAID = {"extra_forbidden": "is not known here", "missing": "is required"}


class Refusal(Exception):
    """A call that cannot be answered; its text says why and what to do."""


def refusal_of(error: Exception) -> Refusal:
    """Say ``error`` to whoever called; one that is acknet's own failure is logged, and not told."""
    match error:
        case Refusal():
            return error
        case ValidationError():
            return _invalid(error)
        case _ if isinstance(error, PROBLEMS):
            return Refusal(as_problem(error).detail)
        case _:
            return Refusal(crash(secrets.token_hex(8), error).detail)


def known_entry(corpus: Corpus, entry_id: str) -> Entry:
    """Return the entry with this id; raises Refusal that names those that come close."""
    if entry_id in corpus:
        return corpus[entry_id]
    closest = corpus.closest(entry_id)
    hint = f"did you mean {', '.join(closest)}?" if closest else "the resources list all entries."
    raise Refusal(f"There is no entry {entry_id[:_LONGEST_ECHO]!r}; {hint}")


def _invalid(error: ValidationError) -> Refusal:
    found = error.errors(include_url=False, include_input=False)
    said = [f"{_where(item['loc'])} {_SAID.get(item['type'], item['msg'])}" for item in found[:_MOST_ERRORS]]
    more = "; and more" if len(found) > len(said) else ""
    return Refusal(f"The arguments do not have the right form: {'; '.join(said)}{more}.")


def _where(location: tuple[int | str, ...]) -> str:
    steps = ".".join(str(step)[:_LONGEST_ECHO] for step in location)
    return repr(steps[:_LONGEST_ECHO]) if steps else "the whole"
