"""How long an open engine takes to answer, beside its encoder alone and beside other ways to search the same texts.

``python -m bench.warm``: takes some minutes, most of them for embedding the texts with the compared systems.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.environment import ensure_index
from bench.material import indexed_texts, model_directory
from bench.questions import questions
from bench.report import Report, milliseconds, parser, percentile, run
from bench.subjects import ASK, ENCODE, open_acknet, open_system
from bench.systems import SYSTEMS
from bench.worker import Times, Worker

__all__ = ["measure"]

_TARGET = 1.15


def measure(arguments: argparse.Namespace) -> Report:
    """Let every system answer all questions, in turns, as many rounds as asked for."""
    asked = questions(24 if arguments.quick else arguments.questions)
    rounds = 3 if arguments.quick else arguments.rounds
    ensure_index()
    times = _times(asked, rounds, quick=arguments.quick, alone=arguments.alone)
    ask, encode = times[ASK], times[ENCODE]
    by_question = [median(ask[at :: len(asked)]) / median(encode[at :: len(asked)]) for at in range(len(asked))]
    third = len(asked) // 3
    thirds = [by_question[:third], by_question[third:-third], by_question[-third:]]
    ratio = percentile(ask, 50) / percentile(encode, 50)
    figures: dict[str, object] = {
        "questions": len(asked),
        "rounds": rounds,
        "seconds": {name: {"p50": percentile(all_, 50), "p95": percentile(all_, 95)} for name, all_ in times.items()},
        "ask_by_encoder_p50": ratio,
        "ask_by_encoder_median_of_questions": median(by_question),
        "ask_by_encoder_short_middle_long": [median(part) for part in thirds],
        "by_ask": {
            name: {f"p{percent}": percentile(all_, percent) / percentile(ask, percent) for percent in (50, 95)}
            for name, all_ in times.items()
        },
    }
    return Report(
        "Warm: one question after the other",
        ("", "p50 ms", "p95 ms", "p50 by ask's", "p95 by ask's"),
        tuple(_row(name, all_, ask) for name, all_ in times.items()),
        (
            f"ask takes {ratio:.3f} times its encoder pass (p50 by p50; target: at most {_TARGET}); question by "
            f"question the median is {median(by_question):.3f}, for the short, middle and long third "
            + ", ".join(f"{median(part):.3f}" for part in thirds)
            + ".",
            "ask normalises, encodes, searches, ranks, decides and composes the cited answer; the others encode and "
            "return ten texts, so that what they leave out costs them nothing.",
            f"{len(asked)} questions, {rounds} rounds after one that does not count; the systems take turns.",
        ),
        figures,
    )


def _times(asked: list[str], rounds: int, *, quick: bool, alone: bool) -> Times:
    """Return seconds of all rounds, question after question within a round."""
    texts, model = indexed_texts(quick=quick), model_directory()
    times: Times = {}
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as open_workers:
        workers = [open_workers.enter_context(Worker(open_acknet, asked))]
        for number, name in enumerate(() if alone else SYSTEMS):
            print(f"{name}: embedding {len(texts)} texts", file=sys.stderr)
            home = Path(scratch) / str(number)
            home.mkdir()
            workers.append(open_workers.enter_context(Worker(open_system, name, asked, texts, model, home)))
        for turn in range(rounds + 1):
            first = turn % len(workers)
            for worker in workers[first:] + workers[:first]:
                for name, seconds in worker.round().items():
                    if turn:
                        times.setdefault(name, []).extend(seconds)
    order = [ASK, ENCODE, *SYSTEMS]
    return {name: times[name] for name in order if name in times}


def _row(name: str, times: list[float], ask: list[float]) -> tuple[str, ...]:
    p50, p95 = percentile(times, 50), percentile(times, 95)
    return (
        name,
        milliseconds(p50),
        milliseconds(p95),
        f"{p50 / percentile(ask, 50):.2f}",
        f"{p95 / percentile(ask, 95):.2f}",
    )


if __name__ == "__main__":
    command = parser("warm", "Time acknet ask with an open engine, its encoder alone, and other systems.")
    command.add_argument("--questions", type=int, default=120, help="how many questions (default: 120)")
    command.add_argument("--rounds", type=int, default=20, help="how often each is asked (default: 20)")
    command.add_argument("--alone", action="store_true", help="acknet and its encoder only")
    run("warm", command.parse_args(), measure)
