"""How well questions find their entries, and how far the confidence can be trusted: figures on a question set.

A question set is a file of one JSON object a line (see :class:`Question`). Whoever runs the retriever turns each
question into a :class:`Judgement`; :func:`evaluate` only counts and needs neither an index nor a model.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, ValidationError, model_validator

__all__ = [
    "Group",
    "Judgement",
    "Kind",
    "Language",
    "Point",
    "Question",
    "QuestionFileError",
    "Report",
    "evaluate",
    "read_questions",
]

Kind = Literal["question", "symptom", "error", "terse", "zh", "thread", "ambiguous", "out"]
"""The way a question is put; reports list the kinds in this order."""

Language = Literal["en", "zh"]

_KINDS: tuple[Kind, ...] = get_args(Kind)
_LANGUAGES: tuple[Language, ...] = get_args(Language)

_Text = Annotated[str, StringConstraints(pattern=r"\S")]  # something to read, not blanks only

_PRECISIONS = ("0.90", "0.95", "0.98")


class QuestionFileError(ValueError):
    """Raised when a question set cannot be used; names the file, the line and what is wrong there."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Question(_Frozen):
    """A question and the entries that answer it.

    ``query`` is one text or a thread, oldest turn first. An empty ``gold`` means that the FAQ does not answer it (out
    of scope). With several, any of them is a right answer, unless the question is ``ambiguous``: then all of them
    explain what is asked, and all should be offered.
    """

    id: _Text
    query: _Text | Annotated[tuple[_Text, ...], Field(min_length=1)]
    lang: Language
    kind: Kind
    gold: tuple[_Text, ...]
    ambiguous: StrictBool = False

    @property
    def turns(self) -> tuple[str, ...]:
        """The thread, oldest turn first; one turn when the question stands alone."""
        return (self.query,) if isinstance(self.query, str) else self.query

    @property
    def answerable(self) -> bool:
        """Whether one entry answers it: neither out of scope nor ambiguous."""
        return bool(self.gold) and not self.ambiguous

    @model_validator(mode="after")
    def _ambiguous_between_something(self) -> Self:
        if self.ambiguous and not self.gold:
            raise ValueError("an ambiguous question needs the entries that explain it in gold")
        return self


class Judgement(_Frozen):
    """What came of a question: entry ids, best first, and whether one was given as the answer.

    ``confidence`` (0 to 1) is how sure the retriever is that the first entry is right. ``refused`` stands for the
    outcome ``no_answer``, ``choices`` for the outcome of that name, neither for ``answer``.
    """

    question: Question
    ranked: tuple[str, ...]
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    refused: bool
    choices: bool

    @property
    def right(self) -> bool:
        """Whether the first entry is a gold one; never so for a question that is out of scope."""
        return self.hit_within(1)

    def hit_within(self, depth: int) -> bool:
        """Whether a gold entry is among the first ``depth``."""
        return not set(self.question.gold).isdisjoint(self.ranked[:depth])

    @property
    def reciprocal_rank(self) -> float:
        """1 / the rank (from 1) of the best gold entry; 0 when none was found."""
        return next((1 / rank for rank, entry in enumerate(self.ranked, 1) if entry in self.question.gold), 0.0)

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if self.refused and self.choices:
            raise ValueError("an outcome is either no_answer (refused) or choices, not both")
        return self


class Group(_Frozen):
    """The figures of some questions. Every share is within 0 to 1, or None where there is nothing to take it of."""

    n: int = Field(description="all questions")
    wrong_answers: float | None = Field(description="of all: answered or offered choices, first entry not gold")

    answerable: int = Field(description="questions that one entry answers")
    hit_at_1: float | None = Field(description="of the answerable: first entry is gold")
    recall_at_3: float | None = Field(description="of the answerable: a gold entry among the first three")
    mrr: float | None = Field(description="mean reciprocal rank of the best gold entry of the answerable")
    false_refusals: float | None = Field(description="of the answerable: refused")
    needless_choices: float | None = Field(description="of the answerable: offered choices")

    ambiguous: int = Field(description="questions that several entries explain")
    all_in_top_5: float | None = Field(description="of the ambiguous: every gold entry among the first five")
    ambiguous_choices: float | None = Field(description="of the ambiguous: offered choices")
    ambiguous_refused: float | None = Field(description="of the ambiguous: refused")

    out_of_scope: int = Field(description="questions that the FAQ does not answer")
    out_of_scope_refused: float | None = Field(description="of those out of scope: refused")


class Point(_Frozen):
    """What happens if exactly the questions with at least this confidence are answered with their first entry."""

    confidence: float
    coverage: float = Field(description="share of all questions that are answered then")
    risk: float = Field(description="share of those answered whose first entry is not gold")


class Report(_Frozen):
    """The figures of a question set; ``model_dump_json`` writes them.

    ``curve`` and what is derived from it judge the confidence alone, over all questions and whatever was refused: an
    answer to a question out of scope is wrong, one to an ambiguous question is right if its entry is one of several.
    """

    overall: Group
    by_kind: dict[Kind, Group]
    by_lang: dict[Language, Group]
    auroc: float | None = Field(
        description="chance that an answerable question has more confidence than one out of scope"
    )
    curve: tuple[Point, ...] = Field(description="risk and coverage, from the highest confidence to the lowest")
    aurc: float | None = Field(description="area under the curve; lower is better")
    coverage_at_precision: dict[str, float | None] = Field(
        description="largest coverage at which at least this share of the answers is right"
    )


