"""``acknet eval``: how well a question set is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.console import UsageFailure, console, is_interactive, print_line
from bot.cli.progress import BUILDING, progress_on_stderr
from bot.cli.settings import ConfigFlag, load_or_fail

if TYPE_CHECKING:
    from bot.engine import Engine
    from bot.settings import Settings
    from index.evaluate import Group, Judgement, Question, Report

__all__ = ["evaluate"]

_HEADER = ("", "questions", "hit@1", "recall@3", "MRR", "false refusals", "needless choices")


def evaluate(
    file: Annotated[Path, typer.Argument(metavar="FILE.jsonl", help="The question set, a JSON object a line.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    plot: Annotated[
        Path | None, typer.Option(metavar="PNG", help="Draw risk against coverage, and hit@1 by kind, into this file.")
    ] = None,
    llm: Annotated[
        bool, typer.Option("--llm", help="Let the model of the settings help, and show the figures without it, too.")
    ] = False,
    config: ConfigFlag = None,
) -> None:
    """Ask a set of questions and print how well entries are found.

    A line is {"id", "query": text or list of turns, "lang": "en"|"zh", "kind", "gold": [entry id], "ambiguous"}; no
    gold means that the FAQ does not answer it. Figures count the questions that one entry answers, unless they say
    otherwise.
    """
    settings = load_or_fail(config=config)
    if llm and settings.llm_url is None:
        raise UsageFailure("--llm asks the model that ACKNET_LLM_URL names; it is not set")
    alone = settings.model_copy(update={"llm_url": None})
    from index.evaluate import QuestionFileError, read_questions
    from index.evaluate import evaluate as count
    from index.plot import PlotError, plot_report

    try:
        questions = read_questions(file)
    except QuestionFileError as error:
        raise UsageFailure(str(error)) from error
    without = count(_judge(alone, questions, file)) if llm else None
    report = count(_judge(settings if llm else alone, questions, file))
    if as_json:
        print_line(_json(report, without))
    else:
        if without:
            print_line("Without the model\n")
            _print_report(without)
            print_line("\nWith it\n")
        _print_report(report)
    if plot is not None:
        try:
            plot_report(report, plot)
        except PlotError as error:
            raise UsageFailure(f"--plot: {error}") from error


def _judge(settings: Settings, questions: Sequence[Question], file: Path) -> list[Judgement]:
    from bot.engine import EngineError, open_engine

    with progress_on_stderr(BUILDING) as progress:
        try:
            engine = open_engine(settings, progress)
        except EngineError as error:
            raise UsageFailure(str(error)) from error
    for question in questions:
        if unknown := [entry for entry in question.gold if entry not in engine.corpus]:
            raise UsageFailure(f"{file}: question {question.id!r}: the corpus has no entry {unknown[0]!r}")
    with progress_on_stderr() as progress:
        return list(_judgements(engine, questions, progress))


def _judgements(
    engine: Engine, questions: Sequence[Question], progress: Callable[[str, float], None]
) -> Iterator[Judgement]:
    from index.evaluate import Judgement

    for done, question in enumerate(questions):
        progress("asking", done / len(questions))
        ranking = engine.rank(question.turns)
        yield Judgement(
            question=question,
            ranked=tuple(ranked.entry for ranked in ranking.entries),
            confidence=ranking.confidence,
            refused=ranking.outcome == "no_answer",
            choices=ranking.outcome == "choices",
        )


def _json(report: Report, without: Report | None) -> str:
    if without is None:
        return report.model_dump_json(indent=2)
    both = {"without_model": without.model_dump(mode="json"), "with_model": report.model_dump(mode="json")}
    return json.dumps(both, indent=2)


def _print_report(report: Report) -> None:
    overall = report.overall
    _print_tables([[*report.by_kind.items()], [*report.by_lang.items()], [("all", overall)]])
    print_line("")
    if overall.ambiguous:
        print_line(
            f"ambiguous ({overall.ambiguous}): all their entries in the top five {_percent(overall.all_in_top_5)}, "
            f"offered as choices {_percent(overall.ambiguous_choices)}, refused {_percent(overall.ambiguous_refused)}"
        )
    if overall.out_of_scope:
        print_line(f"out of scope ({overall.out_of_scope}): refused {_percent(overall.out_of_scope_refused)}")
    print_line(f"wrong answers among all {overall.n}: {_percent(overall.wrong_answers)}")
    print_line(f"confidence: AUROC {_number(report.auroc)}, area under the risk-coverage curve {_number(report.aurc)}")
    for precision, coverage in report.coverage_at_precision.items():
        print_line(f"  {float(precision):.0%} of the answers are right when {_percent(coverage)} are answered")


def _print_tables(tables: Sequence[Sequence[tuple[str, Group]]]) -> None:
    """Print the figures of each table's groups under one header, with a blank line between the tables."""
    rows = [[_row(name, group) for name, group in table] for table in tables]
    widths = [max(map(len, column)) for column in zip(_HEADER, *chain(*rows), strict=True)]
    header = _aligned(_HEADER, widths)
    if is_interactive():
        from rich.text import Text

        console().print(Text(header, "bold"), soft_wrap=True)
    else:
        print_line(header)
    for number, table in enumerate(rows):
        if number:
            print_line("")
        for row in table:
            print_line(_aligned(row, widths))


def _aligned(row: Sequence[str], widths: Sequence[int]) -> str:
    (name, *cells), (first, *others) = row, widths
    return "  ".join([name.ljust(first), *(cell.rjust(width) for cell, width in zip(cells, others, strict=True))])


def _row(name: str, group: Group) -> tuple[str, ...]:
    return (
        name,
        str(group.n),
        _percent(group.hit_at_1),
        _percent(group.recall_at_3),
        _number(group.mrr),
        _percent(group.false_refusals),
        _percent(group.needless_choices),
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
