"""What a model may do for an answer: read the question again, put one of several entries first, reword the summary."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from bot.answer import Answer, AnswerStatement
from bot.diagnosis.redaction.redact import redact
from bot.llm.completion import Completion, CompletionError, Deadline
from bot.llm.faithful import is_english, is_extract, is_rewording
from bot.llm.prompts import CHOOSE, READ, REWORD, Choice, Form, Question, Rewording
from bot.settings import Settings
from corpus import Corpus
from index.retriever import Ranked, Ranking

__all__ = ["Help", "ModelHelp", "open_help"]

_logger = logging.getLogger("acknet.llm")

_MOST_TURN = 4000
_MOST_TEXT = 8000
_MOST_CONVERSATION = 7500
_MOST_QUESTION = 500
_NEAR = 5

_Form = TypeVar("_Form", bound=Form)


@dataclass
class Help:
    """What a model did for one answer, and what it was ``sent`` for that; it has until ``deadline``."""

    deadline: Deadline
    notes: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)


class ModelHelp:
    """Lets a model help within ``seconds`` an answer. A model that fails is left alone for a while.

    Nothing that a model says is a fact: it can only bring forward an entry that acknet itself ranked among the first
    five, put first one of several that acknet offers, or reorder the words of a summary.
    """

    def __init__(self, completion: Completion, seconds: float) -> None:
        self._completion = completion
        self._seconds = seconds
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def begin(self) -> Help:
        """Begin to help with an answer."""
        return Help(Deadline(self._seconds))

    def read(
        self,
        turns: Sequence[str],
        ranking: Ranking,
        rank: Callable[[Sequence[str]], Ranking],
        corpus: Corpus,
        helped: Help,
    ) -> Ranking:
        """Return a ranking for ``turns`` that is more certain than ``ranking``, or that one."""
        if ranking.outcome == "answer" or ranking.look_alike is not None or not any(turn.strip() for turn in turns):
            return ranking
        ranking = self._read_again(turns, ranking, rank, helped)
        return self._choose(turns, ranking, corpus, helped) if ranking.outcome == "choices" else ranking

    def reword(self, turns: Sequence[str], answer: Answer, helped: Help) -> Answer:
        """Return the answer with its summary in words that speak to the question, and with what the model did."""
        if answer.outcome == "answer":
            answer = self._reword(turns, answer, helped)
        if not helped.sent:
            return answer
        return _told(answer, " ".join(helped.notes)).model_copy(update={"model_sent": tuple(helped.sent)})

    def _read_again(
        self, turns: Sequence[str], ranking: Ranking, rank: Callable[[Sequence[str]], Ranking], helped: Help
    ) -> Ranking:
        said = self._ask(READ, {"conversation": _last_of(turns)}, Question, helped)
        question = said.question if said else ""
        if not question.strip() or len(question) > _MOST_QUESTION or not _holds_to(question, "\n".join(turns)):
            return ranking
        found = rank([question])
        near = {ranked.entry for ranked in ranking.entries[:_NEAR]}
        if found.outcome != "answer" or found.look_alike is not None or found.entries[0].entry not in near:
            return ranking
        helped.notes.append("A language model helped to read this question.")
        return found

    def _choose(self, turns: Sequence[str], ranking: Ranking, corpus: Corpus, helped: Help) -> Ranking:
        titles = [corpus[entry_id].title for entry_id in ranking.choices]
        asked = {"question": _begin_of(turns[-1]), "titles": dict(enumerate(titles, 1))}
        said = self._ask(CHOOSE, asked, Choice, helped)
        if said is None or not 1 <= said.number <= len(titles):
            return ranking
        chosen = ranking.choices[said.number - 1]
        helped.notes.append("A language model holds the first one for the likeliest.")
        choices = (chosen, *(one for one in ranking.choices if one != chosen))
        return replace(ranking, choices=choices, entries=_first(ranking.entries, chosen))

    def _reword(self, turns: Sequence[str], answer: Answer, helped: Help) -> Answer:
        summary = next((section for section in answer.sections if section.name == "Summary"), None)
        first = summary.statements[0] if summary and summary.statements else None
        if summary is None or first is None or first.own_note or first.when:
            return answer
        asked = {"question": _begin_of(turns[-1]), "summary": first.text}
        said = self._ask(REWORD, asked, Rewording, helped)
        source = " ".join([answer.title, *(one.text for one in summary.statements)])
        if said is None or not is_rewording(said.summary, first.text, source):
            return answer
        helped.notes.append("A language model reworded the first sentences.")
        text = said.summary.strip()
        reworded = first.model_copy(update={"text": text})
        section = summary.model_copy(update={"statements": (reworded, *summary.statements[1:])})
        return answer.model_copy(
            update={
                "summary": answer.summary.replace(first.text, text, 1),
                "sections": tuple(section if one is summary else one for one in answer.sections),
            }
        )

    def _ask(self, instruction: str, asked: Mapping[str, Any], form: type[_Form], helped: Help) -> _Form | None:
        """Return what the model says to ``asked``; None where it is of no use."""
        with self._lock:
            if time.monotonic() < self._rests_until:
                return None
        text = redact(json.dumps(asked, ensure_ascii=False)[:_MOST_TEXT])
        helped.sent.append(text)
        try:
            return self._completion.ask(instruction, text, form, helped.deadline)
        except CompletionError as error:
            _logger.warning("the model is of no help: %s", error)
            with self._lock:
                self._rests_until = time.monotonic() + error.rest
            return None


def open_help(settings: Settings) -> ModelHelp | None:
    """Return the help that ``settings`` name, if any."""
    if settings.llm_url is None:
        return None
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    return ModelHelp(Completion(settings.llm_url, settings.llm_model, key), settings.llm_timeout)


def _begin_of(turn: str) -> str:
    """Return as much of ``turn`` as is sent; what the cut would leave of a credential is taken out before."""
    return redact(turn[: 2 * _MOST_TURN])[:_MOST_TURN]


def _last_of(turns: Sequence[str]) -> list[str]:
    """Return what was said last, as much as is sent: the question is at the end."""
    kept: list[str] = []
    for turn in reversed(turns):
        longer = [_begin_of(turn), *kept]
        if kept and len(json.dumps(longer, ensure_ascii=False)) > _MOST_CONVERSATION:
            break
        kept = longer
    return kept


def _holds_to(question: str, source: str) -> bool:
    """Tell whether ``question`` brings nothing of its own.

    Of a source in another language, whose words cannot be compared, it may not bring identifiers and numbers.
    """
    if is_english(source):
        return is_extract(question, source)
    telling = " ".join(word for word in question.split() if any(not char.isalpha() for char in word.strip("?.,!:;")))
    return is_extract(telling, source)


def _first(entries: tuple[Ranked, ...], chosen: str) -> tuple[Ranked, ...]:
    """Return the entries with ``chosen`` before all others, the confidences where they were."""
    order = sorted(entries, key=lambda ranked: ranked.entry != chosen)
    return tuple(Ranked(one.entry, place.confidence) for one, place in zip(order, entries, strict=True))


def _told(answer: Answer, note: str) -> Answer:
    """Return the answer with ``note`` where every surface shows it."""
    if not note:
        return answer
    if not answer.sections:
        return answer.model_copy(update={"summary": f"{answer.summary} {note}"})
    said = AnswerStatement(
        text=note, form="paragraph", labels=(), own_note=True, when=None, holds=None, code=(), risks=(), children=()
    )
    sections = tuple(
        one.model_copy(update={"statements": (*one.statements, said)}) if one.name == "Summary" else one
        for one in answer.sections
    )
    return answer.model_copy(update={"sections": sections})