def read_questions(path: Path) -> list[Question]:
    """Read a question set, in the order of the file; blank lines are skipped.

    Raises QuestionFileError, naming file and line, when the file cannot be read or holds no question, or a line is not
    UTF-8, not JSON, not a question, or repeats an id.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise QuestionFileError(f"{path}: cannot be read: {error.strerror}") from error
    questions: list[Question] = []
    lines: dict[str, int] = {}
    # Bytes are split, as JSON texts may hold the other characters that str.splitlines() takes for line ends.
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(), 1):
        if not line.strip():
            continue
        question = _parse(line, f"{path}:{number}")
        if question.id in lines:
            raise QuestionFileError(f"{path}:{number}: id {question.id!r} is taken by line {lines[question.id]}")
        lines[question.id] = number
        questions.append(question)
    if not questions:
        raise QuestionFileError(f"{path}:1: there is no question in this file")
    return questions


def _parse(line: bytes, place: str) -> Question:
    try:
        return Question.model_validate_json(line.decode())
    except UnicodeDecodeError as error:
        raise QuestionFileError(f"{place}: not UTF-8 (byte {error.start + 1} of the line)") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            # The parser saw one line only, so the line number that it gives is not that of the file.
            raise QuestionFileError(f"{place}: {first['msg'].replace(' line 1', '')}") from error
        key = f"{first['loc'][0]}: " if first["loc"] else ""
        raise QuestionFileError(f"{place}: {key}{first['msg']}") from error


def evaluate(judgements: Sequence[Judgement]) -> Report:
    """Return the figures of ``judgements``; the order does not matter, and there may be none."""
    kinds: defaultdict[Kind, list[Judgement]] = defaultdict(list)
    langs: defaultdict[Language, list[Judgement]] = defaultdict(list)
    for each in judgements:
        kinds[each.question.kind].append(each)
        langs[each.question.lang].append(each)
    curve = _risk_coverage(judgements)
    answerable = [each.confidence for each in judgements if each.question.answerable]
    out_of_scope = [each.confidence for each in judgements if not each.question.gold]
    return Report(
        overall=_summarise(judgements),
        by_kind={kind: _summarise(kinds[kind]) for kind in _KINDS if kind in kinds},
        by_lang={lang: _summarise(langs[lang]) for lang in _LANGUAGES if lang in langs},
        auroc=_auroc(answerable, out_of_scope),
        curve=curve,
        aurc=_area(curve),
        coverage_at_precision={precision: _coverage_at(float(precision), curve) for precision in _PRECISIONS},
    )


def _summarise(judgements: Sequence[Judgement]) -> Group:
    answerable = [each for each in judgements if each.question.answerable]
    ambiguous = [each for each in judgements if each.question.ambiguous]
    out_of_scope = [each for each in judgements if not each.question.gold]
    return Group(
        n=len(judgements),
        wrong_answers=_mean(not each.refused and not each.right for each in judgements),
        answerable=len(answerable),
        hit_at_1=_mean(each.right for each in answerable),
        recall_at_3=_mean(each.hit_within(3) for each in answerable),
        mrr=_mean(each.reciprocal_rank for each in answerable),
        false_refusals=_mean(each.refused for each in answerable),
        needless_choices=_mean(each.choices for each in answerable),
        ambiguous=len(ambiguous),
        all_in_top_5=_mean(set(each.question.gold) <= set(each.ranked[:5]) for each in ambiguous),
        ambiguous_choices=_mean(each.choices for each in ambiguous),
        ambiguous_refused=_mean(each.refused for each in ambiguous),
        out_of_scope=len(out_of_scope),
        out_of_scope_refused=_mean(each.refused for each in out_of_scope),
    )


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


def _auroc(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Return the area under the ROC curve: the Mann-Whitney U statistic over the number of pairs, a tie counting half.

    Hanley and McNeil, Radiology 143 (1982), 29-36.
    """
    if not positives or not negatives:
        return None
    ordered = sorted(negatives)
    twice_below = sum(bisect_left(ordered, each) + bisect_right(ordered, each) for each in positives)
    return twice_below / (2 * len(positives) * len(negatives))


def _risk_coverage(judgements: Sequence[Judgement]) -> tuple[Point, ...]:
    """Return one point for each different confidence: no threshold can part questions that share one."""
    ordered = sorted(judgements, key=lambda each: -each.confidence)
    points: list[Point] = []
    answered = wrong = 0
    for confidence, tied in groupby(ordered, key=lambda each: each.confidence):
        outcomes = [each.right for each in tied]
        answered += len(outcomes)
        wrong += outcomes.count(False)
        points.append(Point(confidence=confidence, coverage=answered / len(ordered), risk=wrong / answered))
    return tuple(points)


def _area(curve: Sequence[Point]) -> float | None:
    """Return AURC, the mean over all questions of the risk at their confidence, so a step function's area.

    Geifman, Uziel and El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers", ICLR 2019,
    arXiv 1805.08206.
    """
    if not curve:
        return None
    before = [0.0, *(point.coverage for point in curve)]
    return sum((point.coverage - left) * point.risk for point, left in zip(curve, before, strict=False))


def _coverage_at(precision: float, curve: Sequence[Point]) -> float | None:
    """Return the largest coverage with this precision; 0 when no threshold reaches it, None without questions."""
    if not curve:
        return None
    # Risk is not monotone: a lower threshold can be the more precise one again.
    return max((point.coverage for point in curve if 1 - point.risk >= precision), default=0.0)
