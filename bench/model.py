"""What the help of a language model costs an answer: nothing when it is off, and what a useless model adds when on.

``python -m bench.model``. The server is the tests' double on loopback, which answers at once with nothing of use.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from statistics import median

from bench.environment import BenchError, ensure_index
from bench.questions import questions
from bench.report import Report, milliseconds, parser, percentile, run
from bot.answer import Answer
from bot.compose import Composer
from bot.engine import open_engine
from bot.settings import load_settings

__all__ = ["measure"]

_BARE, _OFF, _ON = "ranked and composed, no model path", "ask, no model set", "ask, a model that says nothing of use"


def measure(arguments: argparse.Namespace) -> Report:
    """Ask every question in each way, the ways taking turns question by question; CPU time of the thread that asks."""
    asked = questions(24 if arguments.quick else arguments.questions)
    rounds = 2 if arguments.quick else arguments.rounds
    ensure_index()
    # One thread for the encoder as well, so that the thread's own time is all of it.
    settings = load_settings().model_copy(update={"llm_url": None, "encoder_threads": 1})
    engine = open_engine(settings)
    if "bot.llm.help" in sys.modules:
        raise BenchError("what a model needs is loaded although none is set")
    retriever = engine._retriever  # noqa: SLF001 (the same index without the engine around it)
    composer = Composer(retriever.corpus)

    logging.getLogger("acknet.llm").setLevel(logging.ERROR)  # it would tell of each call
    from bot.engine import Engine
    from bot.llm.help import open_help
    from tests.doubles.openai_server import Reply, model_server

    with model_server(Reply("noise")) as server:
        helped = Engine(retriever, open_help(settings.model_copy(update={"llm_url": server.url})))
        ways: dict[str, Callable[[list[str]], Answer]] = {
            _BARE: lambda turns: composer.compose(turns, retriever.rank(turns)),
            _OFF: engine.ask,
            _ON: helped.ask,
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for turn in range(rounds + 1):
            for number, question in enumerate(asked):
                names = list(ways)
                first = (turn + number) % len(names)
                for name in names[first:] + names[:first]:
                    start = time.thread_time()
                    ways[name]([question])
                    if turn:
                        times[name].append(time.thread_time() - start)
    bare = percentile(times[_BARE], 50)
    pairs = [off / without for off, without in zip(times[_OFF], times[_BARE], strict=True)]
    return Report(
        "Model: what its help costs an answer",
        ("", "p50 ms of CPU", "p95 ms of CPU", "p50 by the first"),
        tuple(
            (
                name,
                milliseconds(percentile(all_, 50)),
                milliseconds(percentile(all_, 95)),
                f"{percentile(all_, 50) / bare:.3f}",
            )
            for name, all_ in times.items()
        ),
        (
            f"Off, an answer takes {median(pairs):.3f} times what it takes without the model path (median of the "
            "questions), and nothing of bot/llm is loaded.",
            "On, the wait for the model comes on top: at most ACKNET_LLM_TIMEOUT for each answer.",
            f"{len(asked)} questions, {rounds} rounds after one that does not count; CPU time of the thread that asks.",
        ),
        {
            "questions": len(asked),
            "rounds": rounds,
            "cpu_seconds": {
                name: {"p50": percentile(all_, 50), "p95": percentile(all_, 95)} for name, all_ in times.items()
            },
            "off_by_bare_median_of_questions": median(pairs),
        },
    )


if __name__ == "__main__":
    command = parser("model", "Time answers without the model path, with it off, and with a useless model.")
    command.add_argument("--questions", type=int, default=120, help="how many questions (default: 120)")
    command.add_argument("--rounds", type=int, default=5, help="how often each is asked (default: 5)")
    run("model", command.parse_args(), measure)
